import { prependHeader, withHeader, withoutFirst, withoutHeader } from '../message/build.js'
import { headerField, headerValues, maxForwards, routes } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import { makesDialog } from '../message/methods.js'
import { formatHostPort } from '../message/uri.js'
import { isLoose, isSecure } from '../dialog/dialog.js'
import type { Flow } from '../transport/transport.js'

/** Says whether a URI is this element's own. */
export type IsOurs = (uri: string) => boolean

/** A request whose routing information has been taken in (RFC 3261 §16.4), and whether a Route had led here. */
export interface Preprocessed {
  readonly request: SipRequest
  readonly routed: boolean
}

/** RFC 3261 §16.4: undoes what a strict router did, and takes our own values off Route: two where the dialog changes its protocol here (RFC 5658 §5). */
export const preprocess = (request: SipRequest, ours: IsOurs): Preprocessed => {
  if (headerField(request, 'Route') === undefined) return { request, routed: false }
  let taken = request
  if (ours(request.uri) && isLoose(request.uri)) {
    const values = headerValues(request, 'Route')
    const last = routes(request).at(-1)!.uri
    const rest = values.slice(0, -1)
    taken = { ...(rest.length === 0 ? withoutHeader(request, 'Route') : withHeader(request, 'Route', rest.join(', '))), uri: last }
    if (rest.length === 0) return { request: taken, routed: true }
  }
  for (let top = routes(taken)[0]; top !== undefined && ours(top.uri); top = routes(taken)[0]) taken = withoutFirst(taken, 'Route')
  return { request: taken, routed: taken !== request }
}

/** The copy that goes to one target, and the URI whose resolution says where (RFC 3261 §16.6, steps 1-7). */
export interface Forwarded {
  readonly request: SipRequest
  readonly nextHop: string
}

/** Makes the copy for `uri`; `path` are URIs to pass on the way (RFC 3327), topmost first. */
export const forwarded = (request: SipRequest, uri: string, path: readonly string[]): Forwarded => {
  let copy: SipRequest = { ...withHeader(request, 'Max-Forwards', String((maxForwards(request) ?? 71) - 1)), uri }
  for (const hop of [...path].reverse()) copy = prependHeader(copy, 'Route', `<${hop}>`)
  const top = routes(copy)[0]
  if (top === undefined) return { request: copy, nextHop: uri }
  if (isLoose(top.uri)) return { request: copy, nextHop: top.uri }
  // Step 6: for a strict router the target goes to the end of Route and the first route into the Request-URI.
  const rest = [...headerValues(copy, 'Route').slice(1), `<${uri}>`]
  return { request: { ...withHeader(copy, 'Route', rest.join(', ')), uri: top.uri }, nextHop: top.uri }
}

/**
 * Keeps this proxy in the dialog (RFC 3261 §16.6, step 4): one value, or two where the request changes its protocol, so that each
 * side sees an address that it can reach.
 */
export const recorded = (request: SipRequest, inbound: Flow, outbound: Flow): SipRequest => {
  if (!makesDialog(request.method)) return request
  const secure = isSecure(request.uri)
  const [towardsCaller, towardsCallee] = [recordRoute(inbound, secure), recordRoute(outbound, secure)]
  const once = prependHeader(request, 'Record-Route', towardsCaller)
  return towardsCaller === towardsCallee ? once : prependHeader(once, 'Record-Route', towardsCallee)
}

/** `sips` in a request to a `sips` URI (RFC 3261 §16.6, step 4). */
const recordRoute = ({ transport, local }: Flow, secure: boolean): string => {
  const parameter = transport === 'udp' || (secure && transport === 'tls') ? '' : `;transport=${transport}`
  return `<${secure ? 'sips' : 'sip'}:${formatHostPort(local.host, local.port)}${parameter};lr>`
}
