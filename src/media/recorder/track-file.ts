import { WAV_HEADER_BYTES } from '../wav.js'
import { SealedSegment } from './sealed-segment.js'
import { type Segment, type SoundFormat, WavSegment } from './segment.js'

/** Audio that is still open to late frames, in seconds of buffer. */
const WINDOW_SECONDS = 2
const BYTES = 2
/** A RIFF file counts its bytes in 32 bits. */
const LARGEST_FILE = 0xffff_0000

/** How a file is kept. */
export interface TrackFileOptions extends SoundFormat {
  /** Beyond so many bytes the recording goes on in FILE-2.wav, FILE-3.wav and so on. @default 4 GiB less 64 KiB, which is the most */
  readonly maxBytes?: number | undefined
  /** 32 bytes: the file is encrypted. */
  readonly key?: Uint8Array | undefined
  /** Another recording has that file: the next number is taken. */
  readonly isTaken?: (path: string) => boolean
}

/** `talk.wav` is followed by `talk-2.wav`. */
const numbered = (path: string, number: number): string => {
  const extension = /\.[^./\\]*$/.exec(path)?.[0] ?? ''
  return number === 1 ? path : `${path.slice(0, path.length - extension.length)}-${number}${extension}`
}

/**
 * A recording that grows from its front: frames are put anywhere into a window of two seconds, and what has left the window is on
 * disk. What nobody put anything on is silence.
 */
export class TrackFile {
  readonly channels: number
  readonly rate: number
  readonly #window: Int16Array
  readonly #bytes: Uint8Array
  readonly #segmentFrames: number
  readonly #paths: string[] = []
  #segment: Segment
  /** Of the file being written. */
  #number = 0
  /** Frame (sample of all channels) at which the window begins: all before it is on disk. */
  #base = 0
  /** Frame at which the file being written begins. */
  #segmentBase = 0

  /** @throws the system's error, or `Error` for a bad key. */
  constructor(readonly path: string, readonly options: TrackFileOptions) {
    this.channels = options.channels
    this.rate = options.rate
    this.#window = new Int16Array(WINDOW_SECONDS * this.rate * this.channels)
    this.#bytes = new Uint8Array(this.#window.buffer)
    const most = Math.min(options.maxBytes ?? LARGEST_FILE, LARGEST_FILE)
    this.#segmentFrames = Math.max(1, Math.floor((most - WAV_HEADER_BYTES) / (this.channels * BYTES)))
    this.#segment = this.#next()
  }

  /** Frames on disk. */
  get written(): number {
    return this.#base
  }

  /** The files so far, in order. */
  get paths(): readonly string[] {
    return this.#paths
  }

  get #capacity(): number {
    return this.#window.length / this.channels
  }

  #next(): Segment {
    const { key, isTaken = () => false } = this.options
    let path = numbered(this.path, ++this.#number)
    while (this.#number > 1 && isTaken(path)) path = numbered(this.path, ++this.#number)
    const segment = key === undefined ? new WavSegment(path, this.options) : new SealedSegment(path, this.options, key)
    this.#paths.push(path)
    return segment
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

  /** Writes all before frame `until` to disk. */
  flush(until: number): void {
    while (this.#base < until) {
      const room = this.#segmentBase + this.#segmentFrames - this.#base
      if (room === 0) {
        this.#rotate()
        continue
      }
      const frames = Math.min(until - this.#base, this.#capacity, room)
      const samples = frames * this.channels
      this.#segment.append(this.#bytes, samples * BYTES)
      this.#window.copyWithin(0, samples)
      this.#window.fill(0, this.#window.length - samples)
      this.#base += frames
    }
    this.#segment.commit()
  }

  #rotate(): void {
    this.#segment.finish(this.#segmentFrames * this.channels * BYTES)
    this.#segment = this.#next()
    this.#segmentBase = this.#base
  }

  /** Makes the recording exactly `frames` long and closes it. */
  close(frames: number): void {
    try {
      this.flush(frames)
    } catch (error) {
      this.abandon()
      throw error
    }
    // A flush may have been ahead of the end.
    this.#segment.finish(Math.max(0, Math.min(frames, this.#base) - this.#segmentBase) * this.channels * BYTES)
  }

  /** Closes it after an error, with what is on disk. */
  abandon(): void {
    for (const work of [() => this.#segment.commit(), () => this.#segment.abandon()]) {
      try {
        work()
      } catch {
        // The error that led here has been told already.
      }
    }
  }
}
