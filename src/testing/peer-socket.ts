import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A transport address. */
export interface PeerAddress {
  readonly address: string
  readonly port: number
}

/** What a scripted peer speaks over. */
export type PeerTransport = 'udp' | 'tcp'

/** Bytes in and out of a scripted peer, one SIP message at a time. */
export interface PeerSocket {
  readonly transport: PeerTransport
  readonly port: number
  send(bytes: Uint8Array, to: PeerAddress): void
  close(): Promise<void>
}

type Receive = (message: Buffer, from: PeerAddress) => void

/** Binds `address` on a port that the system chooses. */
export const openPeerSocket = (transport: PeerTransport, address: string, receive: Receive): Promise<PeerSocket> =>
  transport === 'udp' ? openUdp(address, receive) : openTcp(address, receive)

const openUdp = async (address: string, receive: Receive): Promise<PeerSocket> => {
  const socket: DatagramSocket = createSocket('udp4')
  socket.on('message', receive)
  socket.bind(0, address)
  await once(socket, 'listening')
  return {
    transport: 'udp',
    port: socket.address().port,
    send: (bytes, to) => socket.send(bytes, to.port, to.address),
    close: () => new Promise(resolve => { socket.close(resolve) }),
  }
}

const openTcp = async (address: string, receive: Receive): Promise<PeerSocket> => {
  const connections = new Map<string, Socket>()
  const take = (socket: Socket, remote: PeerAddress): Socket => {
    const name = nameOf(remote)
    connections.set(name, socket)
    const frame = framer(message => receive(message, remote))
    socket.on('data', frame)
    // A connection reset by the other side is an end like any other; the script notices by what does not come.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => { if (connections.get(name) === socket) connections.delete(name) })
    return socket
  }
  const server: Server = createServer(socket => take(socket, { address: socket.remoteAddress ?? address, port: socket.remotePort ?? 0 }))
  server.listen(0, address)
  await once(server, 'listening')
  return {
    transport: 'tcp',
    port: (server.address() as PeerAddress).port,
    send: (bytes, to) => {
      const socket = connections.get(nameOf(to)) ?? take(connect(to.port, to.address), to)
      socket.write(bytes)
    },
    close: async () => {
      for (const socket of connections.values()) socket.destroy()
      await new Promise<void>(resolve => { server.close(() => resolve()) })
    },
  }
}

const nameOf = (remote: PeerAddress): string => `${remote.address}:${remote.port}`

/** Cuts a byte stream into messages by Content-Length (RFC 3261 §18.3); line ends between messages are keep-alives. */
const framer = (message: (bytes: Buffer) => void): ((chunk: Buffer) => void) => {
  let pending: Buffer = Buffer.alloc(0)
  return chunk => {
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      let start = 0
      while (pending[start] === 0x0d || pending[start] === 0x0a) start++
      pending = pending.subarray(start)
      const head = pending.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = /^(?:content-length|l)[ \t]*:[ \t]*(\d+)/im.exec(pending.toString('latin1', 0, head + 2))
      const end = head + 4 + Number(length?.[1] ?? 0)
      if (pending.length < end) return
      message(pending.subarray(0, end))
      pending = pending.subarray(end)
    }
  }
}
