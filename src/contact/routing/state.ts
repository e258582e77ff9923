import { seededRandom } from '../../core/random.js'
import type { Random } from '../../core/random.js'
import type { Fact, RoutingAction } from './action.js'
import type { OfferId } from './event.js'
import type { Expression } from './expression.js'
import { OrderedSet } from './ordered-set.js'
import type { AgentId, AgentPredicate, AgentSettings, AgentState, AgentStatus, Channel, InteractionId, MemberSettings, OfferFailure, QueueId, QueueSettings } from './settings.js'

/** An agent taken up by an interaction. While `offered` it is a lease: `deadline` ends it. */
export interface Engagement {
  readonly offer: OfferId
  readonly agent: AgentEntry
  readonly interaction: InteractionEntry
  readonly queue: QueueEntry
  readonly channel: Channel
  state: 'offered' | 'preparing' | 'talking' | 'wrap-up'
  /** When it entered its state. */
  since: number
  deadline: Deadline | undefined
}

export interface AgentEntry {
  readonly id: AgentId
  readonly serial: number
  settings: AgentSettings
  status: AgentStatus
  elsewhere: boolean
  /** The end of the pause after a failed offer. */
  rest: Deadline | undefined
  idleSince: number
  calls: number
  talked: number
  /** Failed offers in a row, by kind; undefined: none. */
  failures: Record<OfferFailure, number> | undefined
  readonly engagements: Engagement[]
  /** Units of capacity in use. */
  readonly load: Record<Channel, number>
  readonly members: Map<QueueId, Member>
  /** One for each demand that this agent satisfies. */
  seats: readonly Seat[]
  /** Callers who wait for this very agent; undefined: nobody has yet. */
  loyal: OrderedSet<InteractionEntry> | undefined
  /** Kept until its last engagement ends. */
  removed: boolean
  /** In `state.freed`, in `state.touched`. */
  freed: boolean
  touched: boolean
  /** What the log was told last. */
  shownState: AgentState | undefined
  shownStatus: AgentStatus | undefined
}

/** An agent in a queue. */
export interface Member {
  readonly queue: QueueEntry
  readonly agent: AgentEntry
  readonly position: number
  readonly settings: Required<MemberSettings>
  /** Serial number of its latest offer here. */
  lastOffered: number
}

/** A member among those who satisfy a demand; in `demand.seats` while it can take one more interaction. */
export interface Seat {
  readonly agent: AgentEntry
  readonly member: Member
  readonly demand: Demand
  seated: boolean
  /** Its place by the strategy; it is kept here with the agent's part in the order, since among thousands each object that a comparison looks into is far away. */
  key: number
  idleSince: number
  readonly tier: number
  readonly serial: number
}

/** What a group of callers asks for alike: agents and callers meet in it, so that neither is searched for. */
export interface Demand {
  readonly key: string
  readonly queue: QueueEntry
  readonly channel: Channel
  /** Highest tier that is open. */
  readonly tier: number
  readonly requires: Expression | AgentPredicate | undefined
  readonly seats: OrderedSet<Seat>
  /** Those who want one more offer. */
  readonly waiting: OrderedSet<InteractionEntry>
  /** Callers that belong here, wanting or not. */
  callers: number
  /** Virtual time of the random strategies. */
  virtual: number
}

export interface QueueEntry {
  readonly id: QueueId
  settings: QueueSettings
  readonly members: Map<AgentId, Member>
  readonly demands: Map<string, Demand>
  /** All who wait, offered or not. */
  readonly waiting: OrderedSet<InteractionEntry>
  /** Places kept for callers who hung up, by customer. */
  readonly places: Map<string, Place>
  /** Distinct tiers of its members, ascending. */
  tiers: readonly number[]
  /** Available members by tier. */
  readonly staffed: Map<number, number>
  removed: boolean
}

/** The place of a customer who hung up, kept in every queue in which it waited. */
export interface Place {
  readonly customer: string
  readonly queues: readonly QueueEntry[]
  /** When it dates from. */
  readonly since: number
  readonly deadline: Deadline
}

/** From `after` ms on, `requires` counts. */
export interface ParsedStep {
  readonly after: number
  readonly requires: Expression | AgentPredicate | undefined
}

