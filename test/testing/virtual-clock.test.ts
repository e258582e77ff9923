import fc from 'fast-check'
import t from 'tap'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

t.test('runs what falls due in order of time, then of arrival', async t => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean())), timers => {
    const clock = new VirtualClock()
    const ran: string[] = []
    const expected: { due: number; index: number }[] = []
    timers.forEach(([due, cancelled], index) => {
      const timer = clock.after(due, () => { if (clock.now() === due) ran.push(`${due}/${index}`) })
      if (cancelled) timer.cancel()
      else expected.push({ due, index })
    })
    if (clock.pending !== expected.length) return false
    clock.advance(50)
    expected.sort((a, b) => a.due - b.due || a.index - b.index)
    return ran.join() === expected.map(({ due, index }) => `${due}/${index}`).join() && clock.pending === 0
  }), { seed: 11 })
  t.pass('any set of timers')
})

t.test('a timer set by a timer runs in the same advance when it is due in it', async t => {
  const clock = new VirtualClock()
  const at: number[] = []
  const again = (): void => { at.push(clock.now()); if (at.length < 4) clock.after(500 * 2 ** at.length, again) }
  clock.after(500, again)
  clock.advance(3_500)
  t.same(at, [500, 1_500, 3_500])
  clock.advance(4_000)
  t.same(at, [500, 1_500, 3_500, 7_500])
  t.equal(clock.now(), 7_500)
})

t.test('settle lets promises run between timers, so that awaits see the time they waited for', async t => {
  const clock = new VirtualClock()
  const seen: number[] = []
  const wait = (ms: number): Promise<void> => new Promise(resolve => clock.after(ms, resolve))
  const loop = (async () => { for (let n = 0; n < 3; n++) { await wait(20); seen.push(clock.now()) } })()
  await clock.settle(60)
  t.same(seen, [20, 40, 60])
  await loop
})

t.test('wall time starts at the epoch given and moves with the clock', async t => {
  const clock = new VirtualClock(1_000_000)
  clock.advance(250)
  t.equal(clock.wall(), 1_000_250)
})
