/**
 * RTCP feedback (RFC 4585 §6, RFC 5104 §4.3.1): what a receiver of video asks of its sender. All of it has one head:
 *
 *      0                   1                   2                   3
 *     |V=2|P|   FMT   |   PT (205, 206)   |          length         |
 *     |                   SSRC of packet sender                     |
 *     |                    SSRC of media source                     |
 *     |              feedback control information ...               |
 */

/** Packets missing: the one numbered `packet`, and for each bit of `mask` the one that is its place, from 1, behind it. */
export interface MissingPackets {
  readonly packet: number
  readonly mask: number
}

/** Asks the source `ssrc` for a whole picture; a new `sequence` is a new request, an old one a repetition. */
export interface IntraRequest {
  readonly ssrc: number
  readonly sequence: number
}

/** Feedback of one packet; `ssrc` is who asks, `media` of whom. */
export type RtcpFeedback =
  | { readonly type: 'nack'; readonly ssrc: number; readonly media: number; readonly missing: readonly MissingPackets[] }
  | { readonly type: 'picture-loss'; readonly ssrc: number; readonly media: number }
  | { readonly type: 'full-intra'; readonly ssrc: number; readonly requests: readonly IntraRequest[] }
  /** Of another format, which is not read. */
  | { readonly type: 'other-feedback'; readonly ssrc: number; readonly media: number }

/** Packet types of RFC 4585 §6.1. */
export const TRANSPORT_FEEDBACK = 205
export const PAYLOAD_FEEDBACK = 206
const GENERIC_NACK = 1
const PICTURE_LOSS = 1
const FULL_INTRA = 4
const HEAD_BYTES = 12

/**
 * Reads the feedback packet that lies in `view` from `start` to `end`, its padding left out.
 * @returns undefined when it is cut short.
 */
export const readFeedback = (view: DataView, start: number, end: number): RtcpFeedback | undefined => {
  const body = start + HEAD_BYTES
  if (end < body) return undefined
  const ssrc = view.getUint32(start + 4)
  const media = view.getUint32(start + 8)
  const format = view.getUint8(start) & 0x1f
  if (view.getUint8(start + 1) === TRANSPORT_FEEDBACK) {
    if (format !== GENERIC_NACK) return { type: 'other-feedback', ssrc, media }
    const missing = Array.from({ length: (end - body) >> 2 }, (_, entry) => ({ packet: view.getUint16(body + 4 * entry), mask: view.getUint16(body + 4 * entry + 2) }))
    return { type: 'nack', ssrc, media, missing }
  }
  if (format === PICTURE_LOSS) return { type: 'picture-loss', ssrc, media }
  if (format !== FULL_INTRA) return { type: 'other-feedback', ssrc, media }
  const requests = Array.from({ length: (end - body) >> 3 }, (_, entry) => ({ ssrc: view.getUint32(body + 8 * entry), sequence: view.getUint8(body + 8 * entry + 4) }))
  return { type: 'full-intra', ssrc, requests }
}

/** Writes a feedback packet, which goes behind a report and a CNAME (RFC 4585 §3.1). @returns its bytes, in a buffer of its own. */
export const writeFeedback = (feedback: Exclude<RtcpFeedback, { type: 'other-feedback' }>): Buffer => {
  const entries = feedback.type === 'nack' ? feedback.missing.length : feedback.type === 'full-intra' ? 2 * feedback.requests.length : 0
  const out = Buffer.alloc(HEAD_BYTES + 4 * entries)
  out[0] = 0x80 | (feedback.type === 'nack' ? GENERIC_NACK : feedback.type === 'picture-loss' ? PICTURE_LOSS : FULL_INTRA)
  out[1] = feedback.type === 'nack' ? TRANSPORT_FEEDBACK : PAYLOAD_FEEDBACK
  out.writeUInt16BE(out.length / 4 - 1, 2)
  out.writeUInt32BE(feedback.ssrc >>> 0, 4)
  // RFC 5104 §4.3.1.2: a full intra request names its sources behind the head, which has 0.
  if (feedback.type !== 'full-intra') out.writeUInt32BE(feedback.media >>> 0, 8)
  if (feedback.type === 'nack') feedback.missing.forEach(({ packet, mask }, entry) => out.writeUInt32BE(((packet << 16) | mask) >>> 0, HEAD_BYTES + 4 * entry))
  if (feedback.type === 'full-intra') {
    feedback.requests.forEach(({ ssrc, sequence }, entry) => {
      out.writeUInt32BE(ssrc >>> 0, HEAD_BYTES + 8 * entry)
      out[HEAD_BYTES + 8 * entry + 4] = sequence
    })
  }
  return out
}
