import { createHash, timingSafeEqual } from 'node:crypto'

/** Hash functions of digest, the strongest first (RFC 7616 §6.1, RFC 8760 §2). */
export const DIGEST_HASHES = ['SHA-512-256', 'SHA-256', 'MD5'] as const

export type DigestHash = typeof DIGEST_HASHES[number]

/** A value of the `algorithm` parameter. */
export type DigestAlgorithm = DigestHash | `${DigestHash}-sess`

/** Quality of protection: `auth-int` covers the body too. */
export type Qop = 'auth' | 'auth-int'

const OPENSSL = { 'MD5': 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' } as const satisfies Record<DigestHash, string>

/** The algorithm that `text` names, whatever its case; undefined for one that is not known. */
export const digestAlgorithm = (text: string): DigestAlgorithm | undefined => {
  const upper = text.toUpperCase()
  const session = upper.endsWith('-SESS')
  const hash = DIGEST_HASHES.find(name => name === (session ? upper.slice(0, -5) : upper))
  return hash === undefined ? undefined : session ? `${hash}-sess` : hash
}

/** Hash function of an algorithm. */
export const hashOf = (algorithm: DigestAlgorithm): DigestHash => algorithm.replace('-sess', '') as DigestHash

/** Lower-case hexadecimal digest of `data`; strings are UTF-8. */
export const digestHex = (hash: DigestHash, data: string | Uint8Array): string => createHash(OPENSSL[hash]).update(data).digest('hex')

/** H(user:realm:password), what a server may keep instead of the password (RFC 7616 §3.4.2). */
export const ha1 = (hash: DigestHash, user: string, realm: string, password: string): string => digestHex(hash, `${user}:${realm}:${password}`)

/** H(user:realm), the `username` of a client that hides its name (RFC 7616 §3.4.4). */
export const userHash = (hash: DigestHash, user: string, realm: string): string => digestHex(hash, `${user}:${realm}`)

export interface DigestInput {
  readonly algorithm: DigestAlgorithm
  /** `ha1` of the hash of `algorithm`. */
  readonly ha1: string
  /** '' for the `rspauth` of a server (RFC 7616 §3.5). */
  readonly method: string
  /** `uri` parameter of the credentials. */
  readonly uri: string
  readonly nonce: string
  /** Undefined for a peer of RFC 2069. */
  readonly qop?: Qop
  /** Eight hexadecimal digits; with `qop`. */
  readonly nc?: string
  /** With `qop`, or with a `-sess` algorithm. */
  readonly cnonce?: string
  /** Body, for `auth-int`. */
  readonly body?: Uint8Array
}

/** The `response` parameter (RFC 7616 §3.4.1-3.4.3; without `qop` that of RFC 2069). */
export const digestResponse = (input: DigestInput): string => {
  const hash = hashOf(input.algorithm)
  const cnonce = input.cnonce ?? ''
  const secret = input.algorithm === hash ? input.ha1 : digestHex(hash, `${input.ha1}:${input.nonce}:${cnonce}`)
  const entity = input.qop === 'auth-int' ? `:${digestHex(hash, input.body ?? '')}` : ''
  const ha2 = digestHex(hash, `${input.method}:${input.uri}${entity}`)
  const middle = input.qop === undefined ? input.nonce : `${input.nonce}:${input.nc ?? ''}:${cnonce}:${input.qop}`
  return digestHex(hash, `${secret}:${middle}:${ha2}`)
}

/** Compares two digests in a time that does not depend on where they differ. */
export const equalDigests = (a: string, b: string): boolean => {
  const left = Buffer.from(a.toLowerCase())
  const right = Buffer.from(b.toLowerCase())
  return left.length === right.length && timingSafeEqual(left, right)
}
