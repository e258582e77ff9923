import type { Clock, Timer } from './clock.js'
import { TimerWheel } from './timer-wheel.js'

/** Width of a wheel slot in milliseconds: SIP's shortest timer is T1 = 500 ms, so lateness of one slot is harmless. */
const SLOT_MS = 8
/** Node's timers take no longer waits. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * The machine's clock. All its timers share one coarse wheel and one Node timer, so that a hundred thousand pending
 * transactions cost no timer object of the runtime each; it wakes only when some timer is due.
 */
export class RealClock implements Clock {
  readonly #wheel = new TimerWheel(SLOT_MS, 4096, performance.now())
  #handle: NodeJS.Timeout | undefined
  #wakesAt = Infinity

  now(): number {
    return performance.now()
  }

  wall(): number {
    return Date.now()
  }

  after(ms: number, task: () => void): Timer {
    const now = performance.now()
    const timer = this.#wheel.add(now + ms, task)
    this.#wakeBy(now + ms, now)
    return timer
  }

  /** All timers of a slot run when it has passed. */
  #wakeBy(due: number, now: number): void {
    const passed = Math.ceil(due / SLOT_MS) * SLOT_MS
    if (passed >= this.#wakesAt) return
    clearTimeout(this.#handle)
    this.#wakesAt = passed
    // One more, as Node's timers begin from a time before `now`. Sockets keep a process alive, pending timers alone must not.
    this.#handle = setTimeout(this.#turn, Math.min(LONGEST_MS, Math.max(0, Math.ceil(passed - now)) + 1)).unref()
  }

  readonly #turn = (): void => {
    this.#wakesAt = Infinity
    try {
      this.#wheel.advance(performance.now())
    } finally {
      if (this.#wheel.size > 0) this.#wakeBy(this.#wheel.next, performance.now())
    }
  }
}

/** The process's real clock; the default wherever a clock is optional. */
export const realClock: Clock = new RealClock()
