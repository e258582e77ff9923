import type { Clock } from 'cordboard'
import { AgentIntervalFold, IntervalFold, teamFigures } from 'cordboard/contact'
import type { Agent, AgentFigures, AgentIntervalRow, AgentState, Fact, IntervalRow, Queue } from 'cordboard/contact'

/** A queue as the board shows it. Times are in milliseconds; counts since the start. */
export interface QueueView {
  readonly name: string
  readonly number: string
  /** In order of arrival. */
  readonly waiting: readonly { readonly from: string; readonly waited: number }[]
  readonly answered: number
  readonly abandoned: number
  /** Callers who were told that nobody can answer. */
  readonly unserved: number
  /** Mean wait of those who were answered. */
  readonly averageWait: number
  /** Target of the service level. */
  readonly answerWithin: number
  /** Share answered within the target, of all who were answered or gave up; null before the first. */
  readonly serviceLevel: number | null
}

/** An agent as the board shows it. */
export interface AgentView {
  readonly user: string
  readonly state: AgentState | 'on-break' | 'logged-out'
  /** What it chose, whatever it is doing. */
  readonly status: 'available' | 'on-break' | 'logged-out'
  /** Of a break, where one was given. */
  readonly reason: string | null
  /** Milliseconds in this state. */
  readonly for: number
  /** Who rings or talks, and through which queue. */
  readonly caller: string | null
  readonly queue: string | null
  readonly answered: number
  readonly team: string | null
  /** Since the start. */
  readonly figures: AgentFigures
}

/** A team as the board shows it. */
export interface TeamView {
  readonly team: string
  /** Users. */
  readonly agents: readonly string[]
  /** Since the start. */
  readonly figures: AgentFigures
}

/** What an agent or a team did in a quarter of an hour that began at `at`, in ms since 1970-01-01 UTC. */
export type WorkRow = { readonly at: number; readonly figures: AgentFigures } & ({ readonly user: string } | { readonly team: string })

/** A queue and the number that leads to it. */
export interface NumberedQueue {
  readonly number: string
  readonly queue: Queue
}

/** What the board watches. */
export interface Watched {
  readonly clock: Clock
  /** Those that are open now. */
  readonly queues: () => readonly NumberedQueue[]
  /** Those of now, by user. */
  readonly agents: () => ReadonlyMap<string, Agent>
  /** URI of the caller of an interaction. */
  readonly caller: (interaction: string) => string | undefined
  /** Undefined for an agent of no team. */
  readonly teamOf: (user: string) => string | undefined
}

/** Whom an agent is being rung by, or talks to. */
interface Partner {
  readonly interaction: string
  readonly queue: string
}

type QueueFact = Extract<Fact, { queue: string }>

/**
 * The wall board. Figures are the queues' own; who waits, and who talks with whom, is folded from the contact centre's event log.
 */
export class Board {
  readonly #watched: Watched
  /** Times of arrival by interaction, by queue name. */
  readonly #waiting = new Map<string, Map<string, number>>()
  /** By agent URI. */
  readonly #partners = new Map<string, Partner>()
  readonly #since = new Map<string, number>()
  readonly #intervals: IntervalFold
  readonly #work = new AgentIntervalFold()

  constructor(watched: Watched) {
    this.#watched = watched
    this.#intervals = new IntervalFold({ serviceLevelOf: name => watched.queues().find(({ queue }) => queue.name === name)?.queue.options.serviceLevel })
  }

  /** Takes in one entry of the event log. */
  note(fact: Fact): void {
    if (fact.type === 'agent') this.#since.set(fact.agent, fact.at)
    this.#work.note(fact, Date.now())
    if (!('queue' in fact)) return
    this.#intervals.note(fact, Date.now())
    this.#noteWaiting(fact)
    this.#notePartner(fact)
  }

