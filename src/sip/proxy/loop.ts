import { createHash } from 'node:crypto'
import { callId, cseq, from, headerValues, to, vias } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import type { Via } from '../message/via.js'

/** What stands between the random part of a branch and its loop mark. */
const SEPARATOR = '.'
const MARK_LENGTH = 12

/**
 * Second part of the branch of each request that this proxy forwards (RFC 3261 §16.6, step 8): a digest of all that its routing depends
 * on. The topmost Via is left out, as RFC 5393 §4.2.1 has it: it differs on every lap.
 */
export const loopMark = (request: SipRequest): string => {
  const text = [
    request.uri, callId(request), from(request).tag, to(request).tag, cseq(request).number,
    ...headerValues(request, 'Route'), ...headerValues(request, 'Proxy-Require'), ...headerValues(request, 'Proxy-Authorization'),
  ].join('\n')
  return SEPARATOR + createHash('sha256').update(text).digest('hex').slice(0, MARK_LENGTH)
}

/** `loop`: it was here before as it is now; `spiral`: it was here, to go elsewhere (RFC 3261 §16.3, step 4). */
export type Passage = 'first' | 'spiral' | 'loop'

/** @param isOurs tells this proxy's own Via. */
export const passageOf = (request: SipRequest, isOurs: (via: Via) => boolean): Passage => {
  const own = vias(request).filter(isOurs)
  if (own.length === 0) return 'first'
  const mark = loopMark(request)
  return own.some(({ branch }) => branch?.endsWith(mark) === true) ? 'loop' : 'spiral'
}
