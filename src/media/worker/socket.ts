import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { ipLookup } from '../../core/ip-lookup.js'
import type { Outbox } from './outbox.js'

/** How a leg's packets come and go: UDP here, ICE and DTLS behind the same interface. */
export interface PacketTransport {
  readonly port: number
  send(packet: Buffer, port: number, address: string): void
  close(): void
}

/** Told of each datagram; `packet` is the receiver's to keep or to overwrite. */
export type PacketHandler = (packet: Buffer, address: string, port: number) => void

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
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', lookup: ipLookup })
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
