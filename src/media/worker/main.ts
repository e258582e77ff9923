import { performance } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { installCodecs } from '../../codec/installed.js'
import { secureRandom } from '../../core/random.js'
import { TimerWheel } from '../../core/timer-wheel.js'
import { StretchAllowance } from '../../rtp/stretch-allowance.js'
import type { Command, Report, WorkerSeed, WorkerStart } from '../protocol.js'
import { FrameRing } from '../shared/frame-ring.js'
import { LegSlots } from '../shared/leg-slots.js'
import { Counter, WorkerShare } from '../shared/worker-share.js'
import { Desk } from './desk.js'
import { LoadMeter } from './load-meter.js'
import { preferThread } from './niceness.js'
import { Outbox } from './outbox.js'
import { PacketPool } from './packet-pool.js'
import { SourceNumbers } from './receiver.js'
import { ResamplerFilters } from './resampler-filters.js'
import { Ticker } from './ticker.js'
import { WorkLoop } from './work-loop.js'

/** Width of a slot of the wheel of reports and time-outs. */
const WHEEL_SLOT_MS = 50

/** The thread of one media worker. */
const start = (port: NonNullable<typeof parentPort>, seed: WorkerSeed): void => {
  const origin = performance.timeOrigin - seed.epoch
  const now = (): number => performance.now() + origin
  const share = new WorkerShare(seed.share)
  // The share outlives a worker that died; its legs did not.
  for (const counter of [Counter.legs, Counter.streams, Counter.busy, Counter.audio]) share.set(counter, 0)
  share.set(Counter.nice, preferThread(seed.nice))
  const ticker = new Ticker(share)
  const wheel = new TimerWheel(WHEEL_SLOT_MS, 512, now())
  let reports: Report[] = []
  const flush = (): void => {
    if (reports.length === 0) return
    const batch = reports
    reports = []
    port.postMessage(batch)
  }
  const outbox = new Outbox()
  const meter = new LoadMeter(share, ticker)
  const loop = new WorkLoop({
    share, ticker, meter, outbox, now, flush, coalesce: seed.coalesce,
    housekeeping: at => {
      wheel.advance(at)
      desk.housekeeping(at)
    },
  })
  const desk = new Desk({
    share, ticker, wheel, loop, now,
    slots: new LegSlots(seed.slots),
    frames: new FrameRing(seed.frames),
    pool: new PacketPool(),
    outbox,
    sources: new SourceNumbers(),
    filters: new ResamplerFilters(),
    stretches: new StretchAllowance(),
    random: secureRandom,
    cname: secureRandom.token(16),
    report: report => {
      reports.push(report)
      loop.arm()
    },
  })
  port.on('message', (commands: readonly Command[]) => {
    const before = performance.now()
    for (const command of commands) desk.run(command)
    meter.commanded(performance.now() - before)
    flush()
    loop.arm()
  })
}

if (parentPort !== null) {
  const port = parentPort
  const { codecModules, seed } = workerData as WorkerStart
  // What is posted meanwhile waits: nobody listens yet. Not awaited: Node.js 20 may abort when a thread is ended while it comes to a module that awaits.
  void installCodecs(codecModules).then(() => {
    // A spare gets its seed when it is needed.
    if (seed === undefined) port.once('message', (late: WorkerSeed) => start(port, late))
    else start(port, seed)
  })
}
