import { subscriberOf } from '../../core/subscriber.js'

/** How many of something each source has, so that no one takes the places of all. */
export class SourceCounts {
  readonly #counts = new Map<string, number>()

  constructor(readonly limit: number) {}

  /** Takes a place for the sender; false when it has all of its own already. */
  take(address: string): boolean {
    const source = subscriberOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count >= this.limit) return false
    this.#counts.set(source, count + 1)
    return true
  }

  release(address: string): void {
    const source = subscriberOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count > 1) this.#counts.set(source, count - 1)
    else this.#counts.delete(source)
  }

  /** Sources that hold something. */
  get sources(): number {
    return this.#counts.size
  }
}
