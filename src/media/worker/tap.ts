import type { Codec } from '../../codec/codec.js'
import { codecNumber } from '../../codec/installed.js'
import type { Resampler } from '../../codec/resampler.js'
import type { RtpHeader } from '../../rtp/packet.js'
import { BEGIN_TRACK, PAST } from '../shared/frame-ring.js'
import { Counter } from '../shared/worker-share.js'
import type { WorkerContext } from './context.js'
import type { PayloadMemory } from './payload-memory.js'
import type { AudioSink } from './receiver.js'
import type { SentTap } from './sender.js'

const NOTHING = new Uint8Array(0)

/** What a recording needs of a leg. */
export interface RecordedLeg {
  /** That it sends at the moment. */
  readonly codec: Codec | undefined
  readonly receiver: {
    readonly past: PayloadMemory | undefined
    /** Of the stream that it hears, 0 before the first packet. */
    readonly ssrc: number
  }
  readonly sender: { readonly past: PayloadMemory | undefined }
}

type RecordingContext = Pick<WorkerContext, 'frames' | 'now' | 'report' | 'share'>

/** Writes frames into the ring that the recorder reads; a full ring loses the frame, never time. */
export class RecordingTap implements AudioSink, SentTap {
  /** Track of what is received, and of what is sent; -1: not recorded. */
  readonly received: number
  readonly sentTrack: number
  #paused = false
  /** Of the stream that is recorded; 0 before the first packet, and the recorder may know it from another worker. */
  #ssrc = 0
  /** When it began, in 1/8 ms; and whether the recorder has been told. */
  readonly #begin: number
  #begun: boolean
  #lost = 0

  /** @param leg undefined where the mix of a room is recorded. */
  constructor(readonly context: RecordingContext, readonly recording: number, received: number, sent: number, readonly leg: RecordedLeg | undefined) {
    this.received = received
    this.sentTrack = sent
    this.#ssrc = leg?.receiver.ssrc ?? 0
    this.#begin = (context.now() * 8) | 0
    this.#begun = this.#tellBegin()
    this.#join()
  }

  get paused(): boolean {
    return this.#paused
  }

  set paused(paused: boolean) {
    if (this.#paused && !paused) this.#join()
    this.#paused = paused
  }

  /** A ring that is full takes it later. */
  #tellBegin(): boolean {
    return this.context.frames.write(this.recording, BEGIN_TRACK, 0, 0, 0, this.#begin, NOTHING, 0, 0)
  }

  /** The recorder's decoders have not heard what the streams were so far. */
  #join(): void {
    this.#tell(this.received, this.leg?.receiver.past)
    this.#tell(this.sentTrack, this.leg?.sender.past)
  }

  #tell(track: number, past: PayloadMemory | undefined): void {
    if (track < 0 || past === undefined) return
    this.#tellPiece(track, past.codec, NOTHING, 0, 0)
    past.each((bytes, offset, length) => this.#tellPiece(track, past.codec, bytes, offset, length))
  }

  #tellPiece(track: number, codec: Codec, bytes: Uint8Array, offset: number, length: number): void {
    const { context, recording } = this
    context.frames.write(recording, track | PAST, codecNumber(codec), 0, 0, (context.now() * 8) | 0, bytes, offset, offset + length)
  }

  audio(packet: Buffer, header: RtpHeader, codec: Codec, _source: number, now: number): void {
    if (header.ssrc !== this.#ssrc) this.#follow(header.ssrc, codec)
    this.#write(this.received, codecNumber(codec), 0, header.timestamp, (now * 8) | 0, packet, header.payloadStart, header.payloadEnd)
  }

  /** A decoder that has adapted to another stream would make a leap of this one. */
  #follow(ssrc: number, codec: Codec): void {
    if (this.#ssrc !== 0 && codec.createSplicer !== undefined && !this.#paused && this.received >= 0) this.#tellPiece(this.received, codec, NOTHING, 0, 0)
    this.#ssrc = ssrc
  }

  event(): void {
    // A key is no sound: silence stands in its place.
  }

  sent(payload: Uint8Array, start: number, end: number, timestamp: number): void {
    const codec = this.leg?.codec
    if (codec !== undefined) this.#write(this.sentTrack, codecNumber(codec), 0, timestamp, (this.context.now() * 8) | 0, payload, start, end)
  }

  /** A frame of 16-bit PCM at `rate`, as bytes. */
  mixed(bytes: Uint8Array, rate: number, timestamp: number, at: number): void {
    this.#write(this.sentTrack, -1, rate, timestamp, (at * 8) | 0, bytes, 0, bytes.length)
  }

  #write(track: number, codec: number, rate: number, timestamp: number, at: number, payload: Uint8Array, start: number, end: number): void {
    if (this.#paused || track < 0) return
    if (!this.#begun) this.#begun = this.#tellBegin()
    if (this.#begun && this.context.frames.write(this.recording, track, codec, rate, timestamp | 0, at, payload, start, end)) return
    this.context.share.add(Counter.framesDropped, 1)
    this.#lost++
    // Told at the first loss, then each second's worth.
    if (this.#lost % 50 === 1) this.context.report({ type: 'ring-full', recording: this.recording, frames: this.#lost })
  }
}

/** PCM of what a leg receives, for the application. */
export class ListenerTap implements AudioSink {
  readonly #decoders = new Map<Codec, ReturnType<Codec['createDecoder']>>()
  readonly #pcm = new Int16Array(6000)
  #resampler: Resampler | undefined
  #from = 0

  constructor(readonly context: WorkerContext, readonly leg: number, readonly listener: number, readonly rate: number) {}

  audio(packet: Buffer, header: RtpHeader, codec: Codec): void {
    const length = header.payloadEnd - header.payloadStart
    if (length > this.#pcm.length / 4) return
    let decoder = this.#decoders.get(codec)
    if (decoder === undefined) this.#decoders.set(codec, decoder = codec.createDecoder())
    const samples = decoder.decode(packet, header.payloadStart, length, this.#pcm)
    const pcm = this.#atRate(this.#pcm.subarray(0, samples), codec.sampleRate)
    this.context.report({ type: 'heard', leg: this.leg, listener: this.listener, pcm })
  }

  event(): void {
    // Keys come as events of the leg.
  }

  #atRate(pcm: Int16Array, from: number): Int16Array {
    if (from === this.rate) return pcm.slice()
    if (this.#resampler === undefined || from !== this.#from) {
      this.#resampler = this.context.filters.resampler(from, this.rate, this.#pcm.length)
      this.#from = from
    }
    const out = new Int16Array(this.#resampler.outputSamples(pcm.length))
    return out.subarray(0, this.#resampler.process(pcm, out))
  }
}
