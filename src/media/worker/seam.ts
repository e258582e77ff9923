import type { Codec, Encoder, Splicer } from '../../codec/codec.js'
import { isStateless } from '../shared/stateless.js'
import { PayloadMemory } from './payload-memory.js'

/**
 * Joins what a leg is sent where its source changes: the new sound is bent so that it begins where the last sound left off, and the bend
 * fades out. Without it each change of bridge or prompt would click.
 */
export interface Seam {
  /** It knows what was sent last, if by another worker. */
  readonly remembers: boolean
  /** What was sent last, where the codec adapts. */
  readonly past: PayloadMemory | undefined
  /** Frames that are bent after a change. */
  readonly frames: number
  /** Notes a frame that was sent. */
  note(payload: Uint8Array, start: number, end: number): void
  /** Bends a frame in place. @param begin of what it is the first frame; undefined for those after it. @param silent when nothing was heard before it. */
  bend(payload: Uint8Array, start: number, end: number, begin: SeamBegin | undefined, silent: boolean): void
  /** Where the sound so far ends; undefined before the first. */
  end(): SoundEnd | undefined
}

/** The last two samples that were heard. */
export interface SoundEnd {
  readonly lastButOne: number
  readonly last: number
  /** In Hz. */
  readonly rate: number
}

/** The encoder of the new sound begins with it, or has adapted to what came before. */
export type SeamBegin = 'fresh' | 'running'

/** Undefined where the codec allows of none. @param words where what was sent is kept. @param before what was sent in another codec ends there. */
export const seamFor = (codec: Codec, words: Int32Array, before?: SoundEnd): Seam | undefined => {
  if (codec.createSplicer !== undefined) return new AdaptiveSeam(codec, codec.createSplicer, new PayloadMemory(codec, words))
  return isStateless(codec) && codec.payloadBytes(1) !== undefined ? new PlainSeam(codec, new PayloadMemory(codec, words), before) : undefined
}

/** Length of the transition, in ms. */
const SEAM_MS = 8

/** Bends the begin of `pcm`, at `rate` Hz, so that it goes on from the last two samples before it in value and slope; the bend makes nothing louder. */
const bendSound = (pcm: Int16Array, lastButOne: number, last: number, rate: number): void => {
  const length = Math.min(pcm.length, (rate * SEAM_MS) / 1000)
  let loudest = Math.max(Math.abs(lastButOne), Math.abs(last))
  for (let at = 0; at < length; at++) loudest = Math.max(loudest, Math.abs(pcm[at]!))
  const step = 2 * last - lastButOne - pcm[0]!
  for (let at = 0; at < length; at++) {
    const value = pcm[at]! + step * 0.5 * (1 + Math.cos((Math.PI * at) / length))
    pcm[at] = value > loudest ? loudest : value < -loudest ? -loudest : Math.round(value)
  }
}

/** Of a codec without state: value and slope go on. */
class PlainSeam implements Seam {
  readonly past = undefined
  readonly frames = 1
  remembers: boolean
  readonly #pcm: Int16Array
  readonly #decoder: ReturnType<Codec['createDecoder']>
  readonly #encoder: Encoder
  readonly #rate: number
  /** The last two samples. */
  readonly #pair: Uint8Array
  readonly #ends = new Int16Array(2)

  constructor(codec: Codec, { bytes, kept }: PayloadMemory, before: SoundEnd | undefined) {
    this.remembers = kept || before !== undefined
    this.#rate = codec.sampleRate
    this.#pcm = new Int16Array((codec.sampleRate * SEAM_MS) / 1000)
    this.#decoder = codec.createDecoder()
    this.#encoder = codec.createEncoder()
    this.#pair = bytes.subarray(0, codec.payloadBytes(2)!)
    if (before !== undefined) this.#begin(before)
  }

  /** As if this codec had been sent before. */
  #begin({ lastButOne, last, rate }: SoundEnd): void {
    this.#ends[0] = Math.max(-32768, Math.min(32767, last - ((last - lastButOne) * rate) / this.#rate))
    this.#ends[1] = last
    this.#encoder.encode(this.#ends, this.#pair, 0)
  }

  note(payload: Uint8Array, start: number, end: number): void {
    const { length } = this.#pair
    if (end - start < length) return
    this.remembers = true
    for (let at = 0, from = end - length; at < length; at++, from++) this.#pair[at] = payload[from]!
  }

  bend(payload: Uint8Array, start: number, end: number, _begin: SeamBegin | undefined, silent: boolean): void {
    if (!this.remembers) return
    const width = this.#pair.length / 2
    const length = Math.min(this.#pcm.length, Math.floor((end - start) / width))
    const pcm = this.#pcm
    this.#decoder.decode(payload, start, length * width, pcm)
    this.#decoder.decode(this.#pair, 0, this.#pair.length, this.#ends)
    const bent = length === pcm.length ? pcm : pcm.subarray(0, length)
    bendSound(bent, silent ? 0 : this.#ends[0]!, silent ? 0 : this.#ends[1]!, this.#rate)
    this.#encoder.encode(bent, payload, start)
  }

  end(): SoundEnd | undefined {
    if (!this.remembers) return undefined
    this.#decoder.decode(this.#pair, 0, this.#pair.length, this.#ends)
    return { lastButOne: this.#ends[0]!, last: this.#ends[1]!, rate: this.#rate }
  }
}

/** Frames after which a decoder has adapted to the new sound. */
const ADAPTION_FRAMES = 5
/** Times that the first frame of a stream is heard, so that what the encoder heard before no longer matters. */
const PASSES = 5

/** Of a codec that adapts: the first frames are recoded for the decoder that has heard the last ones. */
class AdaptiveSeam implements Seam {
  readonly frames = ADAPTION_FRAMES
  #splicer: Splicer | undefined

  constructor(readonly codec: Codec, readonly create: (silent: boolean) => Splicer, readonly past: PayloadMemory) {}

  get remembers(): boolean {
    return this.past.noted > 0
  }

  note(payload: Uint8Array, start: number, end: number): void {
    this.past.note(payload, start, end)
  }

  bend(payload: Uint8Array, start: number, end: number, begin: SeamBegin | undefined, silent: boolean): void {
    if (begin !== undefined) this.#splicer = this.#begin(payload, start, end, begin, silent)
    this.#splicer?.splice(payload, start, end - start)
  }

  #begin(payload: Uint8Array, start: number, end: number, begin: SeamBegin, silent: boolean): Splicer {
    const splicer = this.create(silent)
    this.past.each((bytes, offset, length) => splicer.heard(bytes, offset, length))
    for (let pass = 0; begin === 'running' && pass < PASSES; pass++) splicer.precede(payload, start, end - start)
    return splicer
  }

  end(): SoundEnd | undefined {
    const { codec, past } = this
    const block = codec.sampleRate / 100
    const pcm = new Int16Array((past.bytes.length * block) / codec.payloadBytes(block)!)
    const decoder = codec.createDecoder()
    let samples = 0
    past.each((bytes, offset, length) => {
      samples = decoder.decode(bytes, offset, length, pcm)
    })
    return samples < 2 ? undefined : { lastButOne: pcm[samples - 2]!, last: pcm[samples - 1]!, rate: codec.sampleRate }
  }
}
