import type { Clock, Timer } from '../core/clock.js'

interface Pending {
  readonly due: number
  readonly order: number
  /** Undefined once cancelled. */
  task: (() => void) | undefined
}

/** Turns of the microtask queue given to promises after each timer, so that chains of awaits see the time they waited for. */
const SETTLE_TURNS = 25

/**
 * A clock that moves only when told to: hours of timers run in milliseconds, always in the same order.
 *
 * @example
 * const clock = new VirtualClock()
 * clock.after(32_000, () => console.log('timer B'))
 * clock.advance(32_000)
 */
export class VirtualClock implements Clock {
  #now = 0
  #order = 0
  // A binary heap ordered by due time, then by order of arrival.
  readonly #heap: Pending[] = []

  /** @param epoch what `wall()` answers at virtual time 0, in ms since 1970. */
  constructor(readonly epoch = Date.UTC(2026, 0, 5, 8)) {}

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.epoch + this.#now
  }

  after(ms: number, task: () => void): Timer {
    const pending: Pending = { due: this.#now + Math.max(0, ms), order: this.#order++, task }
    this.#push(pending)
    return { cancel: () => { pending.task = undefined } }
  }

  /** Timers that would still run. */
  get pending(): number {
    return this.#heap.filter(timer => timer.task !== undefined).length
  }

  /** Moves on by `ms`, running what falls due on the way, in order. Promises settle only after it returns. */
  advance(ms: number): void {
    const end = this.#now + ms
    while (this.#runNext(end));
    this.#now = end
  }

  /** As `advance`, but lets promises settle before, between and after the timers. */
  async settle(ms = 0): Promise<void> {
    const end = this.#now + ms
    do await turns()
    while (this.#runNext(end))
    this.#now = end
    await turns()
  }

  /** Runs the next timer due by `end`; false when there is none. */
  #runNext(end: number): boolean {
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.due > end) return false
      this.#pop()
      if (next.task === undefined) continue
      this.#now = Math.max(this.#now, next.due)
      next.task()
      return true
    }
  }

  #push(item: Pending): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(item, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = item
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

const before = (a: Pending, b: Pending): boolean => a.due < b.due || (a.due === b.due && a.order < b.order)

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve()
}
