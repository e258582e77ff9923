/** How often the lag is measured, in milliseconds. */
const EVERY_MS = 50
/** Weight of the newest measurement. */
const WEIGHT = 0.2

/** How late the event loop runs what is due: the measure of an overloaded main thread. */
export class LoopLag implements Disposable {
  readonly #timer: NodeJS.Timeout
  #due = performance.now() + EVERY_MS
  #lag = 0

  constructor() {
    this.#timer = setInterval(() => this.#measure(), EVERY_MS).unref()
  }

  /** Milliseconds, smoothed over about a quarter of a second; what is overdue right now counts at once. */
  get ms(): number {
    return Math.max(this.#lag, performance.now() - this.#due - EVERY_MS)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #measure(): void {
    const now = performance.now()
    this.#lag += WEIGHT * (Math.max(0, now - this.#due) - this.#lag)
    this.#due = now + EVERY_MS
  }
}
