import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Outbox } from './outbox.js'

/** How a leg's packets come and go: UDP here, ICE and DTLS behind the same interface. */
export interface PacketTransport {
  readonly port: number
  send(packet: Buffer, port: number, address: string): void
  close(): void
}

/** Told of each datagram; `packet` is the receiver's to keep or to overwrite. */
export type PacketHandler = (packet: Buffer, address: string, port: number) => void

/**
 * Addresses here are IP addresses already. Without a lookup of its own, `dgram` would send each packet through `dns.lookup` and a
 * later turn of the loop: a third more work a packet, measured.
 */
const lookup = (address: string, family: unknown, callback?: unknown): void => {
  const answer = (typeof family === 'function' ? family : callback) as (error: null, address: string, family: number) => void
  answer(null, address, address.includes(':') ? 6 : 4)
}

class UdpTransport implements PacketTransport {
  constructor(readonly socket: Socket, readonly port: number, readonly outbox: Outbox) {}

  send(packet: Buffer, port: number, address: string): void {
    this.outbox.push(this.socket, packet, port, address)
  }

  close(): void {
    // A closed socket would throw on what is still to go.
    this.outbox.flush()
    this.socket.close()
  }
}

/**
 * Binds a UDP socket; the port is bound when this returns.
 * @throws the system's error when the port or address cannot be had.
 */
export const bindUdp = (address: string, port: number, outbox: Outbox, receive: PacketHandler, fault: () => void): PacketTransport => {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', lookup })
  let failure: Error | undefined
  let bound = false
  socket.on('error', error => {
    // Once bound: an ICMP error of some packet sent. The leg lives on.
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
