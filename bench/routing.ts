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
  readonly #talking = new Set<string>()
  #now = 0
  #callers = 0
  /** Offers made, and events that needed none: an event is decided upon once, and again for each offer after the first. */
  decisions = 0

  /** @param callers how many there are at the start: those beyond the number of agents wait. */
  constructor(agents: number, callers: number, strategy: Strategy) {
    // A strategy that rings many at a time would take long to fill the floor.
    this.#send({ type: 'queue', queue: 'q', settings: { strategy: 'longest-idle', ageing: 1 } })
    for (let agent = 0; agent < agents; agent++) {
      const id = `sip:${agent}@floor`
      this.#send({ type: 'agent', agent: id, settings: { skills: Object.fromEntries(SKILLS.map((skill, index) => [skill, (agent + index) % 5])) } })
      this.#send({ type: 'member', queue: 'q', agent: id, settings: { tier: 1 + agent % 3 } })
      this.#send({ type: 'status', agent: id, status: { type: 'available' } })
    }
    for (let caller = 0; caller < callers; caller++) this.join()
    this.#send({ type: 'queue', queue: 'q', settings: { strategy, ageing: 1 } })
  }

  /** A caller arrives; a free agent answers at once. */
  join(): void {
    const index = this.#callers++
    this.#send({ type: 'joined', interaction: String(index), queue: 'q', priority: index % 3, requires: [{ after: 0, requires: CONDITIONS[index % 4]! }] })
  }

  /** The oldest talk ends; its agent takes the next caller. */
  end(): void {
    const [interaction] = this.#talking
    this.#talking.delete(interaction!)
    this.#send({ type: 'ended', interaction: interaction! })
  }

  #send(event: RoutingEvent): void {
    const [, actions] = route(this.#state, event, ++this.#now)
    this.decisions += Math.max(1, actions.filter(action => action.type === 'offer').length)
    for (const action of actions) this.#obey(action)
  }

  #obey(action: RoutingAction): void {
    if (action.type === 'offer') this.#send({ type: 'answered', offer: action.offer })
    else if (action.type === 'connect') this.#talking.add(action.interaction)
  }
}

/** Microseconds that a decision may cost with 1,000 agents and 1,000 waiting. */
const GOAL = 50

/** Measures an operation, and gives its cost per decision. */
const perDecision = async (name: string, size: number, floor: Floor, operation: () => void): Promise<BenchResult> => {
  let operations = 0
  const before = floor.decisions
  const result = await measure(name, () => {
    operations++
    operation()
  }, size === 1_000 ? GOAL : undefined)
  const decisions = (floor.decisions - before) / operations
  return { ...result, microseconds: result.microseconds / decisions, opsPerSecond: result.opsPerSecond * decisions, bytesPerOp: Math.round(result.bytesPerOp / decisions) }
}

/** Every agent talks and as many callers wait: a talk ends (who is next?), the offer is answered, a caller joins. */
const busy = (size: number, strategy: Strategy): Promise<BenchResult> => {
  const floor = new Floor(size, 2 * size, strategy)
  return perDecision(`${size} agents, ${size} waiting, ${String(strategy)}`, size, floor, () => {
    floor.end()
    floor.join()
  })
}

/** Half of the agents are free: a caller joins (which agent?), the offer is answered, a talk ends. */
const quiet = (size: number, strategy: Strategy): Promise<BenchResult> => {
  const floor = new Floor(size, size / 2, strategy)
  return perDecision(`${size} agents, half free, ${String(strategy)}`, size, floor, () => {
    floor.join()
    floor.end()
  })
}

const SIZES = [100, 1_000, 10_000]
const STRATEGIES = ['longest-idle', 'round-robin', 'top-down', 'fewest-calls', 'least-talk-time', 'random', 'weighted', 'progressive', 'ring-all'] as const

/**
 * CPU time of a decision, from 100 to 10,000 agents and callers, for each strategy: log n grows 1.5 times to 1,000 and 2 times to 10,000;
 * what caches and the collection of what lives longer cost comes on top.
 */
export const run = async (): Promise<BenchResult[]> => {
  const results: BenchResult[] = []
  const grow = async (floor: typeof busy, strategy: Strategy): Promise<void> => {
    let smallest: BenchResult | undefined
    for (const size of SIZES) {
      const result = await floor(size, strategy)
      smallest ??= result
      results.push({ ...result, growth: result.microseconds / smallest.microseconds })
    }
  }
  // Who is next does not depend on the strategy.
  await grow(busy, 'longest-idle')
  for (const strategy of STRATEGIES) await grow(quiet, strategy)
  return results
}
