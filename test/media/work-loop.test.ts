import t, { type Test } from 'tap'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { Outbox } from '../../src/media/worker/outbox.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { Patience, WorkLoop } from '../../src/media/worker/work-loop.js'

/** What the loop told of the packets of a turn. */
interface Read {
  readonly packets: number
  readonly relayed: number
}

/** A loop with a clock of its own, and when its one producer made a frame: in packets read until then. */
const loopOf = (t: Test): { readonly ticks: [at: number, packets: number][]; readonly reads: Read[]; read(packets: number, ms: number, patience?: number): void } => {
  const share = new WorkerShare(WorkerShare.allocate())
  const ticker = new Ticker(share)
  const ticks: [number, number][] = []
  const reads: Read[] = []
  let now = 19
  let packets = 0
  const producer = { tick: (at: number) => { ticks.push([at, packets]) } }
  ticker.add(producer, now)
  const meter = { slept: () => undefined, publish: () => undefined, read: (packets: number, relayed: number) => { reads.push({ packets, relayed }) } }
  const loop = new WorkLoop({ share, ticker, meter, outbox: new Outbox(), coalesce: 0, now: () => now, housekeeping: () => undefined, flush: () => undefined })
  t.teardown(() => ticker.remove(producer))
  return {
    ticks, reads,
    read: (count, ms, patience = Patience.buffered) => {
      for (let at = 0; at < count; at++) {
        now += ms / count
        packets++
        loop.packet(patience)
      }
    },
  }
}

void t.test('a tick does not wait for the end of a long burst, nor runs ahead of a short one', async t => {
  const { ticks, reads, read } = loopOf(t)
  // Ten packets a ms, for 60 ms: the tick is due after 1 ms, and then each 20.
  read(600, 60)
  t.same(ticks.map(([at]) => at), [20, 40, 60])
  for (const [at, packets] of ticks) {
    const late = 19 + packets / 10 - at
    t.ok(late >= 0 && late < 5 + 6.4 + 1, `due at ${at}, made ${late} ms later`)
  }
  await new Promise(setImmediate)
  read(200, 4)
  t.equal(ticks.length, 3, 'due at 80')
  t.same(reads, [{ packets: 600, relayed: 0 }])
})

void t.test('it tells which packets are passed on as they are', async t => {
  const { reads, read } = loopOf(t)
  read(30, 0.3, Patience.buffered)
  read(20, 0.2, Patience.bridged)
  read(10, 0.1, Patience.echoed)
  await new Promise(setImmediate)
  t.same(reads[0], { packets: 60, relayed: 30 })
})
