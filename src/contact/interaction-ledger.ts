import type { Uri } from '../call/call.js'
import type { Clock } from '../core/clock.js'
import type { InteractionOutcome, InteractionRecord, RecordEnd } from './interaction-record.js'
import type { Fact, LeaveOutcome } from './routing/action.js'
import type { AgentId, InteractionId } from './routing/settings.js'

type Draft = { -readonly [Key in keyof InteractionRecord]: InteractionRecord[Key] }

/** Who takes part, which the event log does not know. */
export interface Parties {
  readonly from: Uri
  readonly to: Uri
}

/** Builds interaction records by folding the event log. A record is complete when its `close` is called. */
export class InteractionLedger {
  readonly #clock: Clock
  readonly #drafts = new Map<InteractionId, Draft>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  open(id: InteractionId, { from, to }: Parties, channel: InteractionRecord['channel'] = 'voice'): void {
    const at = this.#clock.wall()
    this.#drafts.set(id, {
      id, channel, at, endedAt: at, from, to, queue: null, agent: null, waited: 0, talked: null,
      outcome: 'withdrawn', recording: null, disposition: null,
    })
  }

  note(fact: Fact): void {
    if (!('interaction' in fact)) return
    const draft = this.#drafts.get(fact.interaction)
    if (draft === undefined) return
    if (fact.type === 'joined') draft.queue = fact.queue
    if (fact.type === 'left') this.#leave(draft, fact.outcome, fact.waited)
    if (fact.type === 'answered') Object.assign(draft, { agent: fact.agent, outcome: 'served', talked: 0, waited: (draft.waited ?? 0) + fact.waited })
    if (fact.type === 'ended') Object.assign(draft, { talked: fact.talked, endedAt: this.#clock.wall() })
  }

  /** Notes the result of what an agent has whose record is not closed yet; false where there is nothing. */
  dispose(agent: AgentId, disposition: string): boolean {
    const drafts = [...this.#drafts.values()].filter(draft => draft.agent === agent)
    for (const draft of drafts) draft.disposition = disposition
    return drafts.length > 0
  }

  /** The finished record; undefined when it was closed before. */
  close(id: InteractionId, more: RecordEnd = {}): InteractionRecord | undefined {
    const draft = this.#drafts.get(id)
    if (draft === undefined) return undefined
    this.#drafts.delete(id)
    return { ...draft, ...more }
  }

  /** Waits in several queues add up. */
  #leave(draft: Draft, outcome: LeaveOutcome['type'], waited: number): void {
    draft.waited = (draft.waited ?? 0) + waited
    draft.endedAt = this.#clock.wall()
    draft.outcome = outcome satisfies InteractionOutcome
  }
}
