import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Codec, Encoder } from '../codec/codec.js'
import { pcmu } from '../codec/g711.js'
import { ToneGenerator, type Tone } from '../codec/tones.js'
import type { Clock, Timer } from '../core/clock.js'
import { secureRandom, type Random } from '../core/random.js'
import { realClock } from '../core/real-clock.js'
import { ToneProbe } from './tone-probe.js'

/** A packet as it came. */
export interface HeardPacket {
  /** Milliseconds of the endpoint's clock. */
  readonly at: number
  readonly payloadType: number
  readonly marker: boolean
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Uint8Array
}

/** Where and what the endpoint sends. */
export interface RtpTarget {
  readonly address: string
  readonly port: number
  readonly payloadType: number
  /** Payload type of RFC 4733 events, when agreed. */
  readonly eventType: number | undefined
}

/** Options of an `RtpEndpoint`. */
export interface RtpEndpointOptions {
  /** Address to bind. @default '127.0.0.1' */
  readonly address?: string
  /** @default PCMU */
  readonly codec?: Codec
  /** What it says from the moment it has a target; silence when absent. */
  readonly tone?: Tone
  readonly clock?: Clock
  readonly random?: Random
}

const PTIME_MS = 20
/** An event's timestamp counts at 8000 Hz whatever the audio (RFC 4733 §2.1 with a rate of 8000). */
const EVENT_KEYS = '0123456789*#ABCD'
/** RFC 4733 §2.5.1.4: the final packet is sent three times. */
const FINAL_REPEATS = 3
/** A timestamp this far from where the clock puts it starts a new stretch of sound. */
const RESYNC_MS = 1_000

interface KeyPress {
  readonly event: number
  /** Packets until the key is let go. */
  left: number
  sent: number
  finals: number
  readonly done: () => void
}

/** A plain RTP end of a telephone: sends a tone and key presses every 20 ms, and keeps all that it hears. */
export class RtpEndpoint implements AsyncDisposable {
  /** Every RTP packet received, RTCP left out. */
  readonly packets: HeardPacket[] = []
  readonly #codec: Codec
  readonly #encoder: Encoder
  readonly #clock: Clock
  readonly #socket: Socket
  readonly #ssrc: number
  readonly #pcm: Int16Array
  readonly #packet: Uint8Array
  readonly #keys: KeyPress[] = []
  #generator: ToneGenerator | undefined
  #target: RtpTarget | undefined
  #sequence: number
  #timestamp: number
  #eventStart = 0
  #sent = 0
  #started = 0
  #ticks = 0
  #timer: Timer | undefined
  #closed: Promise<void> | undefined

