import type { Clock } from '../../core/clock.js'
import { subscriberOf } from '../../core/subscriber.js'
import { RecentMap } from './recent-map.js'

export interface LockoutOptions {
  readonly clock: Clock
  /** Wrong passwords from one address (of IPv6: one /64) within `window` that lock it. @default 50 */
  readonly perSource?: number
  /** Wrong passwords for one account within `window` that lock it. @default 100 */
  readonly perAccount?: number
  /** Milliseconds. @default 300_000 */
  readonly window?: number
  /** Milliseconds that a lock lasts. @default 300_000 */
  readonly duration?: number
  /** Addresses, accounts, and pairs of them, remembered each. @default 10_000 */
  readonly remembered?: number
}

interface Failures {
  since: number
  count: number
  lockedUntil: number
}

/**
 * Counts wrong passwords per source and per account. An address that has once shown the right password of an account stays able to, so
 * guessing from elsewhere locks nobody out of a telephone that works.
 */
export class Lockout {
  readonly #clock: Clock
  readonly #window: number
  readonly #duration: number
  readonly #limits: { readonly source: number; readonly account: number }
  readonly #sources: RecentMap<string, Failures>
  readonly #accounts: RecentMap<string, Failures>
  readonly #trusted: RecentMap<string, true>

  constructor(options: LockoutOptions) {
    const remembered = options.remembered ?? 10_000
    this.#clock = options.clock
    this.#window = options.window ?? 300_000
    this.#duration = options.duration ?? 300_000
    this.#limits = { source: options.perSource ?? 50, account: options.perAccount ?? 100 }
    this.#sources = new RecentMap(remembered)
    this.#accounts = new RecentMap(remembered)
    this.#trusted = new RecentMap(remembered)
  }

  /** Milliseconds until `source` may try `account` again; 0 when it may now. */
  remaining(source: string, account: string): number {
    if (this.#trusted.get(pair(source, account)) === true) return 0
    const until = Math.max(this.#sources.get(subscriberOf(source))?.lockedUntil ?? 0, this.#accounts.get(account)?.lockedUntil ?? 0)
    return Math.max(0, until - this.#clock.now())
  }

  /** A wrong password. */
  failed(source: string, account: string): void {
    this.#count(this.#sources, subscriberOf(source), this.#limits.source)
    this.#count(this.#accounts, account, this.#limits.account)
  }

  /** The right password, while not locked. */
  succeeded(source: string, account: string): void {
    this.#trusted.set(pair(source, account), true)
  }

  #count(failures: RecentMap<string, Failures>, key: string, limit: number): void {
    const now = this.#clock.now()
    const known = failures.get(key)
    const entry = known === undefined || now - known.since > this.#window ? { since: now, count: 0, lockedUntil: known?.lockedUntil ?? 0 } : known
    entry.count++
    if (entry.count >= limit) {
      entry.lockedUntil = now + this.#duration
      entry.count = 0
      entry.since = now
    }
    failures.set(key, entry)
  }
}

const pair = (source: string, account: string): string => `${source} ${account}`
