import { CordboardError } from '../core/errors.js'
import { isDynamic } from './static-payloads.js'

interface Encoding {
  readonly name: string
  readonly clockRate: number
  readonly channels: number
}

/** True when both are one encoding: name (whatever its case), clock rate and channels. */
export const sameEncoding = (a: Encoding, b: Encoding): boolean =>
  a.clockRate === b.clockRate && a.channels === b.channels && (a.name === b.name || a.name.toUpperCase() === b.name.toUpperCase())

const keyOf = ({ name, clockRate, channels }: Encoding): string => `${name.toUpperCase()}/${clockRate}/${channels}`

/**
 * Payload types that we receive. For the length of a session a number that has once meant an encoding means no other
 * (RFC 3264 §8.3.2); an encoding may get another number when the peer's offer uses one (§6.1).
 */
export class PayloadMap {
  readonly #numbers = new Map<string, number>()
  readonly #meanings = new Map<number, string>()

  /** Our number of `encoding`: as before, else `preferred` if it is free, else a free dynamic one. */
  assign(encoding: Encoding, preferred: number): number {
    return this.#numbers.get(keyOf(encoding)) ?? this.#take(keyOf(encoding), preferred)
  }

  /** Our number in an answer: the one of the offer wherever it means nothing else here. */
  follow(encoding: Encoding, offered: number): number {
    const meaning = this.#meanings.get(offered)
    return meaning === undefined || meaning === keyOf(encoding) ? this.#put(keyOf(encoding), offered) : this.assign(encoding, offered)
  }

  /** A copy, for a round that may fail. */
  copy(): PayloadMap {
    const copy = new PayloadMap()
    for (const [number, key] of this.#meanings) copy.#meanings.set(number, key)
    for (const [key, number] of this.#numbers) copy.#numbers.set(key, number)
    return copy
  }

  #take(key: string, preferred: number): number {
    if (!this.#meanings.has(preferred)) return this.#put(key, preferred)
    for (let number = 96; isDynamic(number); number++) if (!this.#meanings.has(number)) return this.#put(key, number)
    throw new CordboardError('SDP_BAD_DESCRIPTION', 'no free payload type')
  }

  #put(key: string, number: number): number {
    this.#numbers.set(key, number)
    this.#meanings.set(number, key)
    return number
  }
}
