import type { Uri } from '../call/call.js'
import { deferred, onAbort } from '../core/scope.js'
import type { LiveAgent, Agent } from './agent.js'
import type { LeaveOutcome } from './routing/action.js'
import type { InteractionId } from './routing/settings.js'
import type { Stay, StayContext } from './stay.js'

/** A chat or an e-mail that wants an agent. */
export interface WrittenInteraction {
  /** Unlike any other of this contact centre. */
  readonly id: InteractionId
  readonly channel: 'chat' | 'email'
  /** Who writes, and to whom: SIP URIs, mail addresses, whatever the application goes by. */
  readonly from: Uri
  readonly to: Uri
}

/** An agent is asked whether it takes a chat or an e-mail; the application shows it and answers. */
export interface WrittenOffer {
  readonly interaction: WrittenInteraction
  readonly agent: Agent
  /** Milliseconds until it is withdrawn by itself. */
  readonly expiresIn: number
  /** Aborts when the offer is no more, whoever ended it. */
  readonly signal: AbortSignal
  accept(): void
  reject(): void
}

/** How the waiting of a chat or an e-mail ended. */
export type AssignOutcome =
  | {
    readonly type: 'assigned'
    readonly agent: Agent
    /** Milliseconds. */
    readonly waited: number
    /** The agent is done with it, and wraps up. */
    end(): void
  }
  | { readonly type: 'timed-out' | 'overflowed' }

/** A chat or an e-mail in a queue. */
export class Assignment implements Stay {
  readonly interaction: WrittenInteraction
  readonly #context: StayContext
  readonly #enteredAt: number
  readonly #onEnd: () => void
  readonly #outcome = deferred<AssignOutcome>()
  #signal: AbortSignal | undefined

  constructor(interaction: WrittenInteraction, context: StayContext, onEnd: () => void) {
    this.interaction = interaction
    this.#context = context
    this.#enteredAt = context.clock.now()
    this.#onEnd = onEnd
  }

  get from(): Uri {
    return this.interaction.from
  }

  /** Waits for an agent. @throws the reason of `signal`, when that ends the waiting. */
  async run(signal: AbortSignal | undefined): Promise<AssignOutcome> {
    this.#signal = signal
    const off = onAbort(signal, () => this.#context.send({ type: 'left', interaction: this.interaction.id, how: { type: 'withdrawn' } }))
    try {
      return await this.#outcome.promise
    } finally {
      off()
    }
  }

  connect({ agent }: { readonly agent: LiveAgent }): void {
    this.#outcome.resolve({ type: 'assigned', agent, waited: this.#context.clock.now() - this.#enteredAt, end: () => this.#end() })
  }

  leave(outcome: LeaveOutcome): void {
    this.#context.finish(this.interaction.id)
    this.#onEnd()
    if (outcome.type === 'timed-out' || outcome.type === 'overflowed') this.#outcome.resolve({ type: outcome.type })
    else this.#outcome.reject(this.#signal?.reason)
  }

  move(): void {
    // It hears no music.
  }

  announce(): void {
    // Nobody listens.
  }

  #end(): void {
    this.#context.send({ type: 'ended', interaction: this.interaction.id })
    this.#context.finish(this.interaction.id)
    this.#onEnd()
  }
}
