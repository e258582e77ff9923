import { headerValues, paths, supports } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import type { NameAddr } from '../message/name-addr.js'
import { parameter, parameterText, unquote } from '../message/scanner.js'
import { parseUri } from '../message/uri.js'

/** Which of a telephone's flows a binding stands for (RFC 5626 §4.2). */
export interface OutboundFlow {
  /** `+sip.instance`: the telephone, whatever its addresses. */
  readonly instance: string
  /** `reg-id`: one of its flows. */
  readonly regId: number
}

/** Seconds after which a telephone had better send a keep-alive (RFC 5626 §4.4). */
export const FLOW_TIMER_S = 120

/** The flow that a Contact of a REGISTER asks for; undefined for a plain binding (RFC 5626 §6). */
export const outboundFlow = (request: SipRequest, contact: NameAddr): OutboundFlow | undefined => {
  const instance = unquote(parameterText(contact.parameters, '+sip.instance') ?? '')
  const regId = parameterText(contact.parameters, 'reg-id')
  if (instance === '' || regId === undefined || !/^\d{1,10}$/.test(regId) || !supports(request, 'outbound')) return undefined
  const number = Number(regId)
  return number >= 1 && number < 2 ** 31 ? { instance, regId: number } : undefined
}

/** True when the REGISTER came from the telephone itself, with no proxy between. */
export const isFirstHop = (request: SipRequest): boolean => headerValues(request, 'Via').length === 1

/** True when a proxy stands between, of which the first does not keep flows: its Path has no `ob` (RFC 5626 §6: 439). */
export const lacksOutbound = (request: SipRequest): boolean => {
  if (isFirstHop(request)) return false
  const first = paths(request).at(-1)
  const uri = first === undefined ? undefined : parseUri(first.uri)
  return uri?.type !== 'sip' || parameter(uri.parameters, 'ob') === undefined
}

/** True for two bindings of one flow. */
export const sameFlow = (a: OutboundFlow | undefined, b: OutboundFlow | undefined): boolean =>
  a !== undefined && b !== undefined && a.instance === b.instance && a.regId === b.regId

/** The name under which the user agent knows the connection of a flow. */
export const flowName = (aor: string, { instance, regId }: OutboundFlow): string => `flow:${aor};${instance};${regId}`
