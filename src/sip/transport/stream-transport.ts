import { connect as connectTcp, createServer as createTcpServer, isIPv6 } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import type { Clock } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { formatHostPort } from '../message/uri.js'
import { gatedListener } from './handshake-gate.js'
import type { ListenAddress } from './listen-address.js'
import { PeerTable } from './peer-table.js'
import { SourceCounts } from './source-counts.js'
import { StreamConnection } from './stream-connection.js'
import type { StreamContext } from './stream-connection.js'
import { addServerNames, clientTlsOptions, refuseClient, serverTlsOptions } from './tls-options.js'
import type { TlsOptions } from './tls-options.js'
import type { Flow, Source, Target, Transport, TransportEvents, TransportLimits } from './transport.js'
import type { Advertise } from './udp.js'

interface StreamListen {
  readonly address: ListenAddress
  readonly events: TransportEvents
  readonly advertise: Advertise
  readonly limits: TransportLimits
  readonly clock: Clock
  readonly random: Random
  readonly tls?: TlsOptions | undefined
}

/** A TCP or TLS listener with its connections, which are used for requests in both directions (RFC 5923). */
export class StreamTransport implements Transport, StreamContext {
  readonly name: 'tcp' | 'tls'
  readonly transport: 'tcp' | 'tls'
  readonly bound: Source
  readonly events: TransportEvents
  readonly limits: TransportLimits
  readonly clock: Clock
  readonly random: Random
  readonly #advertise: Advertise
  readonly #tls: TlsOptions | undefined
  readonly #server: Server
  readonly #connections: PeerTable<StreamConnection>
  /** Connections accepted, by source. */
  readonly #accepted: SourceCounts
  /** Bytes of incomplete messages in all connections. */
  held = 0
  #open = true

  private constructor(server: Server, secure: TlsServer | undefined, listen: StreamListen) {
    const { transport } = listen.address
    this.name = this.transport = transport as 'tcp' | 'tls'
    this.#connections = new PeerTable(transport === 'tls')
    this.events = listen.events
    this.limits = listen.limits
    this.clock = listen.clock
    this.random = listen.random
    this.#advertise = listen.advertise
    this.#tls = listen.tls
    this.#server = server
    this.#accepted = new SourceCounts(listen.limits.connectionsPerSource)
    const { address, port } = server.address() as AddressInfo
    this.bound = { transport, address, port }
    if (secure === undefined) server.on('connection', this.#accept)
    else secure.on('secureConnection', this.#acceptSecure)
    server.on('error', () => this.events.dropped('send-failed'))
  }

  /** @throws CordboardError `SIP_TRANSPORT` when the address cannot be bound. */
  static async listen(listen: StreamListen): Promise<StreamTransport> {
    const { address, tls, events, limits } = listen
    const secure = address.transport === 'tls' && tls !== undefined ? createTlsServer(serverTlsOptions(tls, limits)) : undefined
    if (secure !== undefined) addServerNames(secure, tls!)
    const server = secure === undefined ? createTcpServer() : gatedListener(secure, events, limits)
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void =>
        reject(new CordboardError('SIP_TRANSPORT', `cannot bind ${address.transport} ${formatHostPort(address.host, address.port)}`, { cause }))
      server.once('error', fail)
      server.listen({ host: address.host, port: address.port, ipv6Only: isIPv6(address.host) }, () => {
        server.off('error', fail)
        resolve()
      })
    })
    return new StreamTransport(server, secure, listen)
  }

  reaches(target: Target): boolean {
    return target.transport === this.name && this.#open && isIPv6(target.address) === isIPv6(this.bound.address)
  }

  advertise(peer: Source, bound: Source): ReturnType<Advertise> {
    return this.#advertise(peer, bound)
  }

  flowTo(target: Target): Flow {
    return this.#connections.find(target) ?? this.#add(this.#dial(target), target, false)
  }

  forget(connection: StreamConnection): void {
    this.#connections.delete(connection)
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const connection of this.#connections.all) connection.close()
    await closed
  }

  readonly #acceptSecure = (socket: TLSSocket): void => {
    if (refuseClient(this.#tls!, socket.getPeerCertificate()) === undefined) return this.#accept(socket)
    this.events.dropped('tls-client')
    socket.destroy()
  }

  readonly #accept = (socket: Socket): void => {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) return void socket.destroy()
    if (this.#connections.size >= this.limits.connections || !this.#accepted.take(remoteAddress)) {
      this.events.dropped('too-many-connections')
      return void socket.destroy()
    }
    socket.once('close', () => this.#accepted.release(remoteAddress))
    this.#add(socket, { transport: this.name, address: remoteAddress, port: remotePort }, true)
  }

  #dial({ address, port, domain }: Target): Socket {
    if (this.name === 'tcp') return connectTcp({ host: address, port })
    return connectTls({ host: address, port, ...clientTlsOptions(this.#tls!, domain) })
  }

  #add(socket: Socket, peer: Source | Target, connected: boolean): StreamConnection {
    const connection = new StreamConnection(this, socket, peer, connected)
    this.#connections.add(connection, peer)
    return connection
  }
}
