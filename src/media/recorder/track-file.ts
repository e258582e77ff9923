import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { WAV_HEADER_BYTES, wavHeader } from '../wav.js'

/** Audio that is still open to late frames, in seconds of buffer. */
const WINDOW_SECONDS = 2
const BYTES = 2

/**
 * A WAV file that grows from its front: frames are put anywhere into a window of two seconds, and what has left the window is on disk
 * with a header that says so. What nobody put anything on is silence.
 */
export class TrackFile {
  readonly #file: number
  readonly #window: Int16Array
  readonly #bytes: Uint8Array
  /** Frame (sample of all channels) at which the window begins: all before it is on disk. */
  #base = 0

  /** @throws the system's error. */
  constructor(readonly path: string, readonly channels: number, readonly rate: number) {
    this.#window = new Int16Array(WINDOW_SECONDS * rate * channels)
    this.#bytes = new Uint8Array(this.#window.buffer)
    this.#file = openSync(path, 'w+')
    this.#write(wavHeader(channels, rate, 0), WAV_HEADER_BYTES, 0)
  }

  /** Frames on disk. */
  get written(): number {
    return this.#base
  }

  get #capacity(): number {
    return this.#window.length / this.channels
  }

  /** Adds `length` samples to a channel, the first at frame `position`. What lies before the window is too late and is lost. */
  add(channel: number, position: number, pcm: Int16Array, length: number): void {
    const end = position + length
    if (end > this.#base + this.#capacity) this.flush(end - (this.#capacity >> 1))
    const window = this.#window
    const first = Math.max(0, this.#base - position)
    for (let from = first, to = (position + first - this.#base) * this.channels + channel; from < length; from++, to += this.channels) {
      const value = window[to]! + pcm[from]!
      window[to] = value > 32767 ? 32767 : value < -32768 ? -32768 : value
    }
  }

  /** Writes all before frame `until` to disk, and a header that covers it. */
  flush(until: number): void {
    while (this.#base < until) {
      const frames = Math.min(until - this.#base, this.#capacity)
      const samples = frames * this.channels
      this.#write(this.#bytes, samples * BYTES, WAV_HEADER_BYTES + this.#base * this.channels * BYTES)
      this.#window.copyWithin(0, samples)
      this.#window.fill(0, this.#window.length - samples)
      this.#base += frames
    }
    this.#write(wavHeader(this.channels, this.rate, this.#base * this.channels * BYTES), WAV_HEADER_BYTES, 0)
  }

  /** Makes the file exactly `frames` long and closes it. */
  close(frames: number): void {
    try {
      this.flush(frames)
      // A flush may have been ahead of the end.
      const bytes = Math.min(frames, this.#base) * this.channels * BYTES
      this.#write(wavHeader(this.channels, this.rate, bytes), WAV_HEADER_BYTES, 0)
      ftruncateSync(this.#file, WAV_HEADER_BYTES + bytes)
    } finally {
      closeSync(this.#file)
    }
  }

  /** Closes it as it is, after an error. */
  abandon(): void {
    try {
      closeSync(this.#file)
    } catch {
      // The error that led here has been told already.
    }
  }

  #write(bytes: Uint8Array, length: number, position: number): void {
    for (let done = 0; done < length;) done += writeSync(this.#file, bytes, done, length - done, position + done)
  }
}
