import type { Codec, Decoder } from '../../codec/codec.js'
import { installedCodecs } from '../../codec/installed.js'
import { Resampler, ResamplerFilter } from '../../codec/resampler.js'
import { distance32 } from '../../core/serial.js'
import type { FrameRecord } from '../shared/frame-ring.js'
import type { TrackFile } from './track-file.js'

/** A frame whose RTP time and arrival lie further apart than this (ms) begins a new run: another source, or a clock that has drifted. */
const LARGEST_DRIFT_MS = 400
/** Samples of the longest frame: 120 ms at 48 kHz. */
const LONGEST = 5760

/**
 * Where the frames of one track lie in the file: the first at its arrival, each further one as far from it as their RTP timestamps are
 * apart. So neither loss nor jitter nor reordering moves any sound. A codec of another rate is brought to the file's.
 */
export class TrackPlacer {
  readonly #pcm = new Int16Array(LONGEST)
  readonly #resampled = new Int16Array(LONGEST)
  #codec = NaN
  #decoder: Decoder | undefined
  #clockRate = 8000
  #rate = 8000
  #resampler: Resampler | undefined
  #anchored = false
  #anchorTimestamp = 0
  #anchorPosition = 0

  constructor(readonly file: TrackFile, readonly channel: number) {}

  /** @param arrival milliseconds from the recording's begin. */
  place(record: FrameRecord, bytes: Uint8Array, arrival: number): void {
    const samples = this.#hear(record, bytes)
    this.file.add(this.channel, this.#position(record.timestamp, arrival), this.#resampler === undefined ? this.#pcm : this.#resampled, samples)
  }

  /** Has the decoder hear what came before the next frame. A record without payload: it begins anew. */
  adapt(record: FrameRecord, bytes: Uint8Array): void {
    if (record.start === record.end) this.#recode(record)
    else this.#hear(record, bytes)
  }

  /** @returns samples at the file's rate. */
  #hear(record: FrameRecord, bytes: Uint8Array): number {
    if (record.codec !== this.#codec || (record.codec < 0 && record.rate !== this.#rate)) this.#recode(record)
    const samples = this.#decode(record, bytes)
    return this.#resampler === undefined ? samples : this.#resampler.process(this.#pcm.subarray(0, samples), this.#resampled)
  }

  #position(timestamp: number, arrival: number): number {
    const { rate } = this.file
    const arrived = Math.max(0, Math.round((arrival * rate) / 1000))
    if (this.#anchored) {
      const position = this.#anchorPosition + Math.round((distance32(this.#anchorTimestamp, timestamp) * rate) / this.#clockRate)
      if (Math.abs(position - arrived) <= (LARGEST_DRIFT_MS * rate) / 1000) return position
    }
    this.#anchored = true
    this.#anchorTimestamp = timestamp
    this.#anchorPosition = arrived
    return arrived
  }

  #recode(record: FrameRecord): void {
    const codec: Codec | undefined = installedCodecs[record.codec]
    this.#codec = record.codec
    this.#decoder = codec?.createDecoder()
    const clockRate = codec?.clockRate ?? record.rate
    // A codec of the same clock goes on in the same timeline: its frames need not lie where a jittery network has them arrive.
    if (clockRate !== this.#clockRate) this.#anchored = false
    this.#clockRate = clockRate
    this.#rate = codec?.sampleRate ?? record.rate
    this.#resampler = this.#rate === this.file.rate ? undefined : new Resampler(new ResamplerFilter(this.#rate, this.file.rate), LONGEST)
  }

  /** @returns samples in `#pcm`. */
  #decode(record: FrameRecord, bytes: Uint8Array): number {
    const length = record.end - record.start
    if (this.#decoder !== undefined) return length > LONGEST / 2 ? 0 : this.#decoder.decode(bytes, record.start, length, this.#pcm)
    if (record.codec >= 0) return 0
    const samples = Math.min(LONGEST, length >> 1)
    for (let at = 0, from = record.start; at < samples; at++, from += 2) this.#pcm[at] = bytes[from]! | (bytes[from + 1]! << 8)
    return samples
  }
}
