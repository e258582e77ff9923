import type { Codec, Decoder, Encoder, Splicer } from '../../codec/codec.js'
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
  /** Notes a frame that was sent. */
  note(payload: Uint8Array, start: number, end: number): void
  /**
   * Bends a frame in place.
   * @param begin of what it is the first frame; undefined for those after it. @param silent when nothing was heard before it.
   * @returns true when the frames after it go out as they are.
   */
  bend(payload: Uint8Array, start: number, end: number, begin: SeamBegin | undefined, silent: boolean): boolean
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

/** The encoder of the new sound begins with it, or has made this so far, the frame itself included. */
export type SeamBegin = 'fresh' | PayloadMemory

/** Undefined where the codec allows of none. @param words where what was sent is kept. @param before what was sent in another codec ends there. */
export const seamFor = (codec: Codec, words: Int32Array, before?: SoundEnd): Seam | undefined => {
  if (codec.createSplicer !== undefined) return new AdaptiveSeam(codec, codec.createSplicer, new PayloadMemory(codec, words))
  return isStateless(codec) && codec.payloadBytes(1) !== undefined ? new PlainSeam(codec, new PayloadMemory(codec, words), before) : undefined
}

/** Length of the transition, in ms. */
const SEAM_MS = 8

/** Lets the begin of `pcm`, at `rate` Hz, go over from where the last two samples before it lead; between the two, so that nothing gets louder. */
export const bendSound = (pcm: Int16Array | Int32Array, lastButOne: number, last: number, rate: number): void => {
  const length = Math.min(pcm.length, (rate * SEAM_MS) / 1000)
  const end = Math.max(-32768, Math.min(32767, 2 * last - lastButOne))
  for (let at = 0; at < length; at++) pcm[at] = Math.round(pcm[at]! + (end - pcm[at]!) * 0.5 * (1 + Math.cos((Math.PI * at) / length)))
}

/** Of a codec without state: value and slope go on. */
class PlainSeam implements Seam {
  readonly past = undefined
  remembers: boolean
  readonly #pcm: Int16Array
  readonly #decoder: ReturnType<Codec['createDecoder']>
  readonly #encoder: Encoder
  readonly #rate: number
  /** Where the last two samples are kept, and in how many bytes. */
  readonly #kept: Uint8Array
  readonly #at: number
  readonly #length: number
  readonly #ends = new Int16Array(2)

  constructor(codec: Codec, { bytes, kept }: PayloadMemory, before: SoundEnd | undefined) {
    this.remembers = kept || before !== undefined
    this.#rate = codec.sampleRate
    this.#pcm = new Int16Array((codec.sampleRate * SEAM_MS) / 1000)
    this.#decoder = codec.createDecoder()
    this.#encoder = codec.createEncoder()
    this.#kept = bytesOf(bytes.buffer)
    this.#at = bytes.byteOffset
    this.#length = codec.payloadBytes(2)!
    if (before !== undefined) this.#begin(before)
  }

