import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, Server as HttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Server as HttpsServer } from 'node:https'
import { Server as TlsServer, TLSSocket } from 'node:tls'
import type { AddressInfo, Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import type { RawData } from 'ws'
import type { Clock, Timer } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { LIMITS } from '../message/limits.js'
import { formatHostPort } from '../message/uri.js'
import { gatedListener } from './handshake-gate.js'
import { Holders, lostAlready } from './holders.js'
import type { Lost } from './holders.js'
import type { ListenAddress } from './listen-address.js'
import { receiveDatagram } from './receive.js'
import { addServerNames, clientTlsOptions, refuseClient, serverTlsOptions } from './tls-options.js'
import { SourceCounts } from './source-counts.js'
import type { TlsOptions } from './tls-options.js'
import { WebSocketTail } from './web-socket-tail.js'
import { PeerTable } from './peer-table.js'
import type { DropReason, Flow, HostPort, Source, Target, Transport, TransportEvents, TransportLimits } from './transport.js'
import { failSoon } from './udp.js'
import type { Advertise } from './udp.js'

/** RFC 7118 §4.1. */
const SUBPROTOCOL = 'sip'

/**
 * One WebSocket: a frame is a message (RFC 7118 §4.2). As on any stream, what a slow reader leaves unread is bounded, a begun message must be complete in
 * time, and silence ends it.
 */
class WebSocketFlow implements Flow {
  readonly reliable = true
  readonly #owner: WebSocketTransport
  readonly #socket: WebSocket
  #open = true
  #local: HostPort | undefined
  #lastActive: number
  #watch: Timer | undefined
  /** Messages that wait for the opening handshake of ours. */
  #early: Uint8Array[] = []
  #holders: Holders | undefined
  readonly #tail = new WebSocketTail()
  /** Our share of the listener's `held`. */
  #held = 0
  /** Until the begun message must be complete. */
  #patience: Timer | undefined

  /** @param carrier the connection accepted, on which the frames come; none for one of ours */
  constructor(owner: WebSocketTransport, socket: WebSocket, readonly peer: Source, carrier?: Duplex) {
    this.#owner = owner
    this.#socket = socket
    this.#lastActive = owner.clock.now()
    socket.on('message', this.#receive)
    socket.on('open', () => {
      for (const bytes of this.#early.splice(0)) socket.send(bytes)
    })
    socket.on('pong', () => {
      owner.events.dropped('keep-alive')
      this.#heard(true)
    })
    socket.on('ping', () => this.#heard(false))
    carrier?.on('data', this.#follow)
    socket.on('error', error => this.#end(error))
    socket.on('close', () => this.#end(new CordboardError('SIP_TRANSPORT', 'connection closed')))
    this.#check()
  }

  get transport(): 'ws' | 'wss' {
    return this.#owner.name
  }

  get address(): string {
    return this.peer.address
  }

  get port(): number {
    return this.peer.port
  }

  get open(): boolean {
    return this.#open
  }

  get local(): HostPort {
    return (this.#local ??= this.#owner.advertise(this.peer, this.#owner.bound))
  }

  send(bytes: Uint8Array, failed?: (error: Error) => void): void {
    if (!this.#open) return failSoon(failed, new CordboardError('SIP_TRANSPORT', 'connection closed'))
    const { events, limits } = this.#owner
    if (events.tracing) events.trace('out', bytes, this)
    if (this.#socket.bufferedAmount + bytes.length > limits.queuedBytes) {
      this.close('slow-reader')
      return failSoon(failed, new CordboardError('SIP_TRANSPORT', 'the peer does not read'))
    }
    this.#lastActive = this.#owner.clock.now()
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#early.push(bytes)
    else this.#socket.send(bytes, { binary: false })
  }

  /** Pings are those of WebSocket (RFC 6455 §5.5.2), which a browser answers by itself, so either side sends them. */
  hold(lost?: Lost): () => void {
    if (!this.#open) return lostAlready(lost)
    const { clock, random, limits } = this.#owner
    this.#holders ??= new Holders({
      clock, random, everyMs: limits.pingMs, pongMs: limits.pongMs, mustAnswer: true,
      ping: () => { if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping() },
      dead: () => this.close('no-pong'),
    })
    return this.#holders.add(lost)
  }

  close(reason?: DropReason): void {
    if (reason !== undefined) this.#owner.events.dropped(reason)
    this.#end(new CordboardError('SIP_TRANSPORT', 'connection closed'))
  }

  readonly #follow = (chunk: Buffer): void => {
    if (!this.#open) return
    const { messages } = this.#tail
    this.#tail.push(chunk)
    const { held } = this.#tail
    const grown = held > this.#held
    this.#account(held)
    const { clock, limits } = this.#owner
    if (grown && this.#owner.held > limits.heldBytes) return this.close('too-many-bytes')
    if (held === 0 || this.#tail.messages > messages) this.#endPatience()
    if (held > 0) this.#patience ??= clock.after(limits.messageMs, () => this.close('slow-sender'))
  }

  #account(held: number): void {
    this.#owner.held += held - this.#held
    this.#held = held
  }

  #endPatience(): void {
    this.#patience?.cancel()
    this.#patience = undefined
  }

  #heard(pong: boolean): void {
    this.#lastActive = this.#owner.clock.now()
    this.#holders?.heard(pong)
  }

  readonly #receive = (data: RawData): void => {
    if (!this.#open) return
    this.#heard(false)
    receiveDatagram(Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data), this, this.#owner.events)
  }

  #check(): void {
    const { clock, limits } = this.#owner
    if (clock.now() - this.#lastActive >= limits.idleMs && this.#holders?.any !== true) return this.close('idle')
    this.#watch = clock.after(limits.idleMs, () => this.#check())
  }

  #end(error: Error): void {
    if (!this.#open) return
    this.#open = false
    this.#account(0)
    this.#endPatience()
    this.#watch?.cancel()
    this.#socket.terminate()
    this.#owner.forget(this)
    this.#owner.events.flowClosed(this, error)
    this.#holders?.end(error)
  }
}

/** What a WebSocket listener needs to know of its layer. */
export interface WebSocketListen {
  readonly events: TransportEvents
  readonly advertise: Advertise
  readonly limits: TransportLimits
  readonly clock: Clock
  readonly random: Random
  readonly tls?: TlsOptions | undefined
}

/** The server whose upgrades are taken, and the listener that is ours to close; none on the application's server. */
interface WebSocketServers {
  readonly http: HttpServer | HttpsServer
  readonly listener?: Server
}

/** SIP over WebSocket (RFC 7118), on a server of its own or on the application's. */
export class WebSocketTransport implements Transport {
  readonly name: 'ws' | 'wss'
  readonly bound: Source
  readonly events: TransportEvents
  readonly limits: TransportLimits
  readonly clock: Clock
  readonly random: Random
  readonly advertise: Advertise
  /** Bytes of incomplete messages in all WebSockets accepted. */
  held = 0
  readonly #http: HttpServer | HttpsServer
  readonly #listener: Server | undefined
  readonly #tls: TlsOptions | undefined
  readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: LIMITS.message, handleProtocols: () => SUBPROTOCOL, clientTracking: false })
  readonly #flows: PeerTable<WebSocketFlow>
  /** WebSockets accepted, by source. */
  readonly #accepted: SourceCounts
  #open = true

  private constructor({ http, listener }: WebSocketServers, name: 'ws' | 'wss', listen: WebSocketListen) {
    this.#http = http
    this.#listener = listener
    this.#accepted = new SourceCounts(listen.limits.connectionsPerSource)
    this.#tls = listen.tls
    this.name = name
    this.#flows = new PeerTable(name === 'wss')
    this.events = listen.events
    this.limits = listen.limits
    this.clock = listen.clock
    this.random = listen.random
    this.advertise = listen.advertise
    const { address, port } = ((listener ?? http).address() ?? { address: '0.0.0.0', port: 0 }) as AddressInfo
    this.bound = { transport: name, address, port }
    http.on('upgrade', this.#upgrade)
  }

  /** @throws CordboardError `SIP_TRANSPORT` when the address cannot be bound. */
  static async listen(address: ListenAddress, listen: WebSocketListen): Promise<WebSocketTransport> {
    const { name, http, listener } = serversFor(address, listen)
    http.on('request', (_request, answer) => answer.writeHead(426, { Upgrade: 'websocket' }).end())
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void => reject(new CordboardError('SIP_TRANSPORT', `cannot bind ${address.transport} ${formatHostPort(address.host, address.port)}`, { cause }))
      listener.once('error', fail)
      listener.listen(address.port, address.host, () => {
        listener.off('error', fail)
        resolve()
      })
    })
    return new WebSocketTransport({ http, listener }, name, listen)
  }

  /** Shares the application's server, which must be listening for its address to be known. */
  static on(server: HttpServer, listen: WebSocketListen): WebSocketTransport {
    return new WebSocketTransport({ http: server }, server instanceof TlsServer ? 'wss' : 'ws', listen)
  }

  reaches(target: Target): boolean {
    return target.transport === this.name && this.#open
  }

  flowTo(target: Target): Flow {
    const known = this.#flows.find(target)
    if (known !== undefined) return known
    const host = formatHostPort(target.address, target.port)
    const secure = this.name === 'wss' && this.#tls !== undefined ? clientTlsOptions(this.#tls, target.domain) : {}
    const socket = new WebSocket(`${this.name}://${host}/`, SUBPROTOCOL, { maxPayload: LIMITS.message, handshakeTimeout: this.limits.connectMs, ...secure })
    return this.#add(socket, target)
  }

  forget(flow: WebSocketFlow): void {
    this.#flows.delete(flow)
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    this.#http.off('upgrade', this.#upgrade)
    for (const flow of this.#flows.all) flow.close()
    if (this.#listener === undefined) return
    const closed = new Promise<void>(resolve => this.#listener!.close(() => resolve()))
    this.#http.closeAllConnections()
    await closed
  }

  readonly #upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(protocol => protocol.trim().toLowerCase())
    if (!offered.includes(SUBPROTOCOL)) {
      // On a shared server the upgrade may be the application's.
      if (this.#listener !== undefined) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
      return
    }
    const { remoteAddress, remotePort } = request.socket
    if (remoteAddress === undefined || remotePort === undefined || this.#flows.size >= this.limits.connections) {
      this.events.dropped('too-many-connections')
      return void socket.destroy()
    }
    if (!this.#accepted.take(remoteAddress)) {
      this.events.dropped('too-many-connections')
      return void socket.destroy()
    }
    request.socket.once('close', () => this.#accepted.release(remoteAddress))
    if (request.socket instanceof TLSSocket && this.#tls !== undefined && refuseClient(this.#tls, request.socket.getPeerCertificate()) !== undefined) {
      this.events.dropped('tls-client')
      return void socket.destroy()
    }
    this.#webSockets.handleUpgrade(request, socket, head, accepted => {
      this.#add(accepted, { transport: this.name, address: remoteAddress.replace(/^::ffff:/, ''), port: remotePort }, socket)
    })
  }

  #add(socket: WebSocket, peer: Source | Target, carrier?: Duplex): WebSocketFlow {
    const flow = new WebSocketFlow(this, socket, peer, carrier)
    this.#flows.add(flow, peer)
    return flow
  }
}

/** An HTTP server listens itself; before an HTTPS one stands the gate of its handshakes. */
const serversFor = (address: ListenAddress, { tls, events, limits }: WebSocketListen): { readonly name: 'ws' | 'wss'; readonly http: HttpServer | HttpsServer; readonly listener: Server } => {
  if (address.transport !== 'wss' || tls === undefined) {
    const http = createHttpServer(upgradeTimes(limits))
    http.maxConnections = limits.connections
    return { name: 'ws', http, listener: http }
  }
  const https = createHttpsServer({ ...upgradeTimes(limits), ...serverTlsOptions(tls, limits) })
  addServerNames(https, tls)
  return { name: 'wss', http: https, listener: gatedListener(https, events, limits) }
}

/** Whoever connects must ask for its WebSocket in time. */
const upgradeTimes = ({ connectMs }: TransportLimits): { readonly headersTimeout: number; readonly requestTimeout: number; readonly connectionsCheckingInterval: number } =>
  ({ headersTimeout: connectMs, requestTimeout: connectMs, connectionsCheckingInterval: connectMs })
