import { header } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import type { Refusal } from '../message/refusals.js'

/** 469 with what we would take, to an INFO of a package that we have not asked for (RFC 6086 §4.2.2); one without a package is a legacy usage. */
export const refuseInfoPackage = (request: SipRequest, packages: readonly string[]): Refusal | undefined => {
  const named = header(request, 'Info-Package')?.split(';', 1)[0]?.trim().toLowerCase()
  if (named === undefined || packages.some(wanted => wanted.toLowerCase() === named)) return undefined
  return { status: 469, headers: { 'Recv-Info': packages.join(', ') } }
}

/** What an INFO gets that the application leaves unanswered: without a body 200, with one that nobody understood 415 (RFC 6086 §4.2.2, RFC 2976 §2.2). */
export const unheardInfo = (request: SipRequest): Refusal =>
  request.body.length === 0 ? { status: 200, headers: {} } : { status: 415, headers: { Accept: '' } }
