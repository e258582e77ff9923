import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { formatHostPort } from '../message/uri.js'
import type { TransportEvents, TransportLimits } from './transport.js'

/**
 * The TCP listener before a TLS server: a handshake costs some milliseconds of CPU, so no more than `limits.handshakes` are under way at
 * a time. Those that fail, or take longer than the TLS server allows, are counted.
 */
export const gatedListener = (secure: TlsServer, events: TransportEvents, limits: TransportLimits): Server => {
  const pending = new Set<string>()
  secure.on('secureConnection', (socket: TLSSocket) => pending.delete(keyOf(socket)))
  secure.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    events.dropped(error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'slow-handshake' : 'tls-handshake')
    // Node leaves it open.
    socket.destroy()
  })
  return createServer(socket => {
    if (pending.size >= limits.handshakes) {
      events.dropped('too-many-handshakes')
      return void socket.destroy()
    }
    const key = keyOf(socket)
    pending.add(key)
    socket.once('close', () => pending.delete(key))
    secure.emit('connection', socket)
  })
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => formatHostPort(remoteAddress ?? '', remotePort ?? 0)
