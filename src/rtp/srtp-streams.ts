import { distance16 } from '../core/serial.js'

/**
 * Words of a stream's record: used, SSRC, ROC, highest sequence, replay list (4), SRTCP index, its replay list (2), packets sent. A sender, who has
 * no use for the second list, keeps in its place the SRTCP index that the keys began after.
 */
const WORDS = 12
const USED = 0
const SSRC = 1
const ROC = 2
const HIGHEST = 3
const REPLAY = 4
const RTCP_INDEX = 8
const RTCP_REPLAY = 9
const RTCP_START = 9
const SENT = 11
/** Packets behind the newest that the replay lists remember (RFC 3711 §3.3.2 asks for 64 at least). */
const WINDOW = 128
const RTCP_WINDOW = 64

/** Bits of `used`: which of the two protocols has been seen. */
const RTP_SEEN = 2
const RTCP_SEEN = 4

/** Streams (SSRCs) of one direction at most. */
export const SRTP_STREAMS = 4
/** Bytes of the state of one direction. */
export const SRTP_STATE_BYTES = 4 * WORDS * SRTP_STREAMS

/** True when bit `back` of a list of `words` words at `start` is set. */
const remembered = (state: Int32Array, start: number, back: number): boolean => (state[start + (back >> 5)]! & (1 << (back & 31))) !== 0

/** Moves a list by `steps` and sets its first bit, the newest packet's. */
const advance = (state: Int32Array, start: number, words: number, steps: number): void => {
  for (let done = 0; done < Math.min(steps, words * 32); done += 31) {
    const by = Math.min(31, Math.min(steps, words * 32) - done)
    for (let word = words - 1; word >= 0; word--) {
      const carried = word === 0 ? 0 : state[start + word - 1]! >>> (32 - by)
      state[start + word] = (state[start + word]! << by) | carried
    }
  }
  state[start]! |= 1
}

/**
 * Rollover counters, SRTCP indexes and replay lists of one direction's streams (RFC 3711 §3.2.3). All of it lies in the given
 * words: in a SharedArrayBuffer, a successor thread goes on with them and never uses a key stream twice.
 */
export class SrtpStreams {
  readonly #state: Int32Array

  /** @param state at least `SRTP_STATE_BYTES`, zeroed for new keys. */
  constructor(state: Int32Array = new Int32Array(SRTP_STATE_BYTES / 4)) {
    this.#state = state
  }

  /** New keys for what is sent: all begins anew but the SRTCP index, which no rekeying sets back (RFC 3711 §3.4), so that a key that comes back finds it used. */
  rekey(): void {
    const state = this.#state
    for (let at = 0; at < WORDS * SRTP_STREAMS; at += WORDS) {
      if (state[at] === 0) continue
      const [ssrc, index] = [state[at + SSRC]!, state[at + RTCP_INDEX]!]
      state.fill(0, at, at + WORDS)
      state[at + USED] = 1
      state[at + SSRC] = ssrc
      state[at + RTCP_INDEX] = index
      state[at + RTCP_START] = index
    }
  }

  /** Record of a stream, -1 when it has none. */
  find(ssrc: number): number {
    const state = this.#state
    for (let at = 0; at < WORDS * SRTP_STREAMS; at += WORDS) if (state[at] !== 0 && state[at + SSRC] === (ssrc | 0)) return at
    return -1
  }

  /** A record for a new stream, -1 when all are taken. */
  add(ssrc: number): number {
    const state = this.#state
    for (let at = 0; at < WORDS * SRTP_STREAMS; at += WORDS) {
      if (state[at] !== 0) continue
      state.fill(0, at, at + WORDS)
      state[at + SSRC] = ssrc
      state[at + USED] = 1
      return at
    }
    return -1
  }

