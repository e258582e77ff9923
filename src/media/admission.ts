import { CordboardError } from '../core/errors.js'
import { type Deferred, deferred } from '../core/scope.js'
import type { Leg } from './leg.js'
import { Counter, type WorkerShare } from './shared/worker-share.js'

/**
 * A worker whose legs take more of its time than this, or would with another one, takes no more: the rest goes to setting up calls, to
 * collections, and to moments in which the machine is slower.
 */
const FULL_SHARE = 0.88
/** Nor does one that has so much to do now, with what is set up, ... */
const BUSY_SHARE = 0.95
/** ... or is this late with half of its ticks (ms). One that lacks time is late with all of them; a single hold-up of the machine is no reason to refuse. */
const LATE_MS = 10
/** A worker less busy than this is late for other reasons than its legs. */
const AT_WORK = 0.5
/** How long (ms) a leg waits for a worker to have time: so long setting up many calls at once may keep workers busy that can carry them. */
const PATIENCE_MS = 3_000
/** How often (ms) those who wait look again. */
const LOOK_MS = 50
/** Legs that wait at most; they cost memory and time. */
const MAX_WAITING = 200

const OVERLOADED = 503

/** What is thrown where no worker has time; the status is RFC 3261 §21.5.4, the seconds of `Retry-After` are the caller's. */
export const overloaded = (): CordboardError => new CordboardError('MEDIA_OVERLOADED', 'the media workers carry all that they can', { status: OVERLOADED })

/**
 * Whether a worker can carry one more leg or stream beside those that it has and `opening` that are on their way into it. What a leg takes is
 * known from those that it has; so the answer does not trail behind calls that come fast.
 */
export const takesMore = (share: WorkerShare, opening: number): boolean => {
  const ends = share.get(Counter.legs) + share.get(Counter.streams)
  // What keeps a worker that carries nothing busy is its own start.
  if (ends === 0) return true
  const audio = share.get(Counter.audio)
  if (Math.max(audio, share.get(Counter.end) * (ends + opening + 1)) > FULL_SHARE) return false
  const busy = Math.max(audio, share.get(Counter.busy))
  return busy <= BUSY_SHARE && (busy <= AT_WORK || share.get(Counter.latenessMedian) <= LATE_MS)
}

interface Waiting {
  readonly near: Leg | undefined
  readonly until: number
  readonly worker: Deferred<number>
}

/** New legs in the order of their coming: those for which no worker has time now wait a little. */
export class Admission {
  readonly #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param reserve counts a leg in for a worker, and returns that; undefined while none has time. */
  constructor(readonly reserve: (near: Leg | undefined) => number | undefined) {}

  /** Nobody else may even wait. */
  get full(): boolean {
    return this.#waiting.length >= MAX_WAITING
  }

  /** @returns the worker in which the leg is counted. @throws CordboardError `MEDIA_OVERLOADED`. */
  async enter(near: Leg | undefined): Promise<number> {
    const worker = this.#waiting.length === 0 ? this.reserve(near) : undefined
    if (worker !== undefined) return worker
    if (this.full) throw overloaded()
    const waiting = { near, until: performance.now() + PATIENCE_MS, worker: deferred<number>() }
    this.#waiting.push(waiting)
    this.#timer ??= setTimeout(this.#look, LOOK_MS)
    return waiting.worker.promise
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const worker = this.reserve(first.near)
      if (worker !== undefined) first.worker.resolve(worker)
      else if (now >= first.until) first.worker.reject(overloaded())
      else break
      this.#waiting.shift()
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(this.#look, LOOK_MS)
  }

  /** Nobody waits any longer. */
  close(): void {
    clearTimeout(this.#timer)
    for (const { worker } of this.#waiting.splice(0)) worker.reject(overloaded())
  }
}