  private constructor(socket: Socket, options: RtpEndpointOptions) {
    const random = options.random ?? secureRandom
    this.#codec = options.codec ?? pcmu
    this.#encoder = this.#codec.createEncoder()
    this.#clock = options.clock ?? realClock
    this.#socket = socket
    this.#ssrc = random.uint32()
    this.#sequence = random.uint32() & 0xffff
    this.#timestamp = random.uint32()
    this.#pcm = new Int16Array((this.#codec.sampleRate * PTIME_MS) / 1000)
    this.#packet = new Uint8Array(12 + (this.#codec.payloadBytes(this.#pcm.length) ?? 1500))
    if (options.tone !== undefined) this.say(options.tone)
    socket.on('message', datagram => this.#receive(datagram))
  }

  /** Binds a port that the system chooses. */
  static async open(options: RtpEndpointOptions = {}): Promise<RtpEndpoint> {
    const socket = createSocket('udp4')
    socket.bind(0, options.address ?? '127.0.0.1')
    await once(socket, 'listening')
    return new RtpEndpoint(socket, options)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** RTP packets sent so far. */
  get sent(): number {
    return this.#sent
  }

  /** Changes what it says; undefined is silence. */
  say(tone: Tone | undefined): void {
    this.#generator = tone === undefined ? undefined : new ToneGenerator(tone, this.#codec.sampleRate)
  }

  /** Starts sending, or sends elsewhere from now on; undefined stops. */
  sendTo(target: RtpTarget | undefined): void {
    this.#target = target
    if (target === undefined || this.#timer !== undefined) return
    this.#started = this.#clock.now()
    this.#ticks = 0
    this.#tick()
  }

  /** Presses keys one after the other as RFC 4733 events; resolves when the last has been let go, or at `close`. Times in milliseconds. */
  async press(keys: string, duration = 100, gap = 80): Promise<void> {
    for (const key of keys) {
      const event = EVENT_KEYS.indexOf(key)
      if (event < 0) throw new RangeError(`no such key: ${key}`)
      if (this.#closed !== undefined) return
      await new Promise<void>(done => this.#keys.push({ event, left: Math.ceil(duration / PTIME_MS), sent: 0, finals: FINAL_REPEATS, done }))
      await new Promise<void>(done => this.#clock.after(gap, done))
    }
  }

  /** Keys heard as RFC 4733 events of payload type `eventType`, one for each event timestamp. */
  keysHeard(eventType = 101): string {
    let keys = ''
    let last: number | undefined
    for (const packet of this.packets) {
      if (packet.payloadType !== eventType || packet.timestamp === last) continue
      last = packet.timestamp
      keys += EVENT_KEYS[packet.payload[0]!] ?? '?'
    }
    return keys
  }

  /** What it heard, laid out by RTP timestamp: what was lost is silence. */
  heard(): ToneProbe {
    const { sampleRate, clockRate } = this.#codec
    const decoder = this.#codec.createDecoder()
    const frames: { readonly at: number; readonly pcm: Int16Array }[] = []
    let base: { readonly ssrc: number; readonly timestamp: number; readonly at: number } | undefined
    for (const packet of this.packets) {
      if (packet.payloadType !== (this.#target?.payloadType ?? this.#codec.payloadType)) continue
      const elapsed = packet.at - this.packets[0]!.at
      const place = base === undefined ? 0 : base.at + (((packet.timestamp - base.timestamp) | 0) * 1000) / clockRate
      if (base === undefined || base.ssrc !== packet.ssrc || Math.abs(place - elapsed) > RESYNC_MS) base = { ssrc: packet.ssrc, timestamp: packet.timestamp, at: elapsed }
      const at = base.at + (((packet.timestamp - base.timestamp) | 0) * 1000) / clockRate
      const pcm = new Int16Array(8 * packet.payload.length)
      frames.push({ at: Math.round((at * sampleRate) / 1000), pcm: pcm.subarray(0, decoder.decode(packet.payload, 0, packet.payload.length, pcm)) })
    }
    const sound = new Int16Array(frames.reduce((end, { at, pcm }) => Math.max(end, at + pcm.length), 0))
    for (const { at, pcm } of frames) if (at >= 0) sound.set(pcm, at)
    return new ToneProbe(sound, sampleRate)
  }

  /** Forgets what it heard. */
  forget(): void {
    this.packets.length = 0
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#target = undefined
    this.#timer?.cancel()
    this.#timer = undefined
    for (const key of this.#keys.splice(0)) key.done()
    return (this.#closed ??= new Promise<void>(resolve => { this.#socket.close(resolve) }))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #receive(datagram: Buffer): void {
    if (datagram.length < 12 || datagram[0]! >> 6 !== 2) return
    // RFC 5761 §4: payload types 64-95 with the marker read as RTCP.
    if (datagram[1]! >= 192 && datagram[1]! <= 223) return
    const header = 12 + 4 * (datagram[0]! & 0x0f)
    this.packets.push({
      at: this.#clock.now(),
      payloadType: datagram[1]! & 0x7f,
      marker: (datagram[1]! & 0x80) !== 0,
      sequence: datagram.readUInt16BE(2),
      timestamp: datagram.readUInt32BE(4),
      ssrc: datagram.readUInt32BE(8),
      payload: Uint8Array.from(datagram.subarray(header)),
    })
  }

  /** Sends everything due: the schedule is absolute, so a late turn does not shift those after it. */
  readonly #tick = (): void => {
    this.#timer = undefined
    if (this.#target === undefined) return
    while (this.#started + this.#ticks * PTIME_MS <= this.#clock.now()) {
      this.#ticks++
      this.#sendFrame(this.#target)
    }
    this.#timer = this.#clock.after(this.#started + this.#ticks * PTIME_MS - this.#clock.now(), this.#tick)
  }

  #sendFrame(target: RtpTarget): void {
    const key = this.#keys[0]
    // The tone goes on beneath a key, so that its phase fits again after it.
    if (this.#generator === undefined) this.#pcm.fill(0)
    else this.#generator.read(this.#pcm)
    if (key === undefined || target.eventType === undefined) {
      const length = this.#encoder.encode(this.#pcm, this.#packet, 12)
      this.#send(target, target.payloadType, this.#timestamp, this.#sent === 0, 12 + length)
    } else this.#sendKey(target, target.eventType, key)
    this.#timestamp = (this.#timestamp + (this.#codec.clockRate * PTIME_MS) / 1000) >>> 0
  }

  #sendKey(target: RtpTarget, eventType: number, key: KeyPress): void {
    const first = key.sent === 0
    if (first) this.#eventStart = this.#timestamp
    key.sent = Math.min(key.sent + 1, key.left)
    const final = key.sent === key.left
    const duration = key.sent * ((this.#codec.clockRate * PTIME_MS) / 1000)
    this.#packet.set([key.event, (final ? 0x80 : 0) | 10, duration >> 8, duration & 0xff], 12)
    this.#send(target, eventType, this.#eventStart, first, 16)
    if (!final || --key.finals > 0) return
    this.#keys.shift()
    key.done()
  }

  #send(target: RtpTarget, payloadType: number, timestamp: number, marker: boolean, length: number): void {
    const header = new DataView(this.#packet.buffer)
    header.setUint8(0, 0x80)
    header.setUint8(1, (marker ? 0x80 : 0) | payloadType)
    header.setUint16(2, this.#sequence)
    header.setUint32(4, timestamp)
    header.setUint32(8, this.#ssrc)
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.#sent++
    this.#socket.send(Uint8Array.from(this.#packet.subarray(0, length)), target.port, target.address)
  }
}
