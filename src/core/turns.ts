import { CordboardError } from './errors.js'
import { type Deferred, deferred, onAbort } from './scope.js'

/** Lets one thing be done at a time, or a few, in the order in which they were asked for. */
export class Turns {
  readonly #waiting: Deferred<undefined>[] = []
  #busy = 0

  /** @param most that wait; @param what is done, for the error that one more gets; @param atOnce how many are done at a time. */
  constructor(readonly most: number, readonly what: string, readonly atOnce = 1) {}

  /**
   * Runs `task` when those before it are over, whatever became of them.
   * @param signal takes it out while it waits; from then on it is the task's.
   * @throws CordboardError `CALL_BUSY` when too many wait; the signal's reason; what the task throws.
   */
  async take<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    // Who has waited takes the place of one that has ended.
    if (this.#busy >= this.atOnce) await this.#wait(signal)
    else this.#busy++
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#busy--
      else next.resolve(undefined)
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<undefined> {
    if (this.#waiting.length >= this.most) throw new CordboardError('CALL_BUSY', `${this.what}: ${this.most} wait already`)
    const turn = deferred<undefined>()
    this.#waiting.push(turn)
    const off = onAbort(signal, reason => {
      const at = this.#waiting.indexOf(turn)
      if (at !== -1) this.#waiting.splice(at, 1)
      turn.reject(reason)
    })
    return turn.promise.finally(off)
  }
}
