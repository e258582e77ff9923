import type { Call, Uri } from '../call/call.js'
import type { Scoped } from '../core/scope.js'
import type { Agent } from './agent.js'
import type { AssignOutcome, WrittenInteraction } from './assignment.js'
import { changed } from './changes.js'
import type { Changes } from './changes.js'
import type { Closure, Emergency } from './closure.js'
import { EventStream } from './event-stream.js'
import { QueueFold } from './figures/queue-figures.js'
import type { QueueFigures } from './figures/queue-figures.js'
import { checkHours, opennessAt } from './opening-hours.js'
import type { EnterOptions, QueueOptions, QueueOutcome } from './queue-options.js'
import type { Fact } from './routing/action.js'
import { checkConditions, checkJoin, checkMember, checkQueue } from './routing/checks.js'
import type { JoinEvent } from './routing/event.js'
import type { MemberSettings, QueueSettings, RelaxStep } from './routing/settings.js'
import type { StayContext } from './stay.js'
import { WaitEstimate } from './wait-estimate.js'
import type { EstimateError } from './wait-estimate.js'

/** One thing that happened in a queue. */
export interface QueueEvent {
  readonly type: 'joined' | 'offered' | 'offer-ended' | 'answered' | 'abandoned' | 'timed-out' | 'overflowed' | 'exited' | 'callback' | 'missed' | 'closed' | 'withdrawn' | 'ended' | 'wrapped-up'
  readonly at: Date
  /** The call's id, followed by `.2` and so on from its second stay in a queue on. */
  readonly callId: string
  readonly agent?: Uri
}

/** What `configure` changes; a queue always has a strategy. */
export type QueueChanges = Changes<Omit<QueueOptions, 'strategy'>> & Partial<Pick<QueueOptions, 'strategy'>>

/** A queue of callers and the agents who serve it. Disposing of it lets its callers overflow; talks go on. */
export interface Queue extends AsyncDisposable {
  /** Unlike that of any other queue of its contact centre. */
  readonly name: string
  /** As they are now. */
  readonly options: QueueOptions
  /** Seats an agent, or changes its seat. @throws CordboardError `CONTACT_BAD_OPTION`. */
  add(agent: Agent, member?: MemberSettings): this
  /** Unseats an agent: offers to it stop, a talk goes on. */
  remove(agent: Agent): this
  /**
   * Waits for an agent and talks; resolves when the stay is over. The caller who hangs up has `abandoned`; where the agent hangs up, the
   * call goes on.
   * @throws CordboardError `CONTACT_BAD_EXPRESSION`, `CONTACT_BAD_OPTION`; the reason of `signal`, when that ends the waiting.
   */
  enter(call: Call, options?: EnterOptions): Promise<QueueOutcome>
  /**
   * Waits for an agent to take a chat or an e-mail, which is offered by the contact centre's `offer` event.
   * @throws CordboardError `CONTACT_BAD_EXPRESSION`, `CONTACT_BAD_OPTION`, `CONTACT_DUPLICATE`; the reason of `signal`, when that ends the waiting.
   */
  assign(interaction: WrittenInteraction, options?: EnterOptions): Promise<AssignOutcome>
  /** What happens from now on; bounded: of a reader who is slow the oldest events are dropped. */
  events(options?: Scoped): AsyncIterableIterator<QueueEvent>
  /** Figures since the queue was made. */
  figures(): QueueFigures
  /** How well waits have been estimated. */
  readonly estimateError: EstimateError
  /**
   * Changes options while callers wait; none is lost, and other music is heard at once. Another service level counts what comes
   * from now on.
   * @throws CordboardError `CONTACT_BAD_EXPRESSION`, `CONTACT_BAD_OPTION`; nothing has changed then.
   */
  configure(changes: QueueChanges): void
  /**
   * Switches the emergency on, or off. Those who wait already, and those who overflow into the queue, are dealt with like all who come; call backs keep
   * their places.
   */
  setEmergency(emergency: Emergency | undefined): void
}

/** What a queue takes from its contact centre. */
export interface QueueContext extends StayContext {
  /** Settings for routing, the application's functions guarded. */
  settingsOf(options: QueueOptions): QueueSettings
  /** The same for a caller's conditions. */
  guardSteps(steps: readonly RelaxStep[]): readonly RelaxStep[]
  /** Starts a stay and waits for its end. */
  visit(queue: LiveQueue, call: Call, join: Omit<JoinEvent, 'interaction'>, signal: AbortSignal | undefined): Promise<QueueOutcome>
  /** Deals with a caller whom the queue does not take, and keeps its record. */
  turnAway(queue: string, call: Call, closure: Closure): Promise<QueueOutcome>
  /** Those who wait in the queue do so no longer. */
  evacuate(queue: string, closure: Closure): void
  /** The same as `visit` for what is written. */
  assign(interaction: WrittenInteraction, join: Omit<JoinEvent, 'interaction'>, signal: AbortSignal | undefined): Promise<AssignOutcome>
  /** Those who wait in the queue go by its new options. */
  reconfigured(queue: string, options: QueueOptions): void
  removed(queue: string): void
}

