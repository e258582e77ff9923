import { channels } from '../../core/channels.js'

/** One end of a message's way. */
export interface TracedAddress {
  readonly address: string
  readonly port: number
}

/** A SIP message as the channel `cordboard:sip:message` tells of it: on the wire, in or out. */
export interface TracedMessage {
  readonly direction: 'in' | 'out'
  readonly transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'
  readonly local: TracedAddress
  readonly remote: TracedAddress
  /** The whole message. */
  readonly text: string
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number
}

/** Hears every message of every server in this process until the returned function is called. */
export const traceMessages = (listener: (message: TracedMessage) => void): (() => void) => {
  const hear = (message: unknown): void => listener(message as TracedMessage)
  channels.sipMessage.subscribe(hear)
  return () => void channels.sipMessage.unsubscribe(hear)
}

/** Where a message came from. */
export const senderOf = ({ direction, local, remote }: TracedMessage): TracedAddress => direction === 'in' ? remote : local

/** Where it went. */
export const receiverOf = ({ direction, local, remote }: TracedMessage): TracedAddress => direction === 'in' ? local : remote
