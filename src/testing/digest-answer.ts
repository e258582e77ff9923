import { createHash } from 'node:crypto'

/** What a digest answer is computed from. */
export interface DigestQuestion {
  /** Value of WWW-Authenticate or Proxy-Authenticate. */
  readonly challenge: string
  readonly method: string
  readonly uri: string
  readonly username: string
  readonly password: string
  readonly cnonce: string
}

/** Value of Authorization or Proxy-Authorization for a challenge with or without `qop=auth` (RFC 7616 §3.4), MD5 or SHA-256. */
export const digestAnswer = ({ challenge, method, uri, username, password, cnonce }: DigestQuestion): string => {
  const parameter = (name: string): string | undefined => {
    const match = new RegExp(`(?:^Digest\\s+|,\\s*)${name}\\s*=\\s*(?:"([^"]*)"|([^\\s,]+))`, 'i').exec(challenge)
    return match?.[1] ?? match?.[2]
  }
  const algorithm = parameter('algorithm') ?? 'MD5'
  const hash = (text: string): string => createHash(algorithm.toUpperCase() === 'SHA-256' ? 'sha256' : 'md5').update(text).digest('hex')
  const realm = parameter('realm') ?? ''
  const nonce = parameter('nonce') ?? ''
  const opaque = parameter('opaque')
  const protectedByQop = (parameter('qop') ?? '').split(/\s*,\s*/).includes('auth')
  const secret = hash(`${username}:${realm}:${password}`)
  const request = hash(`${method}:${uri}`)
  const response = protectedByQop ? hash(`${secret}:${nonce}:00000001:${cnonce}:auth:${request}`) : hash(`${secret}:${nonce}:${request}`)
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}`
    + (protectedByQop ? `, qop=auth, nc=00000001, cnonce="${cnonce}"` : '')
    + (opaque === undefined ? '' : `, opaque="${opaque}"`)
}
