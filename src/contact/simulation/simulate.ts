import type { Fact, RoutingAction } from '../routing/action.js'
import type { RoutingEvent } from '../routing/event.js'
import { route } from '../routing/router.js'
import type { AgentId, AgentSettings, Channel, InteractionId, MemberSettings, QueueId, QueueSettings, RelaxStep } from '../routing/settings.js'
import { initialRouting } from '../routing/state.js'
import type { RoutingState } from '../routing/state.js'
import { Agenda } from './agenda.js'
import type { Appointment } from './agenda.js'

/** A caller of a simulation. Times in milliseconds from its start. */
export interface SimulatedCall {
  /** When it comes. */
  readonly at: number
  readonly queue: QueueId
  /** How long it will talk. */
  readonly talk: number
  /** After this wait the caller hangs up. @default never */
  readonly patience?: number
  readonly channel?: Channel
  readonly priority?: number
  readonly requires?: readonly RelaxStep[]
  readonly customer?: string
}

/** An agent of a simulation. */
export interface SimulatedAgent extends AgentSettings {
  readonly id: AgentId
  /** Its seats. */
  readonly queues: Readonly<Record<QueueId, MemberSettings>>
  /** Milliseconds from offer to answer. @default 0 */
  readonly pickUp?: number
  /** When it is available, from and to in ms from the start. @default always */
  readonly shifts?: readonly (readonly [from: number, to: number])[]
}

/** Whom a simulation runs through the distribution. */
export interface SimulationOptions {
  readonly queues: Readonly<Record<QueueId, QueueSettings>>
  readonly agents: readonly SimulatedAgent[]
  /** In order of `at`. */
  readonly calls: Iterable<SimulatedCall>
  /** Of the strategies `random` and `weighted`. @default 1 */
  readonly seed?: number
  /** Hears the event log, to fold figures of one's own. */
  readonly onFact?: (fact: Fact) => void
}

/** What became of a caller. */
export interface SimulatedStay {
  /** Index of the call, from 0. */
  readonly index: number
  readonly call: SimulatedCall
  readonly outcome: 'served' | 'abandoned' | 'timed-out' | 'overflowed'
  /** Milliseconds. */
  readonly waited: number
  /** Who served it. */
  readonly agent: AgentId | undefined
}

interface Caller {
  readonly index: number
  readonly call: SimulatedCall
  giveUp: Appointment | undefined
}

/**
 * Runs callers through the distribution that live calls go through, on time of its own. Stays come in the order in which
 * their waiting ends; nothing else is kept, so millions of calls fit. Whoever still waits when no agent will ever come has none.
 * @example
 * for (const stay of simulate({ queues, agents, calls })) waits.push(stay.waited)
 */
export function* simulate(options: SimulationOptions): Generator<SimulatedStay> {
  const run = new Run(options)
  const calls = options.calls[Symbol.iterator]()
  for (let next = calls.next(); next.done !== true; next = calls.next()) {
    run.until(next.value.at)
    run.arrive(next.value)
    yield* run.ended()
  }
  run.until(Infinity)
  yield* run.ended()
}

class Run {
  readonly #agenda = new Agenda()
  readonly #state: RoutingState
  readonly #callers = new Map<InteractionId, Caller>()
  readonly #pickUp = new Map<AgentId, number>()
  readonly #onFact: ((fact: Fact) => void) | undefined
  #stays: SimulatedStay[] = []
  #now = 0
  #arrived = 0
  #wake: Appointment | undefined

  constructor({ queues, agents, seed = 1, onFact }: SimulationOptions) {
    this.#state = initialRouting(seed)
    this.#onFact = onFact
    // Nobody listens to announcements, and they would never end for a caller whom nobody serves.
    for (const [queue, { announce: _announce, ...settings }] of Object.entries(queues)) this.#send({ type: 'queue', queue, settings })
    for (const agent of agents) this.#hire(agent)
  }

