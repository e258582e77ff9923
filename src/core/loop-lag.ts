/** How often the lag is measured, in milliseconds. */
const EVERY_MS = 50
/** Weight of the newest measurement. */
const WEIGHT = 0.2
/** Measurements in a row that must be late before the loop counts as late for good. */
const SUSTAINED = 3

/** How late the event loop runs what is due: the measure of an overloaded main thread. */
export class LoopLag implements Disposable {
  readonly #timer: NodeJS.Timeout
  readonly #latest = new Float64Array(SUSTAINED)
  #measured = 0
  #due = performance.now() + EVERY_MS
  #lag = 0

  constructor() {
    this.#timer = setInterval(() => this.#measure(), EVERY_MS).unref()
  }

  /** Milliseconds, smoothed over about a quarter of a second; what is overdue right now counts at once. */
  get ms(): number {
    return Math.max(this.#lag, performance.now() - this.#due - EVERY_MS)
  }

  /**
   * Milliseconds by which it has been late each of the last times: one long turn, such as the load of a module or a collection, is no overload, and those
   * who came meanwhile are served.
   */
  get sustainedMs(): number {
    return Math.min(...this.#latest)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #measure(): void {
    const now = performance.now()
    const late = Math.max(0, now - this.#due)
    this.#lag += WEIGHT * (late - this.#lag)
    this.#latest[this.#measured++ % SUSTAINED] = late
    this.#due = now + EVERY_MS
  }
}
