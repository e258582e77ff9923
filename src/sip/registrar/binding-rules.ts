import { callId, contactExpires, contacts, cseq, expires, isContactStar, paths, qValue } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import type { NameAddr } from '../message/name-addr.js'
import { equalUris, parseUri } from '../message/uri.js'
import type { Source } from '../transport/transport.js'
import type { StoredBinding } from './location.js'
import { isFirstHop, lacksOutbound, outboundFlow, sameFlow } from './outbound.js'
import type { OutboundFlow } from './outbound.js'

/** What a registrar allows. */
export interface BindingLimits {
  /** Longest and shortest life of a binding, in seconds. */
  readonly maxExpires: number
  readonly minExpires: number
  /** Life of a binding that names none, in seconds. */
  readonly defaultExpires: number
  /** Contacts of one address of record; the oldest gives way. */
  readonly maxContacts: number
}

/** What a REGISTER asks for (RFC 3261 §10.3). */
export type Registration =
  | { readonly type: 'query' }
  | { readonly type: 'remove-all' }
  | { readonly type: 'bind'; readonly contacts: readonly RequestedContact[] }
  | { readonly type: 'refused'; readonly status: 400 | 423 | 439; readonly reason?: string }

interface RequestedContact {
  readonly uri: string
  readonly q: number
  /** Seconds; 0 removes. */
  readonly expires: number
  readonly outbound: OutboundFlow | undefined
}

/** Reads a REGISTER and checks it against `limits`. */
export const readRegistration = (request: SipRequest, limits: BindingLimits): Registration => {
  if (isContactStar(request)) {
    // RFC 3261 §10.2.2: `*` goes with Expires 0 and alone.
    return expires(request) === 0 ? { type: 'remove-all' } : { type: 'refused', status: 400, reason: 'Contact * Needs Expires 0' }
  }
  const asked = contacts(request)
  if (asked.length === 0) return { type: 'query' }
  const requested = asked.map(contact => requestedContact(request, contact, limits))
  if (requested.some(({ uri }) => parseUri(uri) === undefined || uri === '*')) return { type: 'refused', status: 400, reason: 'Malformed Contact' }
  // RFC 3261 §10.2.8: 0 removes, but less than the least is too brief.
  if (requested.some(contact => contact.expires > 0 && contact.expires < limits.minExpires)) return { type: 'refused', status: 423 }
  const flows = requested.filter(({ outbound }) => outbound !== undefined)
  if (flows.length > 0 && lacksOutbound(request)) return { type: 'refused', status: 439 }
  // RFC 5626 §6: one REGISTER makes one flow.
  if (flows.filter(contact => contact.expires > 0).length > 1) return { type: 'refused', status: 400, reason: 'Several Flows' }
  return { type: 'bind', contacts: requested }
}

const requestedContact = (request: SipRequest, contact: NameAddr, limits: BindingLimits): RequestedContact => ({
  uri: contact.uri,
  q: qValue(contact.parameters),
  expires: Math.min(contactExpires(request, contact) ?? limits.defaultExpires, limits.maxExpires),
  outbound: outboundFlow(request, contact),
})

/** A REGISTER older than the one that made a binding: nothing of it is carried out (RFC 3261 §10.3, step 7). */
export class OutOfOrder extends Error {}

/** Bindings still alive at `now` (ms since 1970). */
export const alive = (bindings: readonly StoredBinding[], now: number): readonly StoredBinding[] => bindings.filter(({ expiresAt }) => expiresAt > now)

/**
 * Bindings after a REGISTER: all of it or nothing.
 * @throws OutOfOrder
 */
export const applyRegistration = (
  before: readonly StoredBinding[], request: SipRequest, registration: Registration, received: Source, limits: BindingLimits, now: number,
): readonly StoredBinding[] => {
  const order = { callId: callId(request), cseq: cseq(request).number }
  let bindings = alive(before, now)
  if (registration.type === 'remove-all') {
    for (const binding of bindings) checkOrder(binding, order)
    return []
  }
  if (registration.type !== 'bind') return bindings
  const path = paths(request).map(({ uri }) => uri)
  const { transport, address, port } = received
  const flow = (outbound: OutboundFlow | undefined): Pick<StoredBinding, 'outbound'> => (outbound === undefined ? {} : { outbound: { ...outbound, direct: isFirstHop(request) } })
  for (const { uri, q, expires: seconds, outbound } of registration.contacts) {
    // RFC 5626 §6: a flow is told by telephone and number, whatever its address; flows of one address stand side by side.
    const known = bindings.find(binding => (outbound === undefined ? binding.outbound === undefined && sameContact(binding.contact, uri) : sameFlow(binding.outbound, outbound)))
    if (known !== undefined) checkOrder(known, order)
    bindings = bindings.filter(binding => binding !== known)
    if (seconds > 0) bindings = [...bindings, { contact: uri, q, expiresAt: now + seconds * 1_000, ...order, path, received: { transport, address, port }, ...flow(outbound) }]
  }
  return bindings.slice(-limits.maxContacts)
}

const checkOrder = (binding: StoredBinding, order: { readonly callId: string; readonly cseq: number }): void => {
  if (binding.callId === order.callId && order.cseq <= binding.cseq) throw new OutOfOrder()
}

const sameContact = (a: string, b: string): boolean => {
  if (a === b) return true
  const [left, right] = [parseUri(a), parseUri(b)]
  return left !== undefined && right !== undefined && equalUris(left, right)
}