const stepsOf = (requires: EnterOptions['requires']): readonly RelaxStep[] => {
  if (requires === undefined) return []
  if (typeof requires === 'string' || typeof requires === 'function') return [{ after: 0, requires }]
  return requires
}

/** @throws CordboardError `CONTACT_BAD_EXPRESSION`, `CONTACT_BAD_OPTION`. */
const checkOptions = ({ announce, hours, ...options }: QueueOptions): void => {
  checkQueue({ ...options, ...(announce === undefined ? {} : { announce }) })
  if (hours !== undefined) checkHours(hours)
}

/** Customers without a name are all different. */
const customerOf = (call: Call): string | undefined => (/^sips?:(anonymous|unknown|restricted)?@/i.test(call.from) ? undefined : call.from)

/** A queue of a live contact centre. */
export class LiveQueue implements Queue {
  readonly name: string
  readonly #context: QueueContext
  readonly #estimate = new WaitEstimate()
  readonly #fold: QueueFold
  readonly #streams = new Set<EventStream<QueueEvent>>()
  #options: QueueOptions
  #emergency: Emergency | undefined

  constructor(name: string, options: QueueOptions, context: QueueContext) {
    checkOptions(options)
    this.name = name
    this.#options = options
    this.#context = context
    this.#fold = new QueueFold(options.serviceLevel)
    context.send({ type: 'queue', queue: name, settings: context.settingsOf(options) })
  }

  /** Undefined while it is open. */
  get closure(): Closure | undefined {
    if (this.#emergency !== undefined) return { reason: 'emergency', emergency: this.#emergency }
    const openness = this.#options.hours === undefined ? 'open' : opennessAt(this.#options.hours, this.#context.clock.wall())
    return openness === 'open' ? undefined : { reason: openness }
  }

  get options(): QueueOptions {
    return this.#options
  }

  get estimateError(): EstimateError {
    return this.#estimate.error
  }

  add(agent: Agent, member: MemberSettings = {}): this {
    checkMember(member)
    this.#context.send({ type: 'member', queue: this.name, agent: agent.uri, settings: member })
    return this
  }

  remove(agent: Agent): this {
    this.#context.send({ type: 'member-removed', queue: this.name, agent: agent.uri })
    return this
  }

  async enter(call: Call, options: EnterOptions = {}): Promise<QueueOutcome> {
    const join = this.#join(options, options.customer ?? customerOf(call))
    if (call.signal.aborted) return { type: 'abandoned', waited: 0 }
    const { closure } = this
    if (closure !== undefined) return this.#context.turnAway(this.name, call, closure)
    return this.#context.visit(this, call, join, options.signal)
  }

  async assign(interaction: WrittenInteraction, options: EnterOptions = {}): Promise<AssignOutcome> {
    return this.#context.assign(interaction, this.#join(options, options.customer ?? interaction.from), options.signal)
  }

  events(options: Scoped = {}): AsyncIterableIterator<QueueEvent> {
    const stream = new EventStream<QueueEvent>(options.signal, () => this.#streams.delete(stream))
    if (options.signal?.aborted !== true) this.#streams.add(stream)
    return stream
  }

  figures(): QueueFigures {
    return this.#fold.at(this.#context.clock.now())
  }

  /** Milliseconds that the caller at this place will wait. */
  estimate(position: number): number | undefined {
    return this.#estimate.estimate(position)
  }

  configure(changes: QueueChanges): void {
    const options = changed(this.#options, changes)
    checkOptions(options)
    this.#options = options
    if ('serviceLevel' in changes) this.#fold.measureBy(changes.serviceLevel)
    this.#context.send({ type: 'queue', queue: this.name, settings: this.#context.settingsOf(this.#options) })
    this.#context.reconfigured(this.name, this.#options)
  }

  setEmergency(emergency: Emergency | undefined): void {
    this.#emergency = emergency
    if (emergency !== undefined) this.#context.evacuate(this.name, { reason: 'emergency', emergency })
  }

  /** Takes in a fact of this queue. */
  note(fact: Fact): void {
    this.#fold.note(fact)
    this.#estimate.note(fact)
    if (!('interaction' in fact) || this.#streams.size === 0) return
    const { clock } = this.#context
    const event: QueueEvent = {
      type: fact.type === 'left' ? fact.outcome : fact.type,
      at: new Date(clock.wall() - (clock.now() - fact.at)),
      callId: fact.interaction,
      ...('agent' in fact ? { agent: fact.agent } : {}),
    }
    for (const stream of this.#streams) stream.push(event)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#context.send({ type: 'queue-removed', queue: this.name })
    for (const stream of [...this.#streams]) stream.close()
    this.#context.removed(this.name)
  }

  #join(options: EnterOptions, customer: string | undefined): Omit<JoinEvent, 'interaction'> {
    options.signal?.throwIfAborted()
    const join = {
      type: 'joined', queue: this.name, priority: options.priority ?? 0, requires: this.#context.guardSteps(stepsOf(options.requires)),
      ...(customer === undefined ? {} : { customer }),
      ...(options.prefer === undefined ? {} : { sticky: { agent: options.prefer.agent.uri, wait: options.prefer.wait } }),
    } as const
    checkJoin(join)
    checkConditions(join.requires)
    return join
  }
}
