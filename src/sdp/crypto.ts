/** An `a=crypto` line (RFC 4568): suite and one inline key. */
export interface CryptoAttribute {
  readonly tag: number
  readonly suite: CryptoSuite
  /** Master key, then salt, raw. */
  readonly key: Uint8Array
  /** Packets that the key is good for, as written (`2^31`). */
  readonly lifetime?: string
  readonly mki?: { readonly value: number; readonly length: number }
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

/**
 * Reads the parts of an `a=crypto` line; undefined for a suite that is not known, a key of the wrong length, or several keys.
 * @param keys `inline:…`
 * @param session session parameters, separated by spaces
 */
export const parseCrypto = (tag: number, suite: string, keys: string, session = ''): CryptoAttribute | undefined => {
  const inline = /^inline:([A-Za-z0-9+/]+={0,2})((?:\|[^|]+)*)$/.exec(keys)
  if (!isSuite(suite) || inline === null || !(tag >= 0 && tag <= 999_999_999)) return undefined
  const key = Buffer.from(inline[1]!, 'base64')
  if (key.length !== KEY_LENGTHS[suite]) return undefined
  const rest = inline[2]!.split('|').slice(1)
  const mki = rest.map(part => /^(\d{1,15}):(\d{1,3})$/.exec(part)).find(part => part !== null)
  const lifetime = rest.find(part => !part.includes(':'))
  return {
    tag, suite, key, parameters: session === '' ? [] : session.split(' '),
    ...lifetime === undefined ? {} : { lifetime },
    ...mki === undefined ? {} : { mki: { value: Number(mki[1]), length: Number(mki[2]) } },
  }
}

/** Value of an `a=crypto` line. */
export const formatCrypto = (crypto: CryptoAttribute): string => [
  `crypto:${crypto.tag} ${crypto.suite} inline:${Buffer.from(crypto.key).toString('base64')}`,
  ...crypto.lifetime === undefined ? [] : [`|${crypto.lifetime}`],
  ...crypto.mki === undefined ? [] : [`|${crypto.mki.value}:${crypto.mki.length}`],
  ...crypto.parameters.map(parameter => ` ${parameter}`),
].join('')
