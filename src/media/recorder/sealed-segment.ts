import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { SealedStream, sealedHeader } from '../sealed-format.js'
import type { Segment, SoundFormat } from './segment.js'

/**
 * An encrypted file: only ever appended to, so that no keystream is used twice and each chunk that is on disk can be read, whatever
 * becomes of the process.
 */
export class SealedSegment implements Segment {
  readonly #file: number
  #open = true
  readonly #stream: SealedStream

  /** @param key 32 bytes. @throws the system's error, or `Error` for a key of another length. */
  constructor(readonly path: string, format: SoundFormat, key: Uint8Array) {
    const header = sealedHeader(format, randomBytes(32))
    this.#stream = new SealedStream(header, key)
    this.#file = openSync(path, 'w+')
    try {
      this.#write(header)
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  append(pcm: Uint8Array, length: number): void {
    if (length > 0) this.#write(this.#stream.seal(pcm.subarray(0, length)))
  }

  commit(): void {
    // Each chunk stands for itself.
  }

  finish(bytes: number): void {
    try {
      this.#write(this.#stream.end(bytes))
    } finally {
      this.abandon()
    }
  }

  abandon(): void {
    if (!this.#open) return
    // Once only: the number may be another thread's socket by now.
    this.#open = false
    closeSync(this.#file)
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done, bytes.length - done)
  }
}
