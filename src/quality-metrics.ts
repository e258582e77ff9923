import { Counter, Histogram, type Registry } from 'prom-client'
import type { CallStatistics } from './call/call.js'
import type { StreamStatistics } from './media/side-stream.js'

/** Histograms of what callers heard, one observation a call, and counts of side streams: fed by the function returned when the media of a call close. */
export const qualityMetrics = (registry: Registry): ((statistics: CallStatistics) => void) => {
  const define = (name: string, help: string, buckets: number[]): Histogram => new Histogram({ name, help, buckets, registers: [registry] })
  const mos = define('cordboard_call_mos', 'Estimated mean opinion score of what was heard of the peer (ITU-T G.107)', [1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4, 4.5])
  const loss = define('cordboard_call_loss_ratio', 'Share of RTP packets lost on the way from the peer', [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
  const jitter = define('cordboard_call_jitter_seconds', 'Interarrival jitter of the peer\'s RTP packets at the end of the call (RFC 3550 A.8)', [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2])
  const roundTrip = define('cordboard_call_round_trip_seconds', 'Round trip to the peer, last measured by RTCP', [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1])
  const count = streamCounts(registry)
  return ({ received, mos: score, roundTrip: ms, streams }) => {
    for (const [kind, statistics] of Object.entries(streams)) if (statistics !== undefined) count(kind, statistics)
    if (received.packets === 0) return
    if (score !== undefined) mos.observe(score)
    loss.observe(Math.max(0, received.lost) / (received.packets + Math.max(0, received.lost)))
    jitter.observe(received.jitter / 1000)
    if (ms !== undefined) roundTrip.observe(ms / 1000)
  }
}

/** Counts of side streams by kind, of calls that have ended. */
const streamCounts = (registry: Registry): ((kind: string, statistics: StreamStatistics) => void) => {
  const packets = new Counter({
    name: 'cordboard_side_stream_packets_total', help: 'Packets of video and text and datagrams of fax, of ended calls, by kind and direction', labelNames: ['kind', 'direction'], registers: [registry],
  })
  const lost = new Counter({ name: 'cordboard_side_stream_lost_total', help: 'Those of them that were lost on the way from the peer', labelNames: ['kind'], registers: [registry] })
  return (kind, statistics) => {
    packets.inc({ kind, direction: 'received' }, statistics.received.packets)
    packets.inc({ kind, direction: 'sent' }, statistics.sent.packets)
    lost.inc({ kind }, Math.max(0, statistics.received.lost))
  }
}