  queues(): readonly QueueView[] {
    const now = this.#watched.clock.now()
    return this.#watched.queues().map(({ number, queue }) => {
      const figures = queue.figures()
      const waiting = [...this.#waiting.get(queue.name) ?? []].sort(([, a], [, b]) => a - b)
        .map(([interaction, since]) => ({ from: this.#watched.caller(interaction) ?? 'unknown', waited: Math.round(now - since) }))
      return {
        name: queue.name, number, waiting,
        answered: figures.answered,
        abandoned: figures.abandoned,
        unserved: figures.timedOut + figures.overflowed,
        averageWait: Math.round(figures.averageAnswer),
        answerWithin: queue.options.serviceLevel?.within ?? 20_000,
        serviceLevel: figures.serviceLevel ?? null,
      }
    })
  }

  /** By quarter of an hour. */
  intervals(): readonly IntervalRow[] {
    return this.#intervals.rows()
  }

  agents(): readonly AgentView[] {
    const now = this.#watched.clock.now()
    return [...this.#watched.agents()].map(([user, agent]) => {
      const partner = this.#partners.get(agent.uri)
      const away = agent.status.type !== 'available' && (agent.state === 'idle' || agent.state === 'resting')
      return {
        user,
        state: away ? agent.status.type as 'on-break' | 'logged-out' : agent.state,
        status: agent.status.type,
        reason: agent.status.type === 'on-break' ? (agent.status.reason ?? null) : null,
        for: Math.round(now - (this.#since.get(agent.uri) ?? now)),
        caller: partner === undefined ? null : (this.#watched.caller(partner.interaction) ?? null),
        queue: partner?.queue ?? null,
        answered: agent.callsToday,
        team: this.#watched.teamOf(user) ?? null,
        figures: agent.figures(),
      }
    })
  }

  /** Figures of teams are of those who are in them now. */
  teams(): readonly TeamView[] {
    const agents = this.#watched.agents()
    return [...this.#teams()].map(([team, users]) => ({ team, agents: users, figures: teamFigures(users.map(user => agents.get(user)!.figures())) }))
  }

  /** Of present agents, and of teams, by quarter of an hour. */
  work(): readonly WorkRow[] {
    const rows = this.#work.rows(Date.now())
    const users = new Map([...this.#watched.agents()].map(([user, { uri }]) => [uri, user]))
    const ofAgents = rows.flatMap(({ at, agent, figures }) => (users.has(agent) ? [{ at, user: users.get(agent)!, figures }] : []))
    return [...ofAgents, ...[...this.#teams()].flatMap(([team, members]) => workOf(team, ofAgents.filter(({ user }) => members.includes(user))))]
  }

  #teams(): ReadonlyMap<string, readonly string[]> {
    const teams = new Map<string, string[]>()
    for (const user of this.#watched.agents().keys()) {
      const team = this.#watched.teamOf(user)
      if (team !== undefined) teams.set(team, [...teams.get(team) ?? [], user])
    }
    return teams
  }

  #noteWaiting(fact: QueueFact): void {
    const waiting = this.#waiting.get(fact.queue) ?? new Map<string, number>()
    if (fact.type === 'joined') waiting.set(fact.interaction, fact.at)
    if (fact.type === 'answered' || fact.type === 'left') waiting.delete(fact.interaction)
    if (waiting.size === 0) this.#waiting.delete(fact.queue)
    else this.#waiting.set(fact.queue, waiting)
  }

  #notePartner(fact: QueueFact): void {
    if (!('agent' in fact)) return
    if (fact.type === 'offered' || fact.type === 'answered') this.#partners.set(fact.agent, { interaction: fact.interaction, queue: fact.queue })
    else this.#partners.delete(fact.agent)
  }
}

const workOf = (team: string, rows: readonly Pick<AgentIntervalRow, 'at' | 'figures'>[]): readonly WorkRow[] =>
  [...new Set(rows.map(({ at }) => at))].sort((a, b) => a - b).map(at => ({ at, team, figures: teamFigures(rows.filter(row => row.at === at).map(({ figures }) => figures)) }))
