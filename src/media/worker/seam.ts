import type { Codec, Encoder, Splicer } from '../../codec/codec.js'
import { isStateless } from '../shared/stateless.js'

/**
 * Joins what a leg is sent where its source changes: the new sound is bent so that it begins where the last sound left off, and the bend
 * fades out. Without it each change of bridge or prompt would click.
 */
export interface Seam {
  /** Frames that are bent after a change. */
  readonly frames: number
  /** Notes a frame that was sent. */
  note(payload: Uint8Array, start: number, end: number): void
  /** Bends a frame in place. @param begin of what it is the first frame; undefined for those after it. @param silent when nothing was heard before it. */
  bend(payload: Uint8Array, start: number, end: number, begin: SeamBegin | undefined, silent: boolean): void
}

/** The encoder of the new sound begins with it, or has adapted to what came before. */
export type SeamBegin = 'fresh' | 'running'

/** Undefined where the codec allows of none. */
export const seamFor = (codec: Codec): Seam | undefined => {
  if (codec.createSplicer !== undefined) return new AdaptiveSeam(codec.createSplicer)
  return isStateless(codec) && codec.payloadBytes(1) !== undefined ? new PlainSeam(codec) : undefined
}

/** Length of the transition, in ms. */
const SEAM_MS = 8

/** Bends the begin of `pcm`, at `rate` Hz, so that it goes on from the last two samples before it in value and slope. */
export const bendSound = (pcm: Int16Array, lastButOne: number, last: number, rate: number): void => {
  const length = Math.min(pcm.length, (rate * SEAM_MS) / 1000)
  const step = Math.max(-32768, Math.min(32767, 2 * last - lastButOne)) - pcm[0]!
  for (let at = 0; at < length; at++) {
    const value = pcm[at]! + step * 0.5 * (1 + Math.cos((Math.PI * at) / length))
    pcm[at] = value > 32767 ? 32767 : value < -32768 ? -32768 : Math.round(value)
  }
}

/** Of a codec without state: value and slope go on. */
class PlainSeam implements Seam {
  readonly frames = 1
  readonly #pcm: Int16Array
  readonly #decoder: ReturnType<Codec['createDecoder']>
  readonly #encoder: Encoder
  readonly #rate: number
  /** The last two samples. */
  readonly #pair: Uint8Array
  readonly #ends = new Int16Array(2)

  constructor(codec: Codec) {
    this.#rate = codec.sampleRate
    this.#pcm = new Int16Array((codec.sampleRate * SEAM_MS) / 1000)
    this.#decoder = codec.createDecoder()
    this.#encoder = codec.createEncoder()
    this.#pair = new Uint8Array(codec.payloadBytes(2)!)
  }

  note(payload: Uint8Array, start: number, end: number): void {
    const { length } = this.#pair
    if (end - start < length) return
    for (let at = 0, from = end - length; at < length; at++, from++) this.#pair[at] = payload[from]!
  }

  bend(payload: Uint8Array, start: number, end: number, _begin: SeamBegin | undefined, silent: boolean): void {
    const width = this.#pair.length / 2
    const length = Math.min(this.#pcm.length, Math.floor((end - start) / width))
    const pcm = this.#pcm
    this.#decoder.decode(payload, start, length * width, pcm)
    this.#decoder.decode(this.#pair, 0, this.#pair.length, this.#ends)
    const bent = length === pcm.length ? pcm : pcm.subarray(0, length)
    bendSound(bent, silent ? 0 : this.#ends[0]!, silent ? 0 : this.#ends[1]!, this.#rate)
    this.#encoder.encode(bent, payload, start)
  }
}

/** Frames after which a decoder has adapted to the new sound. */
const ADAPTION_FRAMES = 5
/** Payload that tells how far a decoder has adapted: 120 ms of G.722. Whole codes of any width go into it. */
const HISTORY_BYTES = 960
/** Times that the first frame of a stream is heard, so that what the encoder heard before no longer matters. */
const PASSES = 5

/** Of a codec that adapts: the first frames are recoded for the decoder that has heard the last ones. */
class AdaptiveSeam implements Seam {
  readonly frames = ADAPTION_FRAMES
  readonly #create: (silent: boolean) => Splicer
  readonly #history = new Uint8Array(HISTORY_BYTES)
  #noted = 0
  #splicer: Splicer | undefined

  constructor(create: (silent: boolean) => Splicer) {
    this.#create = create
  }

  note(payload: Uint8Array, start: number, end: number): void {
    let to = this.#noted % HISTORY_BYTES
    for (let at = start; at < end; at++) {
      this.#history[to++] = payload[at]!
      if (to === HISTORY_BYTES) to = 0
    }
    this.#noted += end - start
  }

  bend(payload: Uint8Array, start: number, end: number, begin: SeamBegin | undefined, silent: boolean): void {
    if (begin !== undefined) this.#splicer = this.#begin(payload, start, end, begin, silent)
    this.#splicer?.splice(payload, start, end - start)
  }

  #begin(payload: Uint8Array, start: number, end: number, begin: SeamBegin, silent: boolean): Splicer {
    const splicer = this.#create(silent)
    const next = this.#noted % HISTORY_BYTES
    if (this.#noted > HISTORY_BYTES) splicer.heard(this.#history, next, HISTORY_BYTES - next)
    splicer.heard(this.#history, 0, next)
    for (let pass = 0; begin === 'running' && pass < PASSES; pass++) splicer.precede(payload, start, end - start)
    return splicer
  }
}
