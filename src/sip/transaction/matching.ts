import type { SipRequest } from '../message/message.js'
import { callId, cseq, from, to, topVia } from '../message/headers.js'
import { header } from '../message/headers.js'
import { flat } from '../../core/flat.js'
import { MAGIC_COOKIE } from '../message/via.js'

/**
 * Key of the server transaction that a request belongs to (RFC 3261 §17.2.3): branch, sent-by and method, an ACK being its INVITE's.
 * Branches without the magic cookie come from RFC 2543 and are matched by what identified a request then.
 */
export const serverKey = (request: SipRequest, method: string): string => {
  const via = topVia(request)
  const matched = method === 'ACK' ? 'INVITE' : method
  if (via.branch?.startsWith(MAGIC_COOKIE) === true) return flat(`${via.branch};${via.host}:${via.port ?? ''};${matched}`)
  // An ACK has the To tag of the response, its INVITE has none: the tag tells only other requests apart.
  const toTag = matched === 'INVITE' ? '' : (to(request).tag ?? '')
  return flat(`2543;${request.uri};${from(request).tag ?? ''};${toTag};${callId(request)};${cseq(request).number};${header(request, 'Via') ?? ''};${matched}`)
}

/** Key under which a request that comes again by another way is recognised (RFC 3261 §8.2.2.2); undefined within dialogs. */
export const mergeKey = (request: SipRequest): string | undefined => {
  if (to(request).tag !== undefined) return undefined
  const { number, method } = cseq(request)
  return `${callId(request)};${from(request).tag ?? ''};${number};${method}`
}
