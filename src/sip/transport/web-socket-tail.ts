/** Bits of a frame's first two bytes (RFC 6455 §5.2). */
const FINAL = 0x80
const CONTROL = 0x08
const MASKED = 0x80
const MASK_BYTES = 4

/** Follows the frames of a WebSocket (RFC 6455 §5.2): how much of what has come belongs to a message, or frame, that is not yet whole. */
export class WebSocketTail {
  /** Messages that have ended. */
  messages = 0
  /** Bytes of the frames that the begun message has so far. */
  #message = 0
  /** Of the frame at hand: its bytes so far, those of its header, those of all of it, and its first byte. */
  #frame = 0
  #header = 2
  #whole = 2
  #first = 0
  #length = 0
  /** Where its length ends. */
  #extended = 2

  /** Bytes that wait for others. */
  get held(): number {
    return this.#message + this.#frame
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#frame < this.#header) this.#readHeader(chunk[at++]!)
      else {
        const bytes = Math.min(this.#whole - this.#frame, chunk.length - at)
        this.#frame += bytes
        at += bytes
      }
      if (this.#frame === this.#whole) this.#end()
    }
  }

  #readHeader(byte: number): void {
    const place = this.#frame++
    if (place === 0) this.#first = byte
    else if (place === 1) {
      const length = byte & ~MASKED
      const extended = length === 126 ? 2 : length === 127 ? 8 : 0
      this.#length = extended === 0 ? length : 0
      this.#header = 2 + extended + (byte & MASKED ? MASK_BYTES : 0)
      this.#extended = 2 + extended
    } else if (place < this.#extended) this.#length = this.#length * 256 + byte
    this.#whole = this.#header + this.#length
  }

  #end(): void {
    const bytes = this.#frame
    this.#frame = 0
    this.#header = this.#whole = this.#extended = 2
    this.#length = 0
    if ((this.#first & CONTROL) !== 0) return
    this.#message += bytes
    if ((this.#first & FINAL) === 0) return
    this.#message = 0
    this.messages++
  }
}
