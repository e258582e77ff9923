/** A map of at most `capacity` entries: the one used longest ago makes room. */
export class RecentMap<K, V> {
  readonly #entries = new Map<K, V>()

  /** @param evicted told of each entry that had to make room */
  constructor(readonly capacity: number, private readonly evicted: (key: K, value: V) => void = () => undefined) {}

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  /** Sets, and makes it the newest. */
  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.capacity) return
    const [oldest, old] = this.#entries.entries().next().value!
    this.#entries.delete(oldest)
    this.evicted(oldest, old)
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }
}
