import { type Cipher, createCipheriv, createDecipheriv } from 'node:crypto'
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

/** AES in counter mode (RFC 3711 §4.1.1, RFC 6188 §2): one cipher for the session's life, fed with counter blocks. */
export class CounterCipher {
  readonly #cipher: Cipher
  /** First counter block of a packet, and the same bytes by fours. */
  readonly #first = new Uint8Array(BLOCK)
  readonly #firstWords = new Int32Array(this.#first.buffer)
  readonly #salt: Uint8Array
  #counters = Buffer.alloc(0)
  #counterWords = new Int32Array(0)
  /** Key streams of `#held` packets of `#blocks` blocks each, from `#low` of `#high` on. */
  #stream: Uint8Array = this.#counters
  #ssrc = 0
  #high = 0
  #low = 0
  #blocks = 0
  #held = 0

  constructor(key: Uint8Array, salt: Uint8Array) {
    // Blocks of ECB over the counters are the key stream: no cipher object a packet.
    this.#cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false)
    this.#salt = salt
    this.#first.set(salt.subarray(0, 14))
  }

  /** XORs the key stream of packet index `high * 65536 + low` over `packet[start..end)`. */
  apply(packet: Uint8Array, start: number, end: number, ssrc: number, high: number, low: number): void {
    const blocks = Math.ceil((end - start) / BLOCK)
    if (blocks === 0) return
    const same = ssrc === this.#ssrc && high === this.#high && blocks === this.#blocks
    if (!same || low < this.#low || low >= this.#low + this.#held) {
      const inOrder = same && low === this.#low + this.#held
      this.#generate(blocks, ssrc, high, low, inOrder ? Math.min(AHEAD, 0x1_0000 - low) : 1)
    }
    const stream = this.#stream
    for (let at = start, from = (low - this.#low) * blocks * BLOCK; at < end; at++, from++) packet[at]! ^= stream[from]!
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
    const counters = this.#counters
    const words = this.#counterWords
    const first = this.#firstWords
    for (let n = 0; n < blocks; n++) {
      const word = (to + n) * 4
      words[word] = first[0]!
      words[word + 1] = first[1]!
      words[word + 2] = first[2]!
      words[word + 3] = first[3]!
      counters[word * 4 + 14] = n >>> 8
      counters[word * 4 + 15] = n
    }
  }

  /** IV: salt, SSRC from byte 4, packet index from byte 8. */
  #begin(ssrc: number, high: number, low: number): void {
    const block = this.#first
    const salt = this.#salt
    block[4] = salt[4]! ^ (ssrc >>> 24)
    block[5] = salt[5]! ^ (ssrc >>> 16)
    block[6] = salt[6]! ^ (ssrc >>> 8)
    block[7] = salt[7]! ^ ssrc
    block[8] = salt[8]! ^ (high >>> 24)
    block[9] = salt[9]! ^ (high >>> 16)
    block[10] = salt[10]! ^ (high >>> 8)
    block[11] = salt[11]! ^ high
    block[12] = salt[12]! ^ (low >>> 8)
    block[13] = salt[13]! ^ low
  }
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

/** AES in Galois/counter mode (RFC 7714): a cipher object a packet, which the runtime's interface asks for. */
class GcmTransform implements SrtpTransform {
  readonly tagBytes = 16
  readonly rtcpTagBytes = 16
  readonly tagLast = false
  readonly #algorithm: 'aes-128-gcm' | 'aes-256-gcm'
  readonly #iv = Buffer.alloc(12)
  readonly #associated = Buffer.alloc(RTCP_CLEAR + SRTCP_WORD_BYTES)

  constructor(suite: SrtpSuite, readonly rtp: SessionKeys, readonly rtcp: SessionKeys) {
    this.#algorithm = suite.keyBytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
  }

  sealRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number {
    this.#begin(this.rtp.salt, ssrc, roc, sequence)
    return this.#seal(packet, start, end, this.rtp.key, packet.subarray(0, start))
  }

  openRtp(packet: Uint8Array, start: number, end: number, ssrc: number, roc: number, sequence: number): number {
    this.#begin(this.rtp.salt, ssrc, roc, sequence)
    return this.#open(packet, start, end, this.rtp.key, packet.subarray(0, start))
  }

  sealRtcp(packet: Uint8Array, end: number, ssrc: number, index: number): number {
    const word = (ENCRYPTED | index) >>> 0
    this.#begin(this.rtcp.salt, ssrc, index >>> 16, index & 0xffff)
    const sealed = this.#seal(packet, RTCP_CLEAR, end, this.rtcp.key, this.#rtcpAssociated(packet, word))
    writeWord(packet, sealed, word)
    return sealed + SRTCP_WORD_BYTES
  }

  rtcpWordAt(end: number): number {
    return end - SRTCP_WORD_BYTES
  }

  openRtcp(packet: Uint8Array, end: number, ssrc: number, word: number): number {
    const index = word & 0x7fff_ffff
    const inner = end - SRTCP_WORD_BYTES
    this.#begin(this.rtcp.salt, ssrc, index >>> 16, index & 0xffff)
    if (word >>> 31 === 1) return this.#open(packet, RTCP_CLEAR, inner, this.rtcp.key, this.#rtcpAssociated(packet, word))
    // Unencrypted: all of it is associated data (RFC 7714 §9.3).
    const associated = Buffer.concat([packet.subarray(0, inner - this.rtcpTagBytes), packet.subarray(inner, end)])
    return this.#open(packet, inner - this.rtcpTagBytes, inner, this.rtcp.key, associated)
  }

  /** IV: 16 zero bits, SSRC, 48-bit index, all XORed with the salt (RFC 7714 §8.1; for SRTCP §9.1 with its 31-bit index). */
  #begin(salt: Uint8Array, ssrc: number, high: number, low: number): void {
    const iv = this.#iv
    iv.writeUInt16BE(0, 0)
    iv.writeUInt32BE(ssrc, 2)
    iv.writeUInt32BE(high, 6)
    iv.writeUInt16BE(low, 10)
    for (let at = 0; at < 12; at++) iv[at]! ^= salt[at]!
  }

  #rtcpAssociated(packet: Uint8Array, word: number): Buffer {
    this.#associated.set(packet.subarray(0, RTCP_CLEAR))
    this.#associated.writeUInt32BE(word, RTCP_CLEAR)
    return this.#associated
  }

