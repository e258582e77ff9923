import type { Clock } from '../core/clock.js'
import { CordboardError } from '../core/errors.js'
import { abortable, deferred, type Deferred } from '../core/scope.js'
import { contacts, event, header } from '../sip/message/headers.js'
import type { SipRequest } from '../sip/message/message.js'
import type { ServerRequest, Session } from '../sip/ua/user-agent.js'
import type { Uri } from './call.js'
import type { LiveCall } from './live-call.js'

/** How a transfer ended; `status` is the final response of the peer, or of the one that it called. */
export type TransferOutcome = { readonly type: 'transferred' } | { readonly type: 'refused'; readonly status: number }

/** How long a transfer may take. */
export interface TransferTimes {
  readonly clock: Clock
  /** Milliseconds in which the first NOTIFY must come. */
  readonly timerN: number
  readonly signal: AbortSignal | undefined
}

/**
 * Asks the peer to call `target` instead (REFER, RFC 3515): blind when `target` is an address, attended (RFC 3891) when it is a call.
 * Follows the peer's progress to its final status; a peer that hangs up after accepting has gone over. One that accepts and
 * then tells nothing until timer N has failed (RFC 6665 §4.1.2.4): that counts as 408.
 */
export const transferCall = async (call: LiveCall, session: Session, target: Uri | LiveCall, { clock, timerN, signal }: TransferTimes): Promise<TransferOutcome> => {
  const followed = deferred<TransferOutcome>()
  const silence = clock.after(timerN, () => followed.resolve({ type: 'refused', status: 408 }))
  const follow = (request: ServerRequest): void => {
    if (followNotify(request, followed)) silence.cancel()
  }
  session.on('request', follow)
  try {
    const response = await abortable(
      session.request('REFER', { headers: { 'Refer-To': `<${referTo(target)}>`, 'Referred-By': `<${call.origin === 'in' ? call.to : call.from}>` } }),
      call.signal, signal,
    )
    if (response.status >= 300) return { type: 'refused', status: response.status }
    return await Promise.race([abortable(followed.promise, signal), gone(session)])
  } finally {
    silence.cancel()
    session.off('request', follow)
  }
}

const referTo = (target: Uri | LiveCall): string => {
  if (typeof target === 'string') return target
  const { session } = target
  if (session === undefined) throw new CordboardError('CALL_STATE', 'an attended transfer needs an answered call as its target')
  const contact = contacts(session.established)[0]?.uri ?? target.to
  // RFC 3891 §3: the tags as the transfer target knows them.
  const replaces = `${session.callId};to-tag=${session.remoteTag};from-tag=${session.localTag}`
  return `${contact}${contact.includes('?') ? '&' : '?'}Replaces=${encodeURIComponent(replaces)}`
}

/** True for a NOTIFY about our REFER. */
const followNotify = (request: ServerRequest, followed: Deferred<TransferOutcome>): boolean => {
  const status = referStatus(request.message)
  if (status === undefined) return false
  request.respond(200)
  if (status >= 200) followed.resolve(status < 300 ? { type: 'transferred' } : { type: 'refused', status })
  return true
}

/** Status in the body of a NOTIFY about our REFER (message/sipfrag, RFC 3420); undefined for anything else. */
const referStatus = (message: SipRequest): number | undefined => {
  if (message.method !== 'NOTIFY' || event(message)?.value.toLowerCase() !== 'refer') return undefined
  const status = /^SIP\/2\.0 (\d{3})/.exec(Buffer.from(message.body).toString('latin1'))?.[1]
  if (status !== undefined) return Number(status)
  // A subscription that ends without a status leaves the fate of the transfer unknown: the peer has given up on telling.
  return header(message, 'Subscription-State')?.startsWith('terminated') === true ? 503 : 100
}

const gone = (session: Session): Promise<TransferOutcome> =>
  new Promise(resolve => {
    const transferred = (): void => resolve({ type: 'transferred' })
    if (session.signal.aborted) transferred()
    else session.signal.addEventListener('abort', transferred, { once: true })
  })
