import { seededRandom } from '../../../src/core/random.js'
import type { Random } from '../../../src/core/random.js'
import type { RoutingEvent } from '../../../src/contact/routing/event.js'
import type { AgentSettings, OverflowSettings, QueueSettings, RelaxStep, Strategy } from '../../../src/contact/routing/settings.js'
import { Rig } from './rig.js'

const STRATEGIES: readonly Strategy[] = [
  'ring-all', 'longest-idle', 'round-robin', 'top-down', 'fewest-calls', 'least-talk-time', 'random', 'weighted', 'progressive',
  eligible => eligible.slice(0, 2),
]
const CONDITIONS = ['english >= 3', 'billing', 'english > 1 and billing', 'not billing or english == 5', undefined] as const
const QUEUES = ['sales', 'support', 'spare']

/** One day of a contact centre in which everything happens at the worst instant, told by a seed. */
export class RandomDay {
  readonly rig: Rig
  readonly joined = new Set<string>()
  readonly #random: Random
  #callers = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.rig = new Rig(seed)
    for (const queue of QUEUES) this.rig.send({ type: 'queue', queue, settings: this.#queueSettings() })
    for (let agent = 0; agent < 4; agent++) this.#hire(`a${agent}`)
  }

  /** Does one random thing, after a random while; returns what came last. */
  step(): RoutingEvent {
    this.rig.pass(this.#pick([0, 0, 1, 50, 700, 5_000, 15_000]))
    const events = this.#events()
    for (const event of events) {
      if (event.type === 'joined' && this.rig.state.queues.has(event.queue)) this.joined.add(event.interaction)
      this.rig.send(event)
    }
    return events.at(-1)!
  }

  /** Lets everybody hang up and every agent become free. */
  close(): void {
    for (const interaction of [...this.rig.state.interactions.keys()]) this.rig.send({ type: 'left', interaction, how: { type: 'abandoned' } })
    this.rig.pass(300_000)
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.float() * items.length)]!
  }

