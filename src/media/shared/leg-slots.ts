import { SRTP_STATE_BYTES } from '../../rtp/srtp-streams.js'

const TIMELINE_WORDS = 8
const SRTP_WORDS = SRTP_STATE_BYTES / 4
const WORDS = TIMELINE_WORDS + 2 * SRTP_WORDS

/**
 * Where each leg's send timeline stands, in shared memory: a worker that takes a leg over (its own died, or the leg moved) goes
 * on with the same source, sequence, timestamp and SRTP indices, so that no keystream is ever used twice (RFC 3711 §9.1).
 */
export class LegSlots {
  readonly #words: Int32Array

  static allocate(legs: number): SharedArrayBuffer {
    return new SharedArrayBuffer(legs * WORDS * 4)
  }

  constructor(readonly buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
  }

  /** Legs that it has room for. */
  get capacity(): number {
    return this.#words.length / WORDS
  }

  clear(slot: number): void {
    this.#words.fill(0, slot * WORDS, (slot + 1) * WORDS)
  }

  /** False until the leg has sent anything. */
  used(slot: number): boolean {
    return this.#words[slot * WORDS]! !== 0
  }

  /** @param at engine time in 1/8 ms. */
  store(slot: number, ssrc: number, sequence: number, timestamp: number, at: number): void {
    const base = slot * WORDS
    this.#words[base] = 1
    this.#words[base + 1] = ssrc
    this.#words[base + 2] = sequence
    this.#words[base + 3] = timestamp
    this.#words[base + 4] = at
  }

  ssrc(slot: number): number {
    return this.#words[slot * WORDS + 1]! >>> 0
  }

  sequence(slot: number): number {
    return this.#words[slot * WORDS + 2]!
  }

  timestamp(slot: number): number {
    return this.#words[slot * WORDS + 3]! >>> 0
  }

  at(slot: number): number {
    return this.#words[slot * WORDS + 4]!
  }

  /** SRTP state of what the leg sends: roll-over counters, SRTCP index. */
  sendState(slot: number): Int32Array {
    return this.#words.subarray(slot * WORDS + TIMELINE_WORDS, slot * WORDS + TIMELINE_WORDS + SRTP_WORDS)
  }

  /** SRTP state of what it receives, replay lists included. */
  receiveState(slot: number): Int32Array {
    return this.#words.subarray(slot * WORDS + TIMELINE_WORDS + SRTP_WORDS, (slot + 1) * WORDS)
  }
}
