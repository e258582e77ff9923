/**
 * Pairs of UDP ports, an even one for RTP and the next for RTCP (RFC 3550 §11). The pair longest out of use is given first: that is
 * its quarantine, during which late packets of the old call find nobody. What comes later still meets the latch.
 */
export class PortPool {
  readonly #ports: Uint16Array
  #head = 0
  #size: number

  /** @param first and @param last inclusive. */
  constructor(first: number, last: number) {
    const even = first + (first & 1)
    const pairs = Math.max(0, Math.floor((last - even + 1) / 2))
    this.#ports = Uint16Array.from({ length: pairs }, (_, at) => even + 2 * at)
    this.#size = pairs
  }

  /** Pairs not in use. */
  get free(): number {
    return this.#size
  }

  /** @returns the even port of a pair, undefined when all are in use. */
  take(): number | undefined {
    if (this.#size === 0) return undefined
    const port = this.#ports[this.#head]!
    this.#head = (this.#head + 1) % this.#ports.length
    this.#size--
    return port
  }

  give(port: number): void {
    this.#ports[(this.#head + this.#size) % this.#ports.length] = port
    this.#size++
  }
}
