import t from 'tap'
import { LoopLag } from '../../src/core/loop-lag.js'

const block = (ms: number): void => {
  const start = performance.now()
  while (performance.now() - start < ms);
}
const turn = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

void t.test('a blocked loop shows at once, and a free one forgets', async t => {
  using lag = new LoopLag()
  t.ok(lag.ms < 1_000)
  block(400)
  t.ok(lag.ms >= 250, `${lag.ms} ms while blocked`)
  await new Promise(resolve => setImmediate(resolve))
  await turn(60)
  t.ok(lag.ms > 10, `${lag.ms} ms soon after`)
})

void t.test('one long turn is no overload, one after the other is', async t => {
  using lag = new LoopLag()
  block(400)
  for (let n = 0; n < 3; n++) {
    await turn(60)
    t.ok(lag.sustainedMs < 250, `${lag.sustainedMs} ms after one long turn`)
  }
  for (let n = 0; n < 4; n++) {
    block(400)
    // The timers phase comes in between.
    await turn(1)
  }
  t.ok(lag.sustainedMs >= 250, `${lag.sustainedMs} ms after four`)
})
