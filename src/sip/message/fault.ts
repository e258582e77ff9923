import { viewOf } from './field.js'
import { headerKindOf } from './header-names.js'
import type { HeaderName } from './header-names.js'
import { header, headerField, maxForwards, readers } from './headers.js'
import type { SipMessage, SipRequest } from './message.js'
import { parseUri } from './uri.js'

/** What is wrong with a message: the status to answer with and a reason phrase that says it. */
export class Fault {
  constructor(readonly status: number, readonly reason: string) {}
}

const bit = (name: HeaderName): number => headerKindOf(name)!.bit
const CONTACT = bit('Contact')
const ROUTE = bit('Route')
const RECORD_ROUTE = bit('Record-Route')
const MAX_FORWARDS = bit('Max-Forwards')
const MANDATORY = (['Via', 'From', 'To', 'Call-ID', 'CSeq'] as const).map(name => ({ name, bit: bit(name) }))

const malformed = (name: HeaderName): Fault => new Fault(400, `Malformed ${name}`)

// What nearly all of them look like: seen to be right at a glance, and read only when somebody asks.
const PLAIN_ADDRESS = /^(?:"[^"\\]*" ?)?<[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+>(?:;[\w\-.]+(?:=[\w\-.:+]+)?)*$/
const PLAIN_URI = /^sips?:(?:[\w\-.+*]+@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,4})?$/

/** Reads every field `name` and keeps the views; false when one is malformed. */
const sound = (message: SipMessage, name: HeaderName, read: (value: string) => unknown): boolean => {
  for (const field of message.headers) if (field.id === name && viewOf(field, read) === undefined) return false
  return true
}

/** As `sound` for addresses, but what is plain stays unread. */
const soundAddresses = (message: SipMessage, name: 'Contact' | 'Route' | 'Record-Route', read: (value: string) => unknown): boolean => {
  for (const field of message.headers) if (field.id === name && !PLAIN_ADDRESS.test(field.value) && viewOf(field, read) === undefined) return false
  return true
}

/**
 * Whether a message is well-formed (RFC 3261 §8.1.1, §8.2, §16.3): what every element must get right before it looks at the meaning.
 * @param seen bits of `HeaderKind` of the fields that are there
 */
export const faultOf = (message: SipMessage, seen: number): Fault | undefined => {
  for (const item of MANDATORY) if ((seen & item.bit) === 0) return new Fault(400, `Missing ${item.name}`)
  if (!sound(message, 'Via', readers.vias)) return malformed('Via')
  const callId = headerField(message, 'Call-ID')!.value
  if (callId === '' || /\s/.test(callId)) return malformed('Call-ID')
  for (const name of ['From', 'To'] as const) if (!sound(message, name, readers.address)) return malformed(name)
  const sequence = viewOf(headerField(message, 'CSeq')!, readers.cseq)
  if (sequence === undefined) return malformed('CSeq')
  if ((seen & CONTACT) !== 0 && !soundAddresses(message, 'Contact', readers.contacts)) return malformed('Contact')
  if ((seen & ROUTE) !== 0 && !soundAddresses(message, 'Route', readers.addresses)) return malformed('Route')
  if ((seen & RECORD_ROUTE) !== 0 && !soundAddresses(message, 'Record-Route', readers.addresses)) return malformed('Record-Route')
  if (message.type === 'response') return undefined
  if (sequence.method !== message.method) return new Fault(400, 'CSeq Method Mismatch')
  if ((seen & MAX_FORWARDS) !== 0 && maxForwards(message) === undefined) return malformed('Max-Forwards')
  return uriFault(message)
}

const uriFault = (request: SipRequest): Fault | undefined => {
  if (PLAIN_URI.test(request.uri)) return undefined
  const uri = parseUri(request.uri)
  if (uri === undefined) return new Fault(400, 'Malformed Request-URI')
  // RFC 3261 §19.1.1: headers are not allowed in a Request-URI.
  return uri.type === 'sip' && uri.headers !== undefined ? new Fault(400, 'Header in Request-URI') : undefined
}

/** Whether a message made by hand is well-formed; the parser has already asked this of what it returns. */
export const checkMessage = (message: SipMessage): Fault | undefined => {
  let seen = 0
  for (const { id } of message.headers) {
    if (id === undefined) continue
    const kind = headerKindOf(id)!
    if (kind.single && (seen & kind.bit) !== 0) return new Fault(400, `Multiple ${id}`)
    seen |= kind.bit
  }
  const size = header(message, 'Content-Length')
  if (size !== undefined && !/^\d+$/.test(size)) return malformed('Content-Length')
  return faultOf(message, seen)
}
