import { setMaxListeners } from 'node:events'

/**
 * The end of a call or request, with an AbortSignal for those who ask for one: few do, and a signal with a listener costs more than
 * parsing a message.
 *
 * @example
 * const ending = new Ending()
 * ending.on(reason => console.log(reason))
 * ending.end(() => new Error('hung up'))
 */
export class Ending {
  #make: (() => unknown) | undefined
  #reason: unknown
  #controller: AbortController | undefined
  #listeners: ((reason: unknown) => void)[] | undefined

  get ended(): boolean {
    return this.#make !== undefined
  }

  /** Why it ended; undefined before. */
  get reason(): unknown {
    return (this.#reason ??= this.#make?.())
  }

  /** Aborts at the end, with its reason. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      setMaxListeners(0, this.#controller.signal)
      if (this.ended) this.#controller.abort(this.reason)
    }
    return this.#controller.signal
  }

  /** Calls `listener` at the end, at once when that has come; returns the function that takes it off again. */
  on(listener: (reason: unknown) => void): () => void {
    if (this.ended) {
      listener(this.reason)
      return () => undefined
    }
    const listeners = (this.#listeners ??= [])
    listeners.push(listener)
    return () => {
      const at = this.#listeners?.indexOf(listener) ?? -1
      if (at >= 0) this.#listeners!.splice(at, 1)
    }
  }

  /** It ends, once; `make` makes the reason when somebody asks for it. */
  end(make: () => unknown): void {
    if (this.ended) return
    this.#make = make
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener(this.reason)
    this.#controller?.abort(this.reason)
  }

  /** @throws the reason, once it has ended. */
  throwIfEnded(): void {
    if (this.ended) throw this.reason
  }
}
