import type { Socket } from 'node:dgram'

/** Packets kept at most before they go: well under the number of buffers in the packet pool. */
const CAPACITY = 128
/** In place of a port: the socket is connected, and knows where its packets go. */
export const CONNECTED = 0

/**
 * Packets to be sent, kept until the burst being worked on is done. Sending them one after the other costs less than each between two
 * pieces of other work: code and data of the send path stay in the caches, and the receiver need not be woken for each.
 */
export class Outbox {
  readonly #sockets: (Socket | undefined)[] = new Array<Socket | undefined>(CAPACITY).fill(undefined)
  readonly #packets: (Buffer | undefined)[] = new Array<Buffer | undefined>(CAPACITY).fill(undefined)
  readonly #ports = new Uint16Array(CAPACITY)
  readonly #addresses: string[] = new Array<string>(CAPACITY).fill('')
  #size = 0

  push(socket: Socket, packet: Buffer, port: number, address: string): void {
    const at = this.#size++
    this.#sockets[at] = socket
    this.#packets[at] = packet
    this.#ports[at] = port
    this.#addresses[at] = address
    if (this.#size === CAPACITY) this.flush()
  }

  /** Sends all; afterwards the packets may be overwritten. */
  flush(): void {
    const size = this.#size
    for (let at = 0; at < size; at++) {
      const port = this.#ports[at]!
      if (port === CONNECTED) this.#sockets[at]!.send(this.#packets[at]!)
      else this.#sockets[at]!.send(this.#packets[at]!, port, this.#addresses[at]!)
      this.#sockets[at] = undefined
      this.#packets[at] = undefined
    }
    this.#size = 0
  }
}
