import { PAYLOAD_FEEDBACK, readFeedback, type RtcpFeedback, TRANSPORT_FEEDBACK } from './rtcp-feedback.js'
import { type ExtendedBlock, extendedBytes, readExtendedBlocks, writeExtendedBlocks } from './rtcp-xr.js'

/**
 * RTCP (RFC 3550 §6): sender and receiver reports, SDES with a CNAME, BYE, feedback (RFC 4585), extended reports (RFC 3611). A compound packet is split by the lengths in its
 * packets' headers, and no packet is read past its own end. Other packet types are stepped over.
 */

/** One reception report block (RFC 3550 §6.4.1). */
export interface ReportBlock {
  /** Source that it is about. */
  readonly ssrc: number
  /** Share of packets lost since the last report, in 1/256. */
  readonly fractionLost: number
  /** Packets lost since the beginning, signed 24-bit. */
  readonly lost: number
  /** Extended highest sequence number received. */
  readonly highestSequence: number
  /** Interarrival jitter in timestamp units. */
  readonly jitter: number
  /** Middle 32 bits of the NTP time of the last sender report, 0 when there was none. */
  readonly lastSenderReport: number
  /** Delay since that report in 1/65536 s. */
  readonly delaySinceLast: number
}

/** What a sender report adds to a receiver report. */
export interface SenderInfo {
  /** NTP time, high and low 32 bits. */
  readonly ntpSeconds: number
  readonly ntpFraction: number
  readonly timestamp: number
  readonly packets: number
  readonly bytes: number
}

export type RtcpPacket =
  | { readonly type: 'sender-report'; readonly ssrc: number; readonly sender: SenderInfo; readonly reports: readonly ReportBlock[] }
  | { readonly type: 'receiver-report'; readonly ssrc: number; readonly reports: readonly ReportBlock[] }
  | { readonly type: 'description'; readonly ssrc: number; readonly cname: string }
  | { readonly type: 'bye'; readonly ssrcs: readonly number[] }
  | { readonly type: 'extended-report'; readonly ssrc: number; readonly blocks: readonly ExtendedBlock[] }
  | RtcpFeedback

const SENDER_REPORT = 200
const RECEIVER_REPORT = 201
const DESCRIPTION = 202
const BYE = 203
const EXTENDED_REPORT = 207
const BLOCK_BYTES = 24
/** Seconds from 1900 (NTP) to 1970 (Unix). */
const NTP_EPOCH = 2_208_988_800

/**
 * Reads a compound packet. Of types that are not ours (APP, feedback) only the length is read.
 * @returns undefined when a header or a length is wrong (RFC 3550 A.2): then nothing of it may be believed. Never throws.
 */
export const readRtcp = (datagram: Uint8Array): readonly RtcpPacket[] | undefined => {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  const packets: RtcpPacket[] = []
  let start = 0
  while (start < datagram.length) {
    if (start + 4 > datagram.length) return undefined
    const first = view.getUint8(start)
    let end = start + (view.getUint16(start + 2) + 1) * 4
    if (first >> 6 !== 2 || end > datagram.length) return undefined
    const next = end
    if ((first & 0x20) !== 0) end -= view.getUint8(end - 1)
    if (end < start + 4) return undefined
    const packet = readPacket(view, start, end, first & 0x1f)
    if (packet === 'malformed') return undefined
    if (packet !== undefined) packets.push(packet)
    start = next
  }
  return datagram.length === 0 ? undefined : packets
}

