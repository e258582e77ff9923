import { distance32 } from '../core/serial.js'

/**
 * Keys as RTP events (RFC 4733 §2.3), both directions as state machines without a clock of their own:
 *
 *     |     event     |E|R| volume    |          duration             |
 */

/** Bytes of an event's payload. */
export const EVENT_BYTES = 4

/** Largest duration that one timestamp can have. */
const LONGEST = 0xffff
/** The last packets of a segment may be lost: half a second's worth at 8 kHz. */
const SEGMENT_SLACK = 4000

const KEYS = '0123456789*#ABCD'

/** The key of event code `code` (0-15), undefined for tones and signals. */
export const keyOfEvent = (code: number): string | undefined => KEYS[code]

/** Event code of `key`, -1 when it is none. */
export const eventOfKey = (key: string): number => (key.length === 1 ? KEYS.indexOf(key) : -1)

/** Told of keys; `duration` in timestamp units. */
export interface KeySink {
  /** The first packet of a press. */
  pressed(code: number): void
  /** The press is over: told once for each press. */
  released(code: number, duration: number): void
}

/**
 * Presses from packets. One press is one RTP timestamp (§2.3, §2.5.1.3): repeated and redundant packets of it are one event, a lost
 * end is made good by the next press or by `expire`. A press longer than 0xFFFF units goes on under a new timestamp that continues
 * the old one (§2.5.1.3) and stays one press.
 */
export class EventReceiver {
  #open = false
  #any = false
  #code = 0
  #timestamp = 0
  #duration = 0
  /** Units of the segments before the current one. */
  #before = 0
  #seenAt = 0

  constructor(readonly sink: KeySink) {}

  /** True while a key is down. */
  get pressed(): boolean {
    return this.#open
  }

  /**
   * Takes one packet.
   * @param now ms, the scale of `expire`.
   * @returns false when the payload is no event.
   */
  receive(payload: Uint8Array, start: number, end: number, timestamp: number, now: number): boolean {
    if (end - start < EVENT_BYTES) return false
    const code = payload[start]!
    const ended = (payload[start + 1]! & 0x80) !== 0
    const duration = (payload[start + 2]! << 8) | payload[start + 3]!
    if (code >= KEYS.length) return true
    if (this.#any && timestamp === this.#timestamp) {
      if (this.#open && code === this.#code) this.#update(duration, ended, now)
      return true
    }
    // An old press that comes late, after a newer one: it was told already or its end was made good.
    if (this.#any && distance32(this.#timestamp, timestamp) < 0 && distance32(this.#timestamp, timestamp) > -0x1_0000) return true
    if (!this.#goesOn(code, timestamp)) {
      this.#release()
      this.#begin(code, timestamp)
    }
    this.#update(duration, ended, now)
    return true
  }

  /** Whether a new timestamp is the next segment of a press that has outgrown its duration field. */
  #goesOn(code: number, timestamp: number): boolean {
    if (!this.#open || code !== this.#code || this.#duration < LONGEST - SEGMENT_SLACK) return false
    const length = distance32(this.#timestamp, timestamp)
    if (length < this.#duration || length > LONGEST + SEGMENT_SLACK) return false
    this.#before += length
    this.#timestamp = timestamp
    this.#duration = 0
    return true
  }

  /** Ends a press of which nothing has come for `silence` ms: its end packets were lost. */
  expire(now: number, silence: number): void {
    if (this.#open && now - this.#seenAt >= silence) this.#release()
  }

  #begin(code: number, timestamp: number): void {
    this.#any = true
    this.#open = true
    this.#code = code
    this.#timestamp = timestamp
    this.#duration = 0
    this.#before = 0
    this.sink.pressed(code)
  }

  #update(duration: number, ended: boolean, now: number): void {
    // Reordered packets of one press do not shorten it.
    if (duration > this.#duration) this.#duration = duration
    this.#seenAt = now
    if (ended) this.#release()
  }

  #release(): void {
    if (!this.#open) return
    this.#open = false
    this.sink.released(this.#code, this.#before + this.#duration)
  }
}

/** Times that the end of an event is sent (§2.5.1.4). */
const ENDS = 3
/** Volume of the keys sent: -10 dBm0. */
const VOLUME = 10

/**
 * One press as packets: ask it at each packet time until it is done. The first packet has the marker; all of a segment carry the
 * timestamp of its begin; the last is sent three times.
 */
export class EventSender {
  #code = 0
  #total = 0
  #elapsed = 0
  #ends = ENDS
  #segment = 0
  /** RTP timestamp of the packet just written, relative to the press's begin. */
  offset = 0
  /** Marker bit of the packet just written. */
  marker = false

  /** Starts a press of `duration` timestamp units, or goes on with one of which `elapsed` have been sent. */
  begin(code: number, duration: number, elapsed = 0): void {
    this.#code = code
    this.#total = Math.max(1, duration)
    this.#elapsed = Math.min(elapsed, this.#total)
    this.#segment = this.offset = LONGEST * Math.max(0, Math.ceil(this.#elapsed / LONGEST) - 1)
    this.#ends = 0
  }

  /** True when all ends are out. */
  get done(): boolean {
    return this.#ends === ENDS
  }

  /** Units of time that the press has lasted. */
  get elapsed(): number {
    return this.#elapsed
  }

  /** Writes the next packet's payload at `offset`; `step` is a packet time in timestamp units. */
  write(out: Uint8Array, at: number, step: number): void {
    this.marker = this.#elapsed === 0
    if (this.#elapsed < this.#total) this.#elapsed = Math.min(this.#total, this.#elapsed + step)
    if (this.#elapsed - this.#segment > LONGEST) this.#segment += LONGEST
    const ended = this.#elapsed === this.#total
    if (ended) this.#ends++
    const duration = this.#elapsed - this.#segment
    this.offset = this.#segment
    out[at] = this.#code
    out[at + 1] = (ended ? 0x80 : 0) | VOLUME
    out[at + 2] = duration >>> 8
    out[at + 3] = duration
  }
}
