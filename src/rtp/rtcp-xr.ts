/** Report blocks of RTCP extended reports (RFC 3611), of those types that tell something about a call of one stream each way. */

/** When the report was sent, for the peer to answer: how a receiver that sends nothing itself measures the round trip (§4.4). */
export interface ReferenceTime {
  readonly type: 'reference-time'
  /** NTP time, high and low 32 bits. */
  readonly ntpSeconds: number
  readonly ntpFraction: number
}

/** The answer to reference times (§4.5): as the last fields of a report block, but about receivers. */
export interface DelaySinceReference {
  readonly type: 'delay-since-reference'
  readonly receivers: readonly {
    readonly ssrc: number
    /** Middle 32 bits of the NTP time of its last reference time, 0 when there was none. */
    readonly lastReference: number
    /** Delay since that came, in 1/65536 s. */
    readonly delaySinceLast: number
  }[]
}

/** Quality of a received voice stream (§4.7). */
export interface VoipMetrics {
  readonly type: 'voip-metrics'
  /** Source that it is about. */
  readonly ssrc: number
  /** Shares since the beginning, 0 to 1: packets lost, packets that came too late to be played. */
  readonly lossRate: number
  readonly discardRate: number
  /** Share of packets lost within bursts of loss, and between them, 0 to 1. */
  readonly burstDensity: number
  readonly gapDensity: number
  /** Mean lengths of bursts and of what lies between them, in ms. */
  readonly burstDuration: number
  readonly gapDuration: number
  /** Milliseconds; 0 while unknown. */
  readonly roundTripDelay: number
  /** Milliseconds from arrival to ear and from mouth to departure, together. */
  readonly endSystemDelay: number
  /** Packets in a row that must come for a burst to be over. */
  readonly gmin: number
  /** Transmission rating of ITU-T G.107, 0 to 100; undefined: unavailable. */
  readonly rating: number | undefined
  /** Mean opinion scores 1 to 5: what is heard, and what it is to converse; undefined: unavailable. */
  readonly listeningMos: number | undefined
  readonly conversationalMos: number | undefined
}

export type ExtendedBlock = ReferenceTime | DelaySinceReference | VoipMetrics

const REFERENCE_TIME = 4
const DELAY_SINCE_REFERENCE = 5
const VOIP_METRICS = 7
const VOIP_METRICS_BYTES = 36
const RECEIVER_BYTES = 12
/** Value of a metric that nobody has measured (§4.7.5). */
const UNAVAILABLE = 127

/**
 * Reads the blocks between `at` and `end`; types that are not ours are stepped over.
 * @returns undefined when a block's length is wrong.
 */
export const readExtendedBlocks = (view: DataView, at: number, end: number): readonly ExtendedBlock[] | undefined => {
  const blocks: ExtendedBlock[] = []
  while (at < end) {
    if (at + 4 > end) return undefined
    const next = at + 4 + view.getUint16(at + 2) * 4
    if (next > end) return undefined
    const block = readBlock(view, at, next)
    if (block === 'malformed') return undefined
    if (block !== undefined) blocks.push(block)
    at = next
  }
  return blocks
}

const readBlock = (view: DataView, at: number, next: number): ExtendedBlock | 'malformed' | undefined => {
  switch (view.getUint8(at)) {
    case REFERENCE_TIME:
      if (next !== at + 12) return 'malformed'
      return { type: 'reference-time', ntpSeconds: view.getUint32(at + 4), ntpFraction: view.getUint32(at + 8) }
    case DELAY_SINCE_REFERENCE:
      if ((next - at - 4) % RECEIVER_BYTES !== 0) return 'malformed'
      return { type: 'delay-since-reference', receivers: readReceivers(view, at + 4, next) }
    case VOIP_METRICS: return next === at + VOIP_METRICS_BYTES ? readVoipMetrics(view, at) : 'malformed'
    default: return undefined
  }
}

const readReceivers = (view: DataView, start: number, next: number): DelaySinceReference['receivers'] =>
  Array.from({ length: (next - start) / RECEIVER_BYTES }, (_, receiver) => {
    const at = start + receiver * RECEIVER_BYTES
    return { ssrc: view.getUint32(at), lastReference: view.getUint32(at + 4), delaySinceLast: view.getUint32(at + 8) }
  })

