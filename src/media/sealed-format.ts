import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'

/**
 * Layout of an encrypted recording:
 *
 * ```
 *  0  'CBR1'
 *  4  channels, 16 bits        all numbers big-endian
 *  6  rate in Hz, 32 bits
 * 10  salt, 32 bytes
 * 42  chunks: length of the text (32 bits, the top bit marks the last chunk), ciphertext, tag of 16 bytes
 * ```
 *
 * Each file has a key of its own: HKDF-SHA256 (RFC 5869) of the owner's key and the salt. Chunks are AES-256-GCM in the STREAM
 * construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is the chunk's number and whether it is the last, so none can be
 * moved, left out or cut off unseen. The last chunk's text is the number of bytes of sound, in 64 bits.
 */
const MAGIC = 'CBR1'
const SALT_AT = 10
/** Bytes before the first chunk. */
export const SEALED_HEADER_BYTES = 42
/** Bytes of a chunk beside its text. */
export const CHUNK_OVERHEAD = 20
const TAG_BYTES = 16
/** Of the owner's key. */
export const SEALED_KEY_BYTES = 32
const LAST = 0x8000_0000
const ALGORITHM = 'aes-256-gcm'

/** Begin of a file; `salt` has 32 random bytes. */
export const sealedHeader = (format: { readonly channels: number; readonly rate: number }, salt: Uint8Array): Buffer => {
  const header = Buffer.alloc(SEALED_HEADER_BYTES)
  header.write(MAGIC, 0, 'latin1')
  header.writeUInt16BE(format.channels, 4)
  header.writeUInt32BE(format.rate, 6)
  header.set(salt, SALT_AT)
  return header
}

/** What a header says; undefined when it is none. */
export const readSealedHeader = (header: Buffer): { readonly channels: number; readonly rate: number } | undefined => {
  if (header.length < SEALED_HEADER_BYTES || header.toString('latin1', 0, 4) !== MAGIC) return undefined
  return { channels: header.readUInt16BE(4), rate: header.readUInt32BE(6) }
}

/** What the four bytes before a chunk say. */
export const readChunkLength = (bytes: Buffer): { readonly length: number; readonly last: boolean } => {
  const word = bytes.readUInt32BE(0)
  return { length: word % LAST, last: word >= LAST }
}

const nonceOf = (chunk: number, last: boolean): Buffer => {
  const nonce = Buffer.alloc(12)
  nonce[0] = last ? 1 : 0
  nonce.writeUInt32BE(chunk, 8)
  return nonce
}

/** Seals or opens the chunks of one file, in order. */
export class SealedStream {
  readonly #key: Buffer
  readonly #header: Buffer
  #chunk = 0

  /** @throws Error when `key` is not of 32 bytes. */
  constructor(header: Buffer, key: Uint8Array) {
    if (key.length !== SEALED_KEY_BYTES) throw new Error(`the key has ${key.length} bytes, not ${SEALED_KEY_BYTES}`)
    this.#header = header
    this.#key = Buffer.from(hkdfSync('sha256', key, header.subarray(SALT_AT, SEALED_HEADER_BYTES), 'cordboard recording', SEALED_KEY_BYTES))
  }

  /** The next chunk, ready for the file. */
  seal(text: Uint8Array): Buffer {
    return this.#seal(text, false)
  }

  /** The last chunk. */
  end(bytes: number): Buffer {
    const text = Buffer.alloc(8)
    text.writeBigUInt64BE(BigInt(bytes))
    return this.#seal(text, true)
  }

  #seal(text: Uint8Array, last: boolean): Buffer {
    const cipher = createCipheriv(ALGORITHM, this.#key, nonceOf(this.#chunk++, last))
    cipher.setAAD(this.#header)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length + (last ? LAST : 0))
    return Buffer.concat([length, cipher.update(text), cipher.final(), cipher.getAuthTag()])
  }

  /** Text of chunk number `chunk`; `sealed` is ciphertext and tag. @throws Error when it is not what was sealed. */
  open(chunk: number, sealed: Buffer, last: boolean): Buffer {
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonceOf(chunk, last))
    decipher.setAAD(this.#header)
    decipher.setAuthTag(sealed.subarray(end))
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
  }
}
