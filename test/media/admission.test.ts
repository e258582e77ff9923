import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { Admission, takesMore } from '../../src/media/admission.js'
import type { Leg } from '../../src/media/leg.js'
import { Counter, WorkerShare } from '../../src/media/shared/worker-share.js'
import { LoadMeter } from '../../src/media/worker/load-meter.js'

/** Shares of a core. */
interface Costs {
  /** What each leg takes. */
  readonly leg: number
  /** What setting up so many calls a second takes of the worker, and of the main thread on the same core. */
  readonly commands?: number
  readonly others?: number
}

/** A worker whose legs take what they take: no thread, and no time but its own. */
class SimulatedWorker {
  readonly share = new WorkerShare(WorkerShare.allocate())
  readonly #time = { now: 0, idle: 0, processor: 0 }
  readonly #meter: LoadMeter
  #since = 0

  /** @param tells the system says how long a thread has had a processor. */
  constructor(readonly costs: Costs, readonly tells = true) {
    const { share } = this
    const time = this.#time
    this.#meter = new LoadMeter(share, { lateness: () => 0 }, {
      get now() { return time.now },
      get idle() { return time.idle },
      get processor() { return tells ? time.processor : undefined },
    })
  }

  get legs(): number {
    return this.share.get(Counter.legs)
  }

  /** What its legs take. */
  get audio(): number {
    return this.legs * this.costs.leg
  }

  /** So many seconds in which `rate` callers come in each. @returns how many were let in. */
  run(seconds: number, rate: number): number {
    const { leg, commands = 0, others = 0 } = this.costs
    let entered = 0
    let due = 0
    for (let ms = 0; ms < seconds * 1000; ms += 10) {
      this.#time.now += 10
      for (due += rate / 100; due >= 1; due--) {
        if (!takesMore(this.share, 0)) continue
        this.share.add(Counter.legs, 1)
        entered++
      }
      const audio = Math.min(1, this.legs * leg)
      const setUp = rate > 0 ? commands : 0
      const busy = Math.min(1, audio + setUp + (rate > 0 ? others : 0))
      this.#time.processor += 10 * Math.min(1, audio + setUp)
      this.#time.idle += 10 * (1 - busy)
      this.#meter.commanded(10 * setUp)
      if (++this.#since === 10) {
        this.#since = 0
        this.#meter.publish()
      }
    }
    return entered
  }
}

void t.test('a worker takes as many legs as it can carry, however fast they come', async t => {
  for (const tells of [true, false]) {
    for (const rate of [50, 100, 300]) {
      const worker = new SimulatedWorker({ leg: 0.001 }, tells)
      const entered = worker.run(30, rate)
      t.ok(entered >= 860 && entered <= 900, `${entered} of 0.1 % each at ${rate} a second`)
    }
  }
})

void t.test('a young worker is no exception: legs of a slow codec do not fill it before it is measured', async t => {
  const worker = new SimulatedWorker({ leg: 0.02 })
  const entered = worker.run(1, 100)
  t.ok(entered >= 40 && worker.audio <= 1, `${entered} of 2 % each within its first second`)
  worker.run(20, 100)
  t.ok(worker.audio <= 1, `${worker.legs} in the end`)
})

void t.test('setting up calls is no reason to refuse for long', async t => {
  const worker = new SimulatedWorker({ leg: 0.00095, commands: 0.04, others: 0.1 })
  worker.run(30, 100)
  t.notOk(takesMore(worker.share, 0), 'not while many come')
  t.ok(worker.audio < 0.88, `its legs take ${worker.audio}`)
  worker.run(1, 0)
  t.ok(takesMore(worker.share, 0), 'again within the time that a leg waits')
  t.notOk(takesMore(worker.share, 200), 'but not for all who are on their way')
})

void t.test('what is let in while the machine is fast is carried while it is slow', async t => {
  let cost = 0.0009
  const worker = new SimulatedWorker({ get leg() { return cost } })
  for (let second = 0; second < 40; second++) {
    // Every other second, as far as it changes on a shared machine.
    cost = second % 2 === 0 ? 0.0009 : 0.001
    worker.run(1, 100)
  }
  t.ok(worker.legs * 0.001 <= 0.94, `${worker.legs} legs take ${worker.legs * 0.001} in a slow second`)
})

void t.test('a worker that others leave no time is full by its lateness', async t => {
  const worker = new SimulatedWorker({ leg: 0.001 })
  worker.run(10, 60)
  t.ok(takesMore(worker.share, 0))
  worker.share.set(Counter.latenessMedian, 11)
  t.notOk(takesMore(worker.share, 0))
})

const leg = (id: number): Leg => ({ id } as unknown as Leg)

void t.test('who finds no worker with time waits for one, in the order of coming', async t => {
  let room = 1
  const admission = new Admission(near => (room > 0 ? (room--, near?.id) : undefined))
  t.equal(await admission.enter(leg(7)), 7)
  const order: number[] = []
  const waiting = [leg(1), leg(2), leg(3)].map(async near => { order.push(await admission.enter(near)) })
  await pause(60)
  t.same(order, [])
  room = 2
  const late = admission.enter(leg(4))
  await Promise.all(waiting.slice(0, 2))
  t.same(order, [1, 2], 'nobody who comes later is before them')
  room = 2
  await Promise.all(waiting)
  t.equal(await late, 4)
  t.same(order, [1, 2, 3])
})

void t.test('who has waited for three seconds is refused, and who finds many waiting at once', async t => {
  const admission = new Admission(() => undefined)
  const began = performance.now()
  const waiting = Array.from({ length: 200 }, () => admission.enter(undefined))
  t.ok(admission.full)
  await t.rejects(admission.enter(undefined), { code: 'MEDIA_OVERLOADED', status: 503 })
  t.ok(performance.now() - began < 1_000)
  const outcomes = await Promise.allSettled(waiting)
  t.ok(outcomes.every(({ status }) => status === 'rejected'))
  t.ok(performance.now() - began >= 3_000)
  t.notOk(admission.full)
  const last = admission.enter(undefined)
  admission.close()
  await t.rejects(last, { code: 'MEDIA_OVERLOADED' })
})
