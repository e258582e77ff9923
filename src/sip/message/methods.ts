import type { Method } from './message.js'

/** Methods that this stack knows. */
export const METHODS: readonly Method[] = [
  'INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER',
  'PRACK', 'UPDATE', 'INFO', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'MESSAGE',
]

const KNOWN: ReadonlySet<string> = new Set(METHODS)

/** True when this stack knows `method`; others get 501 (RFC 3261 §8.2.1). Methods are case-sensitive. */
export const isKnownMethod = (method: string): method is Method => KNOWN.has(method)

/** Requests whose 101-299 response makes a dialog and so carries Record-Route (RFC 3261 §12.1.1, RFC 3515, 6665). */
export const makesDialog = (method: string): boolean =>
  method === 'INVITE' || method === 'SUBSCRIBE' || method === 'REFER' || method === 'NOTIFY'