  #seal(packet: Uint8Array, start: number, end: number, key: Uint8Array, associated: Uint8Array): number {
    const cipher = createCipheriv(this.#algorithm, key, this.#iv, { authTagLength: this.tagBytes })
    cipher.setAAD(associated)
    packet.set(cipher.update(packet.subarray(start, end)), start)
    cipher.final()
    packet.set(cipher.getAuthTag(), end)
    return end + this.tagBytes
  }

  #open(packet: Uint8Array, start: number, end: number, key: Uint8Array, associated: Uint8Array): number {
    const inner = end - this.tagBytes
    const cipher = createDecipheriv(this.#algorithm, key, this.#iv, { authTagLength: this.tagBytes })
    cipher.setAAD(associated)
    cipher.setAuthTag(packet.subarray(inner, end))
    const plain = cipher.update(packet.subarray(start, inner))
    try {
      cipher.final()
    } catch {
      return -1
    }
    packet.set(plain, start)
    return inner
  }
}

/** The transform of `suite` under session keys for RTP and RTCP. */
export const createTransform = (suite: SrtpSuite, rtp: SessionKeys, rtcp: SessionKeys): SrtpTransform =>
  suite.mode === 'gcm' ? new GcmTransform(suite, rtp, rtcp) : new CounterTransform(suite, rtp, rtcp)
