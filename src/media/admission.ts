import type { Clock, Timer } from '../core/clock.js'
import { CordboardError } from '../core/errors.js'
import { realClock } from '../core/real-clock.js'
import { type Deferred, deferred, onAbort } from '../core/scope.js'
import type { Leg, LegOptions } from './leg.js'
import { Counter, FIXED_SHARE, type WorkerShare } from './shared/worker-share.js'

/**
 * A worker whose legs take more of its time than this, or would with another one, takes no more: the rest goes to setting up calls, to
 * collections, and to moments in which the machine is slower.
 */
const FULL_SHARE = 0.9
/**
 * The same where all packets are passed on as they come: there is no tick that keeps the beat whatever waits to be read, so what has piled up in such a
 * moment goes on in bunches until it has been caught up with, and that takes the longer the less time is left.
 */
const FULL_RELAY_SHARE = 0.83
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
/** Legs of new calls that wait at most; they cost memory and time. As many of calls that are in may wait beside them. */
const MAX_WAITING = 200

/** Seconds of `Retry-After` are the caller's; the status is RFC 3261 §21.5.4. */
export const OVERLOADED = 503

/** What is thrown where no worker has time. */
export const overloaded = (): CordboardError => new CordboardError('MEDIA_OVERLOADED', 'the media workers carry all that they can', { status: OVERLOADED })

/**
 * Whether a worker can carry one more leg or stream beside those that it has and `opening` that are on their way into it. What a leg takes is
 * known from those that it has; so the answer does not trail behind calls that come fast.
 */
export const takesMore = (share: WorkerShare, opening: number): boolean => {
  const ends = share.get(Counter.legs) + share.get(Counter.streams)
  const full = FULL_SHARE - (FULL_SHARE - FULL_RELAY_SHARE) * share.get(Counter.relayed)
  if (FIXED_SHARE + share.get(Counter.end) * (ends + opening + 1) > full) return false
  // What keeps a worker that carries nothing busy is its own start.
  if (ends === 0) return true
  const audio = share.get(Counter.audio)
  const busy = Math.max(audio, share.get(Counter.busy))
  return audio <= full && busy <= BUSY_SHARE && (busy <= AT_WORK || share.get(Counter.latenessMedian) <= LATE_MS)
}

type Entrance = Pick<LegOptions, 'near' | 'expected' | 'signal'>

interface Waiting {
  readonly near: Leg | undefined
  readonly until: number
  readonly worker: Deferred<number>
}

/** New legs in the order of their coming, those of calls that are in before others: where no worker has time now they wait a little. */
export class Admission {
  readonly #expected: Waiting[] = []
  readonly #strangers: Waiting[] = []
  #timer: Timer | undefined

  /** @param reserve counts a leg in for a worker, and returns that; undefined while none has time. */
  constructor(readonly reserve: (near: Leg | undefined) => number | undefined, readonly clock: Clock = realClock) {}

  /** New calls cannot even wait. */
  get full(): boolean {
    return this.#strangers.length >= MAX_WAITING
  }

  /** @returns the worker in which the leg is counted. @throws CordboardError `MEDIA_OVERLOADED`; the signal's reason. */
  async enter({ near, expected = near !== undefined, signal }: Entrance): Promise<number> {
    signal?.throwIfAborted()
    const queue = expected ? this.#expected : this.#strangers
    const first = this.#expected.length === 0 && (expected || this.#strangers.length === 0)
    const reserved = first ? this.reserve(near) : undefined
    if (reserved !== undefined) return reserved
    if (queue.length >= MAX_WAITING) throw overloaded()
    const waiting = { near, until: this.clock.now() + PATIENCE_MS, worker: deferred<number>() }
    queue.push(waiting)
    this.#timer ??= this.clock.after(LOOK_MS, this.#look)
    const release = onAbort(signal, reason => {
      const at = queue.indexOf(waiting)
      if (at !== -1) queue.splice(at, 1)
      waiting.worker.reject(reason)
    })
    return waiting.worker.promise.finally(release)
  }

  readonly #look = (): void => {
    this.#timer = undefined
    this.#dismiss(this.#expected)
    this.#dismiss(this.#strangers)
    if (this.#serve(this.#expected)) this.#serve(this.#strangers)
    if (this.#expected.length + this.#strangers.length > 0) this.#timer = this.clock.after(LOOK_MS, this.#look)
  }

  /** Lets in whoever there is room for. @returns true when nobody waits any longer. */
  #serve(queue: Waiting[]): boolean {
    for (let [first] = queue; first !== undefined; [first] = queue) {
      const worker = this.reserve(first.near)
      if (worker === undefined) return false
      queue.shift()
      first.worker.resolve(worker)
    }
    return true
  }

  /** Those whose time is over: they are the first. */
  #dismiss(queue: Waiting[]): void {
    for (const now = this.clock.now(); queue.length > 0 && now >= queue[0]!.until;) queue.shift()!.worker.reject(overloaded())
  }

  /** Nobody waits any longer. */
  close(reason: CordboardError): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const queue of [this.#expected, this.#strangers]) for (const { worker } of queue.splice(0)) worker.reject(reason)
  }
}