  #chance(share: number): boolean {
    return this.#random.float() < share
  }

  #queueSettings(): QueueSettings {
    return {
      strategy: this.#pick(STRATEGIES),
      ringFor: this.#pick([3_000, 15_000]),
      tierWait: this.#pick([0, 0, 4_000]),
      ageing: this.#pick([0, 0, 3]),
      progressEvery: 2_000,
      ...(this.#chance(0.3) ? { maxWait: 20_000 } : {}),
      ...(this.#chance(0.2) ? { maxSize: 4 } : {}),
      ...(this.#chance(0.3) ? { overflow: this.#overflow() } : {}),
      ...(this.#chance(0.3) ? { announce: { first: 1_000, every: 3_000 } } : {}),
    }
  }

  #overflow(): OverflowSettings {
    const requires = this.#chance(0.3) ? { requires: [{ after: 0, ...this.#condition() }, { after: 3_000, ...this.#condition() }] } : {}
    return {
      ...(this.#chance(0.7) ? { after: 12_000 } : {}), ...(this.#chance(0.2) ? { size: 3 } : {}), noAgents: this.#chance(0.5),
      to: this.#chance(0.9) ? { queue: this.#pick(QUEUES), ...requires } : { uri: 'sip:elsewhere@x' },
    }
  }

  #agentSettings(): AgentSettings {
    const delay = this.#pick([0, 1_000, 6_000])
    return {
      skills: { english: Math.floor(this.#random.float() * 6), billing: this.#pick([0, 1]) },
      wrapUp: this.#pick([0, 0, 3_000]),
      failures: { 'no-answer': { delay, limit: 3 }, 'busy': { delay }, 'rejected': { delay }, 'unreachable': { delay } },
      capacity: { voice: this.#pick([1, 1, 1, 2]), chat: this.#pick([0, 2]), email: this.#pick([0, 0, 1]) },
    }
  }

  #hire(agent: string): void {
    this.rig.send({ type: 'agent', agent, settings: this.#agentSettings() })
    for (const queue of QUEUES) if (this.#chance(0.7)) this.rig.send(this.#membership(queue, agent))
    this.rig.send({ type: 'status', agent, status: { type: 'available' } })
  }

  #membership(queue: string, agent: string): RoutingEvent {
    return { type: 'member', queue, agent, settings: { tier: this.#pick([1, 1, 2, 5]), rank: this.#pick([0, 0, 1]), weight: this.#pick([1, 3]) } }
  }

  #join(): RoutingEvent {
    const requires: RelaxStep[] = [{ after: 0, ...this.#condition() }]
    if (this.#chance(0.3)) requires.push({ after: 4_000, ...this.#condition() })
    if (this.#chance(0.1)) requires.push({ after: 6_000, requires: (agent, waited) => agent.idleFor < waited })
    return {
      type: 'joined', interaction: `c${++this.#callers}`, queue: this.#pick(QUEUES),
      channel: this.#pick(['voice', 'voice', 'voice', 'voice', 'chat', 'email']), priority: this.#pick([0, 0, 5]), requires,
      ...(this.#chance(0.5) ? { customer: this.#pick(['ann', 'bob', 'cid']) } : {}),
      ...(this.#chance(0.2) ? { sticky: { agent: this.#agent(), wait: 5_000 } } : {}),
    }
  }

  #condition(): { requires?: string } {
    const requires = this.#pick(CONDITIONS)
    return requires === undefined ? {} : { requires }
  }

  #agent(): string {
    return `a${Math.floor(this.#random.float() * 6)}`
  }

  #interaction(): string | undefined {
    return this.#pick([...this.rig.state.interactions.keys()])
  }

  /** A live offer mostly, at times one that is long gone. */
  #offer(): number {
    const offers = [...this.rig.state.offers.keys()]
    return offers.length === 0 || this.#chance(0.1) ? Math.floor(this.#random.float() * this.rig.state.serial) : this.#pick(offers)
  }

  #events(): RoutingEvent[] {
    const roll = this.#random.float()
    if (roll < 0.28) return [this.#join()]
    if (roll < 0.45) return this.#answers()
    if (roll < 0.55) return [{ type: 'failed', offer: this.#offer(), failure: this.#pick(['no-answer', 'busy', 'rejected', 'unreachable', 'fault']) }]
    if (roll < 0.8) return this.#callerEvent(this.#interaction())
    if (roll < 0.95) return [this.#agentEvent(this.#agent())]
    return [this.#configuration()]
  }

  /** Two phones at a time, as often as not. */
  #answers(): RoutingEvent[] {
    const answers: RoutingEvent[] = [{ type: 'answered', offer: this.#offer(), pending: this.#chance(0.3) }]
    if (this.#chance(0.4)) answers.push({ type: 'answered', offer: this.#offer(), pending: this.#chance(0.3) })
    return answers
  }

  #callerEvent(interaction: string | undefined): RoutingEvent[] {
    if (interaction === undefined) return [{ type: 'time' }]
    const roll = this.#random.float()
    if (roll < 0.4) return [{ type: 'ended', interaction }]
    if (roll < 0.52) return [{ type: this.#pick(['began', 'dropped']), interaction }]
    if (roll < 0.58) return [{ type: 'missed', interaction, deserted: this.#chance(0.5) }]
    if (roll < 0.85) return [{ type: 'left', interaction, how: { type: this.#pick(['abandoned', 'abandoned', 'exited', 'withdrawn', 'closed']) } }]
    if (roll < 0.95) return [{ type: 'callback', interaction }]
    return [{ type: 'priority', interaction, priority: 9 }]
  }

  #agentEvent(agent: string): RoutingEvent {
    const roll = this.#random.float()
    if (roll < 0.5) return { type: 'status', agent, status: this.#pick([{ type: 'available' }, { type: 'available' }, { type: 'on-break', reason: 'lunch' }, { type: 'logged-out' }]) }
    if (roll < 0.7) return { type: 'elsewhere', agent, busy: this.#chance(0.5) }
    if (roll < 0.8) return { type: 'wrapped-up', agent }
    if (roll < 0.9) return { type: 'wrap-up-extended', agent, ms: 4_000 }
    return { type: 'agent', agent, settings: this.#agentSettings() }
  }

  #configuration(): RoutingEvent {
    const [queue, agent, roll] = [this.#pick(QUEUES), this.#agent(), this.#random.float()]
    if (roll < 0.3) return { type: 'queue', queue, settings: this.#queueSettings() }
    if (roll < 0.6) return this.#membership(queue, agent)
    if (roll < 0.75) return { type: 'member-removed', queue, agent }
    if (roll < 0.85) return { type: 'agent-removed', agent }
    return roll < 0.9 ? { type: 'queue-removed', queue } : { type: 'day-began' }
  }
}
