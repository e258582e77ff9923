import type { Fact } from './routing/action.js'
import type { InteractionId } from './routing/settings.js'

/** Weight of the newest interval between two answers; about the last ten count. */
const WEIGHT = 0.1

/** One who waits. */
interface Waiting {
  readonly at: number
  readonly estimate: number | undefined
  /** An agent was free at once: the caller waits for a telephone to be picked up, and not for its turn. */
  atOnce: boolean
}

/** How good the estimates were, for those who had to wait for their turn. */
export interface EstimateError {
  readonly count: number
  /** Mean of estimate less wait, in ms: above 0 the estimates promise too long a wait. */
  readonly bias: number
  /** Mean distance, in ms. */
  readonly meanAbsolute: number
}

/**
 * Estimates waits: a caller at place n waits for n answers, and these come at the pace at which the queue has answered
 * while somebody waited for an agent to become free. Those ahead may give up meanwhile, at the rate at which callers have done so
 * (Whitt, 1999). Folded from the event log, and measured against what happens.
 */
export class WaitEstimate {
  readonly #waiting = new Map<InteractionId, Waiting>()
  #interval: number | undefined
  #busySince: number | undefined
  /** Callers who gave up, and the time that all have spent waiting. */
  #gaveUp = 0
  #waitedMs = 0
  #at = 0
  #count = 0
  #bias = 0
  #absolute = 0

  /** Takes in a fact of the queue. */
  note(fact: Fact): void {
    this.#waitedMs += this.#waiting.size * (fact.at - this.#at)
    this.#at = fact.at
    if (fact.type === 'joined') {
      this.#waiting.set(fact.interaction, { at: fact.at, estimate: this.estimate(this.#waiting.size + 1), atOnce: false })
      this.#busySince ??= fact.at
    }
    if (fact.type === 'offered') this.#offer(fact.interaction, fact.at)
    if (fact.type === 'left' && this.#waiting.delete(fact.interaction) && fact.outcome === 'abandoned') this.#gaveUp++
    if (fact.type === 'answered') this.#answer(fact.interaction, fact.at)
    if (this.#waiting.size === 0) this.#busySince = undefined
  }

  /** Milliseconds for the caller at this place (1 is next); undefined before there is anything to go by. */
  estimate(position: number): number | undefined {
    if (this.#interval === undefined) return undefined
    const impatience = this.#waitedMs === 0 ? 0 : this.#gaveUp / this.#waitedMs
    let sum = 0
    for (let ahead = 0; ahead < position; ahead++) sum += this.#interval / (1 + ahead * impatience * this.#interval)
    return sum
  }

  get error(): EstimateError {
    const count = Math.max(1, this.#count)
    return { count: this.#count, bias: this.#bias / count, meanAbsolute: this.#absolute / count }
  }

  #offer(interaction: InteractionId, at: number): void {
    const joined = this.#waiting.get(interaction)
    if (joined?.at === at) joined.atOnce = true
  }

  #answer(interaction: InteractionId, at: number): void {
    const joined = this.#waiting.get(interaction)
    this.#waiting.delete(interaction)
    if (joined === undefined || this.#busySince === undefined || joined.atOnce) return
    const interval = at - this.#busySince
    this.#interval = this.#interval === undefined ? interval : this.#interval + WEIGHT * (interval - this.#interval)
    this.#busySince = at
    if (joined.estimate === undefined) return
    const off = joined.estimate - (at - joined.at)
    this.#count++
    this.#bias += off
    this.#absolute += Math.abs(off)
  }
}
