import type { Timer } from '../../core/clock.js'
import type { CordboardError } from '../../core/errors.js'
import { deferred } from '../../core/scope.js'
import { appendHeader, cancelFor, response as makeResponse, withHeader, withoutFirst } from '../message/build.js'
import { headerValues, maxBreadth } from '../message/headers.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import { COMPLETED_ELSEWHERE, sipReason } from '../message/reason.js'
import { writeMessage } from '../message/writer.js'
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
  /** Targets of one telephone stand in for each other: they are never tried side by side (RFC 5626 §7). */
  readonly instance?: string | undefined
  /** Name of the connection that alone leads there. */
  readonly flow?: string | undefined
}

export interface ContextOptions {
  readonly fork: 'parallel' | 'sequential'
  /** Milliseconds that each round of targets may ring, whatever it says meanwhile; without it only timer C ends them. */
  readonly timeout?: number | undefined
  readonly recordRoute: boolean
}

/** Timer C: an INVITE's branch may be silent for so long. RFC 3261 §16.6, step 11, asks for more than three minutes. */
const TIMER_C_MS = 181_000

/** Values of Reason in a CANCEL (RFC 3326): why the branch rings no longer. */
type Reasons = readonly string[]

const ANSWERED_ELSEWHERE: Reasons = [COMPLETED_ELSEWHERE]
const TIME_IS_UP: Reasons = [sipReason(408)]

/** RFC 5393 §5.3.3.2: what a request may spread over when it does not say. */
const MAX_BREADTH = 60

const NOBODY: ClientTransactionUser = { response: () => undefined, failed: () => undefined }

/** One branch: a client transaction at a time, at the next address of its target after a failure (RFC 3263 §4.3). */
class Branch implements ClientTransactionUser {
  target: ForwardTarget
  /** Other flows to the same telephone. */
  readonly #standIns: ForwardTarget[]
  transaction: ClientTransaction | undefined
  /** As it goes up: our Via is off. */
  final: SipResponse | undefined
  done = false
  /** Why it has been cancelled; undefined while it has not. */
  #cancelled: Reasons | undefined
  #timerC: Timer | undefined
  #targets: readonly Target[] = []
  #at = 0
  #request: SipRequest | undefined

  /** @param breadth how many branches its own may have further on (RFC 5393 §5) */
  constructor(readonly context: ResponseContext, targets: readonly ForwardTarget[], readonly breadth: number) {
    this.target = targets[0]!
    this.#standIns = targets.slice(1)
  }

