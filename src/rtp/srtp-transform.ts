import { type Cipher, createCipheriv } from 'node:crypto'
import { Ghash } from './ghash.js'
import { HmacSha1 } from './hmac-sha1.js'
import type { SrtpSuite } from './srtp-suite.js'

/** A master key's session keys for one of RTP and RTCP (RFC 3711 §4.3.1). */
export interface SessionKeys {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  /** 20 bytes; not used by GCM. */
  readonly authentication: Uint8Array
}

/** Bytes of a block of AES. */
const BLOCK = 16

/** Packets whose key streams are made in one call, while they come in order: the call costs ten times what its AES does. */
const AHEAD = 8

/** Where a packet's numbers stand in its first counter block. */
interface CounterLayout {
  /** First byte of the SSRC; the packet index follows. */
  readonly ssrc: number
  /** Number of the first block. */
  readonly first: number
}

/** RFC 3711 §4.1.1. */
const AES_CM: CounterLayout = { ssrc: 4, first: 0 }
/** RFC 7714 §8.1, §9.1. */
const AES_GCM: CounterLayout = { ssrc: 2, first: 1 }

/** AES in counter mode (RFC 3711 §4.1.1, RFC 6188 §2): one cipher for the session's life, fed with counter blocks. */
export class CounterCipher {
  readonly #cipher: Cipher
  /** First counter block of a packet, and the same bytes by fours. */
  readonly #first = new Uint8Array(BLOCK)
  readonly #firstWords = new Int32Array(this.#first.buffer)
  readonly #salt = new Uint8Array(BLOCK)
  readonly #layout: CounterLayout
  #counters = Buffer.alloc(0)
  #counterWords = new Int32Array(0)
  /** Key streams of `#held` packets of `#blocks` blocks each, from `#low` of `#high` on. */
  #stream: Uint8Array = this.#counters
  #ssrc = 0
  #high = 0
  #low = 0
  #blocks = 0
  #held = 0

  constructor(key: Uint8Array, salt: Uint8Array, layout = AES_CM) {
    // Blocks of ECB over the counters are the key stream: no cipher object a packet.
    this.#cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false)
    this.#layout = layout
    this.#salt.set(salt.subarray(0, 14))
    this.#first.set(this.#salt)
  }

  /** What was last prepared, and more. */
  get stream(): Uint8Array {
    return this.#stream
  }

  /** XORs the key stream of packet index `high * 65536 + low` over `packet[start..end)`. */
  apply(packet: Uint8Array, start: number, end: number, ssrc: number, high: number, low: number): void {
    const blocks = Math.ceil((end - start) / BLOCK)
    if (blocks === 0) return
    const from = this.prepare(blocks, ssrc, high, low)
    xor(packet, start, end, this.#stream, from)
  }

  /** Makes `blocks` blocks of the key stream of packet index `high * 65536 + low`. @returns where they begin in `stream`. */
  prepare(blocks: number, ssrc: number, high: number, low: number): number {
    const same = ssrc === this.#ssrc && high === this.#high && blocks === this.#blocks
    if (!same || low < this.#low || low >= this.#low + this.#held) {
      const inOrder = same && low === this.#low + this.#held
      this.#generate(blocks, ssrc, high, low, inOrder ? Math.min(AHEAD, 0x1_0000 - low) : 1)
    }
    return (low - this.#low) * blocks * BLOCK
  }

  /** Makes the key streams of `count` packets from index `high * 65536 + low` on. */
  #generate(blocks: number, ssrc: number, high: number, low: number, count: number): void {
    const length = count * blocks * BLOCK
    if (length > this.#counters.length) {
      this.#counters = Buffer.alloc(length)
      this.#counterWords = new Int32Array(this.#counters.buffer, this.#counters.byteOffset, length / 4)
    }
    for (let n = 0; n < count; n++) this.#count(n * blocks, blocks, ssrc, high, low + n)
    const counters = this.#counters
    this.#stream = this.#cipher.update(length === counters.length ? counters : counters.subarray(0, length))
    this.#ssrc = ssrc
    this.#high = high
    this.#low = low
    this.#blocks = blocks
    this.#held = count
  }

  /** Writes the counter blocks of a packet from block `to` on. */
  #count(to: number, blocks: number, ssrc: number, high: number, low: number): void {
    this.#begin(ssrc, high, low)
    const { first: number } = this.#layout
    const counters = this.#counters
    const words = this.#counterWords
    const first = this.#firstWords
    for (let n = 0; n < blocks; n++) {
      const word = (to + n) * 4
      words[word] = first[0]!
      words[word + 1] = first[1]!
      words[word + 2] = first[2]!
      words[word + 3] = first[3]!
      counters[word * 4 + 14] = (n + number) >>> 8
      counters[word * 4 + 15] = n + number
    }
  }

