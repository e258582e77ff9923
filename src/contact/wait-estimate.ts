import type { Fact } from './routing/action.js'
import type { InteractionId } from './routing/settings.js'

/** Weight of the newest interval between two answers; about the last ten count. */
const WEIGHT = 0.1

/** How good the estimates were. */
export interface EstimateError {
  readonly count: number
  /** Mean of estimate less wait, in ms: above 0 the estimates promise too long a wait. */
  readonly bias: number
  /** Mean distance, in ms. */
  readonly meanAbsolute: number
}

/**
 * Estimates waits: a caller at place n waits for n answers, and these come at the pace at which the queue has answered
 * while somebody waited. Folded from the event log, and measured against what happens.
 */
export class WaitEstimate {
  readonly #waiting = new Map<InteractionId, { readonly at: number; readonly estimate: number | undefined }>()
  #interval: number | undefined
  #busySince: number | undefined
  #count = 0
  #bias = 0
  #absolute = 0

  /** Takes in a fact of the queue. */
  note(fact: Fact): void {
    if (fact.type === 'joined') {
      this.#waiting.set(fact.interaction, { at: fact.at, estimate: this.estimate(this.#waiting.size + 1) })
      this.#busySince ??= fact.at
    }
    if (fact.type === 'left') this.#waiting.delete(fact.interaction)
    if (fact.type === 'answered') this.#answer(fact.interaction, fact.at)
    if (this.#waiting.size === 0) this.#busySince = undefined
  }

  /** Milliseconds for the caller at this place (1 is next); undefined before there is anything to go by. */
  estimate(position: number): number | undefined {
    return this.#interval === undefined ? undefined : this.#interval * position
  }

  get error(): EstimateError {
    const count = Math.max(1, this.#count)
    return { count: this.#count, bias: this.#bias / count, meanAbsolute: this.#absolute / count }
  }

  #answer(interaction: InteractionId, at: number): void {
    const joined = this.#waiting.get(interaction)
    this.#waiting.delete(interaction)
    if (joined === undefined || this.#busySince === undefined) return
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