  /** As if this codec had been sent before. */
  #begin({ lastButOne, last, rate }: SoundEnd): void {
    this.#ends[0] = Math.max(-32768, Math.min(32767, last - ((last - lastButOne) * rate) / this.#rate))
    this.#ends[1] = last
    this.#encoder.encode(this.#ends, this.#kept, this.#at)
  }

  note(payload: Uint8Array, start: number, end: number): void {
    if (end - start < this.#length) return
    this.remembers = true
    for (let from = end - this.#length, at = this.#at; from < end; from++, at++) this.#kept[at] = payload[from]!
  }

  bend(payload: Uint8Array, start: number, end: number, _begin: SeamBegin | undefined, silent: boolean): true {
    if (!this.remembers) return true
    const width = this.#length / 2
    const length = Math.min(this.#pcm.length, Math.floor((end - start) / width))
    const pcm = this.#pcm
    this.#decoder.decode(payload, start, length * width, pcm)
    this.#hearEnds()
    const bent = length === pcm.length ? pcm : pcm.subarray(0, length)
    bendSound(bent, silent ? 0 : this.#ends[0]!, silent ? 0 : this.#ends[1]!, this.#rate)
    this.#encoder.encode(bent, payload, start)
    return true
  }

  #hearEnds(): void {
    this.#decoder.decode(this.#kept, this.#at, this.#length, this.#ends)
  }

  end(): SoundEnd | undefined {
    if (!this.remembers) return undefined
    this.#hearEnds()
    return { lastButOne: this.#ends[0]!, last: this.#ends[1]!, rate: this.#rate }
  }
}

/** One view of a whole memory for all whose place is in it: a view of each one's own part would be one more thing that is not in the cache. */
const views = new WeakMap<ArrayBufferLike, Uint8Array>()

const bytesOf = (memory: ArrayBufferLike): Uint8Array => {
  let view = views.get(memory)
  if (view === undefined) views.set(memory, view = new Uint8Array(memory))
  return view
}

/** A decoder has nearly always adapted to the new sound within the first so many frames; they are looked at after each of these numbers. */
const TRIALS = [5, 10, 15, 20, 30, 40]
/** To steady tones it may never adapt: from then on each so many. */
const TRIAL_FRAMES = 50
/** It has adapted where what it makes of the stream as it comes differs by less than this share of the power: by 20 dB. */
const ADAPTED = 0.01
/** Power of what nobody hears: samples of 16. */
const UNHEARD = 256

/** A stream on its way from the first frame that is recoded to the first that goes out as it comes. */
interface Joint {
  readonly splicer: Splicer
  /** The stream as it comes. */
  readonly stream: PayloadMemory
  /** So many of them have been recoded. */
  frames: number
}

/** Of a codec that adapts: the first frames are recoded for the decoder that has heard the last ones, until it makes the same of them as they come. */
class AdaptiveSeam implements Seam {
  #joint: Joint | undefined
  /** Samples of what is remembered. */
  readonly #samples: number

  constructor(readonly codec: Codec, readonly create: (silent: boolean) => Splicer, readonly past: PayloadMemory) {
    const block = codec.sampleRate / 100
    this.#samples = (past.bytes.length * block) / codec.payloadBytes(block)!
  }

  get remembers(): boolean {
    return this.past.noted > 0
  }

  note(payload: Uint8Array, start: number, end: number): void {
    this.past.note(payload, start, end)
  }

  bend(payload: Uint8Array, start: number, end: number, begin: SeamBegin | undefined, silent: boolean): boolean {
    if (begin !== undefined) this.#joint = this.#begin(end - start, begin, silent)
    const joint = this.#joint
    if (joint === undefined) return true
    joint.stream.note(payload, start, end)
    const { frames } = joint
    joint.frames++
    const due = TRIALS.includes(frames) || (frames > 0 && frames % TRIAL_FRAMES === 0)
    if (due && this.#hasAdapted(joint.stream, payload, start, end - start)) return true
    joint.splicer.splice(payload, start, end - start)
    return false
  }

  #begin(length: number, begin: SeamBegin, silent: boolean): Joint {
    const splicer = this.create(silent)
    const stream = new PayloadMemory(this.codec)
    this.past.each((bytes, offset, piece) => splicer.heard(bytes, offset, piece))
    if (begin !== 'fresh') begin.each((bytes, offset, piece) => stream.note(bytes, offset, offset + piece), length)
    stream.each((bytes, offset, piece) => splicer.precede(bytes, offset, piece))
    return { splicer, stream, frames: 0 }
  }

  /** The frame sounds to the listener as it would to who has heard the whole stream. */
  #hasAdapted(stream: PayloadMemory, payload: Uint8Array, offset: number, length: number): boolean {
    const listener = this.#decoder(this.past)
    const heard = new Int16Array(this.#samples)
    const samples = listener.decoder.decode(payload, offset, length, heard)
    const said = this.#decoder(stream).pcm.subarray(-samples)
    let [signal, difference] = [0, 0]
    for (let at = 0; at < samples; at++) {
      signal += said[at]! ** 2
      difference += (heard[at]! - said[at]!) ** 2
    }
    return difference <= ADAPTED * signal + UNHEARD * samples
  }

  /** A decoder that has heard what is remembered, and what it made of it. */
  #decoder(past: PayloadMemory): { readonly decoder: Decoder; readonly pcm: Int16Array } {
    const decoder = this.codec.createDecoder()
    const pcm = new Int16Array(this.#samples)
    let samples = 0
    past.each((bytes, offset, length) => {
      samples += decoder.decode(bytes, offset, length, pcm.subarray(samples))
    })
    return { decoder, pcm: pcm.subarray(0, samples) }
  }

  end(): SoundEnd | undefined {
    const { pcm } = this.#decoder(this.past)
    return pcm.length < 2 ? undefined : { lastButOne: pcm.at(-2)!, last: pcm.at(-1)!, rate: this.codec.sampleRate }
  }
}
