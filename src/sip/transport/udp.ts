import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { CordboardError } from '../../core/errors.js'
import { ipLookup } from '../../core/ip-lookup.js'
import type { ListenAddress } from './listen-address.js'
import type { Lost } from './holders.js'
import { receiveDatagram } from './receive.js'
import { StunKeepAlive } from './stun-keep-alive.js'
import type { KeepAliveContext } from './stun-keep-alive.js'
import { isStun } from './stun.js'
import type { Flow, HostPort, Source, Target, Transport, TransportEvents } from './transport.js'

/** Asked of the kernel for each socket, so that a burst survives a pause of the event loop; the kernel may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** Answers how a peer reaches this listener. */
export type Advertise = (peer: Source, bound: Source) => HostPort

class UdpFlow implements Flow {
  readonly transport = 'udp'
  readonly reliable = false
  #local: HostPort | undefined

  constructor(readonly listener: UdpTransport, readonly address: string, readonly port: number) {}

  get open(): boolean {
    return this.listener.open
  }

  get local(): HostPort {
    return (this.#local ??= this.listener.advertise(this, this.listener.bound))
  }

  send(bytes: Uint8Array, failed?: (error: Error) => void): void {
    this.listener.send(bytes, this, failed)
  }

  hold(lost?: Lost): () => void {
    return this.listener.keepAlive.hold(this, lost)
  }
}

/** One UDP socket: all its peers share it (RFC 3261 §18). */
export class UdpTransport implements Transport {
  readonly name = 'udp'
  open = true
  readonly keepAlive: StunKeepAlive
  readonly events: TransportEvents
  #last: UdpFlow | undefined

  private constructor(
    readonly socket: Socket,
    readonly bound: Source,
    context: KeepAliveContext,
    readonly advertise: Advertise,
  ) {
    const { events } = context
    this.events = events
    this.keepAlive = new StunKeepAlive(context)
    socket.on('message', this.#receive)
    // Datagram sockets report what the network says about single packets; none of it ends the listener.
    socket.on('error', () => events.dropped('send-failed'))
  }

  /** @throws CordboardError `SIP_TRANSPORT` when the address cannot be bound. */
  static async listen(address: ListenAddress, context: KeepAliveContext, advertise: Advertise): Promise<UdpTransport> {
    const family = isIPv6(address.host) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      lookup: ipLookup,
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', cause => reject(new CordboardError('SIP_TRANSPORT', `cannot bind udp ${address.host}:${address.port}`, { cause })))
      socket.bind(address.port, address.host, resolve)
    })
    socket.removeAllListeners('error')
    const { address: host, port } = socket.address()
    return new UdpTransport(socket, { transport: 'udp', address: host, port }, context, advertise)
  }

  flowTo(target: Target): Flow {
    return this.#flow(target.address, target.port)
  }

  reaches(target: Target): boolean {
    return target.transport === 'udp' && this.open && isIPv6(target.address) === isIPv6(this.bound.address)
  }

  send(bytes: Uint8Array, flow: UdpFlow, failed: ((error: Error) => void) | undefined): void {
    if (!this.open) return failSoon(failed, new CordboardError('SIP_TRANSPORT', 'the listener is closed'))
    if (this.events.tracing) this.events.trace('out', bytes, flow)
    try {
      this.socket.send(bytes, flow.port, flow.address, failed === undefined ? this.#sent : error => {
        if (error !== null) failed(error)
      })
    } catch (error) {
      this.events.dropped('send-failed')
      failSoon(failed, error as Error)
    }
  }

  async close(): Promise<void> {
    if (!this.open) return
    this.open = false
    this.keepAlive.close()
    await new Promise<void>(resolve => this.socket.close(() => resolve()))
  }

  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.events.dropped('send-failed')
  }

  /** Consecutive datagrams mostly come from one peer: its flow is kept. */
  #flow(address: string, port: number): UdpFlow {
    const last = this.#last
    if (last !== undefined && last.port === port && last.address === address) return last
    return (this.#last = new UdpFlow(this, address, port))
  }

  readonly #receive = (bytes: Buffer, peer: RemoteInfo): void => {
    // A datagram from port 0 cannot be answered.
    if (peer.port === 0) return this.events.dropped('not-sip')
    if (this.keepAlive.any && isStun(bytes) && this.keepAlive.take(bytes, peer.address, peer.port)) return this.events.dropped('keep-alive')
    receiveDatagram(bytes, this.#flow(peer.address, peer.port), this.events)
  }
}

/** Reports a failure in a later turn, so that no caller is re-entered. */
export const failSoon = (failed: ((error: Error) => void) | undefined, error: Error): void => {
  if (failed !== undefined) queueMicrotask(() => failed(error))
}
