import { EventEmitter, setMaxListeners } from 'node:events'
import type { Call, Uri } from '../call/call.js'
import type { Clock } from '../core/clock.js'
import { CordboardError, isCordboardError } from '../core/errors.js'
import { secureRandom } from '../core/random.js'
import type { Random } from '../core/random.js'
import { LiveAgent } from './agent.js'
import type { Agent, AgentOptions } from './agent.js'
import { Assignment } from './assignment.js'
import type { AssignOutcome, WrittenInteraction, WrittenOffer } from './assignment.js'
import { Callback } from './callback.js'
import type { Dialler } from './dialler.js'
import { turnAway } from './closure.js'
import type { Closure } from './closure.js'
import { Dispatcher } from './dispatcher.js'
import type { Order } from './dispatcher.js'
import { FunctionGuard } from './function-guard.js'
import { InteractionLedger } from './interaction-ledger.js'
import type { InteractionRecord, InteractionStore, RecordEnd } from './interaction-record.js'
import { LinePresence } from './line-presence.js'
import { LineOffer } from './line-offer.js'
import { OfferCall } from './offer-call.js'
import type { OfferReport } from './offer-call.js'
import { LiveQueue } from './queue.js'
import type { Queue, QueueContext } from './queue.js'
import type { QueueOptions, QueueOutcome } from './queue-options.js'
import type { Fact } from './routing/action.js'
import { stateOf, viewAgent } from './routing/availability.js'
import type { JoinEvent, OfferId, RoutingEvent } from './routing/event.js'
import type { InteractionId, QueueSettings } from './routing/settings.js'
import type { CallStay, Offering } from './stay.js'
import { Visit } from './visit.js'

/** Options of `createContactCenter`. */
export interface ContactCenterOptions {
  /** What calls come from, and what agents are called by: that of `createServer`. */
  readonly server: Dialler
  /** Where records of finished interactions go. @default nowhere */
  readonly store?: InteractionStore
  /** @default the server's */
  readonly clock?: Clock
  /** Of the strategies `random` and `weighted`. @default cryptographically strong */
  readonly random?: Random
  /** The agent whom a call's From names, where a server goes by several domains. @default the URI itself */
  readonly identify?: (from: Uri) => Uri
}

/** What a contact centre tells its listeners. */
export interface ContactCenterEvents {
  /** Each entry of the event log, from which every figure can be folded; `at` on the scale of the clock's `now()`. */
  fact: [fact: Fact]
  /** An agent is asked to take a chat or an e-mail. While nobody listens, such offers fail as `unreachable`. */
  offer: [offer: WrittenOffer]
  /** A record as it is handed to the store. */
  record: [record: InteractionRecord]
  /** An agent has noted the result of an interaction whose record was handed over before. */
  disposition: [interaction: InteractionId, disposition: string]
  /** Something failed that harms no call: a prompt that cannot be played, a store that cannot be reached. */
  fault: [error: CordboardError]
}

/** The owner of all queues and agents of a server. Disposing of it lets callers overflow, ends talks, and waits for their records. */
export interface ContactCenter extends EventEmitter<ContactCenterEvents>, AsyncDisposable {
  /** Adds a queue, without members. @throws CordboardError `CONTACT_DUPLICATE`, `CONTACT_BAD_EXPRESSION`, `CONTACT_BAD_OPTION`. */
  queue(name: string, options: QueueOptions): Queue
  /** Adds an agent, logged out. @throws CordboardError `CONTACT_DUPLICATE`, `CONTACT_BAD_OPTION`. */
  agent(options: AgentOptions): Agent
  /** By name. */
  readonly queues: ReadonlyMap<string, Queue>
  /** By URI. */
  readonly agents: ReadonlyMap<Uri, Agent>
  /** Counts of calls and talk time, which some strategies go by, begin anew: for midnight, or the first shift. */
  beginDay(): void
}

/** How long an agent's telephone rings again for a caller on hold. */
const RING_AGAIN_MS = 30_000

/**
 * Makes a contact centre on a server.
 * @example
 * await using center = createContactCenter({ server })
 * const billing = center.queue('billing', { strategy: 'longest-idle', maxWait: 180_000, hold: 'hold.wav' })
 */
export const createContactCenter = (options: ContactCenterOptions): ContactCenter => new LiveContactCenter(options)

