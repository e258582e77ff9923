import t, { type Test } from 'tap'
import { Admission, takesMore } from '../../src/media/admission.js'
import type { Leg } from '../../src/media/leg.js'
import { Counter, WorkerShare } from '../../src/media/shared/worker-share.js'
import { LoadMeter } from '../../src/media/worker/load-meter.js'
import { CordboardError } from '../../src/core/errors.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

/** Shares of a core. */
interface Costs {
  /** What each leg takes. */
  readonly leg: number
  /** What a few take, however few. */
  readonly fixed?: number
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
  /** Its legs do nothing but pass packets on. */
  relays = false

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
    return this.legs * this.costs.leg + (this.costs.fixed ?? 0.03)
  }

  /** So many seconds in which `rate` callers come in each. @returns how many were let in. */
  run(seconds: number, rate: number): number {
    const { leg, fixed = 0.03, commands = 0, others = 0 } = this.costs
    let entered = 0
    let due = 0
    for (let ms = 0; ms < seconds * 1000; ms += 10) {
      this.#time.now += 10
      for (due += rate / 100; due >= 1; due--) {
        if (!takesMore(this.share, 0)) continue
        this.share.add(Counter.legs, 1)
        entered++
      }
      const audio = Math.min(1, this.legs * leg + (this.legs > 0 ? fixed : 0))
      const setUp = rate > 0 ? commands : 0
      const busy = Math.min(1, audio + setUp + (rate > 0 ? others : 0))
      this.#time.processor += 10 * Math.min(1, audio + setUp)
      this.#time.idle += 10 * (1 - busy)
      this.#meter.commanded(10 * setUp)
      this.#meter.read(this.legs, this.relays ? this.legs : 0)
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
      t.ok(entered >= 850 && entered <= 890, `${entered} of 0.1 % each at ${rate} a second`)
    }
  }
})

void t.test('a young worker is no exception: legs of a slow codec do not fill it before it is measured', async t => {
  const worker = new SimulatedWorker({ leg: 0.02 })
  const entered = worker.run(1, 100)
  t.ok(entered >= 40 && entered <= 52, `${entered} of 2 % each within its first second`)
  worker.run(20, 100)
  t.ok(worker.legs <= 52, `${worker.legs} in the end`)
})

void t.test('setting up calls is no reason to refuse for long', async t => {
  const worker = new SimulatedWorker({ leg: 0.00095, commands: 0.04, others: 0.1 })
  worker.run(30, 50)
  t.notOk(takesMore(worker.share, 0), 'not while many come')
  t.ok(worker.audio < 0.9, `its legs take ${worker.audio}`)
  worker.run(1, 0)
  t.ok(takesMore(worker.share, 0), 'again within the time that a leg waits')
  t.notOk(takesMore(worker.share, 200), 'but not for all who are on their way')
})

void t.test('what is let in while the machine is fast is carried while it is slow', async t => {
  // As it changes on a shared machine: every other second, or two seconds of twenty.
  const slow = [(second: number) => second % 2 === 1, (second: number) => second % 20 === 7 || second % 20 === 8]
  for (const isSlow of slow) {
    let cost = 0.0009
    const worker = new SimulatedWorker({ get leg() { return cost } })
    for (let second = 0; second < 60; second++) {
      cost = isSlow(second) ? 0.00105 : 0.0009
      worker.run(1, 100)
    }
    cost = 0.00105
    t.ok(worker.audio <= 0.97, `${worker.legs} legs take ${worker.audio} in a slow second`)
  }
})

void t.test('a machine that is slow for some hundred milliseconds leaves more of the time', async t => {
  for (const tells of [true, false]) {
    let slow = false
    const worker = new SimulatedWorker({ get leg() { return slow ? 0.00125 : 0.001 } }, tells)
    for (let turn = 0; turn < 100; turn++) {
      slow = turn % 10 === 3
      worker.run(0.3, 100)
    }
    slow = true
    t.ok(worker.audio < 1, `${worker.legs} legs take ${worker.audio} in a slow moment`)
    t.ok(worker.legs > 700, 'no more than is called for')
  }
})

void t.test('that a few legs take more each, for they share its wake-ups, is not held against many', async t => {
  const worker = new SimulatedWorker({ leg: 0.001, fixed: 0.15 })
  worker.run(5, 100)
  const entered = worker.legs + worker.run(3, 100)
  t.ok(entered >= 650 && entered <= 750, `${entered} of 0.1 % each, beside 15 % for wake-ups`)
})

void t.test('where packets are passed on as they come, no tick keeps the beat: more of the time is left', async t => {
  const worker = new SimulatedWorker({ leg: 0.001 })
  worker.relays = true
  const entered = worker.run(30, 100)
  t.ok(entered >= 780 && entered <= 820, `${entered} of 0.1 % each`)
})

