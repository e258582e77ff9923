import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.js'
import type { Random } from '../../core/random.js'
import { RecentMap } from './recent-map.js'

export interface NonceOptions {
  readonly clock: Clock
  readonly random: Random
  /** At least 16 bytes. Nodes that share it accept each other's nonces. @default drawn from `random` */
  readonly key?: Uint8Array
  /** Milliseconds. @default 300_000 */
  readonly lifetime?: number
  /** Nonces whose counts are remembered. @default 10_000 */
  readonly remembered?: number
}

/** `replayed`: this count of the nonce was used before; like `stale` it calls for a new nonce, not for another password. */
export type NonceVerdict = 'fresh' | 'stale' | 'forged' | 'replayed'

/** Counts that a nonce was used with: the highest, and which of the 31 below it (requests overtake each other). */
interface Uses {
  readonly issued: number
  highest: number
  window: number
}

const STAMP = 6
const SALT = 6
const MAC = 16
const LENGTH = STAMP + SALT + MAC

/**
 * Nonces without state: time stamp and salt under an HMAC over them and the realm. Only counts in use are remembered, in bounded memory;
 * when one is forgotten, nonces as old as it are stale, so nothing can be replayed.
 */
export class Nonces {
  readonly #clock: Clock
  readonly #random: Random
  readonly #key: Uint8Array
  readonly #lifetime: number
  readonly #uses: RecentMap<string, Uses>
  /** Nonces issued until then (ms since 1970) and not remembered are stale. */
  #forgotten = -1

  constructor(options: NonceOptions) {
    this.#clock = options.clock
    this.#random = options.random
    this.#key = options.key ?? Buffer.from(options.random.token(52))
    this.#lifetime = options.lifetime ?? 300_000
    this.#uses = new RecentMap(options.remembered ?? 10_000, (_nonce, uses) => { this.#forgotten = Math.max(this.#forgotten, uses.issued) })
  }

  /** A new nonce for `realm`. */
  issue(realm: string): string {
    const bytes = Buffer.alloc(LENGTH)
    bytes.writeUIntBE(this.#clock.wall(), 0, STAMP)
    bytes.writeUInt32BE(this.#random.uint32(), STAMP)
    bytes.writeUInt16BE(this.#random.uint32() & 0xffff, STAMP + 4)
    this.#mac(bytes, realm).copy(bytes, STAMP + SALT)
    return bytes.toString('base64url')
  }

  /** Whether `nonce` is ours for `realm` and young enough; counts are `use`'s affair. */
  check(nonce: string, realm: string): 'fresh' | 'stale' | 'forged' {
    const bytes = Buffer.from(nonce, 'base64url')
    if (bytes.length !== LENGTH || bytes.toString('base64url') !== nonce) return 'forged'
    if (!timingSafeEqual(this.#mac(bytes, realm), bytes.subarray(STAMP + SALT))) return 'forged'
    const age = this.#clock.wall() - bytes.readUIntBE(0, STAMP)
    return age > this.#lifetime || age < -this.#lifetime ? 'stale' : 'fresh'
  }

  /** True when the better part of its life is over for `nonce`, checked before: its successor had better be told. */
  isAging(nonce: string): boolean {
    return this.#clock.wall() - Buffer.from(nonce, 'base64url').readUIntBE(0, STAMP) > this.#lifetime / 2
  }

  /** Uses `nonce`, checked before, with the count `nc`: each count once. */
  use(nonce: string, nc: number): 'fresh' | 'stale' | 'replayed' {
    const uses = this.#uses.get(nonce)
    if (uses === undefined) {
      const issued = Buffer.from(nonce, 'base64url').readUIntBE(0, STAMP)
      if (issued <= this.#forgotten) return 'stale'
      this.#uses.set(nonce, { issued, highest: nc, window: 0 })
      return 'fresh'
    }
    if (!count(uses, nc)) return 'replayed'
    this.#uses.set(nonce, uses)
    return 'fresh'
  }

  #mac(bytes: Buffer, realm: string): Buffer {
    return createHmac('sha256', this.#key).update(bytes.subarray(0, STAMP + SALT)).update(realm).digest().subarray(0, MAC)
  }
}

const count = (uses: Uses, nc: number): boolean => {
  const ahead = nc - uses.highest
  if (ahead > 0) {
    uses.window = ahead > 31 ? 0 : (uses.window << ahead) | (1 << (ahead - 1))
    uses.highest = nc
    return true
  }
  const bit = 1 << (-ahead - 1)
  if (ahead === 0 || ahead < -31 || (uses.window & bit) !== 0) return false
  uses.window |= bit
  return true
}
