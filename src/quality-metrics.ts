import { Histogram, type Registry } from 'prom-client'
import type { LegStatistics } from './media/leg.js'

/** Histograms of what callers heard, one observation a call: fed by the function returned when its media close. */
export const qualityMetrics = (registry: Registry): ((statistics: LegStatistics) => void) => {
  const define = (name: string, help: string, buckets: number[]): Histogram => new Histogram({ name, help, buckets, registers: [registry] })
  const mos = define('cordboard_call_mos', 'Estimated mean opinion score of what was heard of the peer (ITU-T G.107)', [1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4, 4.5])
  const loss = define('cordboard_call_loss_ratio', 'Share of RTP packets lost on the way from the peer', [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
  const jitter = define('cordboard_call_jitter_seconds', 'Interarrival jitter of the peer\'s RTP packets at the end of the call (RFC 3550 A.8)', [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2])
  const roundTrip = define('cordboard_call_round_trip_seconds', 'Round trip to the peer, last measured by RTCP', [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1])
  return ({ received, mos: score, roundTrip: ms }) => {
    if (received.packets === 0) return
    if (score !== undefined) mos.observe(score)
    loss.observe(Math.max(0, received.lost) / (received.packets + Math.max(0, received.lost)))
    jitter.observe(received.jitter / 1000)
    if (ms !== undefined) roundTrip.observe(ms / 1000)
  }
}
