import { channel } from 'node:diagnostics_channel'

/**
 * The library's `node:diagnostics_channel` channels. Publishing costs nothing while nobody subscribes
 * (check `hasSubscribers` before building the message).
 */
export const channels = {
  /** Each SIP message sent or received: `{ direction, transport, local, remote, text, at }`. */
  sipMessage: channel('cordboard:sip:message'),
  /** Each transition of a transaction: `{ kind, branch, from, input, to }`. */
  transaction: channel('cordboard:sip:transaction'),
  /** Life of a call: `{ id, event }`, with `reason` of an end and `error` of a fault that harms nobody. */
  call: channel('cordboard:call'),
} as const
