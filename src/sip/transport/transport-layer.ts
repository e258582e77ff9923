import type { Server as HttpServer } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import { channels } from '../../core/channels.js'
import type { Clock } from '../../core/clock.js'
import { Counters } from '../../core/counters.js'
import { CordboardError } from '../../core/errors.js'
import { secureRandom } from '../../core/random.js'
import type { Random } from '../../core/random.js'
import { stamped } from '../message/build.js'
import { parseHostPort } from '../message/uri.js'
import type { SipMessage } from '../message/message.js'
import type { Via } from '../message/via.js'
import { isWildcard } from '../../core/wildcard.js'
import { parseListenAddress } from './listen-address.js'
import type { ListenAddress } from './listen-address.js'
import { RequestGuard } from './request-guard.js'
import type { GuardOptions } from './request-guard.js'
import { RouteSource } from './route-source.js'
import { StreamTransport } from './stream-transport.js'
import type { TlsOptions } from './tls-options.js'
import { DEFAULT_LIMITS, DROP_REASONS } from './transport.js'
import type { BadRequest, DropReason, Flow, HostPort, Source, Target, Transport, TransportEvents, TransportFactory, TransportLimits } from './transport.js'
import { UdpTransport } from './udp.js'
import { WebSocketTransport } from './web-socket.js'
import type { WebSocketListen } from './web-socket.js'

export interface TransportLayerOptions {
  /** Like `udp://127.0.0.1:5060`; port 0 takes any free one. @default [] */
  readonly listen?: readonly string[]
  /** Host, or host and port, that peers reach us by, when it isn't the listeners' own address (NAT). */
  readonly advertise?: string
  /** Transports beside those of `listen`: the in-memory network, say. */
  readonly transports?: readonly TransportFactory[]
  readonly limits?: Partial<TransportLimits>
  /** What is dropped before it costs state. @default known scanners */
  readonly guard?: GuardOptions
  /** Certificate for `tls` and `wss` listeners. */
  readonly tls?: TlsOptions
  /** HTTP server whose WebSocket upgrades with the subprotocol `sip` are ours (RFC 7118). */
  readonly http?: HttpServer
  readonly clock: Clock
  /** Spreads keep-alives. @default secureRandom */
  readonly random?: Random
}

/** What the layer passes up. */
export interface TransportUser {
  message(message: SipMessage, flow: Flow): void
  bad(bad: BadRequest, flow: Flow): void
  /** A connection has ended. */
  flowClosed(flow: Flow, error: Error): void
}

/** Port that a URI or sent-by without one means (RFC 3261 §19.1.2). */
export const defaultPort = (transport: Source['transport']): number => (transport === 'tls' || transport === 'wss' ? 5061 : 5060)

/** All listeners of one user agent: chooses flows for requests and for responses, and counts what was dropped. */
export class TransportLayer implements TransportEvents {
  readonly #transports: Transport[] = []
  readonly #advertised: { readonly host: string; readonly port: number | undefined } | undefined
  readonly #clock: Clock
  readonly #random: Random
  readonly #limits: TransportLimits
  readonly #guard: RequestGuard
  #route: RouteSource | undefined
  /** Several listeners of one protocol and address family: which one sends depends on the way to the peer. */
  #several = false
  readonly drops = new Counters<DropReason>(DROP_REASONS)
  /** Messages received and sent. */
  readonly traffic = new Counters(['received', 'sent', 'faults'])

