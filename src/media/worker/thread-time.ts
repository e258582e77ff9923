import { openSync, readSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

/** proc(5): nanoseconds for which the thread had a processor, for which it waited for one, and how often it got one. */
const SCHEDULE = '/proc/thread-self/schedstat'

/** The times of the calling thread, in ms. */
export class ThreadTime {
  readonly #text = Buffer.alloc(96)
  #schedule: number | undefined

  constructor() {
    try {
      this.#schedule = openSync(SCHEDULE, 'r')
      // A kernel that does not count leaves zeros.
      if (!(this.processor! > 0)) this.#schedule = undefined
    } catch {
      // Linux alone tells.
      this.#schedule = undefined
    }
  }

  /** Of the clock. */
  get now(): number {
    return performance.now()
  }

  /** For how long it has waited in the poll. */
  get idle(): number {
    return performance.eventLoopUtilization().idle
  }

  /** For how long it has had a processor; undefined where the system does not tell. */
  get processor(): number | undefined {
    if (this.#schedule === undefined) return undefined
    const length = readSync(this.#schedule, this.#text, 0, this.#text.length, 0)
    return parseInt(this.#text.toString('latin1', 0, length)) / 1e6
  }
}
