import type { Call, Recording, Uri } from '../call/call.js'
import type { Clock } from '../core/clock.js'
import { isCordboardError } from '../core/errors.js'
import type { LiveAgent } from './agent.js'
import type { RecordEnd } from './interaction-record.js'
import type { LeaveOutcome, OfferEnd } from './routing/action.js'
import type { RoutingEvent } from './routing/event.js'
import type { InteractionId } from './routing/settings.js'
import type { QueueOptions, TalkFile } from './queue-options.js'

/** An agent who has won a call, its telephone off the hook. */
export interface Connection {
  readonly agent: LiveAgent
  readonly call: Call
  /** Whether the talk has still to begin: routing waits for `began`, `dropped` or `missed`. */
  readonly pending: boolean
  /** Lets the agent go: hangs up, or leaves a kept-open line as it is. */
  release(): Promise<void>
}

/** An offer on its way to an agent. */
export interface Offering {
  /** The agent's call, once answered; never for what is written. */
  readonly call: Call | undefined
  /** @param why tells the telephone, where it is told */
  cancel(why?: OfferEnd): void
}

/** The live side of an interaction that routing knows. None of its methods throws. */
export interface Stay {
  /** Identity that agents are shown. */
  readonly from: Uri
  leave(outcome: LeaveOutcome): void
  /** It waits in another queue now. */
  move(options: QueueOptions): void
  announce(position: number, estimate: number | undefined): void
}

/** A stay that is talked through. */
export interface CallStay extends Stay {
  /** Whether something comes before the talk when an agent has answered. */
  readonly pending: boolean
  connect(connection: Connection): void
}

/** What a stay takes from its contact centre. */
export interface StayContext {
  readonly clock: Clock
  /** Aborts when the contact centre closes. */
  readonly signal: AbortSignal
  send(event: RoutingEvent): void
  fault(error: unknown): void
  /** Rings an agent who has this interaction already; its new call, or undefined. */
  ringAgain(agent: Uri, from: Uri, signal: AbortSignal): Promise<Call | undefined>
  /** Closing waits for this. */
  track<T>(work: Promise<T>): Promise<T>
  /** Writes the interaction's record. */
  finish(id: InteractionId, more?: RecordEnd): void
}

/** Reports what isn't merely a hang-up. */
export const faultUnlessEnded = (context: StayContext, error: unknown): void => {
  if (!isCordboardError(error, 'CALL_ENDED')) context.fault(error)
}

/** A recording that begins in the background; that it cannot be made must not hold up a talk. */
export class TalkRecording {
  readonly #context: StayContext
  readonly #started: Promise<Recording | undefined>

  /** @param file what the application calls it; undefined: it is not recorded. */
  constructor(context: StayContext, call: Call, file: () => string | TalkFile | undefined) {
    this.#context = context
    this.#started = this.#start(call, file)
  }

  /** The file, whole on disk; null where there is none. */
  async stop(): Promise<string | null> {
    const recording = await this.#started
    try {
      await recording?.stop()
    } catch (error) {
      this.#context.fault(error)
    }
    return recording?.file ?? null
  }

  async #start(call: Call, file: () => string | TalkFile | undefined): Promise<Recording | undefined> {
    try {
      const wanted = file()
      if (wanted === undefined) return undefined
      return typeof wanted === 'string' ? await call.record(wanted) : await call.record(wanted.file, wanted)
    } catch (error) {
      faultUnlessEnded(this.#context, error)
      return undefined
    }
  }
}