class LiveContactCenter extends EventEmitter<ContactCenterEvents> implements ContactCenter, QueueContext {
  readonly clock: Clock
  readonly queues = new Map<string, LiveQueue>()
  readonly agents = new Map<Uri, LiveAgent>()
  readonly #server: Dialler
  readonly #store: InteractionStore | undefined
  readonly #dispatcher: Dispatcher
  readonly #ledger: InteractionLedger
  readonly #presence: LinePresence
  readonly #guard = new FunctionGuard(error => this.fault(error))
  readonly #stays = new Map<InteractionId, CallStay | Assignment>()
  readonly #offers = new Map<OfferId, Offering>()
  readonly #stayCounts = new WeakMap<Call, number>()
  /** Visits and writes that closing waits for. */
  readonly #running = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()

  constructor({ server, store, clock = server.clock, random = secureRandom, identify = from => from }: ContactCenterOptions) {
    super()
    this.clock = clock
    this.#server = server
    this.#store = store
    this.#dispatcher = new Dispatcher(clock, { perform: order => this.#perform(order), note: fact => this.#note(fact) }, random.uint32())
    this.#ledger = new InteractionLedger(clock)
    this.#presence = new LinePresence(server, from => this.#guard.attempt(() => identify(from), from), (agent, busy) => this.send({ type: 'elsewhere', agent, busy }))
    setMaxListeners(0, this.#closing.signal)
  }

  get signal(): AbortSignal {
    return this.#closing.signal
  }

  queue(name: string, options: QueueOptions): Queue {
    if (this.queues.has(name)) throw new CordboardError('CONTACT_DUPLICATE', `there is a queue '${name}' already`)
    const queue = new LiveQueue(name, options, this)
    this.queues.set(name, queue)
    return queue
  }

  agent(options: AgentOptions): Agent {
    const { uri } = options
    if (this.agents.has(uri)) throw new CordboardError('CONTACT_DUPLICATE', `there is an agent ${uri} already`)
    const agent = new LiveAgent(options, {
      send: event => this.send(event),
      view: () => this.#viewOf(uri),
      dispose: (who, disposition) => this.#dispose(who, disposition),
      removed: who => this.#forget(who),
      now: () => this.clock.now(),
      exempt: (who, call) => this.#presence.exempt(who, call.signal),
    })
    this.agents.set(uri, agent)
    this.#presence.add(uri)
    this.send({ type: 'agent', agent: uri, settings: options })
    return agent
  }

  beginDay(): void {
    this.send({ type: 'day-began' })
  }

  send(event: RoutingEvent): void {
    this.#dispatcher.send(event)
  }

  fault(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.emit('fault', isCordboardError(error) ? error : new CordboardError('CALL_HANDLER_FAILED', message, { cause: error }))
  }

  settingsOf({ announce, ...options }: QueueOptions): QueueSettings {
    return this.#guard.settings({ ...options, ...(announce === undefined ? {} : { announce: { first: announce.first, every: announce.every } }) })
  }

  guardSteps: QueueContext['guardSteps'] = steps => this.#guard.steps(steps)

  finish(id: InteractionId, more: RecordEnd = {}): void {
    const record = this.#ledger.close(id, more)
    if (record === undefined) return
    this.#guard.attempt(() => this.emit('record', record), false)
    void this.track(this.#keep(store => store.append(record)))
  }

  track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    const settled = (): void => void this.#running.delete(work)
    work.then(settled, settled)
    return work
  }

  visit(queue: LiveQueue, call: Call, join: Omit<JoinEvent, 'interaction'>, signal: AbortSignal | undefined): Promise<QueueOutcome> {
    return this.track(this.#visit(queue, call, join, signal))
  }

  turnAway(queue: string, call: Call, closure: Closure): Promise<QueueOutcome> {
    return this.track(this.#turnAway(queue, call, closure))
  }

  evacuate(queue: string, closure: Closure): void {
    for (const { id } of [...this.#dispatcher.state.queues.get(queue)?.waiting ?? []]) this.#close(id, closure)
  }

  async ringAgain(agent: Uri, from: Uri, signal: AbortSignal): Promise<Call | undefined> {
    const forget = this.#presence.expect(agent)
    try {
      const outcome = await this.#server.dial(agent, { from, ringFor: RING_AGAIN_MS, signal })
      return outcome.type === 'answered' ? outcome.call : undefined
    } catch (error) {
      this.fault(error)
      return undefined
    } finally {
      forget()
    }
  }

  async assign(interaction: WrittenInteraction, join: Omit<JoinEvent, 'interaction'>, signal: AbortSignal | undefined): Promise<AssignOutcome> {
    const { id, channel, from, to } = interaction
    if (this.#stays.has(id)) throw new CordboardError('CONTACT_DUPLICATE', `there is an interaction ${id} already`)
    const assignment = new Assignment(interaction, this, () => this.#stays.delete(id))
    this.#stays.set(id, assignment)
    this.#ledger.open(id, { from, to }, channel)
    const running = assignment.run(signal)
    this.send({ ...join, interaction: id, channel })
    return running
  }

  reconfigured(queue: string, options: QueueOptions): void {
    for (const { id } of this.#dispatcher.state.queues.get(queue)?.waiting ?? []) this.#stays.get(id)?.move(options)
  }

  removed(queue: string): void {
    this.queues.delete(queue)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const queue of [...this.queues.values()]) await queue[Symbol.asyncDispose]()
    this.#closing.abort()
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    this.#presence.close()
    this.#dispatcher.close()
  }

  async #visit(queue: LiveQueue, call: Call, join: Omit<JoinEvent, 'interaction'>, signal: AbortSignal | undefined): Promise<QueueOutcome> {
    const id = this.#idFor(call)
    const visit = new Visit(id, call, queue.options, this)
    this.#stays.set(id, visit)
    this.#ledger.open(id, { from: call.from, to: call.to })
    const running = visit.run(signal)
    this.send({ ...join, interaction: id })
    try {
      return await running
    } finally {
      if (this.#stays.get(id) === visit) this.#stays.delete(id)
    }
  }

  async #turnAway(queue: string, call: Call, closure: Closure): Promise<QueueOutcome> {
    const id = this.#idFor(call)
    this.#ledger.open(id, { from: call.from, to: call.to })
    try {
      await turnAway(this, call, closure)
      return { type: 'closed', reason: closure.reason }
    } finally {
      this.finish(id, { queue, outcome: 'closed', endedAt: this.clock.wall() })
    }
  }

  /** In wrap-up the record is in the store by then. */
  #dispose(agent: Uri, disposition: string): void {
    if (this.#ledger.dispose(agent, disposition)) return
    for (const { state, interaction: { id } } of this.#dispatcher.state.agents.get(agent)?.engagements ?? []) {
      if (state !== 'wrap-up') continue
      this.#guard.attempt(() => this.emit('disposition', id, disposition), false)
      void this.track(this.#keep(async store => store.dispose?.(id, disposition)))
    }
  }

  async #keep(write: (store: InteractionStore) => Promise<void>): Promise<void> {
    try {
      if (this.#store !== undefined) await write(this.#store)
    } catch (error) {
      this.fault(error)
    }
  }

  /** The caller's place is kept under the same id. */
  #promiseCallback(id: InteractionId, { call, options }: Visit): void {
    const parties = { customer: call.from, shown: options.callback?.from ?? call.to }
    const callback = new Callback(id, parties, options, this.#server, this, () => this.#stays.delete(id))
    this.#stays.set(id, callback)
    this.#ledger.open(id, { from: parties.shown, to: parties.customer }, 'callback')
  }

  /** A call's first stay is known by the call's id. */
  #idFor(call: Call): InteractionId {
    const stay = (this.#stayCounts.get(call) ?? 0) + 1
    this.#stayCounts.set(call, stay)
    return stay === 1 ? call.id : `${call.id}.${stay}`
  }

  #perform(order: Order): void {
    switch (order.type) {
      case 'offer': return this.#offer(order)
      case 'cancel-offer': return this.#takeOffer(order.offer)?.cancel(order.reason)
      case 'too-late': return this.#takeOffer(order.offer)?.cancel('answered-elsewhere')
      case 'connect': return this.#connect(order)
      case 'leave': return this.#leave(order)
      case 'move': return this.#move(order)
      case 'announce': {
        const estimate = this.queues.get(order.queue)?.estimate(order.position)
        this.#stays.get(order.interaction)?.announce(order.position, estimate)
      }
    }
  }

  /** Whoever overflows into a closed queue is turned away like all who come. */
  #move({ interaction, to }: Extract<Order, { type: 'move' }>): void {
    const queue = this.queues.get(to)
    if (queue === undefined) return
    this.#stays.get(interaction)?.move(queue.options)
    if (queue.closure !== undefined) this.#close(interaction, queue.closure)
  }

  /** What is written, and who is to be called back, can wait for better times. */
  #close(id: InteractionId, closure: Closure): void {
    const stay = this.#stays.get(id)
    if (stay instanceof Visit) stay.close(closure)
  }

  #offer(order: Extract<Order, { type: 'offer' }>): void {
    const agent = this.agents.get(order.agent)
    const stay = this.#stays.get(order.interaction)
    if (agent === undefined || stay === undefined) return this.send({ type: 'failed', offer: order.offer, failure: 'unreachable' })
    if (stay instanceof Assignment) this.#ask(order, agent, stay)
    else this.#ring(order, agent, stay)
  }

  #ring({ offer, agent: target, expires }: Extract<Order, { type: 'offer' }>, { options: { accept }, line }: LiveAgent, stay: CallStay): void {
    const report: OfferReport = {
      answered: () => this.send({ type: 'answered', offer, pending: stay.pending }),
      failed: failure => {
        this.#offers.delete(offer)
        this.send({ type: 'failed', offer, failure })
      },
      fault: error => this.fault(error),
    }
    if (line !== undefined) {
      const toLine = new LineOffer(line, this.clock)
      this.#offers.set(offer, toLine)
      void toLine.announce(report)
      return
    }
    const call = new OfferCall({ target, from: stay.from, ringFor: expires - this.clock.now(), accept }, report)
    this.#offers.set(offer, call)
    const forget = this.#presence.expect(target)
    void call.ring(this.#server).finally(forget)
  }

  #ask({ offer, expires }: Extract<Order, { type: 'offer' }>, agent: LiveAgent, { interaction }: Assignment): void {
    const over = new AbortController()
    this.#offers.set(offer, { call: undefined, cancel: () => over.abort() })
    const close = (event: RoutingEvent): void => {
      this.send(event)
      over.abort()
    }
    const heard = this.#guard.attempt(() => this.emit('offer', {
      interaction, agent, expiresIn: expires - this.clock.now(), signal: over.signal,
      accept: () => close({ type: 'answered', offer }),
      reject: () => close({ type: 'failed', offer, failure: 'rejected' }),
    }), false)
    if (!heard) close({ type: 'failed', offer, failure: 'unreachable' })
  }

  #leave({ interaction, outcome }: Extract<Order, { type: 'leave' }>): void {
    const stay = this.#stays.get(interaction)
    stay?.leave(outcome)
    if (outcome.type === 'callback' && stay instanceof Visit) this.#promiseCallback(interaction, stay)
  }

  #connect({ offer, interaction, agent: uri, pending }: Extract<Order, { type: 'connect' }>): void {
    const call = this.#takeOffer(offer)?.call
    const agent = this.agents.get(uri)
    const stay = this.#stays.get(interaction)
    if (stay instanceof Assignment && agent !== undefined) return stay.connect({ agent })
    if (call !== undefined && agent !== undefined && stay !== undefined && !(stay instanceof Assignment)) {
      return stay.connect({ agent, call, pending, release: async () => (call === agent.line ? undefined : call.hangup()) })
    }
    void call?.hangup().catch(error => this.fault(error))
    this.send({ type: 'ended', interaction })
  }

  #takeOffer(offer: OfferId): Offering | undefined {
    const call = this.#offers.get(offer)
    this.#offers.delete(offer)
    return call
  }

  #note(fact: Fact): void {
    this.#ledger.note(fact)
    if ('queue' in fact) this.queues.get(fact.queue)?.note(fact)
    if ('agent' in fact) this.agents.get(fact.agent)?.note(fact)
    this.#guard.attempt(() => this.emit('fact', fact), false)
  }

  #viewOf(uri: Uri): ReturnType<ConstructorParameters<typeof LiveAgent>[1]['view']> {
    const agent = this.#dispatcher.state.agents.get(uri)
    if (agent === undefined) return undefined
    return { view: viewAgent(agent, this.clock.now()), status: agent.status, state: stateOf(agent) }
  }

  #forget(uri: Uri): void {
    this.agents.delete(uri)
    this.#presence.remove(uri)
  }
}
