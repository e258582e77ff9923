/**
 * The RTP fixed header (RFC 3550 §5.1), read and written in place:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                     CSRC (CC of them) ...                     |
 */

/** Bytes of the header without CSRC list and extension. */
export const RTP_HEADER_BYTES = 12

/** One header's fields, overwritten by each `readRtp`: make one, keep it, read into it. */
export class RtpHeader {
  marker = false
  payloadType = 0
  sequence = 0
  /** Unsigned 32-bit. */
  timestamp = 0
  /** Unsigned 32-bit. */
  ssrc = 0
  /** First byte of the payload, past CSRC list and extension. */
  payloadStart = RTP_HEADER_BYTES
  /** Byte after the payload, before padding. */
  payloadEnd = RTP_HEADER_BYTES
}

/**
 * Reads the header of `packet` into `header`, with every length checked against the packet's end.
 * @returns false when it is no well-formed RTP packet; `header` is then undefined in content. Never throws, never allocates.
 */
export const readRtp = (packet: Uint8Array, header: RtpHeader): boolean => {
  const length = packet.length
  if (length < RTP_HEADER_BYTES) return false
  const first = packet[0]!
  if (first >> 6 !== 2) return false
  const second = packet[1]!
  header.marker = second > 127
  header.payloadType = second & 0x7f
  header.sequence = (packet[2]! << 8) | packet[3]!
  header.timestamp = ((packet[4]! << 24) | (packet[5]! << 16) | (packet[6]! << 8) | packet[7]!) >>> 0
  header.ssrc = ((packet[8]! << 24) | (packet[9]! << 16) | (packet[10]! << 8) | packet[11]!) >>> 0
  header.payloadStart = RTP_HEADER_BYTES
  header.payloadEnd = length
  // Nearly every packet of a telephone has neither padding, extension nor contributing sources.
  return first === 0x80 || readRest(packet, first, header)
}

/** CSRC list, extension (§5.3.1) and padding. */
const readRest = (packet: Uint8Array, first: number, header: RtpHeader): boolean => {
  let start = RTP_HEADER_BYTES + (first & 0x0f) * 4
  if ((first & 0x10) !== 0) {
    if (start + 4 > packet.length) return false
    start += 4 + ((packet[start + 2]! << 8) | packet[start + 3]!) * 4
  }
  let end = packet.length
  if ((first & 0x20) !== 0) {
    const padding = packet[end - 1]!
    if (padding === 0) return false
    end -= padding
  }
  header.payloadStart = start
  header.payloadEnd = end
  return start <= end
}

/** Writes a header without CSRC list, extension and padding at `offset` of `out`. */
export const writeRtp = (
  out: Uint8Array, offset: number, marker: boolean, payloadType: number, sequence: number, timestamp: number, ssrc: number,
): void => {
  out[offset] = 0x80
  out[offset + 1] = (marker ? 0x80 : 0) | payloadType
  out[offset + 2] = sequence >>> 8
  out[offset + 3] = sequence
  out[offset + 4] = timestamp >>> 24
  out[offset + 5] = timestamp >>> 16
  out[offset + 6] = timestamp >>> 8
  out[offset + 7] = timestamp
  out[offset + 8] = ssrc >>> 24
  out[offset + 9] = ssrc >>> 16
  out[offset + 10] = ssrc >>> 8
  out[offset + 11] = ssrc
}

/** What a datagram's first bytes say it is (RFC 7983 §7, and RFC 5761 §4 to tell RTCP from RTP). */
export type DatagramKind = 'rtp' | 'rtcp' | 'stun' | 'dtls' | 'unknown'

/** Tells apart what may arrive on one port. */
export const datagramKind = (packet: Uint8Array): DatagramKind => {
  const first = packet[0]
  const second = packet[1]
  if (first === undefined || second === undefined) return 'unknown'
  if (first >= 128 && first <= 191) return second >= 192 && second <= 223 ? 'rtcp' : 'rtp'
  if (first <= 3) return 'stun'
  return first >= 20 && first <= 63 ? 'dtls' : 'unknown'
}