const readPacket = (view: DataView, start: number, end: number, count: number): RtcpPacket | 'malformed' | undefined => {
  const body = start + 4
  switch (view.getUint8(start + 1)) {
    case SENDER_REPORT: {
      if (end < body + 24 + count * BLOCK_BYTES) return 'malformed'
      return { type: 'sender-report', ssrc: view.getUint32(body), sender: readSender(view, body + 4), reports: readBlocks(view, body + 24, count) }
    }
    case RECEIVER_REPORT: {
      if (end < body + 4 + count * BLOCK_BYTES) return 'malformed'
      return { type: 'receiver-report', ssrc: view.getUint32(body), reports: readBlocks(view, body + 4, count) }
    }
    case DESCRIPTION: return readDescription(view, body, end)
    case BYE: {
      if (end < body + count * 4) return 'malformed'
      return { type: 'bye', ssrcs: Array.from({ length: count }, (_, at) => view.getUint32(body + at * 4)) }
    }
    case EXTENDED_REPORT: {
      const blocks = end < body + 4 ? undefined : readExtendedBlocks(view, body + 4, end)
      return blocks === undefined ? 'malformed' : { type: 'extended-report', ssrc: view.getUint32(body), blocks }
    }
    case TRANSPORT_FEEDBACK:
    case PAYLOAD_FEEDBACK: return readFeedback(view, start, end) ?? 'malformed'
    default: return undefined
  }
}

const readSender = (view: DataView, at: number): SenderInfo => ({
  ntpSeconds: view.getUint32(at),
  ntpFraction: view.getUint32(at + 4),
  timestamp: view.getUint32(at + 8),
  packets: view.getUint32(at + 12),
  bytes: view.getUint32(at + 16),
})

const readBlocks = (view: DataView, start: number, count: number): readonly ReportBlock[] =>
  Array.from({ length: count }, (_, block) => {
    const at = start + block * BLOCK_BYTES
    return {
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      lost: (view.getUint32(at + 4) << 8) >> 8,
      highestSequence: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastSenderReport: view.getUint32(at + 16),
      delaySinceLast: view.getUint32(at + 20),
    }
  })

/** The first chunk's CNAME (§6.5.1); other items and chunks are of no use here. */
const readDescription = (view: DataView, body: number, end: number): RtcpPacket | 'malformed' | undefined => {
  if (end < body + 4) return undefined
  let at = body + 4
  while (at + 2 <= end) {
    const item = view.getUint8(at)
    if (item === 0) return undefined
    const length = view.getUint8(at + 1)
    if (at + 2 + length > end) return 'malformed'
    if (item === 1) {
      const text = new Uint8Array(view.buffer, view.byteOffset + at + 2, length)
      return { type: 'description', ssrc: view.getUint32(body), cname: Buffer.from(text).toString('utf8') }
    }
    at += 2 + length
  }
  return undefined
}

/** What one of our compound packets says. */
export interface OutgoingReport {
  readonly ssrc: number
  readonly cname: string
  /** Present when we sent since the last report (§6.4). */
  readonly sender?: SenderInfo
  readonly reports: readonly ReportBlock[]
  /** Blocks of an extended report (RFC 3611). */
  readonly extended?: readonly ExtendedBlock[]
  readonly bye?: boolean
}

/**
 * Writes a compound packet: SR or RR, SDES with CNAME, XR where it has blocks, and BYE when leaving (§6.1).
 * @returns its bytes, in a buffer of its own.
 */
