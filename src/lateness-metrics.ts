import { Histogram, type Registry } from 'prom-client'
import type { TickLateness, WorkerStatistics } from './media/leg.js'

const NAME = 'cordboard_media_tick_lateness_seconds'
/** Upper bounds in seconds, multiples of the half milliseconds that workers count in. */
const BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05]
const COLUMNS_A_SECOND = 2000
const DESCRIPTION = { name: NAME, help: 'Lateness of the ticks of a media worker\'s clock', labelNames: ['worker'], buckets: BUCKETS }

type Values = Awaited<ReturnType<Histogram['get']>>

/** The histograms that the media workers keep in shared memory, as Prometheus wants them: read at scrape time, nothing is observed here. */
export class LatenessHistogram extends Histogram {
  /** Says how such a metric describes itself: `get` of one that is registered would come back here. */
  readonly #description = new Histogram({ ...DESCRIPTION, registers: [] })

  constructor(registry: Registry, readonly workers: () => Promise<readonly WorkerStatistics[]>) {
    super({ ...DESCRIPTION, registers: [registry] })
  }

  override async get(): Promise<Values> {
    const described = await this.#description.get()
    const workers = await this.workers()
    return { ...described, values: workers.flatMap(({ index, tickLateness }) => valuesOf(String(index), tickLateness)) }
  }

  /** What the registry calls, where there is one, to write its text. */
  getForPromString(): Promise<Values> {
    return this.get()
  }
}

const valuesOf = (worker: string, { counts, sum }: TickLateness): Values['values'] => {
  const ticks = (columns: number): number => counts.slice(0, columns).reduce((total, count) => total + count, 0)
  const all = ticks(counts.length)
  return [
    ...BUCKETS.map(le => ({ labels: { le, worker }, value: ticks(Math.round(le * COLUMNS_A_SECOND)), metricName: `${NAME}_bucket` })),
    { labels: { le: '+Inf', worker }, value: all, metricName: `${NAME}_bucket` },
    { labels: { worker }, value: sum / 1000, metricName: `${NAME}_sum` },
    { labels: { worker }, value: all, metricName: `${NAME}_count` },
  ]
}