  /** Salt, with SSRC and packet index XORed over it. */
  #begin(ssrc: number, high: number, low: number): void {
    const block = this.#first
    const salt = this.#salt
    const at = this.#layout.ssrc
    block[at] = salt[at]! ^ (ssrc >>> 24)
    block[at + 1] = salt[at + 1]! ^ (ssrc >>> 16)
    block[at + 2] = salt[at + 2]! ^ (ssrc >>> 8)
    block[at + 3] = salt[at + 3]! ^ ssrc
    block[at + 4] = salt[at + 4]! ^ (high >>> 24)
    block[at + 5] = salt[at + 5]! ^ (high >>> 16)
    block[at + 6] = salt[at + 6]! ^ (high >>> 8)
    block[at + 7] = salt[at + 7]! ^ high
    block[at + 8] = salt[at + 8]! ^ (low >>> 8)
    block[at + 9] = salt[at + 9]! ^ low
  }
}

/** XORs `stream` from `from` on over `packet[start..end)`. */
const xor = (packet: Uint8Array, start: number, end: number, stream: Uint8Array, from: number): void => {
  for (let at = start; at < end; at++, from++) packet[at]! ^= stream[from]!
}

/** Bytes of SRTCP's index and flag (RFC 3711 §3.4). */
export const SRTCP_WORD_BYTES = 4
/** RTCP's first header and SSRC stay readable. */
const RTCP_CLEAR = 8
/** The flag of an encrypted SRTCP packet, in its index word. */
const ENCRYPTED = 0x8000_0000

/** Encrypts and authenticates packets in place, under the session keys of one direction. Checks no index: that is the caller's part. */
export interface SrtpTransform {
  readonly tagBytes: number
  readonly rtcpTagBytes: number
  /** True where a key's identifier stands before the tag (RFC 3711 §3.1, §3.4), false where it comes last (RFC 7714 §8.2, §9.2). */
  readonly tagLast: boolean
  /** Encrypts `packet[start..end)` and appends the tag. @returns the new end. */
  sealRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number
  /** Checks the tag before `end` and decrypts from `start`. @returns the new end; -1, with the packet as it was, when the tag is wrong. */
  openRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number
  /** Encrypts a compound packet and appends tag and index. @returns the new end. */
  sealRtcp(packet: Uint8Array, end: number, ssrc: number, index: number): number
  /** Where the index word of a packet that ends at `end` lies. */
  rtcpWordAt(end: number): number
  /** Checks and decrypts a compound packet whose index word is `word`. @returns the new end; -1 when the tag is wrong. */
  openRtcp(packet: Uint8Array, end: number, ssrc: number, word: number): number
}

const writeWord = (packet: Uint8Array, offset: number, word: number): void => {
  packet[offset] = word >>> 24
  packet[offset + 1] = word >>> 16
  packet[offset + 2] = word >>> 8
  packet[offset + 3] = word
}

/** Compares in a time that does not tell where they differ. */
const sameTag = (packet: Uint8Array, offset: number, tag: Uint8Array, length: number): boolean => {
  let difference = 0
  for (let at = 0; at < length; at++) difference |= packet[offset + at]! ^ tag[at]!
  return difference === 0
}

