import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { formatHostPort } from '../message/uri.js'
import { SourceCounts } from './source-counts.js'
import type { TransportEvents, TransportLimits } from './transport.js'

/**
 * The TCP listener before a TLS server: a handshake costs some milliseconds of CPU, so no more than `limits.handshakes` are under way at
 * a time, and fewer with one source. Those that fail, or take longer than the TLS server allows, are counted.
 */
export const gatedListener = (secure: TlsServer, events: TransportEvents, limits: TransportLimits): Server => {
  const pending = new Set<string>()
  const sources = new SourceCounts(limits.handshakesPerSource)
  const done = (key: string, address: string): void => {
    if (pending.delete(key)) sources.release(address)
  }
  secure.on('secureConnection', (socket: TLSSocket) => done(keyOf(socket), socket.remoteAddress ?? ''))
  secure.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    events.dropped(error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'slow-handshake' : 'tls-handshake')
    // Node leaves it open.
    socket.destroy()
  })
  return createServer(socket => {
    const address = socket.remoteAddress ?? ''
    if (pending.size >= limits.handshakes || !sources.take(address)) {
      events.dropped('too-many-handshakes')
      return void socket.destroy()
    }
    const key = keyOf(socket)
    pending.add(key)
    socket.once('close', () => done(key, address))
    secure.emit('connection', socket)
  })
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => formatHostPort(remoteAddress ?? '', remotePort ?? 0)
