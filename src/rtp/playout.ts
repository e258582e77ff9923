import type { Codec, Decoder } from '../codec/codec.js'
import { LossConcealment } from '../codec/plc.js'
import { Resampler, ResamplerFilter } from '../codec/resampler.js'
import { TimeStretch } from '../codec/time-stretch.js'
import { ComfortNoise } from './comfort-noise.js'
import { createTaken, JitterBuffer, type JitterBufferOptions, type PutResult, type Taken, type TakeResult } from './jitter-buffer.js'
import type { StretchAllowance } from './stretch-allowance.js'

/** What a payload type stands for. */
export type PlayoutFormat =
  | { readonly type: 'audio'; readonly codec: Codec }
  | { readonly type: 'comfort-noise' }

/** Where the newest of what `read` wrote comes from. */
export type PlayoutResult =
  /** What the peer said. */
  | 'speech'
  /** Concealment of what was lost. */
  | 'concealed'
  /** The peer's background noise (RFC 3389). */
  | 'noise'
  /** A pause in which the peer sends nothing. */
  | 'silence'
  /** Nothing has come yet. */
  | 'early'

/** What a stream was before somebody came to it. */
export interface StreamBefore {
  readonly codec: Codec
  /** The oldest first. */
  readonly payload: Uint8Array
}

/** What may be heard, and at which rate; the bounds of the delay are the jitter buffer's. */
export interface PlayoutOptions extends Omit<JitterBufferOptions, 'clockRate' | 'durationOf'> {
  /** RTP clock rate in Hz; one for all payload types. */
  readonly clockRate: number
  /** Rate in Hz of what `read` writes: 8000, 16000, 24000, 32000 or 48000. */
  readonly sampleRate: number
  readonly formats: ReadonlyMap<number, PlayoutFormat>
  /** Payload of the stream before what is put, in whole frames of 10 ms: a decoder that adapts hears it first. @default none: the stream begins */
  readonly before?: StreamBefore
  /** What all who share it may spend on changes of the delay. @default no limit */
  readonly allowance?: StretchAllowance | undefined
}

/** Longest packet that is taken, in ms. */
const LONGEST_PACKET_MS = 120
/** Least time between two stretches, in ms, while nothing presses. */
const STRETCH_INTERVAL_MS = 60
/** Where no two periods are alike (noise, music) the next attempt waits longer each time, up to this (ms). */
const LONGEST_STRETCH_INTERVAL_MS = 960
/** Beyond its bound by this much (ms), the delay presses. */
const PRESSING_MS = 60
/** The delay may lie this much (ms) under or over its target: further apart than the longest period, lest it swing. */
const BELOW_MS = 5
const ABOVE_MS = 15
/** A stream that is heard from the middle of a word on begins so softly (ms). */
const FADE_IN_MS = 5

/** Nothing needs to be stretched. */
const inBounds = (excess: number): boolean => excess >= -BELOW_MS && excess <= ABOVE_MS
/** It cannot wait. */
const presses = (excess: number): boolean => excess > ABOVE_MS + PRESSING_MS
/** Frames over which the shortest delay is looked for: packets and reads of different lengths meet in turns. */
const DELAY_FRAMES = 8

/** What a read has just taken out of its jitter buffer: needed by nobody beyond that, so all take turns with one, which stays in the cache. */
const TAKEN = createTaken()

const frames = new Map<number, Int16Array>()

/** A frame of so many samples that is decoded into, and given out at once; all take turns with it. */
const frameOf = (length: number): Int16Array => {
  let frame = frames.get(length)
  if (frame === undefined) frames.set(length, frame = new Int16Array(length))
  return frame
}

/** Decodes one payload type to the reader's rate. */
class Source {
  readonly #decoder: Decoder
  readonly #resampler: Resampler | undefined
  readonly #decoded: Int16Array

  constructor(codec: Codec, sampleRate: number, before: StreamBefore | undefined) {
    const longest = (codec.sampleRate * LONGEST_PACKET_MS) / 1000
    this.#decoder = codec.createDecoder()
    this.#decoded = new Int16Array(longest)
    if (before?.codec === codec) this.#hear(before.payload, codec.payloadBytes(codec.sampleRate / 100) ?? before.payload.length)
    if (codec.sampleRate !== sampleRate) this.#resampler = new Resampler(new ResamplerFilter(codec.sampleRate, sampleRate), longest)
  }

  get resamples(): boolean {
    return this.#resampler !== undefined
  }