/** AES in counter mode with HMAC-SHA1 (RFC 3711 §4). */
class CounterTransform implements SrtpTransform {
  readonly #rtp: CounterCipher
  readonly #rtcp: CounterCipher
  readonly #rtpHash: HmacSha1
  readonly #rtcpHash: HmacSha1
  readonly tagBytes: number
  readonly rtcpTagBytes: number
  readonly tagLast = true

  constructor(suite: SrtpSuite, rtp: SessionKeys, rtcp: SessionKeys) {
    this.#rtp = new CounterCipher(rtp.key, rtp.salt)
    this.#rtcp = new CounterCipher(rtcp.key, rtcp.salt)
    this.#rtpHash = new HmacSha1(rtp.authentication)
    this.#rtcpHash = new HmacSha1(rtcp.authentication)
    this.tagBytes = suite.tagBytes
    this.rtcpTagBytes = suite.rtcpTagBytes
  }

  sealRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number {
    this.#rtp.apply(packet, start, end, ssrc, roc, sequence)
    const tag = this.#rtpHash.digest(packet, end, roc)
    for (let at = 0; at < this.tagBytes; at++) packet[end + at] = tag[at]!
    return end + this.tagBytes
  }

  openRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number {
    const inner = end - this.tagBytes
    if (!sameTag(packet, inner, this.#rtpHash.digest(packet, inner, roc), this.tagBytes)) return -1
    this.#rtp.apply(packet, start, inner, ssrc, roc, sequence)
    return inner
  }

  sealRtcp(packet: Uint8Array, end: number, ssrc: number, index: number): number {
    this.#rtcp.apply(packet, RTCP_CLEAR, end, ssrc, index >>> 16, index & 0xffff)
    writeWord(packet, end, ENCRYPTED | index)
    const inner = end + SRTCP_WORD_BYTES
    const tag = this.#rtcpHash.digest(packet, inner, undefined)
    for (let at = 0; at < this.rtcpTagBytes; at++) packet[inner + at] = tag[at]!
    return inner + this.rtcpTagBytes
  }

  rtcpWordAt(end: number): number {
    return end - this.rtcpTagBytes - SRTCP_WORD_BYTES
  }

  openRtcp(packet: Uint8Array, end: number, ssrc: number, word: number): number {
    const inner = end - this.rtcpTagBytes
    if (!sameTag(packet, inner, this.#rtcpHash.digest(packet, inner, undefined), this.rtcpTagBytes)) return -1
    const plain = inner - SRTCP_WORD_BYTES
    const index = word & 0x7fff_ffff
    if (word >>> 31 === 1) this.#rtcp.apply(packet, RTCP_CLEAR, plain, ssrc, index >>> 16, index & 0xffff)
    return plain
  }
}

/** AES in Galois/counter mode (RFC 7714): the tag's mask is the first block of a packet's key stream. */
class GcmTransform implements SrtpTransform {
  readonly tagBytes = 16
  readonly rtcpTagBytes = 16
  readonly tagLast = false
  readonly #rtp: GcmCipher
  readonly #rtcp: GcmCipher
  readonly #associated = Buffer.alloc(RTCP_CLEAR + SRTCP_WORD_BYTES)

  constructor(rtp: SessionKeys, rtcp: SessionKeys) {
    this.#rtp = new GcmCipher(rtp)
    this.#rtcp = new GcmCipher(rtcp)
  }

  sealRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number {
    return this.#rtp.seal(packet, start, end, packet, start, this.#rtp.begin(end - start, ssrc, roc, sequence))
  }

  openRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number {
    return this.#rtp.open(packet, start, end, packet, start, this.#rtp.begin(end - start - this.tagBytes, ssrc, roc, sequence))
  }

  sealRtcp(packet: Uint8Array, end: number, ssrc: number, index: number): number {
    const word = (ENCRYPTED | index) >>> 0
    const associated = this.#rtcpAssociated(packet, word)
    const stream = this.#rtcp.begin(end - RTCP_CLEAR, ssrc, index >>> 16, index & 0xffff)
    const sealed = this.#rtcp.seal(packet, RTCP_CLEAR, end, associated, associated.length, stream)
    writeWord(packet, sealed, word)
    return sealed + SRTCP_WORD_BYTES
  }

  rtcpWordAt(end: number): number {
    return end - SRTCP_WORD_BYTES
  }

  openRtcp(packet: Uint8Array, end: number, ssrc: number, word: number): number {
    const index = word & 0x7fff_ffff
    const inner = end - SRTCP_WORD_BYTES
    const text = inner - this.rtcpTagBytes
    if (word >>> 31 === 1) {
      const associated = this.#rtcpAssociated(packet, word)
      return this.#rtcp.open(packet, RTCP_CLEAR, inner, associated, associated.length, this.#rtcp.begin(text - RTCP_CLEAR, ssrc, index >>> 16, index & 0xffff))
    }
    // Unencrypted: all of it is associated data (RFC 7714 §9.3).
    const associated = Buffer.concat([packet.subarray(0, text), packet.subarray(inner, end)])
    return this.#rtcp.open(packet, text, inner, associated, associated.length, this.#rtcp.begin(0, ssrc, index >>> 16, index & 0xffff))
  }

  #rtcpAssociated(packet: Uint8Array, word: number): Buffer {
    this.#associated.set(packet.subarray(0, RTCP_CLEAR))
    this.#associated.writeUInt32BE(word, RTCP_CLEAR)
    return this.#associated
  }
}

/** AES-GCM of one of RTP and RTCP, with IVs of 12 bytes and tags of 16. */
class GcmCipher {
  readonly #counter: CounterCipher
  readonly #hash: Ghash
  readonly #tag = new Uint8Array(BLOCK)

  constructor({ key, salt }: SessionKeys) {
    this.#counter = new CounterCipher(key, salt, AES_GCM)
    this.#hash = new Ghash(createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false).update(Buffer.alloc(BLOCK)))
  }

  /** Makes the key stream of a packet with `bytes` of text. @returns where it begins. */
  begin(bytes: number, ssrc: number, high: number, low: number): number {
    return this.#counter.prepare(1 + Math.ceil(bytes / BLOCK), ssrc, high, low)
  }

  /** Encrypts `packet[start..end)` and appends the tag of it and of `associated[0..length)`. @returns the new end. */
  seal(packet: Uint8Array, start: number, end: number, associated: Uint8Array, length: number, stream: number): number {
    xor(packet, start, end, this.#counter.stream, stream + BLOCK)
    const tag = this.#authenticate(packet, start, end, associated, length, stream)
    for (let at = 0; at < BLOCK; at++) packet[end + at] = tag[at]!
    return end + BLOCK
  }

  /** Checks the tag before `end` and decrypts what lies before it. @returns the new end; -1, with the packet as it was, when it is wrong. */
  open(packet: Uint8Array, start: number, end: number, associated: Uint8Array, length: number, stream: number): number {
    const inner = end - BLOCK
    if (!sameTag(packet, inner, this.#authenticate(packet, start, inner, associated, length, stream), BLOCK)) return -1
    xor(packet, start, inner, this.#counter.stream, stream + BLOCK)
    return inner
  }

  #authenticate(packet: Uint8Array, start: number, end: number, associated: Uint8Array, length: number, stream: number): Uint8Array {
    const hash = this.#hash
    hash.begin()
    hash.update(associated, 0, length)
    hash.update(packet, start, end)
    hash.end(length, end - start, this.#counter.stream, stream, this.#tag)
    return this.#tag
  }
}

/** The transform of `suite` under session keys for RTP and RTCP. */
export const createTransform = (suite: SrtpSuite, rtp: SessionKeys, rtcp: SessionKeys): SrtpTransform =>
  suite.mode === 'gcm' ? new GcmTransform(rtp, rtcp) : new CounterTransform(suite, rtp, rtcp)
