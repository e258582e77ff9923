import type { Fact } from '../routing/action.js'
import type { AgentId } from '../routing/settings.js'
import { AgentFold } from './agent-figures.js'
import type { AgentFigures } from './agent-figures.js'
import { DEFAULT_INTERVAL, DEFAULT_KEEP } from './interval-figures.js'

/** Options of an `AgentIntervalFold`. */
export interface AgentIntervalOptions {
  /** Length of an interval in ms. @default 900000, a quarter of an hour */
  readonly interval?: number
  /** Intervals kept; the oldest go. @default 672, a week of quarters of an hour */
  readonly keep?: number
}

/** What an agent did in one interval. */
export interface AgentIntervalRow {
  /** Beginning of the interval, in ms since 1970-01-01 UTC. */
  readonly at: number
  readonly agent: AgentId
  readonly figures: AgentFigures
}

type StateFact = Extract<Fact, { type: 'agent' }>

/** One agent: intervals that are over, and the one that is not. */
interface Diary {
  readonly rows: AgentIntervalRow[]
  at: number
  fold: AgentFold
  /** What it is doing; undefined before anything is known, and once it is removed. */
  state: StateFact | undefined
  /** Whether anything was noted in the present interval. */
  noted: boolean
}

/**
 * Figures of agents by interval, as a fold over the event log: time is divided at the ends of the intervals, and each event counts in
 * the interval in which it happened. `teamFigures` makes those of a team of its members' rows.
 */
export class AgentIntervalFold {
  readonly #interval: number
  readonly #keep: number
  readonly #diaries = new Map<AgentId, Diary>()

  constructor({ interval = DEFAULT_INTERVAL, keep = DEFAULT_KEEP }: AgentIntervalOptions = {}) {
    this.#interval = interval
    this.#keep = keep
  }

  /** @param wall when the fact happened, in ms since 1970; never going back. */
  note(fact: Fact, wall: number): void {
    if (!('agent' in fact)) return
    const diary = this.#diaries.get(fact.agent) ?? this.#begin(fact.agent, wall)
    this.#advance(fact.agent, diary, wall)
    diary.fold.note({ ...fact, at: wall })
    diary.noted = true
    if (fact.type === 'agent') diary.state = fact
    if (fact.type === 'agent-removed') diary.state = undefined
  }

  /** In order of time for each agent; the last goes up to `wall`. Intervals in which an agent was not there are missing. */
  rows(wall: number): AgentIntervalRow[] {
    const oldest = this.#startOf(wall) - (this.#keep - 1) * this.#interval
    return [...this.#diaries].flatMap(([agent, diary]) => {
      this.#advance(agent, diary, wall)
      const present = diary.noted || diary.state !== undefined ? [{ at: diary.at, agent, figures: diary.fold.at(wall) }] : []
      return [...diary.rows, ...present].filter(({ at }) => at >= oldest)
    })
  }

  #startOf(wall: number): number {
    return Math.floor(wall / this.#interval) * this.#interval
  }

  #begin(agent: AgentId, wall: number): Diary {
    const diary: Diary = { rows: [], at: this.#startOf(wall), fold: new AgentFold(), state: undefined, noted: false }
    this.#diaries.set(agent, diary)
    return diary
  }

  /** Closes the intervals that are over by now. */
  #advance(agent: AgentId, diary: Diary, wall: number): void {
    const oldest = this.#startOf(wall) - this.#keep * this.#interval
    while (diary.at + this.#interval <= wall) {
      const end = diary.at + this.#interval
      if (diary.noted || diary.state !== undefined) diary.rows.push({ at: diary.at, agent, figures: diary.fold.at(end) })
      if (diary.rows.length > this.#keep) diary.rows.shift()
      diary.at = diary.state === undefined ? this.#startOf(wall) : Math.max(end, oldest)
      diary.fold = new AgentFold()
      diary.noted = false
      if (diary.state !== undefined) diary.fold.note({ ...diary.state, at: diary.at })
    }
  }
}
