import type { Codec } from '../../codec/codec.js'
import { codecNumber } from '../../codec/installed.js'
import { SOUND_WORDS } from '../shared/leg-slots.js'

/** The last payload of one stream: so much of it that a decoder which has heard it is where one that has heard the whole stream is. */
export class PayloadMemory {
  readonly bytes: Uint8Array
  /** There was payload of the codec in the words already. */
  readonly kept: boolean

  /** @param words in which it lies; another worker may have written into them. */
  constructor(readonly codec: Codec, readonly words: Int32Array = new Int32Array(SOUND_WORDS)) {
    this.bytes = new Uint8Array(words.buffer, words.byteOffset + 8, words.byteLength - 8)
    // 0 is nobody's, -1 the number of a codec that is not installed.
    const mark = codecNumber(codec) + 2
    this.kept = words[0] === mark
    if (this.kept) return
    words.fill(0)
    words[0] = mark
  }

  /** Bytes noted so far; beyond the memory's length only their place in it counts. */
  get noted(): number {
    return this.words[1]!
  }

  note(payload: Uint8Array, start: number, end: number): void {
    const { bytes, noted } = this
    const { length } = bytes
    let to = noted % length
    for (let at = start; at < end; at++) {
      bytes[to++] = payload[at]!
      if (to === length) to = 0
    }
    const count = noted + end - start
    this.words[1] = count < 2 * length ? count : length + (count % length)
  }

  forget(): void {
    this.words[1] = 0
  }

  /** Calls `take` with what is remembered, oldest first, in one piece or two; @param newest without so many of the newest bytes. */
  each(take: (bytes: Uint8Array, offset: number, length: number) => void, newest = 0): void {
    const { bytes, noted } = this
    const next = noted % bytes.length
    const early = noted < bytes.length ? 0 : bytes.length - next - Math.max(0, newest - next)
    if (early > 0) take(bytes, next, early)
    if (next > newest) take(bytes, 0, next - newest)
  }

  /** A copy of what is remembered, oldest first. */
  get payload(): Uint8Array {
    const copy = new Uint8Array(Math.min(this.noted, this.bytes.length))
    let to = 0
    this.each((bytes, offset, length) => {
      copy.set(bytes.subarray(offset, offset + length), to)
      to += length
    })
    return copy
  }
}
