import { Counter, FIXED_SHARE, type WorkerShare } from '../shared/worker-share.js'
import { ThreadTime } from './thread-time.js'
import type { Ticker } from './ticker.js'

/** Time (ms) over which what is published is smoothed: a collection or a hold-up of the machine is no trend. */
const SMOOTHING_MS = 800
/** The same of what an end takes: where a machine is slow for some hundred milliseconds, all that comes meanwhile must be carried then. */
const COST_SMOOTHING_MS = 300
/**
 * Time (ms) for which it is remembered what an end has taken at most while the worker had much to do: a machine is now faster, now slower, and
 * what has been let in while it was fast is still there when it is slow.
 */
const MEMORY_MS = 30_000
/** The same while it had little to do: then each end takes more, its share of the wake-ups, and that says little of what many will take. */
const CALM_MEMORY_MS = 1_500
/** More than this share of its time is much. */
const MUCH = 0.5
/** Fewer ends than this say nothing of what more would take: the first pay for the compiler. */
const TELLING_ENDS = 8
/** A young worker waits for the compiler, and on a machine where much starts at once for all others: that says nothing of what it can carry. */
const YOUNG_MS = 3_000

/**
 * What the time of a worker goes to. What its legs and streams take is told apart from what will pass: setting up legs, and waiting for a
 * processor that another thread has. The main thread tells from it how many more the worker can carry.
 */
export class LoadMeter {
  readonly #startedAt: number
  #at: number
  #idle: number
  #processor: number
  #slept = 0
  #commanded = 0
  #packets = 0
  #relayed = 0
  #ends = 0
  /** Share of the time that the ends took, and how many there were. */
  #cost = 0
  #costEnds = 0
  /** What each has taken at most lately, ... */
  #most = 0
  /** ... and while there was much to do. */
  #mostAtWork = 0

  constructor(readonly share: WorkerShare, readonly ticker: Pick<Ticker, 'lateness'>, readonly time: Readonly<ThreadTime> = new ThreadTime()) {
    this.#startedAt = this.#at = time.now
    // Of the worker whose place this one takes, if there was one.
    this.#most = share.get(Counter.end)
    this.#idle = time.idle
    this.#processor = time.processor ?? 0
  }

  /** The thread has slept for so many ms, the poll apart. */
  slept(ms: number): void {
    this.#slept += ms
  }

  /** It has carried out commands for so many ms. */
  commanded(ms: number): void {
    this.#commanded += ms
  }

  /** So many packets have come, `relayed` of them to be passed on as they are. */
  read(packets: number, relayed: number): void {
    this.#packets += packets
    this.#relayed += relayed
  }

  /** Publishes it, for the time since the last call. */
  publish(): void {
    const { share, ticker, time } = this
    const { now, idle } = time
    const elapsed = now - this.#at
    const busy = elapsed - this.#slept - (idle - this.#idle)
    const processor = time.processor ?? this.#processor + busy
    const ends = share.get(Counter.legs) + share.get(Counter.streams)
    const smoothed = (before: number, value: number, over: number): number => before + (value - before) * (1 - Math.exp(-elapsed / over))
    const smooth = (counter: number, value: number): void => share.set(counter, smoothed(share.get(counter), value, SMOOTHING_MS))
    if (now - this.#startedAt > YOUNG_MS) smooth(Counter.busy, within(busy / elapsed))
    const audio = within((processor - this.#processor - this.#commanded) / elapsed)
    smooth(Counter.audio, audio)
    if (this.#packets > 0) smooth(Counter.relayed, this.#relayed / this.#packets)
    this.#cost = smoothed(this.#cost, audio, COST_SMOOTHING_MS)
    this.#costEnds = smoothed(this.#costEnds, (ends + this.#ends) / 2, COST_SMOOTHING_MS)
    const each = Math.max(0, this.#cost - FIXED_SHARE) / Math.max(TELLING_ENDS, this.#costEnds)
    const most = (before: number, memory: number): number => each > before ? each : smoothed(before, each, memory)
    this.#most = most(this.#most, CALM_MEMORY_MS)
    if (this.#mostAtWork > each || share.get(Counter.audio) > MUCH) this.#mostAtWork = most(this.#mostAtWork, MEMORY_MS)
    share.set(Counter.end, Math.max(this.#most, this.#mostAtWork))
    share.set(Counter.latenessP99, ticker.lateness(0.01))
    share.set(Counter.latenessMedian, ticker.lateness(0.5))
    this.#at = now
    this.#idle = idle
    this.#processor = processor
    this.#slept = this.#commanded = this.#packets = this.#relayed = 0
    this.#ends = ends
  }
}

const within = (share: number): number => Math.min(1, Math.max(0, share))
