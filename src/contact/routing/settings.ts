import type { Audio } from '../../call/audio.js'
import type { Uri } from '../../call/call.js'

/** Agents are known by their URI. */
export type AgentId = Uri
/** Queues are known by their name. */
export type QueueId = string
/** The id of a call, and from its second stay in a queue on `.2` and so on; for what is written, the application's own. */
export type InteractionId = string

/** What an interaction is. A `voice` and a `callback` both take the agent's line; the others have capacities of their own. */
export type Channel = 'voice' | 'callback' | 'chat' | 'email'

/** What the agent chose; what it is doing is its `AgentState`. */
export type AgentStatus =
  | { readonly type: 'available' }
  | { readonly type: 'on-break'; readonly reason?: string }
  | { readonly type: 'logged-out' }

/**
 * What an agent is doing. `elsewhere`: on a call that no queue gave it. `resting`: the pause after an offer that failed. `preparing`: it has
 * answered, but the talk has not begun: it hears a whisper, or the customer is being called back.
 */
export type AgentState = 'idle' | 'resting' | 'offered' | 'preparing' | 'talking' | 'wrap-up' | 'elsewhere'

/** Why an offer came to nothing on the agent's side; `fault`: on ours, so that the agent was never asked. */
export type OfferFailure = 'no-answer' | 'busy' | 'rejected' | 'unreachable' | 'fault'

/** What follows from a failed offer. */
export interface FailurePolicy {
  /** Milliseconds before the agent is offered anything again. */
  readonly delay: number
  /** Failures of this kind in a row after which the agent is put on a break. @default none */
  readonly limit?: number
}

/** What routing knows of an agent. */
export interface AgentSettings {
  /** Levels by name; conditions of callers ask for them. @default none */
  readonly skills?: Readonly<Record<string, number>>
  /** Milliseconds of wrap-up after each interaction. @default 0 */
  readonly wrapUp?: number
  /** Interactions at a time, by channel; `voice` bounds calls and call backs together. @default voice 1, callback 1, chat 0, email 0 */
  readonly capacity?: Readonly<Partial<Record<Channel, number>>>
  /** What follows from offers that came to nothing. @default no-answer 5 s, busy 5 s, rejected 10 s, unreachable 30 s, fault 1 s; no limits */
  readonly failures?: Readonly<Partial<Record<OfferFailure, FailurePolicy>>>
}

/** An agent as a strategy or a condition sees it. */
export interface AgentView {
  readonly uri: Uri
  readonly skills: Readonly<Record<string, number>>
  /** Milliseconds since its last interaction ended or it became available. */
  readonly idleFor: number
  /** Interactions answered since the last `day-began`. */
  readonly callsToday: number
}

/** A waiting interaction as a strategy sees it. */
export interface WaitingView {
  /** Milliseconds. */
  readonly waited: number
  readonly priority: number
}

/**
 * The application's own distribution: the agents to be offered now, all at a time; none leaves the caller waiting. Asked when a caller
 * joins or an agent becomes free, and again every second.
 */
export type CustomStrategy = (eligible: readonly AgentView[], waiting: WaitingView) => readonly AgentView[]

/**
 * Who is offered a caller first.
 * - `ring-all`: every free agent at a time; the first to answer has the caller.
 * - `longest-idle`: free for the longest time. `fewest-calls`, `least-talk-time`: since the day began.
 * - `round-robin`: least recently offered. `top-down`: by the order in which agents were added.
 * - `random`: with equal chances. `weighted`: with chances in proportion to the member's weight.
 * - `progressive`: the longest idle first, one more every `progressEvery` ms while the others go on ringing.
 *
 * Lower tiers come before higher ones; between equals it is who has been free for longest, then who was added first.
 */
export type Strategy =
  | 'ring-all'
  | 'longest-idle'
  | 'round-robin'
  | 'top-down'
  | 'fewest-calls'
  | 'least-talk-time'
  | 'random'
  | 'weighted'
  | 'progressive'
  | CustomStrategy

/** Where a caller goes that a queue does not keep. */
export type OverflowTarget =
  /** `requires`: what counts there, from the time of entering on. @default what the caller asked for, as far as it is relaxed by then */
  | { readonly queue: QueueId; readonly requires?: readonly RelaxStep[] }
  | { readonly uri: Uri }
  /** Plays the greeting, records to the file that the function names for at most `limit` ms (@default 300000), hangs up. `key`: 32 bytes, the file is encrypted. */
  | { readonly mailbox: (interaction: InteractionId) => string; readonly greeting?: Audio; readonly limit?: number; readonly key?: Uint8Array }
  | { readonly announcement: Audio }

/** When a caller overflows (whichever comes first), and where to. */
export interface OverflowSettings {
  /** Milliseconds waited. @default no limit */
  readonly after?: number
  /** Callers waiting already: whoever comes then overflows at once. @default no limit */
  readonly size?: number
  /** No member is available, however busy. @default false */
  readonly noAgents?: boolean
  /** Undefined: `enter` returns `overflowed` and the application decides. */
  readonly to?: OverflowTarget
}

/** What routing knows of a queue. */
export interface QueueSettings {
  readonly strategy: Strategy
  /** Milliseconds after which a caller leaves as `timed-out`. @default none */
  readonly maxWait?: number
  /** Callers waiting at most; more leave as `overflowed`. @default none */
  readonly maxSize?: number
  /** When callers go elsewhere, and where. @default only beyond `maxSize` */
  readonly overflow?: OverflowSettings
  /** Milliseconds an offer rings before the next agent is tried. @default 15000 */
  readonly ringFor?: number
  /** Milliseconds after which the next tier opens to a caller; 0: all are open, lower tiers first. @default 0 */
  readonly tierWait?: number
  /** Points of priority that a caller gains per minute of waiting. @default 0 */
  readonly ageing?: number
  /** Milliseconds between the agents that `progressive` adds. @default 5000 */
  readonly progressEvery?: number
  /** Milliseconds in which a caller who hung up and comes again gets the old place. @default 60000 */
  readonly returnWithin?: number
  /** Milliseconds after joining, then between announcements of the position. @default none */
  readonly announce?: { readonly first: number; readonly every: number }
}

/** An agent's seat in a queue. */
export interface MemberSettings {
  /** Lower tiers are tried first. @default 1 */
  readonly tier?: number
  /** The agent's own order among its queues, lower first. @default 0 */
  readonly rank?: number
  /** Share under `weighted`. @default 1 */
  readonly weight?: number
}

/** A condition computed by the application; asked again every second while the caller waits. */
export type AgentPredicate = (agent: AgentView, waited: number) => boolean

/** An expression over skills, or the application's own condition. */
export type Requirement = string | AgentPredicate

/** From `after` ms of waiting on, `requires` is what counts. */
export interface RelaxStep {
  readonly after: number
  /** Undefined: any member. */
  readonly requires?: Requirement
}
