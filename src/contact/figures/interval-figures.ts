import type { Fact } from '../routing/action.js'
import type { QueueId } from '../routing/settings.js'
import { QueueFold } from './queue-figures.js'
import type { QueueFigures } from './queue-figures.js'
import type { ServiceLevelOptions } from './service-level.js'

/** Milliseconds: a quarter of an hour. */
export const DEFAULT_INTERVAL = 900_000
/** A week of quarters of an hour. */
export const DEFAULT_KEEP = 672

/** Options of an `IntervalFold`. */
export interface IntervalOptions extends ServiceLevelOptions {
  /** Length of an interval in ms. @default 900000, a quarter of an hour */
  readonly interval?: number
  /** Intervals kept; the oldest go. @default 672, a week of quarters of an hour */
  readonly keep?: number
  /** What the service level of a queue is measured by, asked when the first thing happens in an interval. @default that of these options */
  readonly serviceLevelOf?: (queue: QueueId) => ServiceLevelOptions | undefined
}

/** What happened in one queue in one interval: `waiting` and `longestWait` mean nothing here. */
export interface IntervalRow {
  /** Beginning of the interval, in ms since 1970-01-01 UTC. */
  readonly at: number
  readonly queue: QueueId
  readonly figures: QueueFigures
}

/** Figures of queues by interval, as a fold over the event log. Each event counts in the interval in which it happened. */
export class IntervalFold {
  readonly #options: IntervalOptions
  readonly #interval: number
  readonly #keep: number
  readonly #folds = new Map<number, Map<QueueId, QueueFold>>()

  constructor(options: IntervalOptions = {}) {
    this.#options = options
    this.#interval = options.interval ?? DEFAULT_INTERVAL
    this.#keep = options.keep ?? DEFAULT_KEEP
  }

  /** @param wall when the fact happened, in ms since 1970. */
  note(fact: Fact, wall: number): void {
    if (!('queue' in fact)) return
    const at = Math.floor(wall / this.#interval) * this.#interval
    const queues = this.#folds.get(at) ?? this.#begin(at)
    let fold = queues.get(fact.queue)
    if (fold === undefined) {
      fold = new QueueFold(this.#options.serviceLevelOf?.(fact.queue) ?? this.#options)
      queues.set(fact.queue, fold)
    }
    fold.note(fact)
  }

  /** In order of time; intervals in which nothing happened are missing. */
  rows(): IntervalRow[] {
    return [...this.#folds].flatMap(([at, queues]) => [...queues].map(([queue, fold]) => ({ at, queue, figures: fold.at(at + this.#interval) })))
  }

  #begin(at: number): Map<QueueId, QueueFold> {
    const queues = new Map<QueueId, QueueFold>()
    this.#folds.set(at, queues)
    const oldest = this.#folds.keys().next().value
    if (this.#folds.size > this.#keep && oldest !== undefined) this.#folds.delete(oldest)
    return queues
  }
}
