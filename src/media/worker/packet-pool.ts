/** Longest packet that we make: an Ethernet frame's worth. */
const PACKET_BYTES = 1500
/**
 * Buffers in turn. `dgram` nearly always hands a packet to the kernel within `send`; only a full socket buffer makes it keep the
 * packet, and then so many others may be sent before it is overwritten.
 */
const PACKETS = 256

/** Packets to write into and send, used again in turn. */
export class PacketPool {
  readonly #views = new Map<number, Buffer[]>()
  readonly #slab = Buffer.allocUnsafeSlow(PACKET_BYTES * PACKETS)
  #next = 0

  /** A buffer of exactly `length` bytes (at most 1,500), content undefined. */
  take(length: number): Buffer {
    let views = this.#views.get(length)
    if (views === undefined) {
      views = Array.from({ length: PACKETS }, (_, at) => this.#slab.subarray(at * PACKET_BYTES, at * PACKET_BYTES + Math.min(length, PACKET_BYTES)))
      this.#views.set(length, views)
    }
    this.#next = (this.#next + 1) % PACKETS
    return views[this.#next]!
  }
}
