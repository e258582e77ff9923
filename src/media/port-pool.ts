/** Milliseconds that a pair rests after use, so that late packets of one call are not taken for another's. */
const QUARANTINE_MS = 250

/**
 * Pairs of UDP ports, an even one for RTP and the next for RTCP (RFC 3550 §11). The pair longest out of use is given
 * first, and one just returned rests a while.
 */
export class PortPool {
  readonly #ports: Uint16Array
  readonly #freedAt: Float64Array
  #head = 0
  #size: number

  /** @param first and @param last inclusive. */
  constructor(first: number, last: number) {
    const even = first + (first & 1)
    const pairs = Math.max(0, Math.floor((last - even + 1) / 2))
    this.#ports = Uint16Array.from({ length: pairs }, (_, at) => even + 2 * at)
    this.#freedAt = new Float64Array(pairs).fill(-Infinity)
    this.#size = pairs
  }

  /** Pairs not in use, resting ones too. */
  get free(): number {
    return this.#size
  }

  /** @param now ms. @returns the even port of a pair, undefined when all are in use or resting. */
  take(now: number): number | undefined {
    if (this.#size === 0 || now - this.#freedAt[this.#head]! < QUARANTINE_MS) return undefined
    const port = this.#ports[this.#head]!
    this.#head = (this.#head + 1) % this.#ports.length
    this.#size--
    return port
  }

  give(port: number, now: number): void {
    const tail = (this.#head + this.#size) % this.#ports.length
    this.#ports[tail] = port
    this.#freedAt[tail] = now
    this.#size++
  }
}
