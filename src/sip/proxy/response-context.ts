import type { Timer } from '../../core/clock.js'
import type { CordboardError } from '../../core/errors.js'
import { deferred } from '../../core/scope.js'
import { cancelFor, response as makeResponse, withoutFirst } from '../message/build.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { ClientTransaction, ClientTransactionUser } from '../transaction/client-transaction.js'
import type { ServerTransaction, ServerTransactionUser } from '../transaction/server-transaction.js'
import type { Target } from '../transport/transport.js'
import type { UserAgentCore } from '../ua/core.js'
import { bestResponse } from './best-response.js'
import { forwarded, recorded } from './forwarding.js'
import { loopMark } from './loop.js'

/** How a forwarded request ended. */
export type ForwardOutcome =
  | { readonly type: 'answered'; readonly by: string }
  | { readonly type: 'failed'; readonly status: number }
  | { readonly type: 'cancelled' }

/** One place to forward to. */
export interface ForwardTarget {
  readonly uri: string
  /** Proxies on the way (RFC 3327), topmost first. */
  readonly path: readonly string[]
}

export interface ContextOptions {
  readonly fork: 'parallel' | 'sequential'
  /** Milliseconds that each round of targets may ring: RFC 3261 §16.6 timer C. */
  readonly timeout: number
  readonly recordRoute: boolean
}

const NOBODY: ClientTransactionUser = { response: () => undefined, failed: () => undefined }

/** One branch: a client transaction at a time, at the next address of its target after a failure (RFC 3263 §4.3). */
class Branch implements ClientTransactionUser {
  transaction: ClientTransaction | undefined
  /** As it goes up: our Via is off. */
  final: SipResponse | undefined
  done = false
  #cancelled = false
  #targets: readonly Target[] = []
  #at = 0
  #request: SipRequest | undefined

  constructor(readonly context: ResponseContext, readonly target: ForwardTarget) {}

