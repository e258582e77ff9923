import { Ring } from '../core/ring.js'
import type { Listener } from './leg.js'

/** Live audio of a leg as an iterator: the oldest frame is dropped and counted when nobody reads. */
export class ListenerHandle implements Listener {
  readonly #ring: Ring<Int16Array>
  #waiting: ((result: IteratorResult<Int16Array>) => void) | undefined
  #stopped = false

  /** @param ended told once when it stops. */
  constructor(readonly id: number, readonly rate: number, buffer: number, readonly ended: (listener: ListenerHandle) => void) {
    this.#ring = new Ring(Math.max(1, buffer))
  }

  get dropped(): number {
    return this.#ring.dropped
  }

  get frames(): AsyncIterableIterator<Int16Array> {
    const iterator: AsyncIterableIterator<Int16Array> = {
      next: () => this.#next(),
      return: () => {
        this.stop()
        this.#ring.clear()
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  heard(pcm: Int16Array): void {
    if (this.#waiting === undefined) {
      this.#ring.push(pcm)
      return
    }
    const resolve = this.#waiting
    this.#waiting = undefined
    resolve({ done: false, value: pcm })
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#waiting?.({ done: true, value: undefined })
    this.#waiting = undefined
    this.ended(this)
  }

  #next(): Promise<IteratorResult<Int16Array>> {
    const pcm = this.#ring.shift()
    if (pcm !== undefined) return Promise.resolve({ done: false, value: pcm })
    if (this.#stopped) return Promise.resolve({ done: true, value: undefined })
    return new Promise(resolve => {
      this.#waiting = resolve
    })
  }
}
