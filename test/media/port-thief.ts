import { createSocket, type Socket } from 'node:dgram'
import { ipLookup } from '../../src/core/ip-lookup.js'

const bind = (port: number): Socket | undefined => {
  const socket = createSocket({ type: 'udp4', lookup: ipLookup })
  let failed = false
  socket.on('error', () => { failed = true })
  socket.bind({ port, address: '127.0.0.1', exclusive: true })
  if (!failed) return socket
  socket.close()
  return undefined
}

/** Another program that takes a port as soon as nobody holds it: the moment between two workers' sockets, for one. */
export class PortThief {
  #socket: Socket | undefined
  #over = false

  constructor(readonly port: number) {
    this.#lurk()
  }

  /** It has the port. */
  get succeeded(): boolean {
    return this.#socket !== undefined
  }

  readonly #lurk = (): void => {
    if (this.#over) return
    this.#socket = bind(this.port)
    // Each turn of the loop: what asks another worker to open the port takes one, too.
    if (this.#socket === undefined) setImmediate(this.#lurk)
  }

  close(): void {
    this.#over = true
    this.#socket?.close()
  }
}
