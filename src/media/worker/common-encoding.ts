import type { Codec, Encoder } from '../../codec/codec.js'
import type { Resampler } from '../../codec/resampler.js'
import type { ResamplerFilters } from './resampler-filters.js'
import { TICK_MS } from './ticker.js'

/** What those hear who hear the whole sum of a room of another rate than their codec's: made once for all of them. */
export class CommonEncoding {
  readonly #resampler: Resampler
  readonly #resampled: Int16Array
  readonly #encoder: Encoder
  readonly #payload: Uint8Array
  readonly #samples: number
  #tick = NaN

  /** @param codec one without state. @param rate of the room in Hz. */
  constructor(codec: Codec, rate: number, filters: ResamplerFilters) {
    const samples = (rate * TICK_MS) / 1000
    this.#samples = (codec.sampleRate * TICK_MS) / 1000
    this.#resampler = filters.resampler(rate, codec.sampleRate, samples)
    this.#resampled = new Int16Array(this.#samples + 2)
    this.#encoder = codec.createEncoder()
    this.#payload = new Uint8Array(codec.payloadBytes(this.#samples) ?? 4 * this.#samples)
  }

  /**
   * @param tick number of the tick. @param before the whole sum in the tick before, which the filter must have heard: nobody may have asked then.
   * @returns payload of `common`, valid until the next tick.
   */
  payload(tick: number, common: Int16Array, before: Int16Array): Uint8Array {
    if (tick === this.#tick) return this.#payload
    if (tick !== this.#tick + 1) this.#resampler.process(before, this.#resampled)
    this.#tick = tick
    this.#resampler.process(common, this.#resampled)
    this.#encoder.encode(this.#resampled.subarray(0, this.#samples), this.#payload, 0)
    return this.#payload
  }
}
