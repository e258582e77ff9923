/**
 * Who a source is, for limits: an IPv4 address, or the /64 of an IPv6 address, since one subscriber has all of it (RFC 6177 §2).
 *
 * @example sourceOf('2001:db8:1:2:3::9') // '2001:db8:1:2::/64'
 */
export const sourceOf = (address: string): string => {
  if (!address.includes(':')) return address
  const groups = address.toLowerCase().split(':')
  const gap = groups.indexOf('')
  const head = gap < 0 ? groups : groups.slice(0, gap)
  return `${head.slice(0, 4).join(':')}::/64`
}

/** How many of something each source has, so that no one takes the places of all. */
export class SourceCounts {
  readonly #counts = new Map<string, number>()

  constructor(readonly limit: number) {}

  /** Takes a place for the sender; false when it has all of its own already. */
  take(address: string): boolean {
    const source = sourceOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count >= this.limit) return false
    this.#counts.set(source, count + 1)
    return true
  }

  release(address: string): void {
    const source = sourceOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count > 1) this.#counts.set(source, count - 1)
    else this.#counts.delete(source)
  }

  /** Sources that hold something. */
  get sources(): number {
    return this.#counts.size
  }
}
