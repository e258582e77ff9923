import type { Random } from '../core/random.js'
import type { CryptoAttribute, CryptoSuite } from './crypto.js'
import { keyLength } from './crypto.js'
import type { CryptoKeys } from './negotiated.js'

/** Suites that we offer, best first for what phones know; an answer takes the peer's order. */
const OFFERED: readonly CryptoSuite[] = [
  'AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM', 'AES_256_CM_HMAC_SHA1_80', 'AEAD_AES_256_GCM', 'AES_CM_128_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_32',
]

/** Keys of both directions. */
export interface AgreedKeys {
  readonly send: CryptoKeys
  readonly receive: CryptoKeys
}

/**
 * SDES of one session (RFC 4568): our keys stay the same in all its rounds, so that roll-over counters outlive a re-INVITE; another key
 * of the peer's is a rekeying of its direction alone. A key that another suite's has followed does not come back: its counters are gone, and
 * it would make the same key stream again (RFC 3711 §9.1). Identifiers (MKI) and lifetimes are those of the peer's keys: ours have none.
 */
export class KeyAgreement {
  readonly #keys = new Map<CryptoSuite, Uint8Array>()
  /** Suite in force. */
  #suite: CryptoSuite | undefined

  constructor(readonly random: Random) {}

  /** The lines of an offer. */
  offer(): readonly CryptoAttribute[] {
    return OFFERED.map((suite, at) => ({ tag: at + 1, suite, key: this.#keyOf(suite), parameters: [] }))
  }

  /** Takes the first of the peer's lines that we can do (RFC 4568 §5.1.2). */
  answer(offered: readonly CryptoAttribute[]): { readonly line: CryptoAttribute; readonly keys: AgreedKeys } | undefined {
    const theirs = offered.find(isUsable)
    if (theirs === undefined) return undefined
    this.#agree(theirs.suite)
    const line: CryptoAttribute = { tag: theirs.tag, suite: theirs.suite, key: this.#keyOf(theirs.suite), parameters: [] }
    return { line, keys: { send: line, receive: theirs } }
  }

  /** Matches the peer's answer with our offer: one line, of a tag and suite that we offered (RFC 4568 §5.1.3). */
  accept(answered: readonly CryptoAttribute[], offered: readonly CryptoAttribute[]): AgreedKeys | undefined {
    const [theirs, ...more] = answered
    const ours = offered.find(line => line.tag === theirs?.tag && line.suite === theirs.suite)
    if (theirs === undefined || ours === undefined || more.length > 0 || !isUsable(theirs)) return undefined
    this.#agree(ours.suite)
    return { send: ours, receive: theirs }
  }

  #agree(suite: CryptoSuite): void {
    if (this.#suite !== undefined && this.#suite !== suite) this.#keys.delete(this.#suite)
    this.#suite = suite
  }

  #keyOf(suite: CryptoSuite): Uint8Array {
    let key = this.#keys.get(suite)
    if (key === undefined) {
      key = new Uint8Array(keyLength(suite))
      for (let at = 0; at < key.length; at++) key[at] = this.random.uint32() >>> 24
      this.#keys.set(suite, key)
    }
    return key
  }
}

// Session parameters change what is on the wire: a line with one must not be taken by somebody who ignores it (RFC 4568 §6.3.7). A window
// size is but a hint (§6.3.6).
const isUsable = ({ parameters }: CryptoAttribute): boolean => parameters.every(parameter => /^WSH=\d+$/.test(parameter))
