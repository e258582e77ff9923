import type { LegStatistics } from './leg.js'

/** Of a leg that has neither received nor sent anything. */
export const NO_STATISTICS: LegStatistics = {
  received: { packets: 0, bytes: 0, lost: 0, late: 0, duplicates: 0, jitter: 0 },
  sent: { packets: 0, bytes: 0 },
  roundTrip: undefined,
  remoteLossShare: undefined,
  mos: undefined,
  remoteMos: undefined,
  dropped: {},
}

type ByReason = Readonly<Record<string, number>>

/** The sums of both, reason by reason. */
export const addByReason = (earlier: ByReason, later: ByReason): ByReason => {
  const sums: Record<string, number> = { ...earlier }
  for (const [reason, count] of Object.entries(later)) sums[reason] = (sums[reason] ?? 0) + count
  return sums
}

/** Counts of one leg in two workers, one after the other; what is measured rather than counted is the later one's. */
export const addStatistics = (earlier: LegStatistics, later: LegStatistics): LegStatistics => {
  if (earlier === NO_STATISTICS) return later
  return {
    received: {
      packets: earlier.received.packets + later.received.packets,
      bytes: earlier.received.bytes + later.received.bytes,
      lost: earlier.received.lost + later.received.lost,
      late: earlier.received.late + later.received.late,
      duplicates: earlier.received.duplicates + later.received.duplicates,
      jitter: later.received.packets > 0 ? later.received.jitter : earlier.received.jitter,
    },
    sent: { packets: earlier.sent.packets + later.sent.packets, bytes: earlier.sent.bytes + later.sent.bytes },
    roundTrip: later.roundTrip ?? earlier.roundTrip,
    remoteLossShare: later.remoteLossShare ?? earlier.remoteLossShare,
    mos: later.mos ?? earlier.mos,
    remoteMos: later.remoteMos ?? earlier.remoteMos,
    dropped: addByReason(earlier.dropped, later.dropped),
  }
}
