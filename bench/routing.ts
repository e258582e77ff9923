import type { RoutingAction } from '../src/contact/routing/action.js'
import type { RoutingEvent } from '../src/contact/routing/event.js'
import { route } from '../src/contact/routing/router.js'
import type { Strategy } from '../src/contact/routing/settings.js'
import { initialRouting } from '../src/contact/routing/state.js'
import { measure, type BenchResult } from './micro.js'

const SKILLS = ['english', 'french', 'billing', 'sales']
const CONDITIONS = ['english >= 2', 'french or billing', 'billing >= 3 and english', 'sales']

/** A floor of agents on which every event is answered at once by those that follow from it. */
class Floor {
  readonly #state = initialRouting(1)
  readonly #talking: string[] = []
  #now = 0
  #callers = 0

  constructor(agents: number, strategy: Strategy) {
    this.#send({ type: 'queue', queue: 'q', settings: { strategy, ageing: 1 } })
    for (let agent = 0; agent < agents; agent++) {
      const id = `sip:${agent}@floor`
      this.#send({ type: 'agent', agent: id, settings: { skills: Object.fromEntries(SKILLS.map((skill, index) => [skill, (agent + index) % 5])) } })
      this.#send({ type: 'member', queue: 'q', agent: id, settings: { tier: 1 + agent % 3 } })
      this.#send({ type: 'status', agent: id, status: { type: 'available' } })
    }
  }

  /** A caller arrives; a free agent answers at once. */
  join(): void {
    const index = this.#callers++
    this.#send({ type: 'joined', interaction: String(index), queue: 'q', priority: index % 3, requires: [{ after: 0, requires: CONDITIONS[index % 4]! }] })
  }

  /** The oldest talk ends; its agent takes the next caller. */
  end(): void {
    this.#send({ type: 'ended', interaction: this.#talking.shift()! })
  }

  #send(event: RoutingEvent): void {
    const [, actions] = route(this.#state, event, ++this.#now)
    for (const action of actions) this.#obey(action)
  }

  #obey(action: RoutingAction): void {
    if (action.type === 'offer') this.#send({ type: 'answered', offer: action.offer })
    else if (action.type === 'connect') this.#talking.push(action.interaction)
  }
}

/** Every agent talks and as many callers wait: a talk ends (who is next?), the offer is answered, a caller joins. */
const busy = (size: number, strategy: Strategy): Promise<BenchResult> => {
  const floor = new Floor(size, strategy)
  for (let caller = 0; caller < 2 * size; caller++) floor.join()
  return measure(`a call of three decisions, ${size} agents, ${size} waiting, ${String(strategy)}`, () => {
    floor.end()
    floor.join()
  })
}

/** Half of the agents are free: a caller joins (which agent?), the offer is answered, a talk ends. */
const quiet = (size: number, strategy: Strategy): Promise<BenchResult> => {
  const floor = new Floor(size, strategy)
  for (let caller = 0; caller < size / 2; caller++) floor.join()
  return measure(`a call of three decisions, ${size} agents, half free, ${String(strategy)}`, () => {
    floor.join()
    floor.end()
  })
}

/** CPU time of distribution, from 100 to 10,000 agents and callers; three decisions an operation. */
export const run = async (): Promise<BenchResult[]> => {
  const results: BenchResult[] = []
  for (const size of [100, 1_000, 10_000]) results.push(await busy(size, 'longest-idle'), await quiet(size, 'longest-idle'))
  for (const strategy of ['round-robin', 'top-down', 'fewest-calls', 'least-talk-time', 'weighted'] as const) results.push(await quiet(1_000, strategy))
  return results
}
