import type { SipMessage, SipRequest } from '../message/message.js'
import type { DropReason as ParseDropReason } from '../message/parser.js'

/** Protocols that carry SIP (RFC 3261 §18, RFC 7118). */
export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** Where a message came from, or where one goes: numeric address and port. */
export interface Source {
  readonly address: string
  readonly port: number
  readonly transport: TransportName
}

/** Where a request goes. */
export interface Target extends Source {
  /** Name that a TLS certificate must show (RFC 5922); the address when absent. */
  readonly domain?: string
  /** The URI left the protocol open: TCP will do where no UDP listener reaches it. */
  readonly anyTransport?: boolean
  /** Connection, or listener of datagrams, to prefer while it is open: that of the dialog or registration. */
  readonly flow?: Flow | undefined
}

/** Host and port of Via and Contact; an IPv6 host without its brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** A way to one peer and back: a connection, or a datagram socket together with the peer's address. */
export interface Flow extends Source {
  /** True on TCP, TLS, WS and WSS: no retransmissions (RFC 3261 §17). */
  readonly reliable: boolean
  /** False once a connection has ended. */
  readonly open: boolean
  /** How the peer reaches us by this flow's listener. */
  readonly local: HostPort
  /**
   * Sends one message. Never throws: `failed` is called in a later turn when the message could not leave.
   */
  send(bytes: Uint8Array, failed?: (error: Error) => void): void
  /**
   * Keeps a connection from being closed for its silence until the function returned is called; the side that opened it sends pings
   * (RFC 5626 §4.4.1). With datagrams it keeps the way through a NAT open (§4.4.2). `lost` is told when it ends before.
   */
  hold?(lost?: (error: Error) => void): () => void
}

/** Why something received was not passed on. */
export type DropReason =
  | ParseDropReason | 'bad-request' | 'keep-alive' | 'scanner' | 'rate'
  | 'slow-reader' | 'slow-sender' | 'idle' | 'no-pong' | 'framing' | 'too-many-connections' | 'too-many-bytes' | 'send-failed'
  | 'tls-handshake' | 'slow-handshake' | 'too-many-handshakes' | 'tls-client' | 'too-many-transactions' | 'overload'

/** Every reason, for counters. */
export const DROP_REASONS: readonly DropReason[] = [
  'not-sip', 'bad-response', 'bad-ack', 'unanswerable', 'bad-request', 'keep-alive', 'scanner', 'rate',
  'slow-reader', 'slow-sender', 'idle', 'no-pong', 'framing', 'too-many-connections', 'too-many-bytes', 'send-failed',
  'tls-handshake', 'slow-handshake', 'too-many-handshakes', 'tls-client', 'too-many-transactions', 'overload',
]

/** A request that must be refused before any transaction exists. */
export interface BadRequest {
  readonly request: SipRequest
  readonly status: number
  readonly reason: string
}

/** What a transport tells its owner. None of these may throw. */
export interface TransportEvents {
  message(message: SipMessage, flow: Flow): void
  /** A request that a response can still reach, but nothing else. */
  bad(bad: BadRequest, flow: Flow): void
  dropped(reason: DropReason): void
  /** A connection has ended: its transactions fail at once. */
  flowClosed(flow: Flow, error: Error): void
  /** Diagnostics: called for each message when `tracing` is true. */
  trace(direction: 'in' | 'out', bytes: Uint8Array, flow: Flow): void
  readonly tracing: boolean
}

/** One listener of one protocol, which also opens flows of that protocol. */
export interface Transport {
  readonly name: TransportName
  /** Address and port that it is bound to. */
  readonly bound: Source
  /** Existing flow to `target`, or a new one (a connection may still be opening; messages wait in a bounded queue). */
  flowTo(target: Target): Flow
  /** True when it can open flows to this address (family). */
  reaches(target: Target): boolean
  close(): Promise<void>
}

/** Opens a listener. @throws CordboardError `SIP_TRANSPORT` when the address cannot be bound. */
export type TransportFactory = (events: TransportEvents) => Promise<Transport>

/** Limits that keep strangers from exhausting the process. */
export interface TransportLimits {
  /** Connections open at a time, per listener. @default 10000 */
  readonly connections: number
  /** Of these, from one source: an IPv4 address or an IPv6 /64. @default 1000 */
  readonly connectionsPerSource: number
  /** Bytes that may wait for a slow reader before its connection is closed. @default 1048576 */
  readonly queuedBytes: number
  /** Bytes of incomplete messages that all connections of a listener may hold together. @default 67108864 */
  readonly heldBytes: number
  /** Milliseconds that a connection may stay silent when no dialog, registration or binding holds it. @default 600000 */
  readonly idleMs: number
  /** Milliseconds in which a begun message must be complete (slow loris). @default 10000 */
  readonly messageMs: number
  /** Milliseconds for TCP and TLS to be established. @default 5000 */
  readonly connectMs: number
  /** Longest interval in ms between the pings that keep open a connection of ours for a dialog or registration (RFC 5626 §4.4.1); 0: none. @default 120000 */
  readonly pingMs: number
  /** The same for datagrams, where the binding in a NAT is at stake (RFC 5626 §4.4.2: STUN); 0: none. @default 29000 */
  readonly datagramPingMs: number
  /** Milliseconds in which a peer that answers pings must answer the next. @default 10000 */
  readonly pongMs: number
  /** TLS handshakes under way at a time, per listener. @default 256 */
  readonly handshakes: number
  /** Of these, with one source. @default 64 */
  readonly handshakesPerSource: number
}

export const DEFAULT_LIMITS: TransportLimits = {
  connections: 10_000,
  connectionsPerSource: 1_000,
  queuedBytes: 1_048_576,
  heldBytes: 67_108_864,
  idleMs: 600_000,
  messageMs: 10_000,
  connectMs: 5_000,
  pingMs: 120_000,
  datagramPingMs: 29_000,
  pongMs: 10_000,
  handshakes: 256,
  handshakesPerSource: 64,
}
