import { CordboardError } from '../../core/errors.js'
import { Counter, LATENESS_COLUMNS, type WorkerShare } from '../shared/worker-share.js'

/** Anything that makes a frame every 20 ms: a player, a mixer, a sender of digits. */
export interface Producer {
  /** @param at engine time in ms of the schedule, not of the actual call: frames 20 ms apart get times 20 ms apart. */
  tick(at: number): void
  /** A tick threw: there are no more. Where this is missing, the worker ends instead. */
  failed?(error: CordboardError): void
}

/** Milliseconds between two ticks of one producer. */
export const TICK_MS = 20
const PHASES = 4
/** Milliseconds between two phases. */
const QUARTER_MS = TICK_MS / PHASES
/** Producers of a quarter before the next is begun: waking a worker for a few costs more than their work. */
const FILLED = 100
/**
 * Underrun policy of the clock: a worker that was held up makes the missed frames at once when they are few (receivers absorb
 * the burst in their jitter buffers), and lets them be silence when they are more than this many milliseconds.
 */
const CATCH_UP_MS = 100
/** Ticks over which the published lateness percentile is taken. */
const WINDOW = 512

/**
 * The absolute clock: quarter `n` of a tick is due at `n` * 5 ms of engine time, whatever the lateness of those before. A few producers
 * share a quarter, so that the worker wakes once for all; many are spread over the four, so that their packets do not come in one burst.
 */
export class Ticker {
  readonly #phases: (Producer | undefined)[][] = Array.from({ length: PHASES }, () => [])
  readonly #counts = new Int32Array(PHASES)
  readonly #recent = new Uint8Array(WINDOW)
  readonly #columns = new Int32Array(LATENESS_COLUMNS)
  #recentAt = 0
  #recentSize = 0
  #quarter = 0
  #active = 0
  #running = -1
  #holes = false

  constructor(readonly share: WorkerShare) {}

  /** No producer at all. */
  get idle(): boolean {
    return this.#active === 0
  }

  /** Engine time of the next quarter in which there is work; meaningless when idle. */
  get due(): number {
    let quarter = this.#quarter
    while (this.#counts[quarter & (PHASES - 1)] === 0) quarter++
    return quarter * QUARTER_MS
  }

  /** @param now engine time. The first tick is the next of the quarter found: the first with room, or the emptiest. */
  add(producer: Producer, now: number): void {
    if (this.#active === 0) this.#quarter = Math.max(this.#quarter, Math.ceil(now / QUARTER_MS))
    let best = 0
    for (let phase = 1; phase < PHASES && this.#counts[best]! >= FILLED; phase++) if (this.#counts[phase]! < this.#counts[best]!) best = phase
    this.#phases[best]!.push(producer)
    this.#counts[best]!++
    this.#active++
  }

  remove(producer: Producer): void {
    for (let phase = 0; phase < PHASES; phase++) {
      const list = this.#phases[phase]!
      const at = list.indexOf(producer)
      if (at === -1) continue
      this.#counts[phase]!--
      this.#active--
      if (this.#running === phase) {
        // The list is being walked: leave a hole.
        list[at] = undefined
        this.#holes = true
      } else {
        list[at] = list[list.length - 1]
        list.pop()
      }
      return
    }
  }

  /** Runs every quarter that is due, missed ones too. */
  run(now: number): void {
    if (this.#active === 0) return
    let due = this.#quarter * QUARTER_MS
    if (now - due > CATCH_UP_MS) {
      const skipped = Math.floor((now - due) / TICK_MS)
      this.share.add(Counter.skippedTicks, skipped)
      this.#quarter += skipped * PHASES
      due = this.#quarter * QUARTER_MS
    }
    while (due <= now && this.#active > 0) {
      const phase = this.#quarter & (PHASES - 1)
      if (this.#counts[phase]! > 0) this.#runPhase(phase, due, now)
      due = ++this.#quarter * QUARTER_MS
    }
  }

  #runPhase(phase: number, due: number, now: number): void {
    const list = this.#phases[phase]!
    this.#note(now - due)
    this.#running = phase
    const size = list.length
    for (let at = 0; at < size;) at = this.#runFrom(list, at, size, due)
    this.#running = -1
    if (this.#holes) {
      this.#holes = false
      let kept = 0
      for (let at = 0; at < list.length; at++) if (list[at] !== undefined) list[kept++] = list[at]
      list.length = kept
    }
  }

  /** @returns where to go on: behind one that failed, which costs the others nothing. */
  #runFrom(list: readonly (Producer | undefined)[], from: number, size: number, due: number): number {
    let at = from
    try {
      for (; at < size; at++) list[at]?.tick(due)
      return size
    } catch (error) {
      this.#drop(list[at], error)
      return at + 1
    }
  }

  #drop(producer: Producer | undefined, error: unknown): void {
    if (producer?.failed === undefined) throw error
    this.remove(producer)
    producer.failed(new CordboardError('SERVER_BAD_OPTION', `the sound cannot be made: ${error instanceof Error ? error.message : String(error)}`, { cause: error }))
  }

  #note(late: number): void {
    const column = Math.min(LATENESS_COLUMNS - 1, (late * 2) | 0)
    this.share.lateness[column]!++
    this.share.add(Counter.ticks, 1)
    this.share.add(Counter.latenessSum, late)
    if (this.#recentSize === WINDOW) this.#columns[this.#recent[this.#recentAt]!]!--
    else this.#recentSize++
    this.#recent[this.#recentAt] = column
    this.#columns[column]!++
    this.#recentAt = (this.#recentAt + 1) % WINDOW
  }

  /** Lateness in ms, to the half, that a share of the last ticks exceeds: 0.01 gives the 99th percentile. */
  lateness(share: number): number {
    let left = Math.floor(this.#recentSize * share)
    for (let column = LATENESS_COLUMNS - 1; column > 0; column--) {
      left -= this.#columns[column]!
      if (left < 0) return column / 2
    }
    return 0
  }
}