const readVoipMetrics = (view: DataView, at: number): VoipMetrics => {
  const available = (offset: number, scale: number): number | undefined => {
    const value = view.getUint8(at + offset)
    return value === UNAVAILABLE ? undefined : value / scale
  }
  return {
    type: 'voip-metrics',
    ssrc: view.getUint32(at + 4),
    lossRate: view.getUint8(at + 8) / 256,
    discardRate: view.getUint8(at + 9) / 256,
    burstDensity: view.getUint8(at + 10) / 256,
    gapDensity: view.getUint8(at + 11) / 256,
    burstDuration: view.getUint16(at + 12),
    gapDuration: view.getUint16(at + 14),
    roundTripDelay: view.getUint16(at + 16),
    endSystemDelay: view.getUint16(at + 18),
    gmin: view.getUint8(at + 23),
    rating: available(24, 1),
    listeningMos: available(26, 10),
    conversationalMos: available(27, 10),
  }
}

const bytesOf = (block: ExtendedBlock): number => {
  switch (block.type) {
    case 'reference-time': return 12
    case 'delay-since-reference': return 4 + block.receivers.length * RECEIVER_BYTES
    case 'voip-metrics': return VOIP_METRICS_BYTES
  }
}

/** Bytes that `writeExtendedBlocks` will write. */
export const extendedBytes = (blocks: readonly ExtendedBlock[]): number => blocks.reduce((sum, block) => sum + bytesOf(block), 0)

/** Writes the blocks from `at`. */
export const writeExtendedBlocks = (out: Buffer, at: number, blocks: readonly ExtendedBlock[]): void => {
  for (const block of blocks) {
    const bytes = bytesOf(block)
    out.fill(0, at, at + bytes)
    out.writeUInt16BE(bytes / 4 - 1, at + 2)
    writeBlock(out, at, block)
    at += bytes
  }
}

const writeBlock = (out: Buffer, at: number, block: ExtendedBlock): void => {
  switch (block.type) {
    case 'reference-time':
      out[at] = REFERENCE_TIME
      out.writeUInt32BE(block.ntpSeconds >>> 0, at + 4)
      out.writeUInt32BE(block.ntpFraction >>> 0, at + 8)
      return
    case 'delay-since-reference':
      out[at] = DELAY_SINCE_REFERENCE
      block.receivers.forEach(({ ssrc, lastReference, delaySinceLast }, receiver) => {
        const start = at + 4 + receiver * RECEIVER_BYTES
        out.writeUInt32BE(ssrc >>> 0, start)
        out.writeUInt32BE(lastReference >>> 0, start + 4)
        out.writeUInt32BE(delaySinceLast >>> 0, start + 8)
      })
      return
    case 'voip-metrics': writeVoipMetrics(out, at, block)
  }
}

const share = (value: number): number => Math.max(0, Math.min(255, Math.floor(value * 256)))
const milliseconds = (value: number): number => Math.max(0, Math.min(0xffff, Math.round(value)))
const score = (value: number | undefined, scale: number): number =>
  value === undefined ? UNAVAILABLE : Math.max(0, Math.min(UNAVAILABLE - 1, Math.round(value * scale)))

const writeVoipMetrics = (out: Buffer, at: number, metrics: VoipMetrics): void => {
  out[at] = VOIP_METRICS
  out.writeUInt32BE(metrics.ssrc >>> 0, at + 4)
  out[at + 8] = share(metrics.lossRate)
  out[at + 9] = share(metrics.discardRate)
  out[at + 10] = share(metrics.burstDensity)
  out[at + 11] = share(metrics.gapDensity)
  out.writeUInt16BE(milliseconds(metrics.burstDuration), at + 12)
  out.writeUInt16BE(milliseconds(metrics.gapDuration), at + 14)
  out.writeUInt16BE(milliseconds(metrics.roundTripDelay), at + 16)
  out.writeUInt16BE(milliseconds(metrics.endSystemDelay), at + 18)
  // Signal level, noise level and residual echo are not measured.
  out.fill(UNAVAILABLE, at + 20, at + 23)
  out[at + 23] = metrics.gmin
  out[at + 24] = score(metrics.rating, 1)
  out[at + 25] = UNAVAILABLE
  out[at + 26] = score(metrics.listeningMos, 10)
  out[at + 27] = score(metrics.conversationalMos, 10)
}