  /** Rollover counter that `sequence` belongs to: the nearest to what was seen (RFC 3711 §3.3.1); -1 when that is before the stream began. */
  rollover(stream: number, sequence: number): number {
    const state = this.#state
    if (stream < 0 || (state[stream + USED]! & RTP_SEEN) === 0) return stream < 0 ? 0 : state[stream + ROC]! >>> 0
    const highest = state[stream + HIGHEST]!
    const roc = state[stream + ROC]! >>> 0
    const step = distance16(highest, sequence)
    if (step > 0 && sequence < highest) return (roc + 1) >>> 0
    if (step < 0 && sequence > highest) return roc - 1
    return roc
  }

  /** Sets the rollover counter that a new stream starts with (RFC 3711 §3.3.1: by key management). */
  startRollover(stream: number, roc: number): void {
    this.#state[stream + ROC] = roc
  }

  /** Rollover counter of the newest packet. */
  currentRollover(stream: number): number {
    return this.#state[stream + ROC]! >>> 0
  }

  /** True for a packet that was seen before or is older than the list. */
  replayed(stream: number, roc: number, sequence: number): boolean {
    const state = this.#state
    if (stream < 0 || (state[stream + USED]! & RTP_SEEN) === 0) return false
    const back = (this.currentRollover(stream) - roc) * 0x10000 + state[stream + HIGHEST]! - sequence
    if (back < 0) return false
    return back >= WINDOW || remembered(state, stream + REPLAY, back)
  }

  /** Notes an authentic packet. */
  note(stream: number, roc: number, sequence: number): void {
    const state = this.#state
    const seen = (state[stream + USED]! & RTP_SEEN) !== 0
    const ahead = seen ? (roc - this.currentRollover(stream)) * 0x10000 + sequence - state[stream + HIGHEST]! : WINDOW
    if (ahead <= 0) {
      state[stream + REPLAY + (-ahead >> 5)]! |= 1 << (-ahead & 31)
      return
    }
    advance(state, stream + REPLAY, WINDOW / 32, ahead)
    state[stream + ROC] = roc
    state[stream + HIGHEST] = sequence
    state[stream + USED]! |= RTP_SEEN
  }

  /** Counts a packet that is sent. */
  countSent(stream: number): void {
    const state = this.#state
    if (state[stream + SENT] !== -1) state[stream + SENT]!++
  }

  /** Packets sent in all streams under these keys; each counts to 2^32 - 1. */
  get sent(): number {
    return this.#sum(SENT)
  }

  /** SRTCP packets sent in all streams under these keys. */
  get rtcpSent(): number {
    return this.#sum(RTCP_INDEX) - this.#sum(RTCP_START)
  }

  #sum(word: number): number {
    let sum = 0
    for (let at = 0; at < WORDS * SRTP_STREAMS; at += WORDS) if (this.#state[at] !== 0) sum += this.#state[at + word]! >>> 0
    return sum
  }

  /** Index of the next SRTCP packet to send; -1 when all of them are used up and new keys are due. */
  nextRtcpIndex(stream: number): number {
    const next = this.#state[stream + RTCP_INDEX]! + 1
    if (next > 0x7fff_ffff) return -1
    this.#state[stream + RTCP_INDEX] = next
    return next
  }

  rtcpReplayed(stream: number, index: number): boolean {
    const state = this.#state
    if (stream < 0 || (state[stream + USED]! & RTCP_SEEN) === 0) return false
    const back = state[stream + RTCP_INDEX]! - index
    if (back < 0) return false
    return back >= RTCP_WINDOW || remembered(state, stream + RTCP_REPLAY, back)
  }

  noteRtcp(stream: number, index: number): void {
    const state = this.#state
    const seen = (state[stream + USED]! & RTCP_SEEN) !== 0
    const ahead = seen ? index - state[stream + RTCP_INDEX]! : RTCP_WINDOW
    if (ahead <= 0) {
      state[stream + RTCP_REPLAY + (-ahead >> 5)]! |= 1 << (-ahead & 31)
      return
    }
    advance(state, stream + RTCP_REPLAY, RTCP_WINDOW / 32, ahead)
    state[stream + RTCP_INDEX] = index
    state[stream + USED]! |= RTCP_SEEN
  }
}
