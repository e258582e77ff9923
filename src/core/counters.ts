/**
 * Counters with a closed set of names: plain integers that the hot path bumps and `/metrics` reads.
 *
 * @example
 * const drops = new Counters(['too-long', 'not-sip'])
 * drops.bump('not-sip')
 */
export class Counters<Name extends string> {
  readonly #values: Record<Name, number>

  constructor(readonly names: readonly Name[]) {
    this.#values = Object.fromEntries(names.map(name => [name, 0])) as Record<Name, number>
  }

  bump(name: Name, by = 1): void {
    this.#values[name] += by
  }

  value(name: Name): number {
    return this.#values[name]
  }

  /** A copy of all counts. */
  snapshot(): Record<Name, number> {
    return { ...this.#values }
  }
}
