import type { AgentPredicate, CustomStrategy, QueueSettings, RelaxStep } from './routing/settings.js'

/** Wraps the application's functions, so that one that throws offers nobody instead of tearing distribution apart. */
export class FunctionGuard {
  readonly #fault: (error: unknown) => void
  readonly #strategies = new WeakMap<CustomStrategy, CustomStrategy>()
  readonly #predicates = new WeakMap<AgentPredicate, AgentPredicate>()

  constructor(fault: (error: unknown) => void) {
    this.#fault = fault
  }

  /** What `call` returns; `otherwise` where it throws. */
  attempt<T>(call: () => T, otherwise: T): T {
    try {
      return call()
    } catch (error) {
      this.#fault(error)
      return otherwise
    }
  }

  settings(settings: QueueSettings): QueueSettings {
    const { strategy, overflow } = settings
    const to = overflow?.to
    return {
      ...settings,
      ...(typeof strategy === 'function' ? { strategy: this.#strategy(strategy) } : {}),
      ...(to !== undefined && 'queue' in to && to.requires !== undefined ? { overflow: { ...overflow, to: { ...to, requires: this.steps(to.requires) } } } : {}),
    }
  }

  steps(steps: readonly RelaxStep[]): readonly RelaxStep[] {
    return steps.map(step => (typeof step.requires === 'function' ? { ...step, requires: this.#predicate(step.requires) } : step))
  }

  #strategy(strategy: CustomStrategy): CustomStrategy {
    const known = this.#strategies.get(strategy)
    if (known !== undefined) return known
    const guarded: CustomStrategy = (eligible, waiting) => this.attempt(() => strategy(eligible, waiting), [])
    this.#strategies.set(strategy, guarded)
    return guarded
  }

  /** Callers with the same condition must stay recognisable as such. */
  #predicate(predicate: AgentPredicate): AgentPredicate {
    const known = this.#predicates.get(predicate)
    if (known !== undefined) return known
    const guarded: AgentPredicate = (agent, waited) => this.attempt(() => predicate(agent, waited), false)
    this.#predicates.set(predicate, guarded)
    return guarded
  }
}