  #hear(payload: Uint8Array, piece: number): void {
    for (let at = 0; at + piece <= payload.length; at += piece) this.#decoder.decode(payload, at, piece, this.#decoded)
  }

  /** @returns samples written into `out` from `to`. */
  decode({ bytes, offset, length }: Taken, out: Int16Array, to: number): number {
    // The usual case: nothing waits before it.
    if (this.#resampler === undefined && to === 0) return this.#decoder.decode(bytes, offset, length, out)
    const samples = this.#decoder.decode(bytes, offset, length, this.#decoded)
    if (this.#resampler !== undefined) return this.#resampler.process(this.#decoded, out, to, samples)
    for (let at = 0; at < samples; at++) out[to + at] = this.#decoded[at]!
    return samples
  }
}

/** RTP clock units of a payload, from the bytes that the codec needs for 10 ms; 0 where they vary. */
const unitsPerByte = (codec: Codec): number => {
  const bytes = codec.payloadBytes(codec.sampleRate / 100)
  return bytes === undefined ? 0 : codec.clockRate / 100 / bytes
}

/** RTP clock units of a payload of a codec whose frames vary in size. */
const unitsOf = (codec: Codec, bytes: Uint8Array, offset: number, length: number): number =>
  Math.round(((codec.samplesOf?.(bytes, offset, length) ?? 0) * codec.clockRate) / codec.sampleRate)

/**
 * Turns a peer's packets into an unbroken stream of PCM: jitter buffer, decoders, concealment (G.711 Appendix I),
 * comfort noise (RFC 3389), and speech stretched or shortened by single pitch periods so that the delay stays at the
 * jitter buffer's target although the peer's clock is not ours.
 *
 * @example
 * const playout = new Playout({ clockRate: 8000, sampleRate: 8000, formats: new Map([[0, { type: 'audio', codec: pcmu }]]) })
 * playout.put(sequence, timestamp, payloadType, datagram, 12, 160, clock.now())
 * const heard = playout.read(clock.now(), frame) // each 20 ms
 */
export class Playout {
  /** The jitter buffer below: its counts, target and delay. */
  readonly buffer: JitterBuffer
  readonly sampleRate: number
  readonly #formats: ReadonlyMap<number, PlayoutFormat>
  #before: StreamBefore | undefined
  readonly #sources = new Map<number, Source>()
  /** The payload type that came last, and its clock units a byte: nearly always the next one's too. */
  #type = -1
  #typeUnits = 0
  /** Its codec where frames vary in size. */
  #typeCodec: Codec | undefined
  /** Clock units of the packet being put. */
  #units = 0
  /** The same of the frames taken. */
  #takenType = -1
  #takenFormat: PlayoutFormat | undefined
  #takenSource: Source | undefined
  readonly #concealment: LossConcealment
  readonly #noise: ComfortNoise
  readonly #stretch: TimeStretch
  readonly #allowance: StretchAllowance | undefined
  /** Samples per RTP clock unit. */
  readonly #scale: number
  /** Decoded samples that wait: `#samples[0..#ready)`. */
  readonly #samples: Int16Array
  #ready = 0
  /** Shortest delay of the frames being counted, and of the `DELAY_FRAMES` before them. */
  #delay = Infinity
  #earlierDelay = Infinity
  #frames = 0
  #lastStretch = -Infinity
  #stretchInterval = STRETCH_INTERVAL_MS
  #stretched = 0
  /** Something of the stream has been heard. */
  #begun = false

  constructor(options: PlayoutOptions) {
    this.sampleRate = options.sampleRate
    this.#formats = options.formats
    this.#before = options.before
    this.#scale = options.sampleRate / options.clockRate
    const longest = (options.clockRate * LONGEST_PACKET_MS) / 1000
    this.buffer = new JitterBuffer({
      ...options,
      durationOf: () => this.#units > longest ? -1 : this.#units,
    })
    this.#concealment = new LossConcealment(options.sampleRate)
    this.#noise = new ComfortNoise(options.sampleRate)
    this.#stretch = new TimeStretch(options.sampleRate)
    this.#allowance = options.allowance
    this.#samples = new Int16Array(Math.ceil((options.sampleRate * 3 * LONGEST_PACKET_MS) / 1000))
  }

  /** Samples taken out (negative) or put in (positive) by stretching so far. */
  get stretched(): number {
    return this.#stretched
  }

  /** Takes a packet in; see `JitterBuffer.put`. A payload type that has no format is `strange`. */
  put(sequence: number, timestamp: number, payloadType: number, bytes: Uint8Array, offset: number, length: number, arrival: number): PutResult {
    if (payloadType !== this.#type) {
      const format = this.#formats.get(payloadType)
      if (format === undefined) {
        this.buffer.pass(sequence)
        return 'strange'
      }
      this.#type = payloadType
      this.#typeUnits = format.type === 'audio' ? unitsPerByte(format.codec) : 0
      this.#typeCodec = format.type === 'audio' && this.#typeUnits === 0 ? format.codec : undefined
    }
    this.#units = this.#typeCodec === undefined ? length * this.#typeUnits : unitsOf(this.#typeCodec, bytes, offset, length)
    return this.buffer.put(sequence, timestamp, payloadType, bytes, offset, length, arrival)
  }

  /** Notes a packet without audio (a telephone event): its number is not lost. */
  pass(sequence: number): void {
    this.buffer.pass(sequence)
  }

  /** How long (ms) recent frames would have waited, had they come as fast as the fastest. */
  get delay(): number {
    return Math.min(this.#delay, this.#earlierDelay)
  }

  /**
   * Fills `out` (at most 120 ms) with what is due at `now` (ms, the scale of the arrivals). Always fills all of it.
   * Allocates nothing, but a decoder when a payload type is first heard.
   */
  read(now: number, out: Int16Array): PlayoutResult {
    let result: PlayoutResult = 'speech'
    if (this.#ready < out.length) {
      const due = this.#take(now, out.length - this.#ready)
      if (due === 'frame' && this.#goesOn(now, out.length)) {
        this.#readWhole(this.#takenSource!, out)
        return 'speech'
      }
      result = this.#use(due, now, out.length - this.#ready)
    }
    while (this.#ready < out.length) result = this.#refill(now, out.length - this.#ready)
    if (result === 'speech' && this.buffer.playing) this.#adapt(now, out.length)
    for (let at = 0; at < out.length; at++) out[at] = this.#samples[at]!
    this.#ready -= out.length
    if (this.#ready > 0) this.#samples.copyWithin(0, out.length, out.length + this.#ready)
    return result
  }

  /** Forgets the stream: a new source speaks. */
  reset(): void {
    this.buffer.reset()
    this.#concealment.reset()
    this.#noise.reset()
    this.#ready = 0
    this.#delay = this.#earlierDelay = Infinity
    this.#frames = 0
    this.#sources.clear()
    this.#begun = false
    this.#before = undefined
    this.#takenType = -1
  }

  /** Takes what is due next. */
  #take(now: number, lacking: number): TakeResult {
    const due = this.buffer.take(now, Math.ceil(lacking / this.#scale), TAKEN)
    if (due === 'frame') this.#measure(TAKEN.delay)
    return due
  }

  /** The usual case: the frame taken is as long as what the reader wants, and goes out as it is. */
  #goesOn(now: number, wanted: number): boolean {
    const { duration, payloadType } = TAKEN
    if (duration * this.#scale !== wanted || this.#concealment.longest < wanted) return false
    this.#meet(payloadType)
    return this.#takenSource?.resamples === false && !(this.buffer.playing && this.#stretches(now))
  }

  /** Gives out the frame taken, after what has been left of those before: as much is left of this one. */
  #readWhole(source: Source, out: Int16Array): void {
    const left = this.#ready
    const frame = left === 0 ? out : frameOf(out.length)
    // A payload may hold less than it says; what others have left there is nobody's to hear.
    const decoded = source.decode(TAKEN, frame, 0)
    if (decoded < out.length) frame.fill(0, decoded)
    if (!this.#begun) this.#begin(frame, 0, out.length)
    this.#concealment.good(frame, 0, out.length)
    if (left === 0) return
    const samples = this.#samples
    for (let at = 0; at < left; at++) out[at] = samples[at]!
    for (let at = left, from = 0; at < out.length; at++, from++) out[at] = frame[from]!
    for (let at = 0, from = out.length - left; at < left; at++, from++) samples[at] = frame[from]!
  }

  /** Adds samples of what is due next; at least one. */
  #refill(now: number, lacking: number): PlayoutResult {
    return this.#use(this.#take(now, lacking), now, lacking)
  }

  /** Adds samples of what was taken, or of what follows it where that holds none. */
  #use(due: TakeResult, now: number, lacking: number): PlayoutResult {
    for (;; due = this.#take(now, lacking)) {
      if (due === 'frame') {
        if (this.#decode()) return 'speech'
        continue
      }
      const samples = Math.max(1, Math.round(TAKEN.duration * this.#scale))
      if (due === 'conceal') {
        this.#conceal(samples)
        return 'concealed'
      }
      if (due === 'silence' && this.#noise.described) {
        this.#noise.read(this.#samples, this.#ready, samples)
        this.#pass(samples)
        return 'noise'
      }
      this.#samples.fill(0, this.#ready, this.#ready + samples)
      this.#pass(samples)
      return due
    }
  }

  /** Decodes the frame taken; false when it holds no sound of its own. */
  #decode(): boolean {
    const { bytes, offset, length, payloadType } = TAKEN
    this.#meet(payloadType)
    if (this.#takenFormat?.type === 'comfort-noise') this.#noise.update(bytes, offset, length)
    if (this.#takenSource === undefined) return false
    const samples = this.#takenSource.decode(TAKEN, this.#samples, this.#ready)
    if (!this.#begun) this.#begin(this.#samples, this.#ready, samples)
    this.#pass(samples)
    return samples > 0
  }

  /** Fades the first sound in. */
  #begin(pcm: Int16Array, from: number, count: number): void {
    const length = Math.min(count, (this.sampleRate * FADE_IN_MS) / 1000)
    for (let at = 0; at < length; at++) pcm[from + at]! *= 0.5 * (1 - Math.cos((Math.PI * (at + 0.5)) / length))
    this.#begun = count > 0
  }

  /** Finds the format and the decoder of a payload type. */
  #meet(payloadType: number): void {
    if (payloadType === this.#takenType) return
    const format = this.#formats.get(payloadType)
    let source = this.#sources.get(payloadType)
    if (source === undefined && format?.type === 'audio') {
      source = new Source(format.codec, this.sampleRate, this.#before)
      this.#sources.set(payloadType, source)
    }
    this.#takenType = payloadType
    this.#takenFormat = format
    this.#takenSource = source
  }

  /** Lets `count` samples after the ready ones through the concealment's delay line. */
  #pass(count: number): void {
    const block = this.#concealment.longest
    for (const end = this.#ready + count; this.#ready < end;) {
      const length = Math.min(block, end - this.#ready)
      this.#concealment.good(this.#samples, this.#ready, length)
      this.#ready += length
    }
  }

  #conceal(count: number): void {
    for (const end = this.#ready + count; this.#ready < end;) {
      const length = Math.min(this.#concealment.room, end - this.#ready)
      this.#concealment.conceal(this.#samples, this.#ready, length)
      this.#ready += length
    }
  }

  #measure(delay: number): void {
    if (this.#frames++ === DELAY_FRAMES) {
      this.#frames = 0
      this.#earlierDelay = this.#delay
      this.#delay = Infinity
    }
    if (delay < this.#delay) this.#delay = delay
  }

  get #excess(): number {
    return this.delay - this.buffer.target
  }

  /** The delay has left its bounds, the last stretch is long enough ago, and another one is allowed. */
  #stretches(now: number): boolean {
    const excess = this.#excess
    return !inBounds(excess) && (presses(excess) || now - this.#lastStretch >= this.#stretchInterval) && this.#allowance?.allows(now) !== false
  }

  /** Stretches what is ready when the delay has left its bounds. */
  #adapt(now: number, wanted: number): void {
    if (!this.#stretches(now)) return
    const excess = this.#excess
    if (excess > 0) this.#shorten(now, wanted, presses(excess))
    else this.#note(now, this.#stretch.lengthen(this.#samples, 0, this.#ready, false))
  }

  #shorten(now: number, wanted: number, pressing: boolean): void {
    // Two periods to compare, and a full frame for the reader after one of them has gone.
    const needed = Math.max(this.#stretch.window, wanted + this.#stretch.window / 2)
    while (this.#ready < needed) {
      if (!this.buffer.playing || this.buffer.size === 0 || this.#refill(now, 1) !== 'speech') return
    }
    this.#note(now, this.#stretch.shorten(this.#samples, 0, this.#ready, pressing))
  }

  /** Takes the new length in; the frames to come will have waited longer or shorter by the change. */
  #note(now: number, ready: number): void {
    this.#lastStretch = now
    this.#allowance?.spend()
    const change = ready - this.#ready
    this.#stretchInterval = change === 0 ? Math.min(LONGEST_STRETCH_INTERVAL_MS, 2 * this.#stretchInterval) : STRETCH_INTERVAL_MS
    if (change === 0) return
    this.#ready = ready
    this.#stretched += change
    this.#delay += (change * 1000) / this.sampleRate
    this.#earlierDelay += (change * 1000) / this.sampleRate
  }
}
