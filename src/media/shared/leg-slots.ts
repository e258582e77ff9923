import type { Random } from '../../core/random.js'
import { SRTP_STATE_BYTES } from '../../rtp/srtp-streams.js'

/** What `store` writes, then what `storePlaying` does. */
const TIMELINE_WORDS = 8
const PLAYING = 5
const SRTP_WORDS = SRTP_STATE_BYTES / 4
/** Codec and count, and 1,920 bytes of payload: 240 ms of G.722; whole codes of any width go into it. */
export const SOUND_WORDS = 2 + 480
/** Places in a slot. The begin of what is sent lies beside the timeline: with each packet both are written. */
const SENT = TIMELINE_WORDS
const HEARD = SENT + SOUND_WORDS
const SENDING = HEARD + SOUND_WORDS
const RECEIVING = SENDING + SRTP_WORDS
const COUNTS = RECEIVING + SRTP_WORDS
const COUNT_WORDS = 7
/** A line of the cache. */
const LINE_WORDS = 16
const WORDS = Math.ceil((COUNTS + COUNT_WORDS) / LINE_WORDS) * LINE_WORDS

/** Where a leg's send timeline stands. */
export interface Timeline {
  readonly ssrc: number
  readonly sequence: number
  readonly timestamp: number
  /** Engine time in ms that `timestamp` stands for; NaN before the first packet. */
  readonly sentAt: number
}

/** How far a list of tracks has come: the place of one, and what of it is done, in 1/8 ms; of a live track, in samples of the block at hand. */
export interface PlayPosition {
  readonly track: number
  readonly done: number
}

/** What a leg has received and sent, as in `LegStatistics`. */
export interface LegCounts {
  readonly received: { readonly packets: number; readonly bytes: number; readonly lost: number; readonly late: number; readonly duplicates: number }
  readonly sent: { readonly packets: number; readonly bytes: number }
}

export const BEGIN: PlayPosition = { track: 0, done: 0 }

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

  /** Where the worker before this one was; a new timeline where there was none. */
  timeline(slot: number, random: Random, now: number): Timeline {
    const base = slot * WORDS
    const word = (index: number): number => this.#words[base + index]!
    // RFC 3550 §5.1: all begin at random; the sequence low, so that SRTP's first wrap is far off (RFC 3711 §3.3.1).
    if (word(0) === 0) return { ssrc: random.uint32(), sequence: random.uint32() & 0x7fff, timestamp: random.uint32(), sentAt: NaN }
    // The age of the last packet, so that the timeline goes on where the clock is now.
    return { ssrc: word(1) >>> 0, sequence: word(2), timestamp: word(3) >>> 0, sentAt: now - (((now * 8) | 0) - word(4) | 0) / 8 }
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

  /** Where the worker before this one was with that playback; at its begin, where there was none. */
  playing(slot: number, playback: number): PlayPosition {
    const at = slot * WORDS + PLAYING
    return this.#words[at] === playback ? { track: this.#words[at + 1]!, done: this.#words[at + 2]! >>> 0 } : BEGIN
  }

  storePlaying(slot: number, playback: number, track: number, done: number): void {
    const at = slot * WORDS + PLAYING
    this.#words[at] = playback
    this.#words[at + 1] = track
    this.#words[at + 2] = done
  }

  /** What the worker before this one had counted, unless that was told to the main thread. */
  counts(slot: number): LegCounts {
    const [packets, bytes, lost, late, duplicates, sentPackets, sentBytes] = Uint32Array.from(this.#part(slot, COUNTS, COUNT_WORDS)) as unknown as [number, number, number, number, number, number, number]
    return { received: { packets, bytes, lost: lost | 0, late, duplicates }, sent: { packets: sentPackets, bytes: sentBytes } }
  }

  storeCounts(slot: number, { received, sent }: LegCounts): void {
    const at = slot * WORDS + COUNTS
    this.#words[at] = received.packets
    this.#words[at + 1] = received.bytes
    this.#words[at + 2] = received.lost
    this.#words[at + 3] = received.late
    this.#words[at + 4] = received.duplicates
    this.#words[at + 5] = sent.packets
    this.#words[at + 6] = sent.bytes
  }

  forgetCounts(slot: number): void {
    this.#part(slot, COUNTS, COUNT_WORDS).fill(0)
  }

  /** SRTP state of what the leg sends: roll-over counters, SRTCP index. */
  sendState(slot: number): Int32Array {
    return this.#part(slot, SENDING, SRTP_WORDS)
  }

  /** SRTP state of what it receives, replay lists included. */
  receiveState(slot: number): Int32Array {
    return this.#part(slot, RECEIVING, SRTP_WORDS)
  }

  /** What the leg has received last, as a `PayloadMemory`. */
  heard(slot: number): Int32Array {
    return this.#part(slot, HEARD, SOUND_WORDS)
  }

  /** What it has sent last. */
  sent(slot: number): Int32Array {
    return this.#part(slot, SENT, SOUND_WORDS)
  }

  #part(slot: number, place: number, words: number): Int32Array {
    return this.#words.subarray(slot * WORDS + place, slot * WORDS + place + words)
  }
}
