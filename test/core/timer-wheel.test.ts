import fc from 'fast-check'
import t from 'tap'
import { TimerWheel } from '../../src/core/timer-wheel.js'

t.test('runs a timer in the first advance at or past its due time, never before', async t => {
  const wheel = new TimerWheel(8, 16, 0)
  let ran = 0
  wheel.add(100, () => ran++)
  wheel.advance(99)
  t.equal(ran, 0)
  t.equal(wheel.size, 1)
  wheel.advance(104)
  t.equal(ran, 1)
  t.equal(wheel.size, 0)
  wheel.advance(1_000)
  t.equal(ran, 1, 'once only')
})

t.test('keeps a timer of several turns in its slot until its own turn', async t => {
  const wheel = new TimerWheel(10, 8, 0)
  const ran: string[] = []
  wheel.add(50, () => ran.push('first turn'))
  wheel.add(50 + 80 * 3, () => ran.push('fourth turn'))
  wheel.advance(60)
  t.same(ran, ['first turn'])
  wheel.advance(280)
  t.same(ran, ['first turn'])
  wheel.advance(290)
  t.same(ran, ['first turn', 'fourth turn'])
})

t.test('a pause longer than a turn loses nothing', async t => {
  const wheel = new TimerWheel(8, 16, 0)
  const due = Array.from({ length: 200 }, (_, index) => index * 7)
  const ran: number[] = []
  for (const at of due) wheel.add(at, () => ran.push(at))
  wheel.advance(1_000_000)
  t.same(ran.sort((a, b) => a - b), due)
})

t.test('a task may cancel its neighbour, cancel itself and add a timer', async t => {
  const wheel = new TimerWheel(8, 16, 0)
  const ran: string[] = []
  wheel.add(20, () => {
    ran.push('first')
    own.cancel()
    neighbour.cancel()
    wheel.add(20, () => ran.push('late'))
  })
  const own = wheel.add(20, () => ran.push('never: cancelled by the first'))
  const neighbour = wheel.add(21, () => ran.push('never: cancelled by the first'))
  wheel.advance(24)
  t.same(ran, ['first'])
  wheel.advance(32)
  t.same(ran, ['first', 'late'], 'an overdue timer runs in the next slot')
  t.equal(wheel.size, 0)
})

t.test('a task that throws leaves the others for the next advance', async t => {
  const wheel = new TimerWheel(8, 16, 0)
  const ran: string[] = []
  wheel.add(10, () => { throw new Error('broken task') })
  wheel.add(11, () => ran.push('second'))
  t.throws(() => wheel.advance(16), { message: 'broken task' })
  wheel.advance(24)
  t.same(ran, ['second'])
  t.equal(wheel.size, 0)
})

type Step = { readonly type: 'add'; readonly delay: number } | { readonly type: 'cancel'; readonly which: number } | { readonly type: 'advance'; readonly by: number }

const steps = fc.array(fc.oneof(
  fc.record({ type: fc.constant('add' as const), delay: fc.integer({ min: 0, max: 2_000 }) }),
  fc.record({ type: fc.constant('cancel' as const), which: fc.nat(60) }),
  fc.record({ type: fc.constant('advance' as const), by: fc.integer({ min: 0, max: 1_500 }) }),
), { maxLength: 120 })

/** A list searched from end to end: what the wheel must agree with, up to the width of one slot. */
class NaiveTimers {
  readonly pending = new Map<number, number>()

  /** Numbers of the timers that must have run by `now`, and of those that may have. */
  due(now: number, slotMs: number): { readonly must: number[]; readonly may: number[] } {
    const must: number[] = []
    const may: number[] = []
    for (const [id, at] of this.pending) {
      if (at <= now) may.push(id)
      // Rounded up to a slot's end, and never earlier than the slot after the one it was added in.
      if (at + 2 * slotMs <= now) must.push(id)
    }
    return { must, may }
  }
}

t.test('agrees with a naive list under any sequence of additions, cancellations and advances', async t => {
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 16 }), fc.integer({ min: 2, max: 32 }), (sequence: readonly Step[], slotMs, slots) => {
    const wheel = new TimerWheel(slotMs, slots, 0)
    const naive = new NaiveTimers()
    const timers: { cancel(): void }[] = []
    const ran: number[] = []
    let now = 0
    for (const step of sequence) {
      if (step.type === 'add') {
        const id = timers.length
        naive.pending.set(id, now + step.delay)
        timers.push(wheel.add(now + step.delay, () => ran.push(id)))
      } else if (step.type === 'cancel') {
        timers[step.which]?.cancel()
        naive.pending.delete(step.which)
      } else {
        now += step.by
        const { must, may } = naive.due(now, slotMs)
        wheel.advance(now)
        if (!ran.every(id => may.includes(id))) return false
        if (!must.every(id => ran.includes(id))) return false
        for (const id of ran.splice(0)) naive.pending.delete(id)
      }
      if (wheel.size !== naive.pending.size) return false
    }
    return true
  }), { numRuns: 500, seed: 20_261_121 })
  t.pass('500 sequences')
})

t.test('who sleeps until `next` runs each timer within a slot of its due time', async () => {
  fc.assert(fc.property(fc.array(fc.nat(1_000), { maxLength: 50 }), dues => {
    const wheel = new TimerWheel(8, 16, 0)
    const late: number[] = []
    let now = 0
    for (const due of dues) wheel.add(due, () => late.push(now - due))
    while (wheel.size > 0) {
      now = wheel.next
      wheel.advance(now)
    }
    return wheel.next === Infinity && late.length === dues.length && late.every(ms => ms >= 0 && ms <= 8)
  }))
})
