import type { Call, DialOutcome, Uri } from '../call/call.js'
import { ANSWERED_ELSEWHERE } from '../call/cancel-reason.js'
import { defineMenu } from '../call/menu.js'
import { isCordboardError } from '../core/errors.js'
import type { Acceptance } from './agent.js'
import type { Dialler } from './dialler.js'
import type { OfferEnd } from './routing/action.js'
import type { OfferFailure } from './routing/settings.js'
import type { Offering } from './stay.js'

/** Beyond the lease, so that routing ends an offer that nobody answers, and not the dialler a moment before. */
const GRACE_MS = 2_000

/** Whom to ring, and for how long. */
export interface OfferCallOptions {
  readonly target: Uri
  /** The caller's identity. */
  readonly from: Uri
  /** Milliseconds. */
  readonly ringFor: number
  readonly accept: Acceptance | undefined
}

/** Where the outcome of an offer is told, at most once. */
export interface OfferReport {
  answered(call: Call): void
  failed(failure: OfferFailure): void
  fault(error: unknown): void
}

/** An offer on its way: the agent's telephone rings. */
export class OfferCall implements Offering {
  readonly #options: OfferCallOptions
  readonly #report: OfferReport
  readonly #cancelling = new AbortController()
  #call: Call | undefined

  constructor(options: OfferCallOptions, report: OfferReport) {
    this.#options = options
    this.#report = report
  }

  /** The agent's call, once answered. */
  get call(): Call | undefined {
    return this.#call
  }

  async ring(dialler: Dialler): Promise<void> {
    const { target, from, ringFor } = this.#options
    try {
      const outcome = await dialler.dial(target, { from, ringFor: ringFor + GRACE_MS, signal: this.#cancelling.signal })
      if (outcome.type === 'answered') await this.#answered(outcome.call)
      else if (!this.#cancelling.signal.aborted) this.#report.failed(failureOf(outcome))
    } catch (error) {
      if (this.#cancelling.signal.aborted) return
      this.#report.failed('fault')
      this.#report.fault(error)
    }
  }

  /** Stops ringing; hangs up when it was answered. */
  cancel(why?: OfferEnd): void {
    this.#cancelling.abort(why === 'answered-elsewhere' ? ANSWERED_ELSEWHERE : undefined)
    void this.#call?.hangup().catch(error => this.#report.fault(error))
  }

  async #answered(call: Call): Promise<void> {
    this.#call = call
    const { signal } = this.#cancelling
    if (!signal.aborted && (await this.#accepted(call)) && call.state === 'answered') return this.#report.answered(call)
    if (!signal.aborted) this.#report.failed('rejected')
    await call.hangup()
  }

  /** Whether a person, and not a mailbox, has answered. */
  async #accepted(call: Call): Promise<boolean> {
    const { accept, ringFor } = this.#options
    if (accept === undefined) return true
    const digit = accept.digit ?? '1'
    try {
      const answer = await call.ask(defineMenu({ prompt: accept.prompt, choices: { [digit]: true }, timeout: ringFor, retries: 0 }), { signal: this.#cancelling.signal })
      return answer.type === 'chosen' && !this.#cancelling.signal.aborted
    } catch (error) {
      if (isCordboardError(error, 'CALL_ENDED') || this.#cancelling.signal.aborted) return false
      throw error
    }
  }
}

const failureOf = (outcome: Exclude<DialOutcome, { type: 'answered' }>): OfferFailure => (outcome.type === 'cancelled' ? 'no-answer' : outcome.type)
