import type { HeaderInit } from './build.js'
import { contentDisposition, contentType, header, headerField, headerValues, maxBreadth, maxForwards, readMediaType, to, tokens } from './headers.js'
import { isKnownMethod } from './methods.js'
import type { SipRequest } from './message.js'
import { parameterText } from './scanner.js'
import { parseUri } from './uri.js'

/** Why a well-formed request is not served: a status and the header fields that go with it. */
export interface Refusal {
  readonly status: number
  readonly reason?: string
  readonly headers: HeaderInit
}

/** What a user agent can do, for `refusalOf`. */
export interface Capabilities {
  /** Methods that it answers. */
  readonly methods: readonly string[]
  /** Option tags that it supports, lower case. */
  readonly extensions: readonly string[]
  /** Media types of bodies that it reads, lower case. */
  readonly bodies: readonly string[]
}

/** 501 for a method that nobody here knows, 405 with Allow for one that is not served (RFC 3261 §8.2.1). */
export const refuseMethod = (request: SipRequest, methods: readonly string[]): Refusal | undefined => {
  if (methods.includes(request.method)) return undefined
  return { status: isKnownMethod(request.method) ? 405 : 501, headers: { Allow: methods.join(', ') } }
}

/** 416 for a Request-URI whose scheme is not sip, sips or tel (RFC 3261 §8.2.2.1). */
export const refuseScheme = (request: SipRequest): Refusal | undefined => {
  const uri = parseUri(request.uri)
  return uri === undefined || uri.type === 'other' ? { status: 416, headers: {} } : undefined
}

/** 420 with Unsupported for a required extension that is not there (RFC 3261 §8.2.2.3; §16.3 for Proxy-Require). */
export const refuseExtensions = (request: SipRequest, supported: readonly string[], name: 'Require' | 'Proxy-Require' = 'Require'): Refusal | undefined => {
  // RFC 3261 §8.2.2.3: Require in ACK and CANCEL is ignored.
  if (request.method === 'ACK' || request.method === 'CANCEL' || headerField(request, name) === undefined) return undefined
  const missing = headerValues(request, name).filter(tag => !supported.includes(tag.toLowerCase()))
  return missing.length === 0 ? undefined : { status: 420, headers: { Unsupported: missing.join(', ') } }
}

/** 415 with Accept for a body of another type or encoding (RFC 3261 §8.2.3), unless handling it is optional. */
export const refuseBody = (request: SipRequest, types: readonly string[]): Refusal | undefined => {
  if (request.body.length === 0) return undefined
  const disposition = contentDisposition(request)
  if (disposition !== undefined && parameterText(disposition.parameters, 'handling')?.toLowerCase() === 'optional') return undefined
  const encodings = headerValues(request, 'Content-Encoding').filter(encoding => encoding.toLowerCase() !== 'identity')
  if (encodings.length > 0) return { status: 415, headers: { 'Accept-Encoding': 'identity' } }
  const type = contentType(request)
  if (type === undefined) return { status: 400, reason: header(request, 'Content-Type') === undefined ? 'Missing Content-Type' : 'Malformed Content-Type', headers: {} }
  return types.includes(type.value) ? undefined : { status: 415, headers: { Accept: types.join(', ') } }
}

/** 406 when none of `types`, which a response could carry, is in Accept (RFC 3261 §20.1); no Accept means `types[0]`. */
export const refuseAccept = (request: SipRequest, types: readonly string[]): Refusal | undefined => {
  if (headerField(request, 'Accept') === undefined) return undefined
  const ranges = headerValues(request, 'Accept').map(value => readMediaType(value)?.value)
  const accepted = ranges.some(range => range === '*/*' || types.some(type => range === type || range === `${type.split('/')[0]}/*`))
  return accepted ? undefined : { status: 406, headers: { Accept: types.join(', ') } }
}

/** 483 for a request that may go no further (RFC 3261 §16.3): only an element that would forward it asks. */
export const refuseHops = (request: SipRequest): Refusal | undefined => maxForwards(request) === 0 ? { status: 483, headers: {} } : undefined

/** 440 for a request that may not be forwarded to anybody (RFC 5393 §5.3.3.1). */
export const refuseBreadth = (request: SipRequest): Refusal | undefined => maxBreadth(request) === 0 ? { status: 440, headers: {} } : undefined

/** 400 for a REGISTER whose To is no SIP URI (RFC 3261 §10.2: an address of record is one). */
export const refuseAddressOfRecord = (request: SipRequest): Refusal | undefined =>
  parseUri(to(request).uri)?.type === 'sip' ? undefined : { status: 400, reason: 'To Is Not A SIP URI', headers: {} }

/** The first refusal in the order of RFC 3261 §8.2; undefined when the request may be processed. */
export const refusalOf = (request: SipRequest, can: Capabilities): Refusal | undefined =>
  refuseMethod(request, can.methods) ??
  refuseScheme(request) ??
  refuseExtensions(request, can.extensions) ??
  refuseBody(request, can.bodies) ??
  (request.method === 'INVITE' ? refuseAccept(request, can.bodies) : undefined)

/** True when the request requires `option`. */
export const requires = (request: SipRequest, option: string): boolean => tokens(request, 'Require').includes(option)