export const writeRtcp = (report: OutgoingReport): Buffer => {
  const cname = Buffer.from(report.cname, 'utf8').subarray(0, 255)
  const reportBytes = 8 + (report.sender === undefined ? 0 : 20) + report.reports.length * BLOCK_BYTES
  // The chunk's items end with at least one zero byte and are padded to a word.
  const descriptionBytes = 4 + 4 + ((2 + cname.length) & ~3) + 4
  const { extended = [] } = report
  const extendedReportBytes = extended.length === 0 ? 0 : 8 + extendedBytes(extended)
  const out = Buffer.alloc(reportBytes + descriptionBytes + extendedReportBytes + (report.bye === true ? 8 : 0))
  writeHead(out, 0, report.sender === undefined ? RECEIVER_REPORT : SENDER_REPORT, report.reports.length, reportBytes)
  out.writeUInt32BE(report.ssrc >>> 0, 4)
  let at = 8
  if (report.sender !== undefined) at = writeSender(out, at, report.sender)
  for (const block of report.reports) at = writeBlock(out, at, block)
  writeHead(out, at, DESCRIPTION, 1, descriptionBytes)
  out.writeUInt32BE(report.ssrc >>> 0, at + 4)
  out[at + 8] = 1
  out[at + 9] = cname.length
  out.set(cname, at + 10)
  at += descriptionBytes
  if (extended.length > 0) {
    writeHead(out, at, EXTENDED_REPORT, 0, extendedReportBytes)
    out.writeUInt32BE(report.ssrc >>> 0, at + 4)
    writeExtendedBlocks(out, at + 8, extended)
    at += extendedReportBytes
  }
  if (report.bye === true) {
    writeHead(out, at, BYE, 1, 8)
    out.writeUInt32BE(report.ssrc >>> 0, at + 4)
  }
  return out
}

const writeHead = (out: Buffer, at: number, type: number, count: number, bytes: number): void => {
  out[at] = 0x80 | count
  out[at + 1] = type
  out.writeUInt16BE(bytes / 4 - 1, at + 2)
}

const writeSender = (out: Buffer, at: number, sender: SenderInfo): number => {
  out.writeUInt32BE(sender.ntpSeconds >>> 0, at)
  out.writeUInt32BE(sender.ntpFraction >>> 0, at + 4)
  out.writeUInt32BE(sender.timestamp >>> 0, at + 8)
  out.writeUInt32BE(sender.packets >>> 0, at + 12)
  out.writeUInt32BE(sender.bytes >>> 0, at + 16)
  return at + 20
}

const writeBlock = (out: Buffer, at: number, block: ReportBlock): number => {
  out.writeUInt32BE(block.ssrc >>> 0, at)
  const lost = Math.max(-0x80_0000, Math.min(0x7f_ffff, block.lost))
  out.writeUInt32BE(((block.fractionLost << 24) | (lost & 0xff_ffff)) >>> 0, at + 4)
  out.writeUInt32BE(block.highestSequence >>> 0, at + 8)
  out.writeUInt32BE(block.jitter >>> 0, at + 12)
  out.writeUInt32BE(block.lastSenderReport >>> 0, at + 16)
  out.writeUInt32BE(block.delaySinceLast >>> 0, at + 20)
  return at + BLOCK_BYTES
}

/** NTP time of a wall time in ms since 1970. */
export const ntpOf = (wall: number): { readonly seconds: number; readonly fraction: number } => {
  const whole = Math.floor(wall / 1000)
  return { seconds: (whole + NTP_EPOCH) >>> 0, fraction: Math.floor(((wall - whole * 1000) / 1000) * 0x1_0000_0000) >>> 0 }
}

/** The middle 32 bits of an NTP time: what `lastSenderReport` holds. */
export const ntpMiddle = (seconds: number, fraction: number): number => ((seconds << 16) | (fraction >>> 16)) >>> 0

/**
 * Round trip from what answers one of our reports: arrival − LSR − DLSR (§6.4.1), arrival − LRR − DLRR (RFC 3611 §4.5).
 * @param last middle 32 bits of our report's NTP time
 * @param delay that the peer had it, in 1/65536 s
 * @param arrivalWall ms of the wall clock at which the answer came, at the latest
 * @param waited how much sooner (ms) it may be thought to have come
 * @returns milliseconds, undefined when nothing is answered or the answer comes from the future.
 */
export const roundTripOf = (last: number, delay: number, arrivalWall: number, waited = 0): number | undefined => {
  if (last === 0) return undefined
  const arrival = ntpOf(arrivalWall)
  const units = (ntpMiddle(arrival.seconds, arrival.fraction) - last - delay) | 0
  return units < 0 ? undefined : Math.max(0, (units * 1000) / 65536 - waited)
}
