import { Ring } from '../src/core/ring.js'
import type { RoutingAction } from '../src/contact/routing/action.js'
import type { RoutingEvent } from '../src/contact/routing/event.js'
import { route } from '../src/contact/routing/router.js'
import type { Strategy } from '../src/contact/routing/settings.js'
import { initialRouting } from '../src/contact/routing/state.js'

const SKILLS = ['english', 'french', 'billing', 'sales']
const CONDITIONS = ['english >= 2', 'french or billing', 'billing >= 3 and english', 'sales']

/**
 * How busy a floor is. `waiting`: every agent talks and as many callers wait; a talk ends (who is next?), the offer is answered, a caller
 * joins. `half free`: half of the agents are free; a caller joins (which agent?), the offer is answered, a talk ends.
 */
export type FloorLoad = 'waiting' | 'half free'

/** A floor of agents on which every event is answered at once by those that follow from it. */
export class Floor {
  readonly #state = initialRouting(1)
  readonly #talking: Ring<string>
  #now = 0
  #callers = 0
  /** Offers made, and events that needed none: an event is decided upon once, and again for each offer after the first. */
  decisions = 0
  /** A caller comes and another goes; as it was before, so it is afterwards. */
  readonly turn: () => void

  constructor(load: FloorLoad, agents: number, strategy: Strategy) {
    this.#talking = new Ring(agents)
    // A strategy that rings many at a time would take long to fill the floor.
    this.#send({ type: 'queue', queue: 'q', settings: { strategy: 'longest-idle', ageing: 1 } })
    for (let agent = 0; agent < agents; agent++) {
      const id = `sip:${agent}@floor`
      this.#send({ type: 'agent', agent: id, settings: { skills: Object.fromEntries(SKILLS.map((skill, index) => [skill, (agent + index) % 5])) } })
      this.#send({ type: 'member', queue: 'q', agent: id, settings: { tier: 1 + agent % 3 } })
      this.#send({ type: 'status', agent: id, status: { type: 'available' } })
    }
    const callers = load === 'waiting' ? 2 * agents : agents / 2
    for (let caller = 0; caller < callers; caller++) this.#join()
    this.#send({ type: 'queue', queue: 'q', settings: { strategy, ageing: 1 } })
    this.turn = load === 'waiting' ? () => {
      this.#end()
      this.#join()
    } : () => {
      this.#join()
      this.#end()
    }
    // The first caller of each demand costs a look at every agent.
    for (let turn = 0; turn < 2 * CONDITIONS.length; turn++) this.turn()
  }

  /** A caller arrives; a free agent answers at once. */
  #join(): void {
    const index = this.#callers++
    this.#send({ type: 'joined', interaction: String(index), queue: 'q', priority: index % 3, requires: [{ after: 0, requires: CONDITIONS[index % 4]! }] })
  }

  /** The oldest talk ends; its agent takes the next caller. */
  #end(): void {
    this.#send({ type: 'ended', interaction: this.#talking.shift()! })
  }

  #send(event: RoutingEvent): void {
    const [, actions] = route(this.#state, event, ++this.#now)
    let offers = 0
    for (const action of actions) if (action.type === 'offer') offers++
    this.decisions += Math.max(1, offers)
    for (const action of actions) this.#obey(action)
  }

  #obey(action: RoutingAction): void {
    if (action.type === 'offer') this.#send({ type: 'answered', offer: action.offer })
    else if (action.type === 'connect') this.#talking.push(action.interaction)
  }
}
