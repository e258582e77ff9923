import type { QualityInput } from '../../rtp/mos.js'
import { ntpMiddle, ntpOf, type ReportBlock, readRtcp, roundTripOf, type RtcpPacket, writeRtcp } from '../../rtp/rtcp.js'
import type { RtcpFeedback } from '../../rtp/rtcp-feedback.js'
import type { ExtendedBlock } from '../../rtp/rtcp-xr.js'
import type { NegotiatedMedia, NegotiatedStream } from '../../sdp/negotiated.js'
import type { Timer } from '../../core/clock.js'
import { DROP_REASONS } from '../shared/worker-share.js'
import type { WorkerContext } from './context.js'
import { ExtendedReporting } from './extended-reporting.js'
import type { Latch } from './latch.js'
import type { Protection } from './protection.js'
import type { Reception } from './reception.js'
import { bindUdp, type PacketTransport } from './socket.js'
import type { WorkLoop } from './work-loop.js'

/** RFC 3550 §6.2: two parties never need reports more often. */
const INTERVAL_MS = 5000
/** §6.3.1: makes good for the randomisation, which would let reports come too often on the average. */
const COMPENSATION = Math.E - 1.5
const MALFORMED = DROP_REASONS.indexOf('rtcp-malformed')
const STRANGER = DROP_REASONS.indexOf('rtcp-stranger')

/** The stream that goes out, as reports tell of it. */
export interface ReportedSender {
  readonly ssrc: number
  readonly packets: number
  readonly bytes: number
  /** RTP timestamp of the last packet, and the engine time that it stands for: NaN before the first. */
  readonly timestamp: number
  readonly sentAt: number
  readonly unitsPerMs: number
}

/** The stream that comes in, as reports tell of it. */
export interface ReportedReceiver {
  /** 0 before the first packet. */
  readonly ssrc: number
  readonly latch: Latch
  readonly reception: Reception
  /** The source says BYE. */
  left(ssrc: number): void
}

export interface RtcpSessionOptions {
  readonly context: Pick<WorkerContext, 'wheel' | 'now' | 'random' | 'cname' | 'outbox'> & { readonly loop: Pick<WorkLoop, 'unseen'> }
  readonly sender: ReportedSender
  readonly receiver: ReportedReceiver
  readonly address: string
  /** The odd port beside the leg's. */
  readonly port: number
  /** The leg's RTP socket, for rtcp-mux. */
  readonly transport: PacketTransport
  /** The leg's SRTCP, if any. */
  readonly protection: () => Protection | undefined
  readonly dropped: (reason: number) => void
  /** Called at each interval, before the report. */
  readonly interval?: (now: number) => void
  /** What is heard of the peer, undefined before anything was; absent where no extended reports can be agreed on. */
  readonly heard?: () => QualityInput | undefined
  /** Takes what the peer asks of the sender. */
  readonly feedback?: (feedback: RtcpFeedback, now: number) => void
}

/** What goes out with a report. */
interface ReportExtra {
  readonly bye?: boolean
  readonly feedback?: Buffer
}

const NOTHING: ReportExtra = {}
/** Highest UDP port. */
const LAST_PORT = 65_535

/**
 * Reports of one leg or side stream, both ways. Its port is bound when the first report is due, since most calls that fail never need
 * it; where feedback is taken, with the first agreement.
 */
export class RtcpSession {
  /** Last measured, in ms. */
  roundTrip: number | undefined
  remoteLossShare: number | undefined
  /** What the peer says that it hears of us. */
  remoteMos: number | undefined
  readonly #options: RtcpSessionOptions
  readonly #extended: ExtendedReporting | undefined
  #mux = false
  #remoteAddress = ''
  #remotePort = 0
  #socket: PacketTransport | undefined
  #unbindable = false
  #timer: Timer | undefined
  #sentPackets = 0

  constructor(options: RtcpSessionOptions) {
    this.#options = options
    if (options.heard !== undefined) this.#extended = new ExtendedReporting(options.receiver, options.heard)
  }

  apply(media: NegotiatedMedia | NegotiatedStream): void {
    this.#mux = media.rtcpMux
    this.#remoteAddress = media.remoteRtcp?.address ?? ''
    this.#remotePort = media.remoteRtcp?.port ?? 0
    if ('ptime' in media) this.#extended?.apply(media)
    if (this.#options.feedback !== undefined) this.#bind()
    // The first interval is half as long (§6.2).
    if (this.#timer === undefined) this.#schedule(0.5)
  }

  #schedule(share: number): void {
    const { context } = this.#options
    const ms = (share * INTERVAL_MS * (0.5 + context.random.float())) / COMPENSATION
    this.#timer = context.wheel.add(context.now() + ms, this.#due)
  }

  readonly #due = (): void => {
    const now = this.#options.context.now()
    this.#schedule(1)
    this.#bind()
    this.#options.interval?.(now)
    this.#report(now, NOTHING)
  }

