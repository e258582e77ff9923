import { onAbort } from '../core/scope.js'
import { COMPLETED_ELSEWHERE, sipReason } from '../sip/message/reason.js'
import { Attempt, type AttemptContext, type AttemptOutcome, type AttemptRequest } from './attempt.js'
import type { DialOptions, DialOutcome, Uri } from './call.js'
import type { CallMedia } from './call-media.js'
import { cancelReasonOf } from './cancel-reason.js'

/** What dialling takes from its server. */
export interface DialContext extends AttemptContext {
  /** Where an address can be reached now: its registered contacts, or itself when nobody here is responsible for it. */
  readonly resolve: (uri: Uri) => Promise<readonly Uri[]>
  /** From of calls that say nothing else. */
  readonly identity: Uri
  /** Tells that `target` is being dialled; `done` aborts when the attempt has failed or its call has ended. */
  readonly announce: (target: Uri, done: AbortSignal) => void
}

/** What only dialling on behalf of a call needs. */
export interface DialHooks {
  readonly near?: AttemptRequest['near']
  readonly streams?: AttemptRequest['streams']
  /** A fork has media before its answer. */
  readonly onEarlyMedia?: (media: CallMedia) => void
}

const DEFAULT_RING_MS = 60_000

/** Reaches one of `targets`: all at once, or one after the other. The first answer wins, and the rest are cancelled. */
export const dial = async (context: DialContext, targets: Uri | readonly Uri[], options: DialOptions, hooks: DialHooks = {}): Promise<DialOutcome> => {
  if (options.signal?.aborted === true) return { type: 'cancelled' }
  const wanted = typeof targets === 'string' ? [targets] : targets
  const groups = options.fork === 'sequential' ? wanted.map(target => [target]) : [wanted]
  const failures: AttemptOutcome[] = []
  for (const group of groups) {
    const fork = new Fork(context, options, hooks)
    const outcome = await fork.run(group)
    if (outcome.type === 'answered') return outcome
    if (outcome.type === 'cancelled') return { type: 'cancelled' }
    failures.push(...fork.failures)
    if (failures.some(isGlobalFailure)) break
  }
  return bestOf(failures)
}

/** Attempts that run side by side. */
class Fork {
  readonly failures: AttemptOutcome[] = []
  readonly #attempts: Attempt[] = []
  /** What kept an attempt from being made: no media port, no route. */
  readonly #errors: unknown[] = []
  #winner: Attempt | undefined
  #cancelled = false

  constructor(readonly context: DialContext, readonly options: DialOptions, readonly hooks: DialHooks) {}

  async run(targets: readonly Uri[]): Promise<DialOutcome> {
    const release = onAbort(this.options.signal, reason => this.#cancelAll(cancelReasonOf(reason)))
    try {
      const reached = await Promise.all(targets.map(target => this.#reach(target)))
      const answered = reached.flat().find(outcome => outcome.type === 'answered')
      // An answer is an answer, whatever went wrong on the way to the others.
      if (answered !== undefined) return answered
      if (this.#errors.length > 0) throw this.#errors[0]
      return this.#cancelled ? { type: 'cancelled' } : bestOf(this.failures)
    } finally {
      release()
    }
  }

  async #reach(address: Uri): Promise<AttemptOutcome[]> {
    const done = new AbortController()
    this.context.announce(address, done.signal)
    try {
      const contacts = await this.context.resolve(address)
      if (contacts.length === 0) this.failures.push({ type: 'failed', status: 480 })
      const outcomes = await Promise.all(contacts.map(target => this.#attempt(target, address)))
      const answered = outcomes.find(outcome => outcome.type === 'answered')
      if (answered === undefined) done.abort()
      else onAbort(answered.call.signal, () => done.abort())
      return outcomes
    } catch (error) {
      done.abort()
      this.#errors.push(error)
      return []
    }
  }

  async #attempt(target: Uri, to: Uri): Promise<AttemptOutcome> {
    const attempt: Attempt = new Attempt(this.context, this.#requestFor(target, to))
    this.#attempts.push(attempt)
    if (this.#winner !== undefined || this.#cancelled) return { type: 'cancelled' }
    const outcome = await attempt.run().catch((error: unknown): AttemptOutcome => {
      this.#errors.push(error)
      return { type: 'cancelled' }
    })
    if (outcome.type !== 'answered') {
      if (outcome.type !== 'cancelled') this.failures.push(outcome)
      if (isGlobalFailure(outcome)) this.#cancelRest(attempt, sipReason(outcome.status))
      return outcome
    }
    // One owner decides the winner: whoever answers second in the same instant is let go.
    if (this.#winner !== undefined || this.#cancelled) {
      await outcome.call.hangup()
      return { type: 'cancelled' }
    }
    this.#winner = attempt
    this.#cancelRest(attempt, COMPLETED_ELSEWHERE)
    return outcome
  }

  #requestFor(target: Uri, to: Uri): AttemptRequest {
    const { options, hooks } = this
    return {
      target, to,
      from: options.from ?? this.context.identity,
      ringFor: options.ringFor ?? DEFAULT_RING_MS,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      ...(options.identity === undefined ? {} : { identity: options.identity }),
      ...(options.privacy === 'id' ? { privacy: 'id' as const } : {}),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      ...(hooks.near === undefined ? {} : { near: hooks.near }),
      ...(hooks.streams === undefined ? {} : { streams: hooks.streams }),
      onProgress: (status, early) => {
        if (early !== undefined) hooks.onEarlyMedia?.(early)
        options.onProgress?.({ status, by: to, early: early !== undefined })
      },
    }
  }

  #cancelRest(kept: Attempt, reason?: string): void {
    for (const attempt of this.#attempts) if (attempt !== kept) attempt.cancel(reason)
  }

  #cancelAll(reason: string | undefined): void {
    this.#cancelled = true
    for (const attempt of this.#attempts) attempt.cancel(reason)
  }
}

/** RFC 3261 §16.7 step 5: a 6xx speaks for the callee wherever it rings. */
const isGlobalFailure = (outcome: AttemptOutcome): outcome is Extract<AttemptOutcome, { type: 'failed' }> => outcome.type === 'failed' && outcome.status >= 600

/** The failure that says most about the callee. */
const bestOf = (failures: readonly AttemptOutcome[]): Exclude<DialOutcome, { type: 'answered' }> => {
  const outcomes = failures.map(failureOf)
  for (const type of ['busy', 'rejected', 'no-answer', 'unreachable'] as const) {
    const found = outcomes.find(outcome => outcome.type === type)
    if (found !== undefined) return found
  }
  return { type: 'unreachable', status: 480 }
}

const UNREACHABLE: ReadonlySet<number> = new Set([404, 408, 410, 480, 484, 502, 503, 504, 604])

const failureOf = (outcome: AttemptOutcome): Exclude<DialOutcome, { type: 'answered' }> => {
  if (outcome.type !== 'failed') return { type: outcome.type === 'no-answer' ? 'no-answer' : 'cancelled' }
  const { status } = outcome
  if (status === 486 || status === 600) return { type: 'busy', status }
  return { type: UNREACHABLE.has(status) ? 'unreachable' : 'rejected', status }
}
