import { connect as connectTcp, createServer as createTcpServer, isIPv6 } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { Clock } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import { formatHostPort } from '../message/uri.js'
import type { ListenAddress } from './listen-address.js'
import { StreamConnection } from './stream-connection.js'
import type { StreamContext } from './stream-connection.js'
import type { Flow, Source, Target, Transport, TransportEvents, TransportLimits } from './transport.js'
import type { Advertise } from './udp.js'

/** Certificate and trust of a TLS listener. */
export interface TlsOptions {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  /** Certificates that peers' must lead to. @default the system's */
  readonly ca?: string | Buffer
  /** Demands a certificate of clients (mutual TLS). @default false */
  readonly requestCert?: boolean
  /** Refuses servers whose certificate does not show the domain called (RFC 5922). @default true */
  readonly rejectUnauthorized?: boolean
}

interface StreamListen {
  readonly address: ListenAddress
  readonly events: TransportEvents
  readonly advertise: Advertise
  readonly limits: TransportLimits
  readonly clock: Clock
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
  readonly #advertise: Advertise
  readonly #tls: TlsOptions | undefined
  readonly #server: Server
  readonly #connections = new Map<string, StreamConnection>()
  #open = true

  private constructor(server: Server, listen: StreamListen) {
    const { transport } = listen.address
    this.name = this.transport = transport as 'tcp' | 'tls'
    this.events = listen.events
    this.limits = listen.limits
    this.clock = listen.clock
    this.#advertise = listen.advertise
    this.#tls = listen.tls
    this.#server = server
    const { address, port } = server.address() as AddressInfo
    this.bound = { transport, address, port }
    server.on(this.name === 'tls' ? 'secureConnection' : 'connection', this.#accept)
    server.on('error', () => this.events.dropped('send-failed'))
    server.on('tlsClientError', () => this.events.dropped('framing'))
  }

  /** @throws CordboardError `SIP_TRANSPORT` when the address cannot be bound. */
  static async listen(listen: StreamListen): Promise<StreamTransport> {
    const { address, tls } = listen
    const server = address.transport === 'tls' && tls !== undefined
      ? createTlsServer({ ...tls, handshakeTimeout: listen.limits.connectMs, rejectUnauthorized: tls.requestCert === true })
      : createTcpServer()
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void =>
        reject(new CordboardError('SIP_TRANSPORT', `cannot bind ${address.transport} ${formatHostPort(address.host, address.port)}`, { cause }))
      server.once('error', fail)
      server.listen({ host: address.host, port: address.port, ipv6Only: isIPv6(address.host) }, () => {
        server.off('error', fail)
        resolve()
      })
    })
    return new StreamTransport(server, listen)
  }

  reaches(target: Target): boolean {
    return target.transport === this.name && this.#open && isIPv6(target.address) === isIPv6(this.bound.address)
  }

  advertise(peer: Source, bound: Source): ReturnType<Advertise> {
    return this.#advertise(peer, bound)
  }

  flowTo(target: Target): Flow {
    const known = this.#connections.get(formatHostPort(target.address, target.port))
    if (known?.open === true) return known
    return this.#add(this.#dial(target), target, false)
  }

  forget(connection: StreamConnection): void {
    const key = formatHostPort(connection.address, connection.port)
    if (this.#connections.get(key) === connection) this.#connections.delete(key)
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const connection of [...this.#connections.values()]) connection.close()
    await closed
  }

  readonly #accept = (socket: Socket): void => {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) return void socket.destroy()
    if (this.#connections.size >= this.limits.connections) {
      this.events.dropped('too-many-connections')
      return void socket.destroy()
    }
    this.#add(socket, { transport: this.name, address: remoteAddress, port: remotePort }, true)
  }

  #dial({ address, port, domain }: Target): Socket {
    if (this.name === 'tcp') return connectTcp({ host: address, port })
    const { cert, key, ca, rejectUnauthorized } = this.#tls!
    const servername = domain !== undefined && !isNumeric(domain) ? domain : ''
    return connectTls({ host: address, port, cert, key, servername, rejectUnauthorized: rejectUnauthorized ?? true, ...(ca === undefined ? {} : { ca }) })
  }

  #add(socket: Socket, peer: Source, connected: boolean): StreamConnection {
    const connection = new StreamConnection(this, socket, peer, connected)
    this.#connections.set(formatHostPort(peer.address, peer.port), connection)
    return connection
  }
}

const isNumeric = (host: string): boolean => host.includes(':') || /^[\d.]+$/.test(host)
