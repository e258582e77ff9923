import { headerValues, replaces } from '../message/headers.js'
import type { DialogReference } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import type { Refusal } from '../message/refusals.js'
import type { DialogOwner } from './core.js'
import { EarlyFork } from './early-fork.js'
import { LiveSession } from './session.js'
import type { ClientInvite, Session } from './user-agent.js'

/** What an INVITE with Replaces takes the place of: a session, or an invitation of ours that still rings (RFC 3891 §3). */
export type Replaced = { readonly type: 'session'; readonly session: Session } | { readonly type: 'ringing'; readonly invite: ClientInvite }

const refused = (status: number, reason?: string): Refusal => ({ status, headers: {}, ...(reason === undefined ? {} : { reason }) })

/**
 * Judges Replaces by RFC 3891 §3. Whoever names the dialog must know both its tags, 60 random bits of which are ours.
 * @param ownerOf finds a dialog of this user agent
 */
export const judgeReplaces = (request: SipRequest, ownerOf: (reference: DialogReference) => DialogOwner | undefined): Replaced | Refusal => {
  if (request.method !== 'INVITE' || headerValues(request, 'Replaces').length > 1) return refused(400, 'Misplaced Replaces')
  const reference = replaces(request)
  if (reference === undefined) return refused(400, 'Malformed Replaces')
  const owner = ownerOf(reference)
  if (owner instanceof LiveSession) {
    if (owner.state === 'terminated') return refused(603)
    return reference.earlyOnly ? refused(486) : { type: 'session', session: owner }
  }
  // An early dialog can be replaced by the side that sent its INVITE only.
  return owner instanceof EarlyFork && owner.origin !== undefined ? { type: 'ringing', invite: owner.origin } : refused(481)
}
