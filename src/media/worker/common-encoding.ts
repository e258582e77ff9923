import type { Codec, Encoder } from '../../codec/codec.js'
import type { Resampler } from '../../codec/resampler.js'
import type { ResamplerFilters } from './resampler-filters.js'
import { PayloadMemory } from './payload-memory.js'
import type { SeamBegin } from './seam.js'
import { TICK_MS } from './ticker.js'

/** What those hear who hear the whole sum of a room, where their codec has another rate or adapts: made once for all of them. */
export class CommonEncoding {
  readonly #resampler: Resampler | undefined
  readonly #resampled: Int16Array
  #encoder: Encoder
  readonly #payload: Uint8Array
  readonly #samples: number
  #tick = NaN
  readonly #past: PayloadMemory
  /** How its encoder came to the last payload. */
  begin: SeamBegin = 'fresh'

  /** @param rate of the room in Hz. */
  constructor(readonly codec: Codec, rate: number, filters: ResamplerFilters) {
    const samples = (rate * TICK_MS) / 1000
    this.#samples = (codec.sampleRate * TICK_MS) / 1000
    this.#resampler = codec.sampleRate === rate ? undefined : filters.resampler(rate, codec.sampleRate, samples)
    this.#resampled = new Int16Array(this.#samples + 2)
    this.#encoder = codec.createEncoder()
    this.#past = new PayloadMemory(codec)
    this.#payload = new Uint8Array(codec.payloadBytes(this.#samples) ?? 4 * this.#samples)
  }

  /**
   * @param tick number of the tick. @param before the whole sum in the tick before, which the filter must have heard: nobody may have asked then.
   * @returns payload of `common`, valid until the next tick.
   */
  payload(tick: number, common: Int16Array, before: Int16Array): Uint8Array {
    if (tick === this.#tick) return this.#payload
    const goesOn = tick === this.#tick + 1
    this.#tick = tick
    // Whoever comes to it now is joined to it: an encoder that has stood still would leap.
    this.begin = goesOn ? this.#past : 'fresh'
    if (!goesOn) {
      this.#encoder = this.codec.createEncoder()
      this.#past.forget()
    }
    let pcm = common
    if (this.#resampler !== undefined) {
      if (!goesOn) this.#resampler.process(before, this.#resampled)
      this.#resampler.process(common, this.#resampled)
      pcm = this.#resampled.subarray(0, this.#samples)
    }
    this.#past.note(this.#payload, 0, this.#encoder.encode(pcm, this.#payload, 0))
    return this.#payload
  }
}
