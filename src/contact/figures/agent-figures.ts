import type { Fact } from '../routing/action.js'
import type { AgentState, AgentStatus } from '../routing/settings.js'

/** What an agent's time is divided into: its states while available, and the statuses in which it is not. */
export type AgentActivity = AgentState | 'on-break' | 'logged-out'

/** What an agent is doing outlasts its status: a talk goes on when a break begins. */
export const activityOf = (status: AgentStatus, state: AgentState): AgentActivity =>
  (status.type === 'available' || state === 'preparing' || state === 'talking' || state === 'wrap-up' ? state : status.type)

/** Figures of an agent or a team. Times in milliseconds; definitions in `docs/metrics.md`. */
export interface AgentFigures {
  /** Time in each activity. */
  readonly time: Readonly<Record<AgentActivity, number>>
  /** Offers received. */
  readonly offered: number
  /** Offers that came to a talk. */
  readonly answered: number
  /** Offers that came to nothing on the agent's side: no answer, busy, rejected, unreachable. */
  readonly missed: number
  /** Mean talk and wrap-up of an answered interaction. */
  readonly averageHandling: number
  /** Share of 0 to 1 of the time at work that went into talks, what came before them, and wrap-up; undefined without time at work. */
  readonly occupancy: number | undefined
}

const ACTIVITIES: readonly AgentActivity[] = ['idle', 'resting', 'offered', 'preparing', 'talking', 'wrap-up', 'elsewhere', 'on-break', 'logged-out']
const MISSED: ReadonlySet<string> = new Set(['no-answer', 'busy', 'rejected', 'unreachable'])

const noTime = (): Record<AgentActivity, number> => Object.fromEntries(ACTIVITIES.map(activity => [activity, 0])) as Record<AgentActivity, number>

const derive = (time: Record<AgentActivity, number>, offered: number, answered: number, missed: number): AgentFigures => {
  const handled = time.talking + time['wrap-up']
  const occupied = handled + time.preparing
  const atWork = occupied + time.idle + time.resting + time.offered
  return { time, offered, answered, missed, averageHandling: answered === 0 ? 0 : handled / answered, occupancy: atWork === 0 ? undefined : occupied / atWork }
}

/** Figures of one agent as a fold over the event log. */
export class AgentFold {
  readonly #time = noTime()
  #activity: AgentActivity | undefined
  #since = 0
  #offered = 0
  #answered = 0
  #missed = 0

  /** Takes in a fact of this agent. */
  note(fact: Fact): void {
    if (fact.type === 'agent') {
      this.#turn(fact.at)
      this.#activity = activityOf(fact.status, fact.state)
    }
    if (fact.type === 'agent-removed') {
      this.#turn(fact.at)
      this.#activity = undefined
    }
    if (fact.type === 'offered') this.#offered++
    if (fact.type === 'answered') this.#answered++
    if (fact.type === 'offer-ended' && MISSED.has(fact.reason)) this.#missed++
  }

  /** @param now on the scale of the facts' `at`. */
  at(now: number): AgentFigures {
    const time = { ...this.#time }
    if (this.#activity !== undefined) time[this.#activity] += now - this.#since
    return derive(time, this.#offered, this.#answered, this.#missed)
  }

  #turn(at: number): void {
    if (this.#activity !== undefined) this.#time[this.#activity] += at - this.#since
    this.#since = at
  }
}

/** Figures of a team: sums, and what follows from the sums. */
export const teamFigures = (members: readonly AgentFigures[]): AgentFigures => {
  const time = noTime()
  for (const member of members) for (const activity of ACTIVITIES) time[activity] += member.time[activity]
  const sum = (value: (member: AgentFigures) => number): number => members.reduce((total, member) => total + value(member), 0)
  return derive(time, sum(member => member.offered), sum(member => member.answered), sum(member => member.missed))
}
