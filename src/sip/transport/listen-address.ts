import { CordboardError } from '../../core/errors.js'
import type { TransportName } from './transport.js'

/** A `listen` option taken apart. */
export interface ListenAddress {
  readonly transport: TransportName
  /** Without brackets. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

const PATTERN = /^(udp|tcp|tls|ws|wss):\/\/(\[[0-9a-fA-F:.]+\]|[^:/[\]]+)(?::(\d{1,5}))?\/?$/

const DEFAULT_PORT: Readonly<Record<TransportName, number>> = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 }

/**
 * Reads `udp://127.0.0.1:5060`, `tls://[::1]`.
 * @throws CordboardError `SERVER_BAD_OPTION`.
 */
export const parseListenAddress = (text: string): ListenAddress => {
  const match = PATTERN.exec(text)
  if (match === null) throw new CordboardError('SERVER_BAD_OPTION', `not a listen address: ${text} (like udp://127.0.0.1:5060)`)
  const transport = match[1] as TransportName
  const port = match[3] === undefined ? DEFAULT_PORT[transport] : Number(match[3])
  if (port > 65_535) throw new CordboardError('SERVER_BAD_OPTION', `no such port: ${text}`)
  const host = match[2]!.replace(/^\[|\]$/g, '')
  // Datagram sockets are bound without asking a resolver.
  return { transport, host: host === 'localhost' ? '127.0.0.1' : host, port }
}