  start(): void {
    const { core, request } = this.context
    const { request: copy, nextHop } = forwarded(request, this.target.uri, this.target.path)
    this.#request = withHeader(copy, 'Max-Breadth', String(this.breadth))
    core.reach(this.target.flow ?? nextHop, targets => {
      this.#targets = targets
      this.#at = 0
      this.#send()
    }, () => this.#end(503))
  }

  cancel(reasons: Reasons = []): void {
    if (this.done || this.#cancelled !== undefined) return
    this.#cancelled = reasons
    this.#sendCancel()
  }

  /** RFC 3261 §16.8: who has said something is cancelled, who has not counts as 408. */
  expire(): void {
    if (this.done) return
    const silent = this.transaction?.state !== 'proceeding'
    this.cancel(TIME_IS_UP)
    if (silent) this.#end(408)
  }

  response(response: SipResponse): void {
    if (response.status < 200) {
      if (this.#cancelled !== undefined) this.#sendCancel()
      // §16.7, step 2: a branch that still speaks, 100 apart, has its time anew.
      if (response.status > 100) this.#startTimerC()
      return this.context.provisional(withoutFirst(response, 'Via'))
    }
    if (response.status === 503) {
      this.#blame()
      if (this.#next()) return
    }
    if (response.status !== 430 || !this.#standIn()) this.#finish(withoutFirst(response, 'Via'))
  }

  failed(error: CordboardError): void {
    if (this.#cancelled === undefined) {
      this.#blame()
      if (this.#next()) return
    }
    this.#end(error.code === 'SIP_TRANSACTION_TIMEOUT' ? 408 : 503)
  }

  #finish(final: SipResponse): void {
    const late = this.done
    this.#timerC?.cancel()
    this.done = true
    if (final.status < 300) return this.context.succeeded(final, this)
    if (late) return
    this.final = final
    this.context.ended(this)
  }

  /** Goes on by another flow to the same telephone, when this one has failed. */
  #standIn(): boolean {
    const next = this.done || this.#cancelled !== undefined ? undefined : this.#standIns.shift()
    if (next === undefined) return false
    this.target = next
    this.start()
    return true
  }

  #next(): boolean {
    if (this.#cancelled !== undefined || this.#at + 1 >= this.#targets.length) return false
    this.#at++
    this.#send()
    return true
  }

  /** RFC 3263 §4.3: for a while others come first. */
  #blame(): void {
    const target = this.#targets[this.#at]
    if (target !== undefined) this.context.core.options.resolver.failed?.(target)
  }

  #send(): void {
    const { core, inbound, options } = this.context
    const target = this.#targets[this.#at]!
    const request = options.recordRoute ? recorded(this.#request!, inbound, core.transports.flowTo(target)) : this.#request!
    this.transaction = core.layer.send(core.trust?.leaving(request, target.address) ?? request, target, this, this.context.mark)
    this.#startTimerC()
  }

  /** RFC 3261 §16.6, step 11. */
  #startTimerC(): void {
    if (this.done || this.context.request.method !== 'INVITE') return
    this.#timerC?.cancel()
    this.#timerC = this.context.core.clock.after(TIMER_C_MS, () => this.expire())
  }

  /** RFC 3261 §16.9, §16.8: a branch that cannot be reached has answered 503, one that is silent 408. */
  #end(status: 408 | 503): void {
    const lost = this.target.flow !== undefined && this.#cancelled === undefined
    if (this.done || (lost && this.#standIn())) return
    // RFC 5626 §5.3.1: the flow is gone, whatever shows it.
    if (lost) this.#finish(makeResponse(this.context.request, 430, { toTag: this.context.transaction.localTag }))
    else this.#finish(makeResponse(this.context.request, status, { toTag: this.context.transaction.localTag }))
  }

  #sendCancel(): void {
    const { transaction } = this
    if (transaction?.kind !== 'invite-client' || transaction.state !== 'proceeding') return
    const cancel = (this.#cancelled ?? []).reduce((request, value) => appendHeader(request, 'Reason', value), cancelFor(transaction.request))
    this.context.core.layer.cancel(transaction, cancel, NOBODY)
  }
}

/** All that comes back to one forwarded request (RFC 3261 §16.7). */
export class ResponseContext implements ServerTransactionUser {
  readonly #outcome = deferred<ForwardOutcome>()
  readonly outcome = this.#outcome.promise
  readonly inbound
  readonly request: SipRequest
  /** Tells a request that comes back unchanged. */
  readonly mark: string
  /** Telephones, each with its flows, the best first. */
  #waiting: ForwardTarget[][]
  readonly #branches: Branch[] = []
  /** Branches that may be under way at a time, all those further on included (RFC 5393 §5). */
  readonly #breadth: number
  #state: 'open' | 'cancelled' | 'answered' = 'open'
  #timer: Timer | undefined

  constructor(
    readonly core: UserAgentCore,
    request: SipRequest,
    readonly transaction: ServerTransaction,
    targets: readonly ForwardTarget[],
    readonly options: ContextOptions,
  ) {
    this.inbound = transaction.source
    this.request = core.trust?.received(request, this.inbound.address) ?? request
    this.mark = loopMark(request)
    this.#breadth = maxBreadth(request) ?? MAX_BREADTH
    this.#waiting = byTelephone(targets)
  }

  start(): void {
    if (this.request.method === 'INVITE') this.core.respond(this.transaction, makeResponse(this.request, 100))
    this.#round()
  }

  /** The caller, or the application, gives up; the Reason of the caller's CANCEL goes on (RFC 3326 §2). */
  cancelled(cancel?: SipRequest): void {
    if (this.#state !== 'open') return
    this.#state = 'cancelled'
    this.#waiting = []
    this.#cancelPending(cancel === undefined ? [] : headerValues(cancel, 'Reason'))
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
    this.core.respond(this.transaction, this.#told(response))
  }

  /** RFC 3261 §16.7, step 5: each 2xx to INVITE goes up at once; the other branches are cancelled. */
  succeeded(received: SipResponse, branch: Branch): void {
    const response = this.#told(received)
    this.#timer?.cancel()
    this.#waiting = []
    if (this.#refused) this.transaction.flow.send(writeMessage(response))
    else if (this.request.method === 'INVITE' || this.#state !== 'answered') this.core.respond(this.transaction, response)
    this.#state = 'answered'
    this.#outcome.resolve({ type: 'answered', by: branch.target.uri })
    this.#cancelPending(ANSWERED_ELSEWHERE)
  }

  ended(branch: Branch): void {
    const { final } = branch
    if (final !== undefined && final.status >= 600) {
      this.#waiting = []
      this.#cancelPending([sipReason(final.status)])
    }
    if (!this.#branches.every(({ done }) => done) || this.#state === 'answered') return
    if (this.#waiting.length > 0) return this.#round()
    this.#conclude()
  }

  #round(): void {
    // RFC 5393 §5.3.3: targets beyond the breadth wait for those before them.
    const next = this.#waiting.splice(0, this.options.fork === 'parallel' ? this.#breadth : 1)
    this.#timer?.cancel()
    const { timeout } = this.options
    if (this.request.method === 'INVITE' && timeout !== undefined) this.#timer = this.core.clock.after(timeout, () => this.#expire())
    const [share, rest] = [Math.floor(this.#breadth / next.length), this.#breadth % next.length]
    const branches = next.map((flows, at) => new Branch(this, flows, at < rest ? share + 1 : share))
    this.#branches.push(...branches)
    for (const branch of branches) branch.start()
  }

  #cancelPending(reasons: Reasons): void {
    for (const branch of this.#branches) branch.cancel(reasons)
  }

  #expire(): void {
    for (const branch of [...this.#branches]) branch.expire()
  }

  /** What the caller may know of a response. */
  #told(response: SipResponse): SipResponse {
    return this.core.trust?.leaving(response, this.inbound.address) ?? response
  }

  /** True when the caller has got a failure already. */
  get #refused(): boolean {
    return this.transaction.state === 'completed' || this.transaction.state === 'confirmed' || this.transaction.terminated
  }

  #conclude(): void {
    this.#timer?.cancel()
    const finals = this.#branches.flatMap(({ final }) => (final === undefined ? [] : [this.#told(final)]))
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

const byTelephone = (targets: readonly ForwardTarget[]): ForwardTarget[][] => {
  const telephones: ForwardTarget[][] = []
  for (const target of targets) {
    const known = target.instance === undefined ? undefined : telephones.find(([first]) => first?.instance === target.instance)
    if (known === undefined) telephones.push([target])
    else known.push(target)
  }
  return telephones
}
