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
 * of the peer's is a rekeying of its direction alone.
 */
export class KeyAgreement {
  readonly #keys = new Map<CryptoSuite, Uint8Array>()

  constructor(readonly random: Random) {}

  /** The lines of an offer. */
  offer(): readonly CryptoAttribute[] {
    return OFFERED.map((suite, at) => ({ tag: at + 1, suite, key: this.#keyOf(suite), parameters: [] }))
  }

  /** Takes the first of the peer's lines that we can do (RFC 4568 §5.1.2). */
  answer(offered: readonly CryptoAttribute[]): { readonly line: CryptoAttribute; readonly keys: AgreedKeys } | undefined {
    const theirs = offered.find(isUsable)
    if (theirs === undefined) return undefined
    const line: CryptoAttribute = { tag: theirs.tag, suite: theirs.suite, key: this.#keyOf(theirs.suite), parameters: [] }
    return { line, keys: { send: line, receive: theirs } }
  }

  /** Matches the peer's answer with our offer: one line, of a tag and suite that we offered (RFC 4568 §5.1.3). */
  accept(answered: readonly CryptoAttribute[], offered: readonly CryptoAttribute[]): AgreedKeys | undefined {
    const [theirs, ...more] = answered
    const ours = offered.find(line => line.tag === theirs?.tag && line.suite === theirs.suite)
    return theirs === undefined || ours === undefined || more.length > 0 || !isUsable(theirs) ? undefined : { send: ours, receive: theirs }
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

// Master key identifiers and session parameters change what is on the wire: a line with either must not be taken by one that ignores them.
const isUsable = ({ mki, parameters }: CryptoAttribute): boolean => mki === undefined && parameters.length === 0
