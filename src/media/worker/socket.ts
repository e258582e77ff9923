import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { ipLookup } from '../../core/ip-lookup.js'
import { isWildcard } from '../../core/wildcard.js'
import { CONNECTED, type Outbox } from './outbox.js'

/** Where packets come from and go to. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** How a leg's packets come and go: UDP here, ICE and DTLS behind the same interface. */
export interface PacketTransport {
  readonly port: number
  send(packet: Buffer, port: number, address: string): void
  /** Nobody but `peer` is heard from now on, and packets for it take a shorter way; undefined: everybody is heard. Cheap when nothing changes. */
  pin(peer: Peer | undefined): void
  close(): void
}

/** Told of each datagram; `packet` is the receiver's to keep or to overwrite. */
export type PacketHandler = (packet: Buffer, address: string, port: number) => void

const NOBODY: Peer = { address: '', port: 0 }

const nothing = (): void => undefined

/**
 * A pinned socket is a connected one: the system looks up the route once instead of for each packet, and turns strangers away. One
 * that is bound to all addresses is never pinned: it would take the route's address for its own, whichever the peer sends to.
 */
class UdpTransport implements PacketTransport {
  readonly #socket: Socket
  readonly #outbox: Outbox
  readonly #wildcard: boolean
  /** Whom it is pinned to; port 0: nobody. */
  #address = ''
  #port = 0
  /** To whom it could not be. */
  #unreachable = NOBODY

  constructor(socket: Socket, readonly port: number, outbox: Outbox) {
    this.#socket = socket
    this.#outbox = outbox
    this.#wildcard = isWildcard(socket.address().address)
  }

  send(packet: Buffer, port: number, address: string): void {
    if (this.#port === 0) this.#outbox.push(this.#socket, packet, port, address)
    else if (port === this.#port && address === this.#address) this.#outbox.push(this.#socket, packet, CONNECTED, '')
    else {
      this.#unpin()
      this.#outbox.push(this.#socket, packet, port, address)
    }
  }

  pin(peer: Peer | undefined): void {
    const { port, address } = peer ?? NOBODY
    if (port === this.#port && address === this.#address) return
    this.#unpin()
    if (port === 0 || this.#wildcard || (port === this.#unreachable.port && address === this.#unreachable.address)) return
    // What is still to go has the address with it, which a connected socket would not take.
    this.#outbox.flush()
    this.#socket.connect(port, address, nothing)
    if (isConnected(this.#socket)) {
      this.#port = port
      this.#address = address
    } else this.#unreachable = { port, address }
  }

  #unpin(): void {
    if (this.#port === 0) return
    this.#outbox.flush()
    this.#port = 0
    this.#address = ''
    this.#socket.disconnect()
  }

  close(): void {
    // A closed socket would throw on what is still to go.
    this.#outbox.flush()
    this.#socket.close()
  }
}

/** With a lookup that answers at once, `connect` has done its work, or failed, when it returns. */
const isConnected = (socket: Socket): boolean => {
  try {
    return socket.remoteAddress().port !== 0
  } catch {
    return false
  }
}

/**
 * Binds a UDP socket; the port is bound when this returns.
 * @param fault told of an ICMP error: the peer's port is closed, or a router says so.
 * @throws the system's error when the port or address cannot be had.
 */
export const bindUdp = (address: string, port: number, outbox: Outbox, receive: PacketHandler, fault: () => void): PacketTransport => {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', lookup: ipLookup })
  let failure: Error | undefined
  let bound = false
  socket.on('error', error => {
    // Once bound: the leg lives on.
    if (bound) fault()
    else failure = error
  })
  socket.on('message', (packet: Buffer, remote: RemoteInfo) => receive(packet, remote.address, remote.port))
  // With an exclusive port and a lookup that answers at once, `bind` has done its work when it returns.
  socket.bind({ address, port, exclusive: true })
  if (failure !== undefined) {
    socket.close()
    throw failure
  }
  bound = true
  return new UdpTransport(socket, port, outbox)
}
