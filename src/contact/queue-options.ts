import type { Audio } from '../call/audio.js'
import type { Call, Uri } from '../call/call.js'
import type { Scoped } from '../core/scope.js'
import type { Digit, RecordOptions } from '../media/leg.js'
import type { Agent } from './agent.js'
import type { ServiceLevelOptions } from './figures/service-level.js'
import type { OpeningHours } from './opening-hours.js'
import type { QueueSettings, RelaxStep, Requirement } from './routing/settings.js'

/** What a caller is told while waiting. */
export interface AnnouncementOptions {
  /** Milliseconds after joining. */
  readonly first: number
  /** Milliseconds between announcements. */
  readonly every: number
  /** What to play; undefined for nothing this time. Position 1 is next; `estimate` in ms, undefined before the queue has served anyone. */
  readonly audio: (place: { readonly position: number; readonly estimate: number | undefined }) => Audio | readonly Audio[] | undefined
}

/** A talk's file: as that of a call, in a size at most (`maxBytes`) or encrypted (`key`, 32 bytes). */
export type TalkFile = { readonly file: string } & Pick<RecordOptions, 'maxBytes' | 'key'>

/** A call back instead of waiting: the caller hangs up and keeps the place. */
export interface CallbackOptions {
  /** The key that asks for it. */
  readonly digit: Digit
  /** Identity shown to the customer. @default the number that was called */
  readonly from?: Uri
  /** Milliseconds that the customer's telephone rings. @default 30000 */
  readonly ringFor?: number
  /**
   * How often an agent is called for it at most: while one who hangs up before the customer has answered is not the last, the call back
   * goes on waiting in its place for the next. A customer who does not answer is not called again. @default 3
   */
  readonly attempts?: number
}

/** How a queue distributes its callers, and what they hear meanwhile. */
export interface QueueOptions extends Omit<QueueSettings, 'announce'> {
  /** Music while waiting, again and again. @default silence */
  readonly hold?: Audio | readonly Audio[]
  /** The key by which a caller leaves. @default none */
  readonly exitOn?: Digit
  /** Told again and again while waiting. @default nothing */
  readonly announce?: AnnouncementOptions
  /** Lets callers ask to be called back. @default they cannot */
  readonly callback?: CallbackOptions
  /** Played to the agent before the caller is put through, who goes on hearing music. @default nothing */
  readonly whisper?: Audio
  /** Milliseconds that an agent may keep a caller on hold before its telephone rings again. @default none */
  readonly holdLimit?: number
  /** File for the recorded talk: left the caller, right the agent, from the agent's answer on. @default not recorded */
  readonly record?: (call: Call, agent: Agent) => string | TalkFile
  /** When the queue is open; outside, `enter` returns `closed`. @default always */
  readonly hours?: OpeningHours
  /** What the service level is a share of. @default within 20 s, of all who were answered or gave up */
  readonly serviceLevel?: ServiceLevelOptions
}

/** How a caller waits. */
export interface EnterOptions extends Scoped {
  /** Higher is served first. @default 0 */
  readonly priority?: number
  /** An expression over skills (`english >= 4 and billing`), a function, or steps that relax while the caller waits. @default any member */
  readonly requires?: Requirement | readonly RelaxStep[]
  /** Who it is, to give an old place back. @default the caller's URI */
  readonly customer?: string
  /** The agent who knows the customer, and how many ms to wait for it. @default nobody */
  readonly prefer?: { readonly agent: Agent; readonly wait: number }
}

/** How a stay in a queue ended. Durations in milliseconds. */
export type QueueOutcome =
  /** There was a talk, and it is over. */
  | { readonly type: 'served'; readonly agent: Agent; readonly waited: number; readonly talked: number }
  /** The caller hung up. */
  | { readonly type: 'abandoned'; readonly waited: number }
  /** It waited for `maxWait`. */
  | { readonly type: 'timed-out' }
  /** `taken`: the queue's target had the caller; otherwise there is none, or it could not be reached. */
  | { readonly type: 'overflowed'; readonly taken: boolean }
  /** The caller will be called back. */
  | { readonly type: 'callback' }
  /** By the key of `exitOn`. */
  | { readonly type: 'exited'; readonly digit: Digit }
  /** It never waited, or no longer may: the queue is closed. */
  | { readonly type: 'closed'; readonly reason: 'hours' | 'holiday' | 'emergency' }