  /** Lets everything happen that is due before `end`, or at it. */
  until(end: number): void {
    while (this.#agenda.next <= end && !this.#isOver(end)) {
      const appointment = this.#agenda.take()
      if (appointment === undefined) return
      this.#now = appointment.due
      appointment.task()
    }
    if (end !== Infinity) this.#now = end
  }

  /** Routing alone wants to go on, asking the application's functions again and again, and there is nobody whom they could name. */
  #isOver(end: number): boolean {
    if (end !== Infinity || this.#agenda.size > 1 || this.#wake === undefined || this.#state.offers.size > 0) return false
    for (const { status } of this.#state.agents.values()) if (status.type === 'available') return false
    for (const { task } of this.#state.deadlines) if (task.type !== 'recheck') return false
    return true
  }

  arrive(call: SimulatedCall): void {
    const index = this.#arrived++
    const id = String(index)
    const { at: _at, talk: _talk, patience, ...join } = call
    const giveUp = patience === undefined ? undefined : this.#agenda.add(this.#now + patience, () => {
      this.#send({ type: 'left', interaction: id, how: { type: 'abandoned' } })
    })
    this.#callers.set(id, { index, call, giveUp })
    this.#send({ type: 'joined', interaction: id, ...join })
  }

  /** Stays that have ended since it was asked last. */
  ended(): SimulatedStay[] {
    const stays = this.#stays
    if (stays.length > 0) this.#stays = []
    return stays
  }

  #hire({ id, queues, pickUp = 0, shifts, ...settings }: SimulatedAgent): void {
    this.#pickUp.set(id, pickUp)
    this.#send({ type: 'agent', agent: id, settings })
    for (const [queue, member] of Object.entries(queues)) this.#send({ type: 'member', queue, agent: id, settings: member })
    const available = (): void => this.#send({ type: 'status', agent: id, status: { type: 'available' } })
    if (shifts === undefined) available()
    for (const [from, to] of shifts ?? []) {
      this.#agenda.add(from, available)
      this.#agenda.add(to, () => this.#send({ type: 'status', agent: id, status: { type: 'logged-out' } }))
    }
  }

  #send(event: RoutingEvent): void {
    const [, actions] = route(this.#state, event, this.#now)
    for (const action of actions) this.#perform(action)
  }

  #perform(action: RoutingAction): void {
    switch (action.type) {
      case 'log': return this.#onFact?.(action.fact)
      case 'offer': {
        this.#agenda.add(this.#now + this.#pickUp.get(action.agent)!, () => this.#send({ type: 'answered', offer: action.offer }))
        return
      }
      case 'connect': return this.#connect(action)
      case 'leave': return this.#leave(action)
      case 'wake':
        this.#agenda.cancel(this.#wake)
        this.#wake = action.at === undefined ? undefined : this.#agenda.add(action.at, () => this.#send({ type: 'time' }))
        return
      case 'cancel-offer':
      case 'too-late':
      case 'move':
      case 'announce': return
    }
  }

  #connect({ interaction, agent, waited }: Extract<RoutingAction, { type: 'connect' }>): void {
    const caller = this.#end(interaction, 'served', waited, agent)
    if (caller !== undefined) this.#agenda.add(this.#now + caller.call.talk, () => this.#send({ type: 'ended', interaction }))
  }

  #leave({ interaction, outcome, waited }: Extract<RoutingAction, { type: 'leave' }>): void {
    if (outcome.type === 'abandoned' || outcome.type === 'timed-out' || outcome.type === 'overflowed') this.#end(interaction, outcome.type, waited, undefined)
  }

  #end(id: InteractionId, outcome: SimulatedStay['outcome'], waited: number, agent: AgentId | undefined): Caller | undefined {
    const caller = this.#callers.get(id)
    if (caller === undefined) return undefined
    this.#callers.delete(id)
    this.#agenda.cancel(caller.giveUp)
    this.#stays.push({ index: caller.index, call: caller.call, outcome, waited, agent })
    return caller
  }
}
