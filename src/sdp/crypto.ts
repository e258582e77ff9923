/** An `a=crypto` line (RFC 4568): suite and one inline key. */
export interface CryptoAttribute {
  readonly tag: number
  readonly suite: CryptoSuite
  /** Master key, then salt, raw. */
  readonly key: Uint8Array
  /** Packets of RTP, and as many of RTCP, that the key is good for. */
  readonly lifetime?: number
  /** Identifier of the key that its packets bear (RFC 3711 §3.1): 1 to 128 bytes. */
  readonly mki?: Uint8Array
  /** `UNENCRYPTED_SRTP` and the like, as written; a suite with one that we don't know must be refused (RFC 4568 §6.3.7). */
  readonly parameters: readonly string[]
}

// Bytes of master key and salt (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §12).
const KEY_LENGTHS = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AES_256_CM_HMAC_SHA1_80: 46,
  AES_256_CM_HMAC_SHA1_32: 46,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44,
} as const

export type CryptoSuite = keyof typeof KEY_LENGTHS

/** Bytes of master key and salt of `suite`. */
export const keyLength = (suite: CryptoSuite): number => KEY_LENGTHS[suite]

const isSuite = (text: string): text is CryptoSuite => Object.hasOwn(KEY_LENGTHS, text)

/** RFC 4568 §6.1: key and salt, lifetime, identifier and its length. */
const INLINE = /^inline:([A-Za-z0-9+/]+={0,2})(?:\|(2\^\d{1,2}|\d{1,15}))?(?:\|(\d{1,309}):(\d{1,3}))?$/
const LONGEST_MKI = 128

/** An identifier's bytes; undefined where it has not the room that it says. */
const mkiBytes = (value: string, length: number): Uint8Array | undefined => {
  const digits = BigInt(value).toString(16).padStart(2 * length, '0')
  return length === 0 || length > LONGEST_MKI || digits.length > 2 * length ? undefined : Uint8Array.from(Buffer.from(digits, 'hex'))
}

const lifetimeOf = (text: string): number => text.startsWith('2^') ? 2 ** Number(text.slice(2)) : Number(text)

/**
 * Reads the parts of an `a=crypto` line; undefined for a suite that is not known, a key of the wrong length, several keys, or what the
 * grammar does not have.
 * @param keys `inline:…`
 * @param session session parameters, separated by spaces
 */
export const parseCrypto = (tag: number, suite: string, keys: string, session = ''): CryptoAttribute | undefined => {
  const inline = INLINE.exec(keys)
  if (!isSuite(suite) || inline === null || !(tag >= 0 && tag <= 999_999_999)) return undefined
  const key = Buffer.from(inline[1]!, 'base64')
  if (key.length !== KEY_LENGTHS[suite]) return undefined
  const lifetime = inline[2] === undefined ? undefined : lifetimeOf(inline[2])
  const mki = inline[3] === undefined ? undefined : mkiBytes(inline[3], Number(inline[4]))
  if (lifetime === 0 || (mki === undefined && inline[3] !== undefined)) return undefined
  return {
    tag, suite, key, parameters: session === '' ? [] : session.split(' '),
    ...lifetime === undefined ? {} : { lifetime },
    ...mki === undefined ? {} : { mki },
  }
}

const lifetimeText = (packets: number): string => Number.isInteger(Math.log2(packets)) ? `2^${Math.log2(packets)}` : String(packets)

/** Value of an `a=crypto` line. */
export const formatCrypto = (crypto: CryptoAttribute): string => [
  `crypto:${crypto.tag} ${crypto.suite} inline:${Buffer.from(crypto.key).toString('base64')}`,
  ...crypto.lifetime === undefined ? [] : [`|${lifetimeText(crypto.lifetime)}`],
  ...crypto.mki === undefined ? [] : [`|${BigInt(`0x${Buffer.from(crypto.mki).toString('hex')}`)}:${crypto.mki.length}`],
  ...crypto.parameters.map(parameter => ` ${parameter}`),
].join('')
