import t from 'tap'
import { LoopLag } from '../../src/core/loop-lag.js'

void t.test('a blocked loop shows at once, and a free one forgets', async t => {
  using lag = new LoopLag()
  t.ok(lag.ms < 1_000)
  const start = performance.now()
  while (performance.now() - start < 400);
  t.ok(lag.ms >= 250, `${lag.ms} ms while blocked`)
  await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setTimeout(resolve, 60))
  t.ok(lag.ms > 10, `${lag.ms} ms soon after`)
})