export interface InteractionEntry {
  readonly id: InteractionId
  readonly serial: number
  readonly customer: string | undefined
  steps: readonly ParsedStep[]
  /** When its steps began to count. */
  askedAt: number
  visited: readonly QueueId[]
  readonly engagements: Set<Engagement>
  readonly deadlines: Deadline[]
  /** In `state.unplaced`. */
  unplaced: boolean
  queue: QueueEntry
  channel: Channel
  priority: number
  state: 'waiting' | 'connected' | 'gone'
  /** When it entered this queue. */
  enteredAt: number
  /** When its place in the line dates from. */
  since: number
  /** Its order within a queue: priority less the ageing that later callers lack. */
  urgency: number
  step: number
  /** Index into the queue's tiers of the highest open one. */
  tier: number
  sticky: AgentEntry | undefined
  /** When it stops to wait for that agent. */
  stickyUntil: number
  /** When it is told its place next; undefined: not decided in this queue yet. */
  announceAt: number | undefined
  demand: Demand | undefined
  /** The set that it waits in for an agent. */
  listed: OrderedSet<InteractionEntry> | undefined
  /** Offers at a time that `progressive` has come to. */
  wanted: number
  lastFailed: AgentEntry | undefined
}

/** What falls due while an interaction waits. */
export interface WaitingTask {
  readonly type: 'tier' | 'relax' | 'max-wait' | 'overflow' | 'sticky' | 'announce' | 'progress' | 'recheck'
  readonly interaction: InteractionEntry
}

/** What happens at a deadline. */
export type DeadlineTask =
  | WaitingTask
  | { readonly type: 'lease' | 'wrap-up'; readonly engagement: Engagement }
  | { readonly type: 'rest'; readonly agent: AgentEntry }
  | { readonly type: 'place'; readonly queue: QueueEntry; readonly customer: string }

export interface Deadline {
  readonly due: number
  readonly serial: number
  readonly task: DeadlineTask
}

/** Everything that distribution knows. To be read and changed by `route` alone. */
export interface RoutingState {
  now: number
  serial: number
  readonly random: Random
  readonly agents: Map<AgentId, AgentEntry>
  readonly queues: Map<QueueId, QueueEntry>
  readonly interactions: Map<InteractionId, InteractionEntry>
  readonly offers: Map<OfferId, Engagement>
  readonly deadlines: OrderedSet<Deadline>
  /** Numbers that stand for the application's conditions in keys. */
  readonly predicates: Map<AgentPredicate, number>
  /** Work that the current event has left: callers to find agents for, agents to find callers for, agents whose state may have changed. */
  unplaced: InteractionEntry[]
  freed: AgentEntry[]
  touched: AgentEntry[]
  /** Actions of the current event. */
  actions: RoutingAction[]
  wakeAt: number | undefined
}

/**
 * A contact centre without queues and agents.
 * @param seed of the random strategies: equal seeds and events give equal actions.
 */
export const initialRouting = (seed = 1): RoutingState => ({
  now: -Infinity,
  serial: 0,
  random: seededRandom(seed),
  agents: new Map(),
  queues: new Map(),
  interactions: new Map(),
  offers: new Map(),
  deadlines: new OrderedSet<Deadline>((a, b) => a.due - b.due || a.serial - b.serial),
  predicates: new Map(),
  unplaced: [],
  freed: [],
  touched: [],
  actions: [],
  wakeAt: undefined,
})

export const noFailures = (): Record<OfferFailure, number> => ({ 'no-answer': 0, 'busy': 0, 'rejected': 0, 'unreachable': 0, 'fault': 0 })

/** Enters a fact in the log. */
export const log = (state: RoutingState, fact: Fact): void => {
  state.actions.push({ type: 'log', fact })
}

/** Has agents looked for once the event is dealt with. */
export const seekAgents = (state: RoutingState, interaction: InteractionEntry): void => {
  if (interaction.unplaced) return
  interaction.unplaced = true
  state.unplaced.push(interaction)
}

/** Has the log told what the agent does by the end of the event. */
export const touch = (state: RoutingState, agent: AgentEntry): void => {
  if (agent.touched) return
  agent.touched = true
  state.touched.push(agent)
}

/** Takes an item out of a short list. */
export const remove = <T>(list: T[], item: T): void => {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}

/** Sets a deadline `ms` from now. */
export const schedule = (state: RoutingState, ms: number, task: DeadlineTask): Deadline => {
  const deadline = { due: state.now + Math.max(0, ms), serial: ++state.serial, task }
  state.deadlines.add(deadline)
  return deadline
}

export const cancel = (state: RoutingState, deadline: Deadline | undefined): void => {
  if (deadline !== undefined) state.deadlines.delete(deadline)
}

/** Sets a deadline that dies with the interaction's waiting. */
export const scheduleFor = (state: RoutingState, interaction: InteractionEntry, ms: number, type: WaitingTask['type']): void => {
  interaction.deadlines.push(schedule(state, ms, { type, interaction }))
}

/** Order of those who wait in one queue: urgency, then age, then arrival. */
export const byUrgency = (a: InteractionEntry, b: InteractionEntry): number =>
  b.urgency - a.urgency || a.since - b.since || a.serial - b.serial
