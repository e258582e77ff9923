/** What a failure response to a request within a dialog destroys beside its transaction (RFC 5057 §5.1). */
export type FailureScope = 'transaction' | 'usage' | 'dialog'

/** RFC 5057 §5.1, the codes that destroy more than their transaction. 403 refuses a request alone: RFC 6665 §4.1.2.2, which follows that list, has it not either. */
const SCOPES: Readonly<Record<number, Exclude<FailureScope, 'transaction'>>> = {
  404: 'dialog', 405: 'usage', 408: 'usage', 410: 'dialog', 416: 'dialog', 480: 'usage', 481: 'usage', 482: 'dialog', 483: 'dialog', 484: 'dialog', 485: 'dialog',
  489: 'usage', 501: 'usage', 502: 'dialog', 604: 'dialog',
}

/** Scope of a final status. */
export const failureScope = (status: number): FailureScope => SCOPES[status] ?? 'transaction'

/**
 * Requests of the INVITE usage (RFC 5057 §5.3). REFER, SUBSCRIBE and NOTIFY belong to a subscription that shares the dialog; OPTIONS, MESSAGE
 * and methods that nobody knows belong to no usage.
 */
const SESSION: ReadonlySet<string> = new Set(['INVITE', 'ACK', 'BYE', 'CANCEL', 'PRACK', 'UPDATE', 'INFO'])

/** True for a request whose failure may end the session's own usage of the dialog. */
export const isOfSession = (method: string): boolean => SESSION.has(method)

/** True when `status` to a request of `method` ends the INVITE usage of its dialog. */
export const endsSession = (method: string, status: number): boolean => {
  const scope = failureScope(status)
  if (scope !== 'usage') return scope === 'dialog'
  // A method that the peer does not do ends only the usage that rests on it.
  if (status === 405 || status === 501) return method === 'INVITE'
  return status !== 489 && isOfSession(method)
}
