import type { Fact, RoutingAction } from '../../../src/contact/routing/action.js'
import type { RoutingEvent } from '../../../src/contact/routing/event.js'
import { route } from '../../../src/contact/routing/router.js'
import type { AgentSettings, MemberSettings, QueueSettings } from '../../../src/contact/routing/settings.js'
import { initialRouting } from '../../../src/contact/routing/state.js'

type Of<Type extends RoutingAction['type']> = Extract<RoutingAction, { type: Type }>

/** Offers among actions: `AGENT<INTERACTION`. */
export const offered = (actions: readonly RoutingAction[]): string[] => actions.flatMap(action => (action.type === 'offer' ? [`${action.agent}<${action.interaction}`] : []))

/** Those who leave: `INTERACTION OUTCOME`. */
export const left = (actions: readonly RoutingAction[]): string[] => actions.flatMap(action => (action.type === 'leave' ? [`${action.interaction} ${action.outcome.type}`] : []))

/** Feeds events to the router and obeys its wakes; keeps all that it said. */
export class Rig {
  readonly state
  readonly actions: RoutingAction[] = []
  now = 0
  #wake: number | undefined

  constructor(seed = 1) {
    this.state = initialRouting(seed)
  }

  /** Sends one event; returns its actions other than log and wake. */
  send(event: RoutingEvent): RoutingAction[] {
    const [, actions] = route(this.state, event, this.now)
    this.actions.push(...actions)
    for (const action of actions) if (action.type === 'wake') this.#wake = action.at
    return actions.filter(action => action.type !== 'log' && action.type !== 'wake')
  }

  /** Lets time pass; returns what came of it. */
  pass(ms: number): RoutingAction[] {
    const end = this.now + ms
    const done: RoutingAction[] = []
    while (this.#wake !== undefined && this.#wake <= end) {
      this.now = Math.max(this.now, this.#wake)
      done.push(...this.send({ type: 'time' }))
    }
    this.now = end
    return done
  }

  queue(queue: string, settings: QueueSettings = { strategy: 'longest-idle' }): this {
    this.send({ type: 'queue', queue, settings })
    return this
  }

  /** Adds an available agent to queues. */
  agent(agent: string, queues: Readonly<Record<string, MemberSettings>>, settings: AgentSettings = {}): RoutingAction[] {
    this.send({ type: 'agent', agent, settings })
    for (const [queue, member] of Object.entries(queues)) this.send({ type: 'member', queue, agent, settings: member })
    return this.send({ type: 'status', agent, status: { type: 'available' } })
  }

  join(interaction: string, queue = 'q', options: Partial<Extract<RoutingEvent, { type: 'joined' }>> = {}): RoutingAction[] {
    return this.send({ type: 'joined', interaction, queue, ...options })
  }

  /** Actions of one type so far. */
  all<Type extends RoutingAction['type']>(type: Type): Of<Type>[] {
    return this.actions.filter((action): action is Of<Type> => action.type === type)
  }

  facts<Type extends Fact['type']>(type: Type): Extract<Fact, { type: Type }>[] {
    return this.all('log').map(({ fact }) => fact).filter((fact): fact is Extract<Fact, { type: Type }> => fact.type === type)
  }

  /** The open offer of an agent. */
  offerOf(agent: string): number {
    for (const [offer, engagement] of this.state.offers) if (engagement.agent.id === agent && engagement.state === 'offered') return offer
    throw new Error(`${agent} is offered nothing`)
  }

  /** @param pending the talk does not begin at once. */
  answer(agent: string, pending = false): RoutingAction[] {
    return this.send({ type: 'answered', offer: this.offerOf(agent), pending })
  }

  /** Agents now offered, in the order of the offers. */
  get ringing(): string[] {
    return [...this.state.offers.values()].filter(({ state }) => state === 'offered').map(({ agent }) => agent.id)
  }
}
