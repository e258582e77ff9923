import type { Uri } from '../call/call.js'
import type { AgentId, Channel, InteractionId, QueueId } from './routing/settings.js'

/** How an interaction ended. `answered`: of a call that went to no queue; `missed`: of such a call, or of a call back whose customer could not be reached. */
export type InteractionOutcome = 'served' | 'abandoned' | 'timed-out' | 'overflowed' | 'exited' | 'callback' | 'closed' | 'withdrawn' | 'answered' | 'missed'

/** One row for each finished interaction. Durations in milliseconds. */
export interface InteractionRecord {
  /** Id of the call, or of the call back. */
  readonly id: InteractionId
  readonly channel: Channel
  /** When it began and ended, in ms since 1970-01-01 UTC. */
  readonly at: number
  readonly endedAt: number
  readonly from: Uri
  readonly to: Uri
  /** Null where it was in no queue. */
  readonly queue: QueueId | null
  /** Who served it. */
  readonly agent: AgentId | null
  /** Null where it was in no queue. */
  readonly waited: number | null
  /** Null where nobody answered. */
  readonly talked: number | null
  readonly outcome: InteractionOutcome
  /** File of the recorded talk. */
  readonly recording: string | null
  /** What the agent noted of its result. */
  readonly disposition: string | null
}

/** What only the end of an interaction tells of its record. */
export type RecordEnd = Partial<Pick<InteractionRecord, 'queue' | 'outcome' | 'recording' | 'endedAt'>>

/** Keeps interaction records. `openSqliteStore` is one. */
export interface InteractionStore {
  /** Resolves when the row is safe. @throws CordboardError `STORE_UNAVAILABLE`. */
  append(record: InteractionRecord): Promise<void>
  /**
   * Notes the result of the newest row of this interaction, as an agent does in its wrap-up. @default what is noted after the talk is lost
   * @throws CordboardError `STORE_UNAVAILABLE`.
   */
  dispose?(interaction: InteractionId, disposition: string): Promise<void>
  /** The rows that ended last, newest first. @throws CordboardError `STORE_UNAVAILABLE`. */
  newest(limit: number): Promise<readonly InteractionRecord[]>
}
