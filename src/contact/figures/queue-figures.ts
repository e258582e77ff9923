import type { Fact } from '../routing/action.js'
import type { InteractionId } from '../routing/settings.js'
import { serviceLevel } from './service-level.js'
import type { ServiceLevelFormula, ServiceLevelOptions } from './service-level.js'

/** Figures of a queue at one moment. Times in milliseconds; definitions in `docs/metrics.md`. */
export interface QueueFigures {
  /** Those who wait now. */
  readonly waiting: number
  /** Of those who wait now; 0 when nobody does. */
  readonly longestWait: number
  /** Stays begun. */
  readonly offered: number
  /** Stays that came to a talk. */
  readonly answered: number
  /** Callers who hung up while waiting. */
  readonly abandoned: number
  /** Stays that lasted for `maxWait`. */
  readonly timedOut: number
  /** Stays that ended by overflow. */
  readonly overflowed: number
  /** Callers who asked to be called back. */
  readonly callbacks: number
  /** Call backs whose customers could not be reached. */
  readonly missed: number
  /** Share of 0 to 1; undefined before anything is counted. */
  readonly serviceLevel: number | undefined
  /** Mean wait of those answered. */
  readonly averageAnswer: number
  /** Mean talk of those whose talk has ended. */
  readonly averageTalk: number
  /** Mean talk and wrap-up. */
  readonly averageHandling: number
  /** Longest wait of any who were answered or left. */
  readonly maxWait: number
}

const mean = (sum: number, count: number): number => (count === 0 ? 0 : sum / count)

/** Figures of one queue as a fold over the event log. */
export class QueueFold {
  #within = 20_000
  #formula: ServiceLevelFormula = 'answered-and-abandoned'
  readonly #waiting = new Map<InteractionId, number>()
  #offered = 0
  #left = 0
  #answered = 0
  #inTime = 0
  #abandoned = 0
  #abandonedLate = 0
  #timedOut = 0
  #overflowed = 0
  #callbacks = 0
  #missed = 0
  #answerMs = 0
  #talks = 0
  #talkMs = 0
  #wrapMs = 0
  #maxWait = 0

  constructor(options: ServiceLevelOptions = {}) {
    this.measureBy(options)
  }

  /** Another target or formula from now on: what was in time before stays so. */
  measureBy({ within = 20_000, formula = 'answered-and-abandoned' }: ServiceLevelOptions = {}): void {
    this.#within = within
    this.#formula = formula
  }

  /** Takes in a fact of this queue. */
  note(fact: Fact): void {
    switch (fact.type) {
      case 'joined':
        this.#offered++
        this.#waiting.set(fact.interaction, fact.at)
        return
      case 'answered': return this.#answer(fact.interaction, fact.waited)
      case 'left': return this.#leave(fact)
      case 'ended':
        this.#talks++
        this.#talkMs += fact.talked
        return
      case 'wrapped-up':
        this.#wrapMs += fact.took
        return
      case 'offered':
      case 'offer-ended':
      case 'agent':
      case 'agent-removed': return
    }
  }

  /** @param now on the scale of the facts' `at`. */
  at(now: number): QueueFigures {
    const oldest = this.#waiting.values().next()
    return {
      waiting: this.#waiting.size,
      // In order of arrival, so the first has waited longest.
      longestWait: oldest.done === true ? 0 : now - oldest.value,
      offered: this.#offered,
      answered: this.#answered,
      abandoned: this.#abandoned,
      timedOut: this.#timedOut,
      overflowed: this.#overflowed,
      callbacks: this.#callbacks,
      missed: this.#missed,
      serviceLevel: serviceLevel(this.#formula, {
        inTime: this.#inTime, answered: this.#answered, abandoned: this.#abandoned, abandonedLate: this.#abandonedLate,
        offered: this.#answered + this.#left,
      }),
      averageAnswer: mean(this.#answerMs, this.#answered),
      averageTalk: mean(this.#talkMs, this.#talks),
      averageHandling: mean(this.#talkMs + this.#wrapMs, this.#talks),
      maxWait: this.#maxWait,
    }
  }

  #answer(interaction: InteractionId, waited: number): void {
    this.#waiting.delete(interaction)
    this.#answered++
    this.#answerMs += waited
    this.#maxWait = Math.max(this.#maxWait, waited)
    if (waited <= this.#within) this.#inTime++
  }

  #leave({ interaction, outcome, waited }: Extract<Fact, { type: 'left' }>): void {
    this.#waiting.delete(interaction)
    this.#left++
    this.#maxWait = Math.max(this.#maxWait, waited)
    if (outcome === 'timed-out') this.#timedOut++
    if (outcome === 'overflowed') this.#overflowed++
    if (outcome === 'callback') this.#callbacks++
    if (outcome === 'missed') this.#missed++
    if (outcome !== 'abandoned') return
    this.#abandoned++
    if (waited > this.#within) this.#abandonedLate++
  }
}
