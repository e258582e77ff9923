import type { Call } from '../call/call.js'
import type { Clock, Timer } from '../core/clock.js'

export interface TalkOptions {
  readonly clock: Clock
  /** Parts the two. */
  readonly signal: AbortSignal
  /** Milliseconds that the agent may keep the caller on hold. */
  readonly holdLimit: number | undefined
  /** Rings the agent again; its new call, or undefined. */
  readonly ringAgain: (signal: AbortSignal) => Promise<Call | undefined>
}

/** The agent's side of a talk. */
export interface AgentSide {
  readonly call: Call
  release(): Promise<void>
}

/** Caller and agent joined. An agent who keeps the caller on hold for too long is rung again, every so long, and goes on in the new call. */
export class Talk {
  readonly #caller: Call
  readonly #options: TalkOptions
  #agent: AgentSide
  #timer: Timer | undefined
  #ringing: AbortController | undefined
  #changing = new AbortController()
  #next: Call | undefined

  constructor(caller: Call, agent: AgentSide, options: TalkOptions) {
    this.#caller = caller
    this.#agent = agent
    this.#options = options
  }

  /** Resolves when either has hung up, or `signal` has parted them; the agent has been let go then. */
  async run(): Promise<void> {
    try {
      do await this.#join()
      while (await this.#change())
    } finally {
      this.#forget()
      await Promise.all([this.#agent.release(), this.#next?.hangup()])
    }
  }

  async #join(): Promise<void> {
    this.#changing = new AbortController()
    const agent = this.#agent.call
    agent.on('held', this.#held)
    agent.on('resumed', this.#forget)
    try {
      await this.#caller.bridge(agent, { signal: AbortSignal.any([this.#options.signal, this.#changing.signal]) })
    } finally {
      agent.off('held', this.#held)
      agent.off('resumed', this.#forget)
    }
  }

  /** Goes over to the new call, where there is one. */
  async #change(): Promise<boolean> {
    const next = this.#next
    if (next === undefined || this.#caller.signal.aborted || this.#options.signal.aborted) return false
    const old = this.#agent
    this.#agent = { call: next, release: () => next.hangup() }
    this.#next = undefined
    await old.release()
    return true
  }

  readonly #held = (): void => {
    const { clock, holdLimit } = this.#options
    if (holdLimit === undefined || this.#timer !== undefined) return
    this.#timer = clock.after(holdLimit, () => void this.#ring())
  }

  readonly #forget = (): void => {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#ringing?.abort()
  }

  async #ring(): Promise<void> {
    const ringing = new AbortController()
    this.#ringing = ringing
    const call = await this.#options.ringAgain(ringing.signal)
    this.#timer = undefined
    if (call === undefined) {
      // Nobody has picked up: the caller is still on hold, and the telephone rings again after as long.
      if (!ringing.signal.aborted) this.#held()
      return
    }
    // Resumed, or hung up, while the telephone was being picked up: one call too many.
    if (ringing.signal.aborted) return call.hangup()
    this.#next = call
    this.#changing.abort()
  }
}
