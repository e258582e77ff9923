import type { Codec } from '../../codec/codec.js'
import type { Resampler } from '../../codec/resampler.js'
import type { RtpHeader } from '../../rtp/packet.js'
import { BEGIN_TRACK } from '../shared/frame-ring.js'
import { Counter } from '../shared/worker-share.js'
import type { WorkerContext } from './context.js'
import { type AudioSink, codecNumber } from './receiver.js'
import type { SentTap } from './sender.js'

const NOTHING = new Uint8Array(0)

/** Writes frames into the ring that the recorder reads; a full ring loses the frame, never time. */
export class RecordingTap implements AudioSink, SentTap {
  paused = false
  /** Track of what is received, and of what is sent; -1: not recorded. */
  readonly received: number
  readonly sentTrack: number
  #lost = 0

  /** @param codec answers the codec that the leg sends at the moment. */
  constructor(readonly context: WorkerContext, readonly recording: number, received: number, sent: number, readonly codec: () => Codec | undefined) {
    this.received = received
    this.sentTrack = sent
    context.frames.write(recording, BEGIN_TRACK, 0, 0, 0, (context.now() * 8) | 0, NOTHING, 0, 0)
  }

  audio(packet: Buffer, header: RtpHeader, codec: Codec, _source: number, now: number): void {
    this.#write(this.received, codecNumber(codec), 0, header.timestamp, (now * 8) | 0, packet, header.payloadStart, header.payloadEnd)
  }

  event(): void {
    // A key is no sound: silence stands in its place.
  }

  sent(payload: Uint8Array, start: number, end: number, timestamp: number): void {
    const codec = this.codec()
    if (codec !== undefined) this.#write(this.sentTrack, codecNumber(codec), 0, timestamp, (this.context.now() * 8) | 0, payload, start, end)
  }

  /** A frame of 16-bit PCM at `rate`, as bytes. */
  mixed(bytes: Uint8Array, rate: number, timestamp: number, at: number): void {
    this.#write(this.sentTrack, -1, rate, timestamp, (at * 8) | 0, bytes, 0, bytes.length)
  }

  #write(track: number, codec: number, rate: number, timestamp: number, at: number, payload: Uint8Array, start: number, end: number): void {
    if (this.paused || track < 0) return
    if (this.context.frames.write(this.recording, track, codec, rate, timestamp | 0, at, payload, start, end)) return
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