  private constructor(readonly options: TransportLayerOptions, readonly user: TransportUser) {
    this.#clock = options.clock
    this.#random = options.random ?? secureRandom
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#guard = new RequestGuard(options.guard)
    this.#advertised = options.advertise === undefined ? undefined : parseHostPort(options.advertise)
    if (options.advertise !== undefined && this.#advertised === undefined)
      throw new CordboardError('SERVER_BAD_OPTION', `not a host: ${options.advertise}`)
  }

  /**
   * Opens all listeners; none stays open when one fails.
   * @throws CordboardError `SIP_TRANSPORT`, `SERVER_BAD_OPTION`.
   */
  static async open(options: TransportLayerOptions, user: TransportUser): Promise<TransportLayer> {
    const layer = new TransportLayer(options, user)
    try {
      for (const text of options.listen ?? []) layer.#transports.push(await layer.#listen(parseListenAddress(text)))
      if (options.http !== undefined) layer.#transports.push(WebSocketTransport.on(options.http, layer.#webSocketListen()))
      for (const factory of options.transports ?? []) layer.#transports.push(await factory(layer))
      layer.#several = new Set(layer.addresses.map(({ transport, address }) => `${transport} ${isIPv6(address)}`)).size < layer.#transports.length
      if (layer.#several) layer.#route ??= await RouteSource.open()
    } catch (error) {
      await layer.close()
      throw error
    }
    return layer
  }

  get tracing(): boolean {
    return channels.sipMessage.hasSubscribers
  }

  /** The bound listeners, in the order of the options. */
  get addresses(): readonly Source[] {
    return this.#transports.map(({ bound }) => bound)
  }

  /**
   * The way to `target`.
   * @throws CordboardError `SIP_TRANSPORT` when no listener has this protocol and address family.
   */
  flowTo(target: Target): Flow {
    if (target.flow?.open === true) return target.flow
    if (this.#several) {
      const chosen = this.#onTheWayTo(target)
      if (chosen !== undefined) return chosen.flowTo(target)
    } else for (const transport of this.#transports) if (transport.reaches(target)) return transport.flowTo(target)
    if (target.anyTransport === true && target.transport === 'udp') return this.flowTo({ ...target, transport: 'tcp' })
    throw new CordboardError('SIP_TRANSPORT', `no ${target.transport} listener reaches ${target.address}`, { status: 503 })
  }

  /** Of several listeners that of the machine's address on the way to the peer: packets from another might not arrive. */
  #onTheWayTo(target: Target): Transport | undefined {
    const fitting = this.#transports.filter(transport => transport.reaches(target))
    if (fitting.length < 2) return fitting[0]
    const source = this.#route?.towards(target.address, this.#clock.now())
    return fitting.find(({ bound }) => bound.address === source) ?? fitting.find(({ bound }) => isWildcard(bound.address)) ?? fitting[0]
  }

  /** True when a listener can open flows of this kind. */
  reaches(target: Target): boolean {
    return target.flow?.open === true || this.#transports.some(transport => transport.reaches(target))
  }

  /** Where responses to a request with this top Via go (RFC 3261 §18.2.2, RFC 3581 §4). */
  returnFlow(via: Via, flow: Flow): Flow {
    if (flow.reliable) return flow.open ? flow : this.#reopen(via, flow)
    if (via.maddr !== undefined && isIP(via.maddr) !== 0) return this.flowTo({ transport: 'udp', address: via.maddr, port: via.port ?? 5060 })
    if (via.rport !== undefined) return flow
    const port = via.port ?? 5060
    return port === flow.port ? flow : this.flowTo({ transport: 'udp', address: flow.address, port })
  }

  /** A connection that has ended is opened again to the sent-by port. */
  #reopen(via: Via, flow: Flow): Flow {
    const target: Target = { transport: flow.transport, address: flow.address, port: via.port ?? defaultPort(flow.transport) }
    return this.reaches(target) ? this.flowTo(target) : flow
  }

  /** True when this host and port are a listener's own. */
  isOurs(host: string, port: number): boolean {
    return this.#transports.some(({ bound }) => {
      const advertised = this.advertised(bound)
      if (advertised.port === port && advertised.host === host) return true
      return bound.port === port && (bound.address === host || (isWildcard(bound.address) && this.#route?.isLocal(host, this.#clock.now()) === true))
    })
  }

  message(message: SipMessage, flow: Flow): void {
    this.traffic.bump('received')
    try {
      if (message.type === 'response') return this.user.message(message, flow)
      const verdict = this.#guard.judge(message, flow.address, this.#clock.now())
      if (verdict === 'pass') this.user.message(stamped(message, flow), flow)
      else this.drops.bump(verdict)
    } catch (error) {
      // Whatever a message does to the layers above, the socket and its other peers stay.
      this.traffic.bump('faults')
      reportFault(error)
    }
  }

  bad(bad: BadRequest, flow: Flow): void {
    this.drops.bump('bad-request')
    try {
      this.user.bad(bad, flow)
    } catch (error) {
      this.traffic.bump('faults')
      reportFault(error)
    }
  }

  dropped(reason: DropReason): void {
    this.drops.bump(reason)
  }

  flowClosed(flow: Flow, error: Error): void {
    this.user.flowClosed(flow, error)
  }

  trace(direction: 'in' | 'out', bytes: Uint8Array, flow: Flow): void {
    const { transport, address, port, local } = flow
    channels.sipMessage.publish({
      direction, transport, local, remote: { address, port }, text: Buffer.from(bytes).toString('utf8'), at: this.#clock.wall(),
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#transports.splice(0).map(transport => transport.close()))
  }

  async #listen(address: ListenAddress): Promise<Transport> {
    if (isWildcard(address.host)) this.#route ??= await RouteSource.open()
    switch (address.transport) {
      case 'udp':
        return UdpTransport.listen(address, { events: this, limits: this.#limits, clock: this.#clock, random: this.#random }, this.#advertise)
      case 'tls':
        if (this.options.tls === undefined) throw new CordboardError('SERVER_BAD_OPTION', 'a tls listener needs the option tls: { cert, key }')
        return this.#listenStream(address)
      case 'tcp':
        return this.#listenStream(address)
      case 'wss':
        if (this.options.tls === undefined) throw new CordboardError('SERVER_BAD_OPTION', 'a wss listener needs the option tls: { cert, key }')
        return WebSocketTransport.listen(address, this.#webSocketListen())
      case 'ws':
        return WebSocketTransport.listen(address, this.#webSocketListen())
    }
  }

  #webSocketListen(): WebSocketListen {
    return { events: this, advertise: this.#advertise, limits: this.#limits, clock: this.#clock, random: this.#random, tls: this.options.tls }
  }

  #listenStream(address: ListenAddress): Promise<Transport> {
    return StreamTransport.listen({
      address, events: this, advertise: this.#advertise, limits: this.#limits, clock: this.#clock, random: this.#random, tls: this.options.tls,
    })
  }

  /** How peers reach a listener, for those who have no peer yet. */
  advertised(bound: Source): HostPort {
    return this.#advertise({ ...bound, address: isIPv6(bound.address) ? '2001:db8::1' : '192.0.2.1' }, bound)
  }

  readonly #advertise = (peer: Source, bound: Source): HostPort => {
    if (this.#advertised !== undefined) return { host: this.#advertised.host, port: this.#advertised.port ?? bound.port }
    if (!isWildcard(bound.address)) return { host: bound.address, port: bound.port }
    const host = this.#route?.towards(peer.address, this.#clock.now()) ?? (isIPv6(peer.address) ? '::1' : '127.0.0.1')
    return { host, port: bound.port }
  }
}

/** Faults of the layers above are bugs: they appear as process warnings, never as exceptions of a socket. */
const reportFault = (error: unknown): void => {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)), { code: 'CORDBOARD_FAULT' })
}
