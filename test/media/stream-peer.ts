import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { datagramKind, RtpHeader, readRtp, writeRtp } from '../../src/rtp/packet.js'
import { readRtcp, type RtcpPacket, writeRtcp } from '../../src/rtp/rtcp.js'
import { type RtcpFeedback, writeFeedback } from '../../src/rtp/rtcp-feedback.js'
import { SRTP_OVERHEAD, SrtpReceiver, SrtpSender } from '../../src/rtp/srtp.js'
import type { CryptoKeys, NegotiatedStream, NegotiatedStreamCodec } from '../../src/sdp/negotiated.js'

/** A packet of video or text as it came. */
export interface SeenPacket {
  readonly marker: boolean
  readonly payloadType: number
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Buffer
}

/** What a peer sends, with what it does not say as it was in its last packet. */
export interface SentPacket {
  readonly payload: string | Buffer
  readonly sequence: number
  readonly timestamp?: number
  readonly marker?: boolean
  readonly payloadType: number
}

/** Where a peer sends to. */
export interface StreamTarget {
  readonly local: { readonly address: string; readonly port: number; readonly rtcpPort: number }
}

const open = async (port = 0): Promise<Socket> => {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** A codec agreed on: `receive` is the number towards us, `send` the peer's. */
export const codec = (name: string, receive: number, send: number, more: Partial<NegotiatedStreamCodec> = {}): NegotiatedStreamCodec =>
  ({ key: name, name, clockRate: name === 'H264' || name === 'VP8' ? 90_000 : 1000, channels: 1, receive, send, feedback: ['nack', 'nack pli', 'ccm fir'], ...more })

/** A telephone's video, text or fax on real sockets: sends what the test says, and keeps what it is sent. */
export class StreamPeer {
  readonly seen: SeenPacket[] = []
  readonly reports: RtcpPacket[] = []
  /** Every datagram on the first port, as it came. */
  readonly datagrams: Buffer[] = []
  ssrc: number
  #timestamp = 0
  #sealer: SrtpSender | undefined
  #opener: SrtpReceiver | undefined

  private constructor(readonly rtp: Socket, readonly rtcp: Socket, ssrc: number) {
    this.ssrc = ssrc
    rtp.on('message', datagram => this.#take(datagram))
    rtcp.on('message', datagram => this.#take(datagram))
  }

  /** @param port of its first socket. @default one that the system chooses */
  static async create(ssrc: number, port?: number): Promise<StreamPeer> {
    return new StreamPeer(await open(port), await open(), ssrc)
  }

  get port(): number {
    return this.rtp.address().port
  }

  /** The agreement that an end would have with this peer. */
  agreed(codecs: readonly NegotiatedStreamCodec[], changes: Partial<NegotiatedStream> = {}): NegotiatedStream {
    const address = '127.0.0.1'
    return {
      kind: 'video', remote: { address, port: this.port }, remoteRtcp: { address, port: this.rtcp.address().port }, rtcpMux: false,
      codecs, avpf: true, t38: [], direction: 'sendrecv', ...changes,
    }
  }

  /** From now on SRTP; returns the agreement's keys as the end sees them. */
  secure(toEnd: CryptoKeys, fromEnd: CryptoKeys): NonNullable<NegotiatedStream['crypto']> {
    this.#sealer = new SrtpSender(toEnd)
    this.#opener = new SrtpReceiver(fromEnd)
    return { send: fromEnd, receive: toEnd }
  }

  send(to: StreamTarget, { payload, sequence, timestamp = this.#timestamp, marker = false, payloadType }: SentPacket): void {
    const bytes = Buffer.from(payload)
    this.#timestamp = timestamp
    const packet = Buffer.alloc(12 + bytes.length + SRTP_OVERHEAD)
    writeRtp(packet, 0, marker, payloadType, sequence, timestamp, this.ssrc)
    packet.set(bytes, 12)
    const length = 12 + bytes.length
    this.raw(to, packet.subarray(0, this.#sealer === undefined ? length : this.#sealer.protect(packet, length)))
  }

  raw(to: StreamTarget, datagram: Uint8Array): void {
    this.rtp.send(datagram, to.local.port, to.local.address)
  }

  /** Sends feedback behind a receiver report (RFC 4585 §3.1), from `socket`. */
  ask(to: StreamTarget, feedback: Exclude<RtcpFeedback, { type: 'other-feedback' }>, socket: Socket = this.rtcp): void {
    const plain = Buffer.concat([writeRtcp({ ssrc: this.ssrc, cname: 'peer', reports: [] }), writeFeedback(feedback)])
    const packet = Buffer.concat([plain, Buffer.alloc(SRTP_OVERHEAD)])
    const length = this.#sealer === undefined ? plain.length : this.#sealer.protectRtcp(packet, plain.length)
    socket.send(packet.subarray(0, length), socket === this.rtcp ? to.local.rtcpPort : to.local.port, to.local.address)
  }

  /** What was asked of it. */
  asked(): readonly RtcpPacket[] {
    return this.reports.filter(({ type }) => type === 'nack' || type === 'picture-loss' || type === 'full-intra')
  }

  close(): void {
    this.rtp.close()
    this.rtcp.close()
  }

  #take(datagram: Buffer): void {
    this.datagrams.push(Buffer.from(datagram))
    const isRtcp = datagramKind(datagram) === 'rtcp'
    const opener = this.#opener
    const length = opener === undefined ? datagram.length : isRtcp ? opener.unprotectRtcp(datagram, datagram.length) : opener.unprotect(datagram, datagram.length)
    const packet = datagram.subarray(0, length)
    if (isRtcp) {
      this.reports.push(...readRtcp(packet) ?? [])
      return
    }
    const header = new RtpHeader()
    if (!readRtp(packet, header)) return
    const { marker, payloadType, sequence, timestamp, ssrc } = header
    this.seen.push({ marker, payloadType, sequence, timestamp, ssrc, payload: Buffer.from(packet.subarray(header.payloadStart, header.payloadEnd)) })
  }
}
