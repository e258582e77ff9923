import { headerField } from '../message/headers.js'
import { field } from '../message/field.js'
import type { HeaderField, SipRequest } from '../message/message.js'
import { type Refusal, refuseBody } from '../message/refusals.js'
import { refuseInterval } from './session-timer.js'

/** Methods that a user agent answers: Allow. */
export const ALLOWED_METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'MESSAGE'] as const

export const ALLOW = ALLOWED_METHODS.join(', ')

/** Allow of a 405 to `method`, which works within dialogs only. */
export const allowBut = (method: string): string => ALLOWED_METHODS.filter(allowed => allowed !== method).join(', ')

/** Bodies of an INVITE that a user agent can read. */
const BODIES = ['application/sdp', 'multipart/mixed', 'multipart/alternative', 'multipart/related']

/** Why a request that brings an offer or an answer is not taken: a body that we cannot read (RFC 3261 §8.2.3), too brief an interval (RFC 4028 §9). */
export const refuseDescription = (request: SipRequest): Refusal | undefined => refuseBody(request, BODIES) ?? refuseInterval(request)

/** Why a user agent server does not take this INVITE: no Contact to answer to (RFC 3261 §8.1.1.8), or as `refuseDescription`. */
export const refuseInvite = (request: SipRequest): Refusal | undefined =>
  headerField(request, 'Contact') === undefined ? { status: 400, reason: 'Missing Contact', headers: {} } : refuseDescription(request)

/** Option tags of what works by itself: Supported. */
export const EXTENSIONS: readonly string[] = ['100rel', 'timer', 'replaces', 'norefersub']

export const SUPPORTED = EXTENSIONS.join(', ')

/** Supported of our requests within a session: a re-INVITE has its answer at once, and no reliable provisional responses. */
export const SUPPORTED_WITHIN = EXTENSIONS.filter(tag => tag !== '100rel').join(', ')

/** What a 2xx to INVITE says of us. */
export const CAPABILITIES: readonly HeaderField[] = [field('Allow', ALLOW), field('Supported', SUPPORTED)]
