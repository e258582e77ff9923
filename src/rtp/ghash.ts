/** Bytes of a block. */
const BLOCK = 16

/** What falls out at the end when a block moves by eight places, as its first word takes it in (x^128 = x^7 + x^2 + x + 1). */
const REDUCTION = Int32Array.from({ length: 256 }, (_, byte) => {
  let [low, high] = [byte, 0]
  for (let place = 0; place < 8; place++) {
    high = (high >>> 1) ^ ((low & 1) === 0 ? 0 : 0xe100_0000)
    low >>>= 1
  }
  return high
})

/**
 * GHASH (NIST SP 800-38D §6.4): the universal hash of AES-GCM. The runtime's cipher would do it, but only in an object of its own for
 * each packet, which costs several times what the packet's hash does. One look-up a byte in the multiples of the key.
 */
export class Ghash {
  /** The key times each polynomial of eight terms, by words of 32 bits. */
  readonly #multiples = new Int32Array(4 * 256)
  /** What has been hashed, by words of 32 bits. */
  readonly #state = new Int32Array(4)

  /** @param key the block of zeros, encrypted (§7.1, step 1). */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, BLOCK)
    const power = Int32Array.from({ length: 4 }, (_, word) => view.getInt32(4 * word))
    const multiples = this.#multiples
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      multiples.set(power, 4 * bit)
      const carry = power[3]! & 1
      for (let word = 3; word > 0; word--) power[word] = (power[word]! >>> 1) | (power[word - 1]! << 31)
      power[0] = (power[0]! >>> 1) ^ (carry === 0 ? 0 : 0xe100_0000)
    }
    for (let byte = 1; byte < 256; byte++) {
      const lowest = byte & -byte
      if (lowest !== byte) for (let word = 0; word < 4; word++) multiples[4 * byte + word] = multiples[4 * lowest + word]! ^ multiples[4 * (byte ^ lowest) + word]!
    }
  }

  /** Begins a message. */
  begin(): void {
    this.#state.fill(0)
  }

  /** Takes `bytes[start..end)` in, filled up with zeros to whole blocks. */
  update(bytes: Uint8Array, start: number, end: number): void {
    const state = this.#state
    let at = start
    for (; at + BLOCK <= end; at += BLOCK) {
      for (let word = 0, from = at; word < 4; word++, from += 4)
        state[word]! ^= (bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!
      this.#multiply()
    }
    if (at === end) return
    for (let place = 0; at < end; at++, place++) state[place >> 2]! ^= bytes[at]! << (24 - 8 * (place & 3))
    this.#multiply()
  }

  /** Takes in the lengths in bytes of associated data and text, and writes the hash, encrypted by `mask[from..]`, into `tag`. */
  end(associated: number, text: number, mask: Uint8Array, from: number, tag: Uint8Array): void {
    const state = this.#state
    state[1]! ^= 8 * associated
    state[3]! ^= 8 * text
    this.#multiply()
    for (let at = 0; at < BLOCK; at++) tag[at] = (state[at >> 2]! >>> (24 - 8 * (at & 3))) ^ mask[from + at]!
  }

  /** Multiplies the state by the key, from its last byte to its first (Horner). */
  #multiply(): void {
    const state = this.#state
    const multiples = this.#multiples
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let word = 3; word >= 0; word--) {
      let bytes = state[word]!
      for (let byte = 0; byte < 4; byte++, bytes >>>= 8) {
        const fallen = REDUCTION[d & 0xff]!
        const at = (bytes & 0xff) * 4
        d = ((d >>> 8) | (c << 24)) ^ multiples[at + 3]!
        c = ((c >>> 8) | (b << 24)) ^ multiples[at + 2]!
        b = ((b >>> 8) | (a << 24)) ^ multiples[at + 1]!
        a = (a >>> 8) ^ fallen ^ multiples[at]!
      }
    }
    state[0] = a
    state[1] = b
    state[2] = c
    state[3] = d
  }
}
