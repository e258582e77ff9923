/** Entries added before the table is made anew, however few are in it. */
const GENERATION = 1_024

/**
 * A map for what comes and goes thousands of times a second. A full `Map` takes a larger table, and V8 has the old table point to the
 * new one. Once such a table has been promoted to the old generation, all that passes through its successors survives too, until the next
 * full collection: measured, 14 KB of each call instead of 2. So the entries move to a fresh `Map` now and then, to which nothing old points.
 */
export class Registry<K, V> {
  #entries = new Map<K, V>()
  /** Entries that may still be added to the present `Map`. */
  #room = GENERATION

  get size(): number {
    return this.#entries.size
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  set(key: K, value: V): void {
    if (--this.#room < 0) {
      this.#entries = new Map(this.#entries)
      this.#room = Math.max(GENERATION, this.#entries.size)
    }
    this.#entries.set(key, value)
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** In the order in which they were added. */
  values(): MapIterator<V> {
    return this.#entries.values()
  }
}

/** A set for what comes and goes thousands of times a second: see `Registry`. */
export class Roster<T> implements ReadonlySet<T> {
  readonly #members = new Registry<T, T>()

  get size(): number {
    return this.#members.size
  }

  has(member: T): boolean {
    return this.#members.has(member)
  }

  add(member: T): this {
    this.#members.set(member, member)
    return this
  }

  delete(member: T): boolean {
    return this.#members.delete(member)
  }

  forEach(visit: (member: T, again: T, set: ReadonlySet<T>) => void): void {
    for (const member of this) visit(member, member, this)
  }

  * entries(): SetIterator<[T, T]> {
    for (const member of this) yield [member, member]
  }

  keys(): SetIterator<T> {
    return this.values()
  }

  values(): SetIterator<T> {
    return this.#members.values()
  }

  [Symbol.iterator](): SetIterator<T> {
    return this.values()
  }
}
