/** Bytes that one slab holds, unless something larger is asked for. */
const SLAB_BYTES = 65_536

/**
 * Buffers that live equally long, cut from slabs of their own: in Node's common pool a few that stay would keep the memory of all that were cut
 * beside them and are done with.
 */
export class Slab {
  #slab = Buffer.alloc(0)
  #at = 0

  /** A buffer of `length` bytes of unspecified content. */
  readonly take = (length: number): Buffer => {
    if (this.#at + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length))
      this.#at = 0
    }
    const bytes = this.#slab.subarray(this.#at, this.#at + length)
    this.#at += length
    return bytes
  }
}
