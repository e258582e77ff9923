import type { Clock, Timer } from './clock.js'
import { TimerWheel } from './timer-wheel.js'

/** Width of a wheel slot in milliseconds: SIP's shortest timer is T1 = 500 ms, so lateness of one slot is harmless. */
const SLOT_MS = 8

/**
 * The machine's clock. All its timers share one coarse wheel and one Node timer, so that a hundred thousand pending
 * transactions cost no timer object of the runtime each.
 */
export class RealClock implements Clock {
  readonly #wheel = new TimerWheel(SLOT_MS, 4096, performance.now())
  #handle: NodeJS.Timeout | undefined

  now(): number {
    return performance.now()
  }

  wall(): number {
    return Date.now()
  }

  after(ms: number, task: () => void): Timer {
    const timer = this.#wheel.add(performance.now() + ms, task)
    // Sockets keep a process alive, pending timers alone must not.
    this.#handle ??= setTimeout(this.#turn, SLOT_MS).unref()
    return timer
  }

  readonly #turn = (): void => {
    this.#handle = undefined
    try {
      this.#wheel.advance(performance.now())
    } finally {
      if (this.#wheel.size > 0) this.#handle ??= setTimeout(this.#turn, SLOT_MS).unref()
    }
  }
}

/** The process's real clock; the default wherever a clock is optional. */
export const realClock: Clock = new RealClock()
