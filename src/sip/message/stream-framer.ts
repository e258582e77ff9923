import { LIMITS } from './limits.js'

/** Why a stream can no longer be cut into messages: answer what can be answered, then close it. */
export type FramingError =
  /** No end of headers, or too large a body, within 64 KiB. */
  | 'too-large'
  /** Content-Length malformed, negative, contradictory or absent: nobody knows where the next message begins. */
  | 'bad-content-length'

export type Frame =
  /** Exactly one message, for `parseMessage`. */
  | { readonly type: 'message'; readonly bytes: Buffer }
  /** Line breaks between messages: `pong` for a double CRLF, which a server answers with one CRLF (RFC 5626 §4.4.1). */
  | { readonly type: 'keep-alive'; readonly pong: boolean }
  /** The last frame. `bytes` is what there is of the message: `parseMessage` makes of it what can be answered. */
  | { readonly type: 'error'; readonly error: FramingError; readonly bytes: Buffer }

/** A buffer up to this size is kept for the next message. */
const KEPT_BYTES = 4_096

const CR = 0x0d
const LF = 0x0a
const END_OF_HEAD = Buffer.from('\r\n\r\n')
const CONTENT_LENGTH = /\r\n(?:content-length|l)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)/gi

/**
 * Cuts a byte stream into messages (RFC 3261 §18.3), however it arrives: several messages in a chunk, or one byte at a time.
 * Memory is bounded by one message and one chunk.
 */
export class StreamFramer {
  #pending = Buffer.alloc(0)
  #length = 0
  /** Where the search for the end of the headers goes on. */
  #searched = 0
  /** Length of the message at the front, once its headers are whole: a body that comes a byte at a time costs no more. */
  #size: number | undefined
  #failed = false

  /** Bytes held back for a message that is not whole. */
  get held(): number {
    return this.#length
  }

  /** Takes the next chunk; gives the frames that are whole now. Nothing after an error. */
  push(chunk: Buffer): readonly Frame[] {
    if (this.#failed) return []
    if (this.#length === 0) {
      const frames: Frame[] = []
      const used = this.#cut(chunk, frames, false)
      if (used < chunk.length && !this.#failed) this.#keep(chunk.subarray(used))
      return frames
    }
    this.#keep(chunk)
    const frames: Frame[] = []
    const used = this.#cut(this.#pending.subarray(0, this.#length), frames, true)
    // What drips in is moved once it is used, not with each drop.
    if (used > 0) this.#pending.copyWithin(0, used, this.#length)
    this.#length -= used
    // Most connections are between messages: what a large one needed is let go.
    if (this.#length === 0 && this.#pending.length > KEPT_BYTES) this.#pending = Buffer.alloc(0)
    return frames
  }

  /** Appends; the buffer doubles, so that a peer that drips bytes costs no more than one that does not. */
  #keep(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#pending.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#pending.length * 2, 1024))
      this.#pending.copy(grown, 0, 0, this.#length)
      this.#pending = grown
    }
    chunk.copy(this.#pending, this.#length)
    this.#length = length
  }

  /** Frames at the front of `bytes`, copied out where the buffer will be used again; returns the bytes used. */
  #cut(bytes: Buffer, frames: Frame[], copy: boolean): number {
    let at = 0
    for (;;) {
      at = skipBreaks(bytes, at, frames)
      if (at === bytes.length) {
        this.#searched = 0
        return at
      }
      const size = this.#size ?? this.#frameSize(bytes, at)
      if (typeof size === 'string') {
        this.#failed = true
        frames.push({ type: 'error', error: size, bytes: Buffer.from(bytes.subarray(at, at + LIMITS.message)) })
        return bytes.length
      }
      this.#size = size
      if (size === undefined || at + size > bytes.length) return at
      const frame = bytes.subarray(at, at + size)
      frames.push({ type: 'message', bytes: copy ? Buffer.from(frame) : frame })
      at += size
      this.#size = undefined
      this.#searched = 0
    }
  }

  /** Length of the message that begins at `at`; undefined while its headers are not whole. */
  #frameSize(bytes: Buffer, at: number): number | undefined | FramingError {
    const end = bytes.indexOf(END_OF_HEAD, at + this.#searched)
    if (end < 0) {
      this.#searched = Math.max(0, bytes.length - at - 3)
      return bytes.length - at > LIMITS.message ? 'too-large' : undefined
    }
    this.#searched = end - at
    const body = contentLength(bytes.toString('latin1', at, end))
    if (body === undefined) return 'bad-content-length'
    const size = end + 4 - at + body
    return size > LIMITS.message ? 'too-large' : size
  }
}

/** Position behind the line breaks at `at`, which are reported as keep-alives. A CR at the very end waits for its LF. */
const skipBreaks = (bytes: Buffer, from: number, frames: Frame[]): number => {
  let at = from
  let breaks = 0
  while (bytes[at] === CR && bytes[at + 1] === LF) {
    at += 2
    breaks++
  }
  if (breaks > 0) frames.push({ type: 'keep-alive', pong: breaks >= 2 })
  return at
}

const contentLength = (head: string): number | undefined => {
  CONTENT_LENGTH.lastIndex = 0
  const value = CONTENT_LENGTH.exec(head)?.[1]?.trim()
  if (value === undefined || !/^\d{1,10}$/.test(value)) return undefined
  return CONTENT_LENGTH.test(head) ? undefined : Number(value)
}