void t.test('the largest loads of the table are let in whole, on a machine on which they take what is told there', async t => {
  // docs/performance.md: 600 bridged calls, 900 in rooms of three, 1,200 prompts, which are set up 100 a second.
  for (const [load, legs, share, rate] of [['bridge', 1_200, 0.742, 200], ['rooms of three', 900, 0.785, 100], ['prompt', 1_200, 0.692, 100]] as const) {
    const fixed = 0.05
    // A third of the time it is slower by 8 %, as a shared machine is.
    let slow = false
    const each = (share - fixed) / legs
    const worker = new SimulatedWorker({ get leg() { return slow ? each * 1.05 : each * 0.975 }, fixed, commands: 0.03, others: 0.1 })
    worker.relays = load === 'bridge'
    for (let called = 0; called < legs; called += rate / 2) {
      slow = called % (rate * 1.5) === 0
      t.equal(worker.run(0.5, rate), rate / 2, `${load}: all who came after ${called}`)
    }
  }
})

void t.test('a worker that others leave no time is full by its lateness', async t => {
  const worker = new SimulatedWorker({ leg: 0.001 })
  worker.run(10, 60)
  t.ok(takesMore(worker.share, 0))
  worker.share.set(Counter.latenessMedian, 11)
  t.notOk(takesMore(worker.share, 0))
})

void t.test('a worker that takes the place of one that died knows what its legs will take', async t => {
  const worker = new SimulatedWorker({ leg: 0.001 })
  worker.run(12, 100)
  const { share, legs } = worker
  for (const counter of [Counter.legs, Counter.audio, Counter.busy]) share.set(counter, 0)
  t.notOk(takesMore(share, legs + 5), 'those of the dead one are on their way')
  t.ok(takesMore(share, 100))
})

void t.test('a few legs say nothing of what many would take: who come at once beside them are let in', async t => {
  for (const few of [8, 20]) {
    const worker = new SimulatedWorker({ leg: 0.001, fixed: 0.06 })
    worker.run(1, few)
    worker.run(10, 0)
    t.equal(worker.run(1, 300), 300, `beside ${few}`)
  }
})

const leg = (id: number): Leg => ({ id } as unknown as Leg)

/** An admission to so many places, and who has got in: by the number of the leg that they come to. */
const admissionOf = (t: Test, places: number): { readonly admission: Admission; readonly clock: VirtualClock; readonly entered: number[]; enter(id: number, expected?: boolean): void; free(places: number): void } => {
  const clock = new VirtualClock()
  const entered: number[] = []
  const admission = new Admission(near => (places > 0 ? (places--, near!.id) : undefined), clock)
  return {
    admission, clock, entered,
    enter: (id, expected = false) => void admission.enter({ near: leg(id), expected }).then(worker => entered.push(worker), () => t.fail(`${id} refused`)),
    free: count => { places = count },
  }
}

void t.test('who finds no worker with time waits for one, in the order of coming; calls that are in go before', async t => {
  const { clock, entered, enter, free } = admissionOf(t, 1)
  for (const id of [7, 1, 2, 3]) enter(id)
  await clock.settle(200)
  t.same(entered, [7])
  free(2)
  enter(4)
  await clock.settle(50)
  t.same(entered, [7, 1, 2], 'nobody who comes later is before them')
  enter(9, true)
  free(2)
  await clock.settle(50)
  t.same(entered, [7, 1, 2, 9, 3])
  free(1)
  await clock.settle(50)
  t.same(entered, [7, 1, 2, 9, 3, 4])
})

void t.test('who has waited for three seconds is refused, and who finds many waiting at once', async t => {
  const clock = new VirtualClock()
  const admission = new Admission(() => undefined, clock)
  const waiting = Array.from({ length: 200 }, () => admission.enter({}))
  t.ok(admission.full)
  await t.rejects(admission.enter({}), { code: 'MEDIA_OVERLOADED', status: 503 })
  const expected = admission.enter({ expected: true })
  const outcomes = Promise.allSettled([...waiting, expected])
  await clock.settle(2_990)
  t.ok(admission.full)
  await clock.settle(60)
  t.ok((await outcomes).every(({ status }) => status === 'rejected'))
  t.notOk(admission.full)
})

void t.test('who goes leaves the place to others; a close ends all waits', async t => {
  const clock = new VirtualClock()
  const admission = new Admission(() => undefined, clock)
  const gone = new AbortController()
  const waiting = Array.from({ length: 200 }, () => admission.enter({ signal: gone.signal }))
  gone.abort(new CordboardError('CALL_ENDED', 'gone'))
  t.ok((await Promise.allSettled(waiting)).every(outcome => outcome.status === 'rejected' && (outcome.reason as CordboardError).code === 'CALL_ENDED'))
  t.notOk(admission.full)
  await t.rejects(admission.enter({ signal: gone.signal }), { code: 'CALL_ENDED' })
  const last = admission.enter({})
  admission.close(new CordboardError('SERVER_CLOSED', 'closed'))
  await t.rejects(last, { code: 'SERVER_CLOSED' })
})