  start(): void {
    const { core, request } = this.context
    const { request: copy, nextHop } = forwarded(request, this.target.uri, this.target.path)
    this.#request = copy
    core.reach(nextHop, targets => {
      this.#targets = targets
      this.#send()
    }, error => this.#end(error))
  }

  cancel(): void {
    if (this.done || this.#cancelled) return
    this.#cancelled = true
    this.#sendCancel()
  }

  response(response: SipResponse): void {
    if (response.status < 200) {
      if (this.#cancelled) this.#sendCancel()
      return this.context.provisional(withoutFirst(response, 'Via'))
    }
    if (response.status === 503 && this.#next()) return
    this.done = true
    this.final = withoutFirst(response, 'Via')
    if (response.status < 300) return this.context.succeeded(this.final, this)
    this.context.ended(this)
  }

  failed(error: CordboardError): void {
    if (!this.#cancelled && this.#next()) return
    this.#end(error)
  }

  #next(): boolean {
    if (this.#cancelled || this.#at + 1 >= this.#targets.length) return false
    this.#at++
    this.#send()
    return true
  }

  #send(): void {
    const { core, inbound, options } = this.context
    const target = this.#targets[this.#at]!
    const request = options.recordRoute ? recorded(this.#request!, inbound, core.transports.flowTo(target)) : this.#request!
    this.transaction = core.layer.send(request, target, this, this.context.mark)
  }

  /** RFC 3261 §16.9, §16.8: a branch that cannot be reached has answered 503, one that is silent 408. */
  #end(error: CordboardError): void {
    if (this.done) return
    this.done = true
    this.final = makeResponse(this.context.request, error.code === 'SIP_TRANSACTION_TIMEOUT' ? 408 : 503, { toTag: this.context.transaction.localTag })
    this.context.ended(this)
  }

  #sendCancel(): void {
    const { transaction } = this
    if (transaction?.kind !== 'invite-client' || transaction.state !== 'proceeding') return
    this.context.core.layer.cancel(transaction, cancelFor(transaction.request), NOBODY)
  }
}

/** All that comes back to one forwarded request (RFC 3261 §16.7). */
export class ResponseContext implements ServerTransactionUser {
  readonly #outcome = deferred<ForwardOutcome>()
  readonly outcome = this.#outcome.promise
  readonly inbound
  /** Tells a request that comes back unchanged. */
  readonly mark: string
  #waiting: ForwardTarget[]
  readonly #branches: Branch[] = []
  #state: 'open' | 'cancelled' | 'answered' = 'open'
  #timer: Timer | undefined

  constructor(
    readonly core: UserAgentCore,
    readonly request: SipRequest,
    readonly transaction: ServerTransaction,
    targets: readonly ForwardTarget[],
    readonly options: ContextOptions,
  ) {
    this.inbound = transaction.source
    this.mark = loopMark(request)
    this.#waiting = [...targets]
  }

  start(): void {
    if (this.request.method === 'INVITE') this.core.respond(this.transaction, makeResponse(this.request, 100))
    this.#round()
  }

  /** The caller, or the application, gives up. */
  cancelled(): void {
    if (this.#state !== 'open') return
    this.#state = 'cancelled'
    this.#waiting = []
    this.#cancelPending()
    if (this.#branches.every(({ done }) => done)) this.#conclude()
  }

  failed(): void {
    // The way back is gone; the branches end by their own timers.
    this.cancelled()
  }

  refused(): void {
    // The application has answered for itself: nothing may ring any longer.
    this.cancelled()
  }

  provisional(response: SipResponse): void {
    // 100 is for one hop (RFC 3261 §16.7, step 5), and a non-INVITE has no provisional responses (RFC 4320).
    if (response.status === 100 || this.request.method !== 'INVITE' || this.transaction.answered) return
    this.core.respond(this.transaction, response)
  }

  /** RFC 3261 §16.7, step 5: each 2xx to INVITE goes up at once; the other branches are cancelled. */
  succeeded(response: SipResponse, branch: Branch): void {
    this.#timer?.cancel()
    this.#waiting = []
    if (this.request.method === 'INVITE' || this.#state !== 'answered') this.core.respond(this.transaction, response)
    this.#state = 'answered'
    this.#outcome.resolve({ type: 'answered', by: branch.target.uri })
    this.#cancelPending()
  }

  ended(branch: Branch): void {
    const { final } = branch
    if (final !== undefined && final.status >= 600) {
      this.#waiting = []
      this.#cancelPending()
    }
    if (!this.#branches.every(({ done }) => done) || this.#state === 'answered') return
    if (this.#waiting.length > 0) return this.#round()
    this.#conclude()
  }

  #round(): void {
    const next = this.#waiting.splice(0, this.options.fork === 'parallel' ? this.#waiting.length : 1)
    this.#timer?.cancel()
    if (this.request.method === 'INVITE') this.#timer = this.core.clock.after(this.options.timeout, () => this.#cancelPending())
    const branches = next.map(target => new Branch(this, target))
    this.#branches.push(...branches)
    for (const branch of branches) branch.start()
  }

  #cancelPending(): void {
    for (const branch of this.#branches) branch.cancel()
  }

  #conclude(): void {
    this.#timer?.cancel()
    const finals = this.#branches.flatMap(({ final }) => (final === undefined ? [] : [final]))
    const found = bestResponse(finals)
    // 487 to our own CANCEL on timer C: towards the caller the time is up (RFC 3261 §16.8).
    const best = found?.status === 487 && this.#state !== 'cancelled'
      ? makeResponse(this.request, 408, { toTag: this.transaction.localTag }) : found
    const status = best?.status ?? (this.#state === 'cancelled' ? 487 : 480)
    // RFC 4320 §4.2: a 408 to a non-INVITE would come too late.
    const late = status === 408 && this.request.method !== 'INVITE'
    if (!this.transaction.answered && !late) this.core.respond(this.transaction, best ?? makeResponse(this.request, status, { toTag: this.transaction.localTag }))
    this.#outcome.resolve(this.#state === 'cancelled' ? { type: 'cancelled' } : { type: 'failed', status })
  }
}
