import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { datagramKind, RtpHeader, readRtp, writeRtp } from '../../src/rtp/packet.js'
import { readRtcp, type RtcpPacket } from '../../src/rtp/rtcp.js'
import { SrtpReceiver, SrtpSender } from '../../src/rtp/srtp.js'
import type { Codec } from '../../src/codec/codec.js'
import type { CryptoKeys, NegotiatedMedia } from '../../src/sdp/negotiated.js'
import type { Leg } from '../../src/media/leg.js'

export interface HeardPacket {
  readonly marker: boolean
  readonly payloadType: number
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Uint8Array
  readonly at: number
}

/** A leg, or where it is. */
type Target = Pick<Leg, 'local'>

/** A telephone on a real socket: sends a tone of its own every 20 ms by an absolute clock, and keeps what it hears. */
export class TonePeer {
  readonly heard: HeardPacket[] = []
  readonly reports: RtcpPacket[] = []
  sequence = 65_500
  timestamp = 0xffff_f000
  ssrc = Math.floor(Math.random() * 0xffff_ffff)
  sent = 0
  /** SRTP of this peer: what it sends with and what it expects. */
  #sealer: SrtpSender | undefined
  #opener: SrtpReceiver | undefined
  /** Says of each packet whether it is lost on the way. */
  lose: (packet: number) => boolean = () => false
  readonly #tone: ToneGenerator
  readonly #pcm = new Int16Array(160)
  #timer: NodeJS.Timeout | undefined

  /** @param tone that it says, in Hz. */
  private constructor(readonly socket: Socket, readonly port: number, readonly codec: Codec, readonly tone: number) {
    this.#tone = new ToneGenerator({ frequencies: [tone], dbm0: -10 }, codec.sampleRate)
    socket.on('message', datagram => {
      const length = this.#opener === undefined ? datagram.length : this.#opener.unprotect(datagram, datagram.length)
      const packet = datagram.subarray(0, length)
      const header = new RtpHeader()
      if (datagramKind(packet) === 'rtcp') {
        this.reports.push(...readRtcp(packet) ?? [])
        return
      }
      if (!readRtp(packet, header)) return
      const { marker, payloadType, sequence, timestamp, ssrc } = header
      this.heard.push({ marker, payloadType, sequence, timestamp, ssrc, payload: packet.subarray(header.payloadStart, header.payloadEnd), at: performance.now() })
    })
  }

  static async create(frequency: number, codec: Codec = pcmu): Promise<TonePeer> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new TonePeer(socket, socket.address().port, codec, frequency)
  }

  /** The agreement that a leg would have with this peer. */
  media(overrides: Partial<NegotiatedMedia> = {}): NegotiatedMedia {
    const codec = { name: this.codec.name, clockRate: this.codec.clockRate, channels: 1, receive: this.codec.payloadType!, send: this.codec.payloadType! }
    return {
      remote: { address: '127.0.0.1', port: this.port }, remoteRtcp: { address: '127.0.0.1', port: this.port + 1 }, rtcpMux: false,
      codec, receivable: [codec], dtmf: { receive: 101, send: 101 }, ptime: 20, direction: 'sendrecv', ...overrides,
    }
  }

  /** From now on SRTP; returns the agreement's keys as the leg sees them. */
  secure(toLeg: CryptoKeys, fromLeg: CryptoKeys): NonNullable<NegotiatedMedia['crypto']> {
    this.#sealer = new SrtpSender(toLeg)
    this.#opener = new SrtpReceiver(fromLeg)
    return { send: fromLeg, receive: toLeg }
  }

  #transmit(packet: Buffer, leg: Target): void {
    let sealed = packet
    if (this.#sealer !== undefined) {
      const room = Buffer.concat([packet, Buffer.alloc(this.#sealer.overhead)])
      sealed = room.subarray(0, this.#sealer.protect(room, packet.length))
    }
    this.socket.send(sealed, leg.local.port, leg.local.address)
  }

  /** Sends the tone to `leg` until `stop`. */
  talk(leg: Target): void {
    const start = performance.now()
    let frames = 0
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      for (; frames * 20 <= performance.now() - start; frames++) this.say(leg)
    }, 4)
  }

  /** Sends one frame. */
  say(leg: Target): void {
    this.#tone.read(this.#pcm)
    const packet = Buffer.alloc(172)
    this.codec.createEncoder().encode(this.#pcm, packet, 12)
    this.sequence = (this.sequence + 1) & 0xffff
    this.timestamp = (this.timestamp + 160) >>> 0
    writeRtp(packet, 0, this.sent === 0, this.codec.payloadType!, this.sequence, this.timestamp, this.ssrc)
    if (!this.lose(this.sent++)) this.#transmit(packet, leg)
  }

  /** Presses a key: RFC 4733 packets every 20 ms' worth of time, at once. */
  press(leg: Target, code: number, options: { readonly loseEnds?: boolean } = {}): void {
    const timestamp = (this.timestamp + 160) >>> 0
    for (let step = 1; step <= 7; step++) {
      const end = step > 4
      if (end && options.loseEnds === true) break
      const packet = Buffer.alloc(16)
      this.sequence = (this.sequence + 1) & 0xffff
      writeRtp(packet, 0, step === 1, 101, this.sequence, timestamp, this.ssrc)
      packet[12] = code
      packet[13] = (end ? 0x80 : 0) | 10
      packet.writeUInt16BE(160 * Math.min(step, 5), 14)
      this.#transmit(packet, leg)
    }
    this.timestamp = (timestamp + 800) >>> 0
  }

  quiet(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Audio packets heard since packet number `from`. */
  audio(from = 0): HeardPacket[] {
    return this.heard.slice(from).filter(({ payloadType }) => payloadType === this.codec.payloadType)
  }

  /** What it heard, each packet where its timestamp puts it; samples that nothing came for are 0. */
  pcm(from = 0): Int16Array {
    const packets = this.audio(from)
    const first = packets[0]
    if (first === undefined) return new Int16Array(0)
    const places = packets.map(({ timestamp }) => (timestamp - first.timestamp) | 0)
    const out = new Int16Array(Math.max(...places) + 160)
    packets.forEach(({ payload }, at) => {
      const frame = new Int16Array(payload.length)
      this.codec.createDecoder().decode(payload, 0, payload.length, frame)
      if (places[at]! >= 0) out.set(frame, places[at]!)
    })
    return out
  }

  /** Level in dBm0 of a tone in the last `samples` that it heard: the median of tenths of a second, so that one hold-up of the machine is none of ours. */
  level(frequency: number, samples = 4000): number {
    const pcm = this.pcm()
    const levels: number[] = []
    for (let at = Math.max(0, pcm.length - samples); at + 800 <= pcm.length; at += 800) levels.push(toneLevel(pcm, frequency, 8000, at, 800))
    return levels.sort((a, b) => a - b)[levels.length >> 1] ?? -Infinity
  }

  close(): void {
    this.quiet()
    this.socket.close()
  }
}

export { pcma, pcmu }

/** Waits until `condition` holds; fails loudly after `limit` ms. */
export const until = async (condition: () => boolean | Promise<boolean>, what: string, limit = 20_000): Promise<void> => {
  const end = performance.now() + limit
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`timed out: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
