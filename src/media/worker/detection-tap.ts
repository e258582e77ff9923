import { AnswerClassifier } from '../../codec/answer-classifier.js'
import { BeepDetector } from '../../codec/beep-detector.js'
import type { Codec } from '../../codec/codec.js'
import { DtmfDetector, type DtmfSink } from '../../codec/dtmf-detector.js'
import type { Resampler } from '../../codec/resampler.js'
import { LineListener } from '../../codec/tone-detector.js'
import type { DtmfKey } from '../../codec/tones.js'
import type { RtpHeader } from '../../rtp/packet.js'
import type { Detected, Detection } from '../leg.js'
import type { AudioSink } from './receiver.js'
import type { ResamplerFilters } from './resampler-filters.js'

/** All that is looked for lies in the telephone band. */
const RATE = 8000
const FRAME = 160
/** Samples of the longest frame: 120 ms at 48 kHz. */
const LONGEST = 5760
/** A hole up to so long (ms) is loss, and sounds like what was before it: a key held down goes on. Longer ones are pauses. */
const LOSS_MS = 60
/** A pause counts for at most so long (ms): the longest silence of any cadence, and some. */
const LONGEST_PAUSE_MS = 8000

/** Who is told of what was heard. */
export interface DetectionSink extends DtmfSink {
  detected(what: Detected): void
}

/** Listens to what a peer sends for keys, line signals, beeps, and who answered. */
export class DetectionTap implements AudioSink, DtmfSink {
  readonly #digits: DtmfDetector | undefined
  readonly #line: LineListener | undefined
  readonly #answerer: AnswerClassifier | undefined
  readonly #beep: BeepDetector | undefined
  readonly #coded = new Int16Array(LONGEST)
  readonly #frame = new Int16Array(FRAME)
  #filled = 0
  #codec: Codec | undefined
  #decoder: ReturnType<Codec['createDecoder']> | undefined
  #resampler: Resampler | undefined
  #narrow = new Int16Array(0)
  #source = 0
  /** RTP timestamp that follows what was heard. */
  #next = 0
  #sendsEvents = false

  constructor(detection: Detection, readonly filters: ResamplerFilters, readonly sink: DetectionSink) {
    this.#digits = detection.digits === true ? new DtmfDetector(RATE, this) : undefined
    this.#line = detection.line === undefined ? undefined : new LineListener(detection.line, RATE)
    this.#answerer = detection.answerer === true ? new AnswerClassifier(RATE) : undefined
    this.#beep = detection.beep === true ? new BeepDetector(RATE) : undefined
  }

  audio(packet: Buffer, header: RtpHeader, codec: Codec, source: number): void {
    const length = header.payloadEnd - header.payloadStart
    // No codec makes more than two samples of a byte but G.726, whose frames are short as well.
    if (length > LONGEST / 4) return
    if (codec !== this.#codec) this.#follow(codec)
    const ahead = source === this.#source ? (header.timestamp - this.#next) | 0 : 0
    // What comes late has been made good for already.
    if (ahead < 0 && ahead > -codec.clockRate) return
    const samples = this.#decoder!.decode(packet, header.payloadStart, length, this.#coded)
    const units = Math.round((samples * codec.clockRate) / codec.sampleRate)
    if (ahead > 0) this.#fill((1000 * ahead) / codec.clockRate, (1000 * units) / codec.clockRate)
    this.#source = source
    this.#next = (header.timestamp + units) | 0
    this.#hear(samples)
  }

  event(): void {
    // Some peers send a key's tone and its event: the event alone counts.
    this.#sendsEvents = true
  }

  pressed(key: DtmfKey): void {
    if (!this.#sendsEvents) this.sink.pressed(key)
  }

  released(key: DtmfKey, duration: number): void {
    if (!this.#sendsEvents) this.sink.released(key, duration)
  }

  #follow(codec: Codec): void {
    this.#codec = codec
    this.#decoder = codec.createDecoder()
    this.#resampler = codec.sampleRate === RATE ? undefined : this.filters.resampler(codec.sampleRate, RATE, LONGEST)
    this.#narrow = new Int16Array(this.#resampler?.outputSamples(LONGEST) ?? 0)
    this.#source = 0
  }

  /** A hole of `ms` before a packet of `packetMs`: the packet stands in for lost ones, silence for a pause. */
  #fill(ms: number, packetMs: number): void {
    if (ms <= LOSS_MS && packetMs > 0) {
      const samples = (packetMs * this.#codec!.sampleRate) / 1000
      for (let filled = 0; filled < ms; filled += packetMs) this.#hear(samples)
      return
    }
    const silent = Math.min(ms, LONGEST_PAUSE_MS) * (RATE / 1000)
    for (let at = 0; at < silent; at++) this.#add(0)
  }

  #hear(samples: number): void {
    const pcm = this.#coded.subarray(0, samples)
    if (this.#resampler === undefined) {
      for (let at = 0; at < samples; at++) this.#add(pcm[at]!)
      return
    }
    const count = this.#resampler.process(pcm, this.#narrow)
    for (let at = 0; at < count; at++) this.#add(this.#narrow[at]!)
  }

  #add(sample: number): void {
    this.#frame[this.#filled++] = sample
    if (this.#filled < FRAME) return
    this.#filled = 0
    this.#judge()
  }

  #judge(): void {
    this.#digits?.hear(this.#frame)
    const signal = this.#line?.hear(this.#frame)
    if (signal !== undefined) this.sink.detected({ type: 'line', signal })
    const verdict = this.#answerer?.hear(this.#frame)
    if (verdict !== undefined) this.sink.detected({ type: 'answerer', is: verdict.type, confidence: verdict.confidence, after: verdict.after })
    const beep = this.#beep?.hear(this.#frame)
    if (beep !== undefined) this.sink.detected({ type: 'beep', frequency: beep.frequency, confidence: beep.confidence })
  }
}
