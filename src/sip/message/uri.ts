import { CordboardError } from '../../core/errors.js'
import { formatParameters, NO_PARAMETERS, parameter } from './scanner.js'
import type { Parameter } from './scanner.js'

/** `sip:` or `sips:` URI (RFC 3261 §19.1). */
export interface SipUri {
  readonly type: 'sip'
  readonly scheme: 'sip' | 'sips'
  /** As written, escapes in place (`unescapeUri` undoes them once). */
  readonly user?: string
  /** As written. */
  readonly password?: string
  /** Host name or address as written; an IPv6 address without its brackets. */
  readonly host: string
  readonly port?: number
  readonly parameters: readonly Parameter[]
  /** What follows `?`, as written. */
  readonly headers?: string
}

/** `tel:` URI (RFC 3966). */
export interface TelUri {
  readonly type: 'tel'
  /** As written: global numbers begin with `+`. */
  readonly number: string
  readonly parameters: readonly Parameter[]
}

/** A URI of a scheme that this stack does not route by. */
export interface OtherUri {
  readonly type: 'other'
  /** Lower case. */
  readonly scheme: string
  /** What follows the colon, as written. */
  readonly opaque: string
}

export type Uri = SipUri | TelUri | OtherUri

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/
// RFC 3261 §25.1 user; `#` beside it, which telephones send unescaped in feature codes.
const USER = /^(?:[\w\-.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2})+$/
const PASSWORD = /^(?:[\w\-.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*$/
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?$/
// Any run of an address's characters: RFC 5118 §4.10 asks to bear three colons.
const IPV6 = /^[0-9A-Fa-f:.]{2,45}$/
const PARAMETERS = /^(?:;(?:[\w\-.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+(?:=(?:[\w\-.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+)?)*$/
const HEADERS = /^(?:[\w\-.!~*'()[\]/?:+$=&]|%[0-9A-Fa-f]{2})+$/
const TEL_NUMBER = /^(?:\+[0-9\-.()]+|[0-9A-Fa-f*#\-.()]+)$/

/** Reads a URI; undefined when it is malformed. */
export const parseUri = (text: string): Uri | undefined => {
  if (text.startsWith('sip:')) return parseSip('sip', text, 4)
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const scheme = text.slice(0, colon).toLowerCase()
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, text, colon + 1)
  if (scheme === 'tel') return parseTel(text.slice(colon + 1))
  if (!SCHEME.test(scheme) || /[\s<>"]/.test(text) || colon + 1 === text.length) return undefined
  return { type: 'other', scheme, opaque: text.slice(colon + 1) }
}

const parseSip = (scheme: 'sip' | 'sips', text: string, start: number): SipUri | undefined => {
  const userEnd = text.indexOf('@', start)
  const hostStart = userEnd < 0 ? start : userEnd + 1
  const question = text.indexOf('?', hostStart)
  const end = question < 0 ? text.length : question
  let semicolon = text.indexOf(';', hostStart)
  if (semicolon < 0 || semicolon > end) semicolon = end
  const hostPort = parseHostPort(text.slice(hostStart, semicolon))
  if (hostPort === undefined) return undefined
  const parameters = semicolon === end ? NO_PARAMETERS : parseUriParameters(text.slice(semicolon, end))
  if (parameters === undefined) return undefined
  const uri: { -readonly [K in keyof SipUri]: SipUri[K] } = { type: 'sip', scheme, host: hostPort.host, parameters }
  if (hostPort.port !== undefined) uri.port = hostPort.port
  if (userEnd >= 0 && !readUser(text.slice(start, userEnd), uri)) return undefined
  if (question >= 0) {
    uri.headers = text.slice(question + 1)
    if (!HEADERS.test(uri.headers)) return undefined
  }
  return uri
}

const readUser = (userInfo: string, uri: { user?: string; password?: string }): boolean => {
  const colon = userInfo.indexOf(':')
  uri.user = colon < 0 ? userInfo : userInfo.slice(0, colon)
  if (colon >= 0) uri.password = userInfo.slice(colon + 1)
  return USER.test(uri.user) && (uri.password === undefined || PASSWORD.test(uri.password))
}

/** A host name, IPv4 address, or IPv6 address in brackets, which are taken off; undefined when malformed. */
export const parseHost = (text: string): string | undefined => {
  if (!text.startsWith('[')) return HOST.test(text) ? text : undefined
  const address = text.slice(1, -1)
  return text.endsWith(']') && IPV6.test(address) ? address : undefined
}

/** A port; NaN when malformed or over 65535. */
export const parsePort = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  return port <= 65_535 ? port : NaN
}

/** `host[:port]`, an IPv6 address in brackets; undefined when malformed. The host comes without brackets. */
export const parseHostPort = (text: string): { readonly host: string; readonly port: number | undefined } | undefined => {
  const colon = text.indexOf(':', text.startsWith('[') ? text.indexOf(']') : 0)
  const host = parseHost(colon < 0 ? text : text.slice(0, colon))
  const port = colon < 0 ? undefined : parsePort(text.slice(colon + 1))
  return host === undefined || Number.isNaN(port) ? undefined : { host, port }
}

/** `host[:port]` with an IPv6 address in brackets. */
export const formatHostPort = (host: string, port?: number): string => {
  const bracketed = host.includes(':') ? `[${host}]` : host
  return port === undefined ? bracketed : `${bracketed}:${port}`
}

const parseUriParameters = (text: string): readonly Parameter[] | undefined => {
  if (!PARAMETERS.test(text)) return undefined
  return text.slice(1).split(';').map(item => {
    const equals = item.indexOf('=')
    const name = unescapeUri(equals < 0 ? item : item.slice(0, equals)).toLowerCase()
    return { name, value: equals < 0 ? undefined : item.slice(equals + 1) }
  })
}

const parseTel = (text: string): TelUri | undefined => {
  const semicolon = text.indexOf(';')
  const number = semicolon < 0 ? text : text.slice(0, semicolon)
  if (!TEL_NUMBER.test(number) || !/[0-9A-Fa-f*#]/.test(number)) return undefined
  const parameters = semicolon < 0 ? NO_PARAMETERS : parseUriParameters(text.slice(semicolon))
  return parameters === undefined ? undefined : { type: 'tel', number, parameters }
}

/** Reads a `sip:` or `sips:` URI. @throws CordboardError `SIP_BAD_URI` (400) */
export const sipUri = (text: string): SipUri => {
  const uri = parseUri(text)
  if (uri?.type !== 'sip') throw new CordboardError('SIP_BAD_URI', `not a SIP URI: ${text}`, { status: 400 })
  return uri
}

/** Writes a URI. */
export const formatUri = (uri: Uri): string => {
  if (uri.type === 'other') return `${uri.scheme}:${uri.opaque}`
  if (uri.type === 'tel') return `tel:${uri.number}${formatParameters(uri.parameters)}`
  const password = uri.password === undefined ? '' : `:${uri.password}`
  const user = uri.user === undefined ? '' : `${uri.user}${password}@`
  const headers = uri.headers === undefined ? '' : `?${uri.headers}`
  return `${uri.scheme}:${user}${formatHostPort(uri.host, uri.port)}${formatParameters(uri.parameters)}${headers}`
}

/** Undoes `%xx` escapes once; octets that are not UTF-8 stay escaped. */
export const unescapeUri = (text: string): string => {
  if (!text.includes('%')) return text
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, run => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
}

/** Escapes what the user part of a SIP URI must not hold (RFC 3261 §25.1). */
export const escapeUser = (text: string): string =>
  text.replace(/[^\w\-.!~*'()&=+$,;?/]+/g, run => encodeURIComponent(run))

// RFC 3261 §19.1.4: these must be equal when either URI has them.
const DECISIVE = ['user', 'ttl', 'method', 'maddr', 'transport'] as const

/** Equality of two URIs: RFC 3261 §19.1.4 for SIP, RFC 3966 §4 for telephone numbers, text for others. */
export const equalUris = (a: Uri, b: Uri): boolean => {
  if (a.type === 'sip' && b.type === 'sip') return equalSip(a, b)
  if (a.type === 'tel' && b.type === 'tel') return equalTel(a, b)
  return a.type === 'other' && b.type === 'other' && a.scheme === b.scheme && a.opaque === b.opaque
}

const equalSip = (a: SipUri, b: SipUri): boolean =>
  a.scheme === b.scheme &&
  a.port === b.port &&
  a.host.toLowerCase() === b.host.toLowerCase() &&
  (a.user === undefined) === (b.user === undefined) &&
  unescapeUri(a.user ?? '') === unescapeUri(b.user ?? '') &&
  unescapeUri(a.password ?? '') === unescapeUri(b.password ?? '') &&
  DECISIVE.every(name => folded(a.parameters, name) === folded(b.parameters, name)) &&
  a.parameters.every(({ name }) => {
    const other = folded(b.parameters, name)
    return other === undefined || other === folded(a.parameters, name)
  }) &&
  equalHeaders(a.headers, b.headers)

const folded = (parameters: readonly Parameter[], name: string): string | true | undefined => {
  const value = parameter(parameters, name)
  return typeof value === 'string' ? unescapeUri(value).toLowerCase() : value
}

const equalHeaders = (a: string | undefined, b: string | undefined): boolean => {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const sorted = (text: string): string => text.split('&').map(item => {
    const equals = item.indexOf('=')
    return `${unescapeUri(item.slice(0, equals)).toLowerCase()}=${unescapeUri(item.slice(equals + 1))}`
  }).sort().join('&')
  return sorted(a) === sorted(b)
}

const equalTel = (a: TelUri, b: TelUri): boolean => {
  const digits = (number: string): string => number.replace(/[-.()]/g, '').toLowerCase()
  if (digits(a.number) !== digits(b.number) || a.parameters.length !== b.parameters.length) return false
  return a.parameters.every(({ name }) => folded(a.parameters, name) === folded(b.parameters, name))
}
