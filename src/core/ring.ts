/** A bounded first-in-first-out queue over one array: no allocation after construction. */
export class Ring<T> {
  readonly #items: (T | undefined)[]
  #head = 0
  #size = 0
  #dropped = 0

  /** @param capacity number of items it holds at most. */
  constructor(readonly capacity: number) {
    this.#items = new Array<T | undefined>(capacity).fill(undefined)
  }

  get size(): number {
    return this.#size
  }

  /** Items lost to `push` on a full ring since construction. */
  get dropped(): number {
    return this.#dropped
  }

  /** Adds at the tail; a full ring drops its oldest item, counts it, and returns it. */
  push(item: T): T | undefined {
    let lost: T | undefined
    if (this.#size === this.capacity) {
      lost = this.shift()
      this.#dropped++
    }
    this.#items[(this.#head + this.#size) % this.capacity] = item
    this.#size++
    return lost
  }

  /** Takes the oldest item, or undefined when empty. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) % this.capacity
    this.#size--
    return item
  }

  clear(): void {
    while (this.#size > 0) this.shift()
  }
}
