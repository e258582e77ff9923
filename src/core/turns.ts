import { CordboardError } from './errors.js'
import { type Deferred, deferred, onAbort } from './scope.js'

/** Lets one thing be done at a time, in the order in which they were asked for. */
export class Turns {
  readonly #waiting: Deferred<undefined>[] = []
  #busy = false

  /** @param most that wait; @param what is done, for the error that one more gets. */
  constructor(readonly most: number, readonly what: string) {}

  /**
   * Runs `task` when those before it are over, whatever became of them.
   * @param signal takes it out while it waits; from then on it is the task's.
   * @throws CordboardError `CALL_BUSY` when too many wait; the signal's reason; what the task throws.
   */
  async take<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#busy) await this.#wait(signal)
    this.#busy = true
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#busy = false
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
