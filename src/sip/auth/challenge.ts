import { quote, Scanner, unquote } from '../message/scanner.js'
import { digestAlgorithm } from './digest.js'
import type { DigestAlgorithm, Qop } from './digest.js'

/** A Digest challenge (RFC 7616 §3.3). */
export interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  /** Empty for a server of RFC 2069. */
  readonly qop: readonly Qop[]
  readonly opaque?: string
  readonly domain?: string
  /** The credentials were right, the nonce too old: the client may try again without asking its user. */
  readonly stale: boolean
  readonly userhash: boolean
}

/** Digest credentials (RFC 7616 §3.4). */
export interface DigestCredentials {
  readonly username: string
  /** The name is hidden by `userHash`. */
  readonly userhash: boolean
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: DigestAlgorithm
  readonly qop?: Qop
  readonly nc?: string
  readonly cnonce?: string
  readonly opaque?: string
}

type Attributes = ReadonlyMap<string, string>

const COMMA = 0x2c
const EQUALS = 0x3d
const QUOTE = 0x22
// Widest that is seen: servers send base64 values without quotes.
const BARE = /[^\s,;"]+/y

/** Schemes and their attributes (names in lower case) of a WWW-Authenticate or Authorization value, which may hold several. */
export const readSchemes = (value: string): readonly { readonly scheme: string; readonly attributes: Attributes }[] => {
  const scanner = new Scanner(value)
  const schemes: { scheme: string; attributes: Map<string, string> }[] = []
  for (;;) {
    scanner.skipSpace()
    while (scanner.take(COMMA));
    const word = scanner.token()
    if (word === undefined) return schemes
    if (!scanner.take(EQUALS)) {
      schemes.push({ scheme: word.toLowerCase(), attributes: new Map() })
      continue
    }
    const content = scanner.peek() === QUOTE ? scanner.quoted() : bare(scanner)
    const attributes = schemes.at(-1)?.attributes
    if (content === undefined || attributes === undefined) return schemes
    if (!attributes.has(word.toLowerCase())) attributes.set(word.toLowerCase(), unquote(content))
  }
}

const bare = (scanner: Scanner): string | undefined => {
  BARE.lastIndex = scanner.at
  const text = BARE.exec(scanner.text)?.[0]
  if (text !== undefined) scanner.at = BARE.lastIndex
  return text
}

const qopsOf = (text: string | undefined): readonly Qop[] =>
  (text ?? '').split(',').map(item => item.trim().toLowerCase()).filter(item => item === 'auth' || item === 'auth-int')

const optional = <K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<K, string>>

/** The Digest challenges of one WWW-Authenticate or Proxy-Authenticate value; those of unknown schemes or algorithms are left out. */
export const parseChallenges = (value: string): readonly Challenge[] => readSchemes(value).flatMap(({ scheme, attributes }) => {
  const realm = attributes.get('realm')
  const nonce = attributes.get('nonce')
  const algorithm = digestAlgorithm(attributes.get('algorithm') ?? 'MD5')
  const qop = qopsOf(attributes.get('qop'))
  if (scheme !== 'digest' || realm === undefined || nonce === undefined || algorithm === undefined) return []
  // A qop that holds only values we don't know cannot be answered.
  if (attributes.has('qop') && qop.length === 0) return []
  const is = (name: string): boolean => attributes.get(name)?.toLowerCase() === 'true'
  return [{
    realm, nonce, algorithm, qop, stale: is('stale'), userhash: is('userhash'),
    ...optional('opaque', attributes.get('opaque')), ...optional('domain', attributes.get('domain')),
  }]
})

/** Value of WWW-Authenticate or Proxy-Authenticate. */
export const formatChallenge = (challenge: Challenge): string => [
  `Digest realm=${quote(challenge.realm)}`,
  ...challenge.domain === undefined ? [] : [`domain=${quote(challenge.domain)}`],
  `nonce=${quote(challenge.nonce)}`,
  ...challenge.opaque === undefined ? [] : [`opaque=${quote(challenge.opaque)}`],
  ...challenge.stale ? ['stale=true'] : [],
  `algorithm=${challenge.algorithm}`,
  ...challenge.qop.length === 0 ? [] : [`qop="${challenge.qop.join(',')}"`],
  ...challenge.userhash ? ['userhash=true'] : [],
].join(', ')

/** Digest credentials of an Authorization or Proxy-Authorization value; undefined for another scheme or when malformed. */
export const parseCredentials = (value: string): DigestCredentials | undefined => {
  const read = readSchemes(value)[0]
  if (read?.scheme !== 'digest') return undefined
  const { attributes } = read
  const username = attributes.get('username') ?? extendedValue(attributes.get('username*'))
  const [realm, nonce, uri, response] = ['realm', 'nonce', 'uri', 'response'].map(name => attributes.get(name))
  const algorithm = digestAlgorithm(attributes.get('algorithm') ?? 'MD5')
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined || response === undefined || algorithm === undefined) return undefined
  const qop = qopsOf(attributes.get('qop'))[0]
  const nc = attributes.get('nc')
  if ((attributes.has('qop') && qop === undefined) || (qop !== undefined && !/^[0-9a-f]{8}$/i.test(nc ?? ''))) return undefined
  return {
    username, realm, nonce, uri, response, algorithm, userhash: attributes.get('userhash')?.toLowerCase() === 'true',
    ...qop === undefined ? {} : { qop }, ...optional('nc', nc), ...optional('cnonce', attributes.get('cnonce')), ...optional('opaque', attributes.get('opaque')),
  }
}

/** RFC 8187 §3.2: `UTF-8''J%C3%A4s%C3%B8n`. */
const extendedValue = (text: string | undefined): string | undefined => {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(text ?? '')?.[1]
  if (encoded === undefined) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

/** Value of Authorization or Proxy-Authorization. */
export const formatCredentials = (credentials: DigestCredentials): string => [
  `Digest username=${quote(credentials.username)}`,
  `realm=${quote(credentials.realm)}`,
  `nonce=${quote(credentials.nonce)}`,
  `uri=${quote(credentials.uri)}`,
  `response="${credentials.response}"`,
  `algorithm=${credentials.algorithm}`,
  ...credentials.cnonce === undefined ? [] : [`cnonce=${quote(credentials.cnonce)}`],
  ...credentials.opaque === undefined ? [] : [`opaque=${quote(credentials.opaque)}`],
  ...credentials.qop === undefined ? [] : [`qop=${credentials.qop}`, `nc=${credentials.nc}`],
  ...credentials.userhash ? ['userhash=true'] : [],
].join(', ')