  #bind(): void {
    if (this.#mux || this.#socket !== undefined || this.#unbindable) return
    const { address, port, context } = this.#options
    try {
      this.#socket = bindUdp(address, port, context.outbox, (packet, from) => this.receive(packet, from, context.now()), () => undefined)
    } catch {
      // Somebody else has the port: the call goes on without reports.
      this.#unbindable = true
    }
  }

  /** Takes a compound packet from the peer's address, whatever its port. */
  receive(packet: Buffer, address: string, now: number): void {
    const { receiver, dropped, protection } = this.#options
    if (address !== receiver.latch.address && address !== this.#remoteAddress) return dropped(STRANGER)
    const plain = protection()?.openRtcp(packet) ?? packet
    if (typeof plain === 'number') return dropped(plain)
    const packets = readRtcp(plain)
    if (packets === undefined) return dropped(MALFORMED)
    // Nobody saw when it came: half of the time that nobody looked is the best guess.
    const waited = this.#options.context.loop.unseen / 2
    for (const part of packets) this.#take(part, now - waited, waited)
  }

  /** @param now engine time in ms at which it came, and @param waited how long it waited to be seen. */
  #take(packet: RtcpPacket, now: number, waited: number): void {
    const { receiver } = this.#options
    switch (packet.type) {
      case 'sender-report':
        if (packet.ssrc === receiver.ssrc) receiver.reception.reported(ntpMiddle(packet.sender.ntpSeconds, packet.sender.ntpFraction), now)
        for (const block of packet.reports) this.#block(block, waited)
        return
      case 'receiver-report':
        for (const block of packet.reports) this.#block(block, waited)
        return
      case 'extended-report':
        for (const block of packet.blocks) this.#extendedBlock(packet.ssrc, block, now, waited)
        return
      case 'bye':
        for (const ssrc of packet.ssrcs) receiver.left(ssrc)
        return
      case 'description': return
      default: this.#options.feedback?.(packet, now)
    }
  }

  /** Sends a packet of feedback at once, behind the report that it must follow (RFC 4585 §3.1). */
  send(feedback: Buffer): void {
    this.#report(this.#options.context.now(), { feedback })
  }

  #extendedBlock(ssrc: number, block: ExtendedBlock, now: number, waited: number): void {
    if (this.#extended === undefined) return
    const { roundTrip, mos } = this.#extended.take(ssrc, block, this.#options.sender.ssrc, now, waited)
    this.roundTrip = roundTrip ?? this.roundTrip
    this.remoteMos = mos ?? this.remoteMos
  }

  #block(block: ReportBlock, waited: number): void {
    if (block.ssrc !== this.#options.sender.ssrc) return
    this.remoteLossShare = block.fractionLost / 256
    this.roundTrip = roundTripOf(block.lastSenderReport, block.delaySinceLast, Date.now(), waited) ?? this.roundTrip
  }

  #report(now: number, { bye = false, feedback }: ReportExtra): void {
    const { sender, receiver, context, transport } = this.#options
    const link = this.#mux ? transport : this.#socket
    const address = this.#mux ? receiver.latch.address : this.#remoteAddress || receiver.latch.address
    const port = this.#mux ? receiver.latch.port : this.#remotePort || receiver.latch.port + 1
    if (link === undefined || address === '' || port <= 1 || port > LAST_PORT) return
    const active = sender.packets > this.#sentPackets
    this.#sentPackets = sender.packets
    const report = writeRtcp({
      ssrc: sender.ssrc,
      cname: context.cname,
      reports: receiver.ssrc === 0 ? [] : [receiver.reception.block(receiver.ssrc, now)],
      extended: this.#extended?.blocks(active, this.roundTrip, now) ?? [],
      bye,
      ...(active ? { sender: this.#senderInfo(now) } : {}),
    })
    const compound = feedback === undefined ? report : Buffer.concat([report, feedback])
    const protection = this.#options.protection()
    const sealed = protection === undefined ? compound : protection.sealRtcp(compound)
    if (sealed !== undefined) link.send(sealed, port, address)
  }

  #senderInfo(now: number): { ntpSeconds: number; ntpFraction: number; timestamp: number; packets: number; bytes: number } {
    const { sender } = this.#options
    const ntp = ntpOf(Date.now())
    // The timestamp that corresponds to the same instant (§6.4.1), not the last packet's.
    const timestamp = (sender.timestamp + Math.round((now - sender.sentAt) * sender.unitsPerMs)) >>> 0
    return { ntpSeconds: ntp.seconds, ntpFraction: ntp.fraction, timestamp, packets: sender.packets, bytes: sender.bytes }
  }

  /** Says BYE for the SSRC that is about to be given up (RFC 3550 §8.2). */
  leaveSource(): void {
    if (this.#mux || this.#socket !== undefined) this.#report(this.#options.context.now(), { bye: true })
  }

  /** @param bye sends BYE when reports have been sent before (§6.3.7). */
  close(bye: boolean): void {
    this.#timer?.cancel()
    if (bye) this.leaveSource()
    this.#socket?.close()
    this.#socket = undefined
  }
}
