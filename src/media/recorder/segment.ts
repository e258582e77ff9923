import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { WAV_HEADER_BYTES, wavHeader } from '../wav.js'

/** What the sound in a file is like. */
export interface SoundFormat {
  readonly channels: number
  /** Hz. */
  readonly rate: number
}

/** One file of a recording, written from its front. All methods throw the system's errors. */
export interface Segment {
  readonly path: string
  /** Adds the first `length` bytes of `pcm`. */
  append(pcm: Uint8Array, length: number): void
  /** Makes what was appended survive the end of the process. */
  commit(): void
  /** Ends the file after `bytes` of sound, no more than were appended, and closes it. */
  finish(bytes: number): void
  /** Closes it as it is. */
  abandon(): void
}

/** A WAV file whose header is made good as it grows. */
export class WavSegment implements Segment {
  readonly #file: number
  #open = true
  #bytes = 0

  /** @throws the system's error. */
  constructor(readonly path: string, readonly format: SoundFormat) {
    this.#file = openSync(path, 'w+')
    try {
      this.#writeHeader(0)
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  append(pcm: Uint8Array, length: number): void {
    this.#write(pcm, length, WAV_HEADER_BYTES + this.#bytes)
    this.#bytes += length
  }

  commit(): void {
    this.#writeHeader(this.#bytes)
  }

  finish(bytes: number): void {
    try {
      this.#writeHeader(bytes)
      ftruncateSync(this.#file, WAV_HEADER_BYTES + bytes)
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

  #writeHeader(bytes: number): void {
    this.#write(wavHeader(this.format.channels, this.format.rate, bytes), WAV_HEADER_BYTES, 0)
  }

  #write(bytes: Uint8Array, length: number, position: number): void {
    for (let done = 0; done < length;) done += writeSync(this.#file, bytes, done, length - done, position + done)
  }
}
