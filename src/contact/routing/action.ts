import type { OfferId } from './event.js'
import type { AgentId, AgentState, AgentStatus, Channel, InteractionId, OfferFailure, OverflowTarget, QueueId } from './settings.js'

/** How an interaction left a queue without an agent. */
export type LeaveOutcome =
  | { readonly type: 'abandoned' }
  | { readonly type: 'exited' }
  | { readonly type: 'withdrawn' }
  | { readonly type: 'closed' }
  | { readonly type: 'timed-out' }
  | { readonly type: 'overflowed'; readonly to?: OverflowTarget }
  /** It stays in its place as a `callback`. */
  | { readonly type: 'callback' }
  /** A call back whose customer could not be reached. */
  | { readonly type: 'missed' }

/** Why an offer ended other than by its answer. */
export type OfferEnd = OfferFailure | 'answered-elsewhere' | 'caller-left' | 'withdrawn'

/** What the world is asked to do; `log` is what it is told, ahead of the order that follows from it. */
export type RoutingAction =
  /** Ring the agent. The offer is a lease: at `expires` it is withdrawn by itself. */
  | { readonly type: 'offer'; readonly offer: OfferId; readonly interaction: InteractionId; readonly queue: QueueId; readonly agent: AgentId; readonly channel: Channel; readonly expires: number }
  /** Stop ringing. */
  | { readonly type: 'cancel-offer'; readonly offer: OfferId; readonly agent: AgentId; readonly reason: OfferEnd }
  /** This offer has won the interaction: join them, or while it is `pending` do first what comes before the talk. */
  | { readonly type: 'connect'; readonly offer: OfferId; readonly interaction: InteractionId; readonly queue: QueueId; readonly agent: AgentId; readonly waited: number; readonly pending: boolean }
  /** An answer to an offer that is no more: hang up on the agent. */
  | { readonly type: 'too-late'; readonly offer: OfferId }
  | { readonly type: 'leave'; readonly interaction: InteractionId; readonly queue: QueueId; readonly outcome: LeaveOutcome; readonly waited: number }
  /** It goes on waiting in another queue. */
  | { readonly type: 'move'; readonly interaction: InteractionId; readonly from: QueueId; readonly to: QueueId }
  /** Tell the caller its place; 1 is next. */
  | { readonly type: 'announce'; readonly interaction: InteractionId; readonly queue: QueueId; readonly position: number }
  /** Send `time` at `at`; this replaces the wake before it. Undefined: none is needed. */
  | { readonly type: 'wake'; readonly at: number | undefined }
  | { readonly type: 'log'; readonly fact: Fact }

/** One entry of the event log, from which every figure is folded. Times and durations in milliseconds. */
export type Fact = { readonly at: number } & (
  | { readonly type: 'joined'; readonly queue: QueueId; readonly interaction: InteractionId; readonly channel: Channel; readonly customer?: string }
  | { readonly type: 'offered'; readonly queue: QueueId; readonly interaction: InteractionId; readonly agent: AgentId }
  | { readonly type: 'offer-ended'; readonly queue: QueueId; readonly interaction: InteractionId; readonly agent: AgentId; readonly reason: OfferEnd; readonly rang: number }
  /** The talk begins. */
  | { readonly type: 'answered'; readonly queue: QueueId; readonly interaction: InteractionId; readonly agent: AgentId; readonly channel: Channel; readonly waited: number }
  /** `to`: the queue that it moved on to. */
  | { readonly type: 'left'; readonly queue: QueueId; readonly interaction: InteractionId; readonly outcome: LeaveOutcome['type']; readonly waited: number; readonly to?: QueueId }
  | { readonly type: 'ended'; readonly queue: QueueId; readonly interaction: InteractionId; readonly agent: AgentId; readonly talked: number }
  | { readonly type: 'wrapped-up'; readonly queue: QueueId; readonly interaction: InteractionId; readonly agent: AgentId; readonly took: number }
  | { readonly type: 'agent'; readonly agent: AgentId; readonly status: AgentStatus; readonly state: AgentState }
  | { readonly type: 'agent-removed'; readonly agent: AgentId }
)
