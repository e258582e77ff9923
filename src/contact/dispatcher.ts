import type { Clock, Timer } from '../core/clock.js'
import type { Fact, RoutingAction } from './routing/action.js'
import type { RoutingEvent } from './routing/event.js'
import { route } from './routing/router.js'
import { initialRouting } from './routing/state.js'
import type { RoutingState } from './routing/state.js'

/** An action that something has to be done about. */
export type Order = Exclude<RoutingAction, { type: 'log' | 'wake' }>

/** Who carries out what distribution decides. Neither may throw. */
export interface Hands {
  perform(order: Order): void
  note(fact: Fact): void
}

/**
 * Feeds the routing state machine with events and time, and hands out its actions. What an action brings about at once is
 * fed in after it, so that events never nest.
 */
export class Dispatcher {
  readonly #clock: Clock
  readonly #hands: Hands
  readonly #inbox: RoutingEvent[] = []
  readonly #state: RoutingState
  #busy = false
  #closed = false
  #timer: Timer | undefined

  /** @param seed of the random strategies. */
  constructor(clock: Clock, hands: Hands, seed: number) {
    this.#clock = clock
    this.#hands = hands
    this.#state = initialRouting(seed)
  }

  /** For reading. */
  get state(): RoutingState {
    return this.#state
  }

  send(event: RoutingEvent): void {
    if (this.#closed) return
    this.#inbox.push(event)
    if (this.#busy) return
    this.#busy = true
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        const [, actions] = route(this.#state, next, this.#clock.now())
        for (const action of actions) this.#carryOut(action)
      }
    } finally {
      this.#busy = false
    }
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #carryOut(action: RoutingAction): void {
    if (action.type === 'log') return this.#hands.note(action.fact)
    if (action.type !== 'wake') return this.#hands.perform(action)
    this.#timer?.cancel()
    this.#timer = action.at === undefined ? undefined : this.#clock.after(action.at - this.#clock.now(), () => this.send({ type: 'time' }))
  }
}
