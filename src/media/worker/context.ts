import type { Random } from '../../core/random.js'
import type { TimerWheel } from '../../core/timer-wheel.js'
import type { StretchAllowance } from '../../rtp/stretch-allowance.js'
import type { Report } from '../protocol.js'
import type { FrameRing } from '../shared/frame-ring.js'
import type { LegSlots } from '../shared/leg-slots.js'
import type { WorkerShare } from '../shared/worker-share.js'
import type { Outbox } from './outbox.js'
import type { PacketPool } from './packet-pool.js'
import type { SourceNumbers } from './receiver.js'
import type { ResamplerFilters } from './resampler-filters.js'
import type { Ticker } from './ticker.js'
import type { WorkLoop } from './work-loop.js'

/** What everything in one media worker shares. */
export interface WorkerContext {
  readonly share: WorkerShare
  readonly slots: LegSlots
  readonly frames: FrameRing
  readonly pool: PacketPool
  readonly outbox: Outbox
  readonly ticker: Ticker
  readonly loop: WorkLoop
  /** Timers of seconds: reports, time-outs. */
  readonly wheel: TimerWheel
  readonly sources: SourceNumbers
  readonly filters: ResamplerFilters
  readonly stretches: StretchAllowance
  readonly random: Random
  /** CNAME of all our streams (RFC 3550 §6.5.1). */
  readonly cname: string
  /** Engine time in ms: the same scale in all threads. */
  readonly now: () => number
  /** Sends a report with the next batch. */
  readonly report: (report: Report) => void
}
