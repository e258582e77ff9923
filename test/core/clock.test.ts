import t from 'tap'
import { RealClock } from '../../src/core/real-clock.js'

t.test('runs tasks in order of their due times, not before them', async t => {
  const clock = new RealClock()
  const started = clock.now()
  const ran: [name: string, at: number][] = []
  await new Promise<void>(resolve => {
    clock.after(60, () => { ran.push(['last', clock.now() - started]); resolve() })
    clock.after(20, () => ran.push(['first', clock.now() - started]))
    clock.after(40, () => ran.push(['never', 0])).cancel()
    // The clock alone does not keep a process alive; this does until the last task has run.
    const alive = setInterval(() => { if (ran.length === 2) clearInterval(alive) }, 10)
  })
  t.same(ran.map(([name]) => name), ['first', 'last'])
  t.ok(ran[0]![1] >= 20 && ran[1]![1] >= 60, 'none before its time')
})

t.test('wall time is the time of day and now is monotonic', async t => {
  const clock = new RealClock()
  t.ok(Math.abs(clock.wall() - Date.now()) < 1_000)
  const before = clock.now()
  t.ok(clock.now() >= before)
})

t.test('a task that throws does not stop the timers behind it', async t => {
  const clock = new RealClock()
  const caught = new Promise<unknown>(resolve => process.once('uncaughtException', resolve))
  const behind = new Promise<void>(resolve => {
    clock.after(5, () => { throw new Error('broken task') })
    clock.after(5, resolve)
  })
  const alive = setInterval(() => undefined, 10)
  t.match(await caught, { message: 'broken task' })
  await behind
  clearInterval(alive)
})

t.test('a timer of more than 24 days, which Node has none of, is waited for without a warning', async t => {
  const warnings: Error[] = []
  const warned = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', warned)
  t.teardown(() => process.off('warning', warned))
  const clock = new RealClock()
  const far = clock.after(2 ** 32 * 1000, () => t.fail('too early'))
  await new Promise(resolve => setTimeout(resolve, 30))
  far.cancel()
  t.same(warnings, [])
})
