import type { TickLateness } from '../leg.js'

/** Why a datagram was refused. */
export const DROP_REASONS = [
  'not-rtp', 'malformed', 'stranger', 'payload-type', 'direction', 'not-applied', 'authentication', 'replay', 'switched', 'socket', 'rtcp-malformed', 'rtcp-stranger',
  'no-peer', 'feedback',
] as const

export type DropReason = (typeof DROP_REASONS)[number]

const CONTROL_WORDS = 16
/** Counters before the drops: see `Counter`. */
const COUNTERS = 19
/** Columns of the lateness histogram in half milliseconds; the last holds all that is later. */
export const LATENESS_COLUMNS = 128

/** What a worker with a few legs takes of its time, however few they are: it wakes up. */
export const FIXED_SHARE = 0.05

/** Places of a worker's numbers in its share. */
export const Counter = {
  legs: 0, received: 1, sent: 2, framesDropped: 3, busy: 4, latenessP99: 5, burst: 6, turns: 7, ticks: 8, skippedTicks: 9, latenessMedian: 10,
  /** In ms, of all ticks together. */
  latenessSum: 11,
  /** Ticks of other workers' parts of rooms that came too late. */
  roomFramesMissed: 12,
  /** Members told by themselves for whom a tick had no room: silent in other workers. */
  roomVoicesLeftOut: 13,
  /** Nice value of the thread. */
  nice: 14,
  /** Ends of side streams. */
  streams: 15,
  /** Share of its time that its legs and streams take, and what each takes at most beyond `FIXED_SHARE`. */
  audio: 16, end: 17,
  /** Share of its packets that are passed on as they are. */
  relayed: 18,
} as const

/**
 * What a media worker and the main thread share: a control word that the main thread bumps to wake the worker out of
 * `Atomics.wait`, and numbers that the worker alone writes and anybody reads without asking. They outlive the worker.
 */
export class WorkerShare {
  readonly #control: Int32Array
  readonly #numbers: Float64Array
  /** Ticks by lateness in half milliseconds, since the start. */
  readonly lateness: Float64Array

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(CONTROL_WORDS * 4 + (COUNTERS + DROP_REASONS.length + LATENESS_COLUMNS) * 8)
  }

  constructor(readonly buffer: SharedArrayBuffer) {
    this.#control = new Int32Array(buffer, 0, CONTROL_WORDS)
    this.#numbers = new Float64Array(buffer, CONTROL_WORDS * 4, COUNTERS + DROP_REASONS.length)
    this.lateness = new Float64Array(buffer, CONTROL_WORDS * 4 + (COUNTERS + DROP_REASONS.length) * 8, LATENESS_COLUMNS)
  }

  /** Commands posted so far: what `sleep` compares. */
  get commands(): number {
    return Atomics.load(this.#control, 0)
  }

  /** Main thread, after posting: ends the worker's sleep. */
  wake(): void {
    Atomics.add(this.#control, 0, 1)
    Atomics.notify(this.#control, 0)
  }

  /** Worker: blocks for `ms`, shorter when a command comes; not at all when one came since `commands` was `seen`. */
  sleep(seen: number, ms: number): void {
    Atomics.wait(this.#control, 0, seen, ms)
  }

  get(counter: number): number {
    return this.#numbers[counter]!
  }

  set(counter: number, value: number): void {
    this.#numbers[counter] = value
  }

  add(counter: number, by: number): void {
    this.#numbers[counter]! += by
  }

  /** A copy of the histogram as the main thread gives it out. */
  get tickLateness(): TickLateness {
    return { counts: Array.from(this.lateness), sum: this.get(Counter.latenessSum) }
  }

  /** Counts one refused datagram; `reason` is its index in `DROP_REASONS`. */
  drop(reason: number): void {
    this.#numbers[COUNTERS + reason]!++
  }

  dropped(reason: number): number {
    return this.#numbers[COUNTERS + reason]!
  }
}
