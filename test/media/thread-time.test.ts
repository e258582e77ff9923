import { existsSync } from 'node:fs'
import t from 'tap'
import { ThreadTime } from '../../src/media/worker/thread-time.js'

void t.test('the time for which a thread had a processor passes while it works, not while it sleeps', async t => {
  const time = new ThreadTime()
  const began = time.processor
  if (began === undefined) return t.notOk(existsSync('/proc/thread-self/schedstat'), 'the system does not tell')
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  Atomics.wait(sleeper, 0, 0, 200)
  const slept = time.processor! - began
  t.ok(slept < 100, `${slept} ms of 200 asleep`)
  const until = performance.now() + 20_000
  while (time.processor! - began < slept + 50 && performance.now() < until);
  t.ok(time.processor! - began >= slept + 50, 'it goes on while it works')
})
