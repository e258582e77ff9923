import { Ring } from '../core/ring.js'
import { onAbort } from '../core/scope.js'

/** Events kept for a reader who is slow. */
const KEPT = 1_024

/** Events for one reader: those it has not read yet wait, bounded; the oldest is dropped and counted. */
export class EventStream<T> implements AsyncIterableIterator<T> {
  readonly #ring = new Ring<T>(KEPT)
  readonly #onClose: () => void
  #wanted: ((result: IteratorResult<T>) => void)[] = []
  #closed = false

  /** @param signal ends the stream; @param onClose is called once, when nobody reads any more. */
  constructor(signal: AbortSignal | undefined, onClose: () => void) {
    this.#onClose = onClose
    onAbort(signal, () => this.close())
  }

  get dropped(): number {
    return this.#ring.dropped
  }

  push(event: T): void {
    if (this.#closed) return
    const reader = this.#wanted.shift()
    if (reader === undefined) this.#ring.push(event)
    else reader({ done: false, value: event })
  }

  /** Ends the stream after the events that still wait. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const reader of this.#wanted) reader({ done: true, value: undefined })
    this.#wanted = []
    this.#onClose()
  }

  next(): Promise<IteratorResult<T>> {
    const event = this.#ring.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#closed) return Promise.resolve({ done: true, value: undefined })
    return new Promise(resolve => this.#wanted.push(resolve))
  }

  return(): Promise<IteratorResult<T>> {
    this.#ring.clear()
    this.close()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
