import type { Audio } from '../call/audio.js'
import type { Call, Uri } from '../call/call.js'
import { onAbort } from '../core/scope.js'
import type { Digit } from '../media/leg.js'
import { changed } from './changes.js'
import type { Changes } from './changes.js'
import { AgentFold } from './figures/agent-figures.js'
import type { AgentFigures } from './figures/agent-figures.js'
import type { Fact } from './routing/action.js'
import { checkAgent } from './routing/checks.js'
import type { RoutingEvent } from './routing/event.js'
import type { AgentSettings, AgentState, AgentStatus, AgentView } from './routing/settings.js'

/** How an agent on an outside number says that a person has answered, and not a mailbox. */
export interface Acceptance {
  /** What it hears: "A call for sales; press 1 to take it." */
  readonly prompt: Audio
  /** The key that takes the call. @default '1' */
  readonly digit?: Digit
}

/** Who an agent is, and how it is called. */
export interface AgentOptions extends AgentSettings {
  /** Where the agent is called: a registered address or any SIP URI. Names the agent. */
  readonly uri: Uri
  /** Asked of whoever answers, within the ringing time, before the caller is put through. @default none */
  readonly accept?: Acceptance
}

/** An agent. Disposing of it takes it out of all queues; a talk goes on to its end. */
export interface Agent extends AgentView, AsyncDisposable {
  /** What the agent chose. */
  readonly status: AgentStatus
  /** What it is doing. */
  readonly state: AgentState
  /** Available: offered callers; otherwise whatever rings stops. */
  setStatus(status: AgentStatus): void
  /** As they are now. */
  readonly options: AgentOptions
  /**
   * Changes skills, wrap-up, capacities, limits, acceptance; an offer that rings already goes on as it began.
   * @throws CordboardError `CONTACT_BAD_OPTION`; nothing has changed then.
   */
  configure(changes: Changes<Omit<AgentOptions, 'uri'>>): void
  /**
   * Keeps an answered call as the agent's line until it ends: callers are put through after a tone, without ringing.
   * @example
   * server.handle('sip:desk@*', async call => {
   *   await call.answer()
   *   ann.setStatus({ type: 'available' })
   *   await ann.keepLine(call)
   *   ann.setStatus({ type: 'logged-out' })
   * })
   */
  keepLine(call: Call): Promise<void>
  /** Makes it free for the next caller. */
  endWrapUp(): void
  /** The wrap-up lasts `ms` from now. */
  extendWrapUp(ms: number): void
  /** Figures since the agent was added. */
  figures(): AgentFigures
  /** Notes the result of the talk that the agent is in, or else wraps up; it stands in the interaction's record. */
  dispose(disposition: string): void
}

/** What an agent takes from its contact centre. */
export interface AgentContext {
  send(event: RoutingEvent): void
  /** What routing knows of the agent; undefined once it is gone. */
  view(uri: Uri): { readonly view: AgentView; readonly status: AgentStatus; readonly state: AgentState } | undefined
  dispose(uri: Uri, disposition: string): void
  removed(uri: Uri): void
  /** On the scale of the event log. */
  now(): number
  /** This call is the agent's line, and no call elsewhere. */
  exempt(uri: Uri, call: Call): void
}

const GONE = { status: { type: 'logged-out' }, state: 'idle' } as const

/** An agent of a live contact centre. */
export class LiveAgent implements Agent {
  readonly uri: Uri
  readonly #context: AgentContext
  readonly #fold = new AgentFold()
  #options: AgentOptions
  #line: Call | undefined

  constructor(options: AgentOptions, context: AgentContext) {
    checkAgent(options)
    this.uri = options.uri
    this.#options = options
    this.#context = context
  }

  get options(): AgentOptions {
    return this.#options
  }

  get skills(): Readonly<Record<string, number>> {
    return this.#context.view(this.uri)?.view.skills ?? {}
  }

  get idleFor(): number {
    return this.#context.view(this.uri)?.view.idleFor ?? 0
  }

  get callsToday(): number {
    return this.#context.view(this.uri)?.view.callsToday ?? 0
  }

  get status(): AgentStatus {
    return (this.#context.view(this.uri) ?? GONE).status
  }

  get state(): AgentState {
    return (this.#context.view(this.uri) ?? GONE).state
  }

  /** The kept-open line. */
  get line(): Call | undefined {
    return this.#line?.state === 'answered' ? this.#line : undefined
  }

  async keepLine(call: Call): Promise<void> {
    this.#line = call
    this.#context.exempt(this.uri, call)
    await new Promise<void>(resolve => onAbort(call.signal, () => resolve()))
    if (this.#line === call) this.#line = undefined
  }

  setStatus(status: AgentStatus): void {
    this.#context.send({ type: 'status', agent: this.uri, status })
  }

  configure(changes: Changes<Omit<AgentOptions, 'uri'>>): void {
    const options = changed(this.#options, { ...changes, uri: this.uri })
    checkAgent(options)
    this.#options = options
    this.#context.send({ type: 'agent', agent: this.uri, settings: this.#options })
  }

  endWrapUp(): void {
    this.#context.send({ type: 'wrapped-up', agent: this.uri })
  }

  extendWrapUp(ms: number): void {
    this.#context.send({ type: 'wrap-up-extended', agent: this.uri, ms })
  }

  figures(): AgentFigures {
    return this.#fold.at(this.#context.now())
  }

  /** Takes in a fact of this agent. */
  note(fact: Fact): void {
    this.#fold.note(fact)
  }

  dispose(disposition: string): void {
    this.#context.dispose(this.uri, disposition)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#context.send({ type: 'agent-removed', agent: this.uri })
    this.#context.removed(this.uri)
  }
}
