import { Registry } from 'prom-client'
import t from 'tap'
import { LatenessHistogram } from '../../src/lateness-metrics.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { Ticker } from '../../src/media/worker/ticker.js'

/** A worker's clock of which each tick was late by so many ms. */
const shareOf = (late: readonly number[]): WorkerShare => {
  const share = new WorkerShare(WorkerShare.allocate())
  const ticker = new Ticker(share)
  ticker.add({ tick: () => undefined }, 0)
  for (const ms of late) ticker.run(ticker.due + ms)
  return share
}

void t.test('the lateness of ticks is a histogram in the metrics, by worker', async t => {
  const registry = new Registry()
  const shares = [shareOf([0, 0.25, 0.75, 1.5, 7, 70]), shareOf([0])]
  const workers = shares.map(({ tickLateness }, index) => ({ index, legs: 1, cpuShare: 0, tickLatenessP99: 0, tickLateness, nice: 0 }))
  new LatenessHistogram(registry, () => Promise.resolve(workers))
  const lines = (await registry.metrics()).split('\n').filter(line => line.includes('worker="0"'))
  const value = (start: string): number => Number(lines.find(line => line.startsWith(`cordboard_media_tick_lateness_seconds_${start}`))?.split(' ')[1])
  const upTo = (seconds: string): number => value(`bucket{le="${seconds}",`)
  // Who is 70 ms late has missed the ticks due 20, 40 and 60 ms after that one.
  t.same(['0.0005', '0.001', '0.002', '0.005', '0.01', '0.03', '0.05', '+Inf'].map(upTo), [2, 3, 4, 4, 5, 6, 7, 9])
  t.equal(value('count'), 9)
  t.ok(Math.abs(value('sum') - 0.1695) < 1e-9, 'seconds')
  t.match(await registry.metrics(), /_count\{worker="1"\} 1\n/)
  t.match(await registry.metrics(), '# TYPE cordboard_media_tick_lateness_seconds histogram')
})

void t.test('a few producers share a quarter of the tick, many are spread over the four', async t => {
  const ticker = new Ticker(new WorkerShare(WorkerShare.allocate()))
  /** How many ticked in each of the next four quarters. */
  const quarters = (from: number): readonly number[] => [0, 5, 10, 15].map(later => {
    ticked = 0
    ticker.run(from + later)
    return ticked
  })
  let ticked = 0
  const producers = Array.from({ length: 500 }, () => ({ tick: () => { ticked++ } }))
  producers.slice(0, 90).forEach(producer => ticker.add(producer, 0))
  t.same(quarters(0), [90, 0, 0, 0])
  producers.slice(90).forEach(producer => ticker.add(producer, 16))
  t.same(quarters(20), [125, 125, 125, 125])
  producers.slice(0, 90).forEach(producer => ticker.remove(producer))
  producers.slice(0, 40).forEach(producer => ticker.add(producer, 36))
  t.same(quarters(40), [75, 125, 125, 125])
})
