import type { AgentId, AgentSettings, AgentStatus, Channel, InteractionId, MemberSettings, OfferFailure, QueueId, QueueSettings, RelaxStep } from './settings.js'

/** Names an offer; each is used once. */
export type OfferId = number

/** How a waiting interaction leaves without routing having decided so. */
export type Departure =
  | { readonly type: 'abandoned' }
  | { readonly type: 'exited' }
  | { readonly type: 'withdrawn' }
  /** Its queue takes nobody any more; a talk goes on. */
  | { readonly type: 'closed' }

/** All that can happen to a contact centre, as far as distribution is concerned. */
export type RoutingEvent =
  /** Only time has passed: a `wake` is due. */
  | { readonly type: 'time' }
  /** Counts of calls and talk time start at 0 again. */
  | { readonly type: 'day-began' }
  /** A queue is added or its settings change. */
  | { readonly type: 'queue'; readonly queue: QueueId; readonly settings: QueueSettings }
  /** Its callers leave as `overflowed`. */
  | { readonly type: 'queue-removed'; readonly queue: QueueId }
  /** An agent is added (logged out) or its settings change. */
  | { readonly type: 'agent'; readonly agent: AgentId; readonly settings: AgentSettings }
  | { readonly type: 'agent-removed'; readonly agent: AgentId }
  | { readonly type: 'member'; readonly queue: QueueId; readonly agent: AgentId; readonly settings: MemberSettings }
  | { readonly type: 'member-removed'; readonly queue: QueueId; readonly agent: AgentId }
  | { readonly type: 'status'; readonly agent: AgentId; readonly status: AgentStatus }
  /** The agent's line is, or is no longer, in a call that no queue gave it. */
  | { readonly type: 'elsewhere'; readonly agent: AgentId; readonly busy: boolean }
  | JoinEvent
  | { readonly type: 'left'; readonly interaction: InteractionId; readonly how: Departure }
  /** A waiting caller hangs up but keeps the place, to be called back. */
  | { readonly type: 'callback'; readonly interaction: InteractionId }
  | { readonly type: 'priority'; readonly interaction: InteractionId; readonly priority: number }
  /** `pending`: the talk does not begin at once; `began`, `dropped` or `missed` says what has come of it, and nothing is counted before. */
  | { readonly type: 'answered'; readonly offer: OfferId; readonly pending?: boolean }
  /** The talk that was pending begins. */
  | { readonly type: 'began'; readonly interaction: InteractionId }
  | { readonly type: 'failed'; readonly offer: OfferId; readonly failure: OfferFailure }
  /** The agent's side was gone before the talk that was pending had begun: the caller waits on in the old place. */
  | { readonly type: 'dropped'; readonly interaction: InteractionId }
  /** The customer of a pending call back could not be reached: its stay is over. `deserted`: because the agent hung up. */
  | { readonly type: 'missed'; readonly interaction: InteractionId; readonly deserted?: boolean }
  /** The talk, or whatever the agent had been connected to, is over. */
  | { readonly type: 'ended'; readonly interaction: InteractionId }
  /** The agent ends its wrap-up. */
  | { readonly type: 'wrapped-up'; readonly agent: AgentId }
  /** The wrap-up lasts `ms` from now. */
  | { readonly type: 'wrap-up-extended'; readonly agent: AgentId; readonly ms: number }

/** An interaction begins to wait in a queue. */
export interface JoinEvent {
  readonly type: 'joined'
  readonly interaction: InteractionId
  readonly queue: QueueId
  /** @default 'voice' */
  readonly channel?: Channel
  /** Higher is served first. @default 0 */
  readonly priority?: number
  /** In order of `after`, the first at 0. @default any member */
  readonly requires?: readonly RelaxStep[]
  /** Who it is, to find an old place again. */
  readonly customer?: string
  /** The agent who knows the customer, waited for at most `wait` ms. */
  readonly sticky?: { readonly agent: AgentId; readonly wait: number }
}
