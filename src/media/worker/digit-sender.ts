import type { Codec, Encoder } from '../../codec/codec.js'
import { dtmfTone, ToneGenerator } from '../../codec/tones.js'
import { EVENT_BYTES, EventSender, eventOfKey } from '../../rtp/telephone-event.js'
import type { CordboardError } from '../../core/errors.js'
import type { Digit } from '../leg.js'
import type { DigitProgress } from '../shared/digit-progress.js'
import type { Sender } from './sender.js'
import { type Producer, TICK_MS } from './ticker.js'

export interface DigitSenderOptions {
  readonly digits: readonly Digit[]
  /** Milliseconds of a press, and between two. */
  readonly duration: number
  readonly gap: number
  /** Where it begins; kept up to date. */
  readonly progress: DigitProgress
  /** Called once: after the gap of the last digit, or by `cut` before that, or with what makes it impossible. */
  readonly finished: (cut: boolean, error?: CordboardError) => void
}

/** Sends digits one after the other: as telephone events where those were agreed, as tones where not. */
export class DigitSender implements Producer {
  readonly #events = new EventSender()
  readonly #payload = new Uint8Array(EVENT_BYTES)
  readonly #encoder: Encoder
  readonly #pcm: Int16Array
  readonly #coded: Uint8Array
  #tone: ToneGenerator | undefined
  #timestamp = 0
  #pressing = false
  #left = 0

  constructor(readonly sender: Sender, readonly codec: Codec, readonly options: DigitSenderOptions) {
    this.#encoder = codec.createEncoder()
    this.#pcm = new Int16Array((codec.sampleRate * TICK_MS) / 1000)
    this.#coded = new Uint8Array(codec.payloadBytes(this.#pcm.length) ?? 4 * this.#pcm.length)
    if (options.progress.begun > 0) this.#resume()
  }

  /** The leg leaves the worker. */
  cut(): void {
    this.options.finished(true)
  }

  failed(error: CordboardError): void {
    this.options.finished(false, error)
  }

  /** Goes on where another worker was. */
  #resume(): void {
    const { digits, duration, gap, progress: { begun, elapsed, timestamp } } = this.options
    // How much of the pause the peer has had is not known.
    this.#left = gap
    // More packets under an event's timestamp are the same press (RFC 4733 §2.3), more of a tone would be another one: that stays cut.
    if (elapsed === 0 || !this.sender.sendsEvents) return
    this.#events.begin(eventOfKey(digits[begun - 1]!), Math.round(duration * this.sender.unitsPerMs), elapsed)
    // To what has been sent since, it would be late.
    if ((timestamp + this.#events.offset) >>> 0 !== this.sender.timestamp) return
    this.#pressing = true
    this.#timestamp = timestamp
  }

  tick(at: number): void {
    if (this.sender.early(at)) return
    if (!this.#pressing && this.#left <= 0 && !this.#press(at)) {
      this.sender.markNext()
      this.options.finished(false)
      return
    }
    if (!this.#pressing) {
      this.#left -= TICK_MS
      return
    }
    if (this.sender.sendsEvents) this.#event(at)
    else this.#inBand(at)
  }

  #press(at: number): boolean {
    const { digits, progress } = this.options
    const digit = digits[progress.begun]
    if (digit === undefined || progress.stopped) return false
    // Said before the first packet: what may have been heard is not pressed again.
    progress.begin()
    this.#pressing = true
    this.#left = this.options.duration
    this.#timestamp = this.sender.timestampFor(at)
    this.#events.begin(eventOfKey(digit), Math.round(this.options.duration * this.sender.unitsPerMs))
    this.#tone = this.sender.sendsEvents ? undefined : new ToneGenerator(dtmfTone(digit), this.codec.sampleRate)
    return true
  }

  #event(at: number): void {
    do {
      this.#events.write(this.#payload, 0, TICK_MS * this.sender.unitsPerMs)
      this.options.progress.event(this.#timestamp, this.#events.elapsed)
      this.sender.event(this.#payload, this.#events.marker, (this.#timestamp + this.#events.offset) >>> 0, at)
      // The three ends leave at once: nothing of a press may take longer than the press.
    } while (this.#payload[1]! > 127 && !this.#events.done)
    if (this.#events.done) this.#release()
  }

  #inBand(at: number): void {
    this.#tone?.read(this.#pcm)
    const bytes = this.#encoder.encode(this.#pcm, this.#coded, 0)
    this.sender.frame(this.#coded, 0, bytes, TICK_MS * this.sender.unitsPerMs, at)
    this.#left -= TICK_MS
    if (this.#left <= 0) this.#release()
  }

  #release(): void {
    this.options.progress.end()
    this.#pressing = false
    this.#left = this.options.gap
  }
}
