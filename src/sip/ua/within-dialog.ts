import type { Dialog } from '../dialog/dialog.js'
import { isKnownMethod } from '../message/methods.js'
import { refuseExtensions } from '../message/refusals.js'
import type { Refusal } from '../message/refusals.js'
import type { SipRequest } from '../message/message.js'
import { ALLOW, allowBut, EXTENSIONS, refuseDescription, SUPPORTED } from './capabilities.js'
import { unheardInfo } from './info.js'

/** Methods that bring offers and answers. */
const DESCRIBING: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'PRACK'])

/** Why a request within a dialog is not served, whatever state the dialog is in (RFC 3261 §8.2, §12.2.2). */
export const refuseWithin = (dialog: Dialog, request: SipRequest): Refusal | undefined => {
  if (!dialog.accepts(request)) return { status: 500, headers: { 'Retry-After': '0' } }
  if (!isKnownMethod(request.method)) return { status: 501, headers: { Allow: ALLOW } }
  return refuseExtensions(request, EXTENSIONS) ?? (DESCRIBING.has(request.method) ? refuseDescription(request) : undefined)
}

/** The answer to a request within a dialog that nobody has taken. */
export const answerUnheard = (request: SipRequest): Refusal => {
  switch (request.method) {
    case 'OPTIONS':
      return { status: 200, headers: { Allow: ALLOW, Accept: 'application/sdp', Supported: SUPPORTED } }
    case 'INFO':
      return unheardInfo(request)
    case 'NOTIFY':
      // RFC 6665 §4.1.3: of no subscription that anybody here knows.
      return { status: 481, headers: {} }
    default:
      return { status: 405, headers: { Allow: allowBut(request.method) } }
  }
}
