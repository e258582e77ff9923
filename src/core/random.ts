import { randomFillSync } from 'node:crypto'

/** Randomness, injected everywhere: `secureRandom` by default, `seededRandom` in tests and simulations. */
export interface Random {
  /** An unsigned 32-bit integer. */
  uint32(): number
  /** A number in [0, 1). */
  float(): number
  /** `length` characters of [a-z0-9], for tags, branches and Call-IDs. */
  token(length: number): string
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz012345'

/** Draws `length` characters, six from each 32-bit number (5 bits a character). */
const tokenFrom = (uint32: () => number, length: number): string => {
  let text = ''
  let bits = 0
  for (let at = 0; at < length; at++) {
    if (at % 6 === 0) bits = uint32()
    text += ALPHABET[bits & 31]
    bits >>>= 5
  }
  return text
}

/** Numbers of `node:crypto` drawn from a pool, for one system call per 1,024 of them. */
class PooledRandom implements Random {
  readonly #pool = new Uint32Array(1024)
  #next = this.#pool.length

  readonly uint32 = (): number => {
    if (this.#next === this.#pool.length) {
      randomFillSync(this.#pool)
      this.#next = 0
    }
    return this.#pool[this.#next++]!
  }

  float(): number {
    return this.uint32() / 0x1_0000_0000
  }

  token(length: number): string {
    return tokenFrom(this.uint32, length)
  }
}

/** Cryptographically strong randomness. */
export const secureRandom: Random = new PooledRandom()

/** A reproducible sequence (mulberry32): equal seeds give equal sequences. Never for secrets. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { uint32, float: () => uint32() / 0x1_0000_0000, token: length => tokenFrom(uint32, length) }
}
