import type { Codec } from '../../codec/codec.js'
import { isStateless } from '../shared/stateless.js'

/** Length of the transition, in ms. */
const SEAM_MS = 8

/**
 * Joins what a leg is sent where its source changes: the first milliseconds of the new sound are bent so that they begin where the
 * last sound left off, in value and slope, and the bend fades out. Without it each change of bridge or prompt would click.
 *
 * Only for codecs of one byte a sample without state (G.711); the others' decoders glide by themselves.
 */
export class Seam {
  readonly #pcm: Int16Array
  readonly #decoder: ReturnType<Codec['createDecoder']>
  readonly #encoder: ReturnType<Codec['createEncoder']>
  readonly #pair = new Uint8Array(2)
  readonly #ends = new Int16Array(2)

  private constructor(codec: Codec) {
    this.#pcm = new Int16Array((codec.sampleRate * SEAM_MS) / 1000)
    this.#decoder = codec.createDecoder()
    this.#encoder = codec.createEncoder()
  }

  /** Undefined where the codec needs none. */
  static for(codec: Codec): Seam | undefined {
    return isStateless(codec) && codec.payloadBytes(1) === 1 ? new Seam(codec) : undefined
  }

  /** Notes the end of a frame that was sent. */
  note(payload: Uint8Array, end: number): void {
    this.#pair[0] = payload[end - 2]!
    this.#pair[1] = payload[end - 1]!
  }

  /** Bends the begin of `payload`, in place; `silent` when nothing was heard before it. */
  bend(payload: Uint8Array, start: number, end: number, silent: boolean): void {
    const length = Math.min(this.#pcm.length, end - start)
    const pcm = this.#pcm
    this.#decoder.decode(payload, start, length, pcm)
    this.#decoder.decode(this.#pair, 0, 2, this.#ends)
    const wanted = silent ? 0 : Math.max(-32768, Math.min(32767, 2 * this.#ends[1]! - this.#ends[0]!))
    const step = wanted - pcm[0]!
    for (let at = 0; at < length; at++) {
      const value = pcm[at]! + step * 0.5 * (1 + Math.cos((Math.PI * at) / length))
      pcm[at] = value > 32767 ? 32767 : value < -32768 ? -32768 : Math.round(value)
    }
    this.#encoder.encode(length === pcm.length ? pcm : pcm.subarray(0, length), payload, start)
  }
}
