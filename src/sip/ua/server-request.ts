import { Ending } from '../../core/ending.js'
import { response as makeResponse } from '../message/build.js'
import { headerField, headerValues, to } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import { ONCE } from '../transaction/runner.js'
import type { ServerTransaction, ServerTransactionUser } from '../transaction/server-transaction.js'
import type { CordboardError } from '../../core/errors.js'
import type { UserAgentCore } from './core.js'
import type { Replaced } from './replacement.js'
import type { InviteFailure, ResponseOptions, ServerRequest, Source } from './user-agent.js'

/** A received request with the transaction that owes its response. */
export class InboundRequest implements ServerRequest, ServerTransactionUser {
  readonly source: Source
  /** Set by `UserAgent.serve`, which takes over what happens to the INVITE. */
  taken: (ServerTransactionUser & { refused(): void }) | undefined
  replaces: Replaced | undefined
  /** Somebody will answer. */
  deferred = false
  status: number | undefined
  /** Why nobody waits for the response any more: an `InviteFailure`. */
  readonly ending = new Ending()

  constructor(readonly core: UserAgentCore, readonly message: SipRequest, readonly transaction: ServerTransaction) {
    this.source = transaction.source
    transaction.user = this
  }

  get signal(): AbortSignal {
    return this.ending.signal
  }

  get answered(): boolean {
    return this.transaction.answered
  }

  defer(): void {
    this.deferred = true
  }

  respond(status: number, options: ResponseOptions = {}): void {
    // RFC 4320 §4.1: a non-INVITE has no provisional response but 100.
    if (this.answered || (status > 100 && status < 200 && this.message.method !== 'INVITE')) return
    if (status >= 200) this.status = status
    const { headers, body, reason } = options
    const { core, message, transaction } = this
    const once = (status === 401 || status === 407) && isUnproven(message)
    const toTag = once ? transaction.localTag + ONCE : transaction.localTag
    const response = makeResponse(message, status, { toTag, headers, shared: core.ourName, body, reason })
    if (once) core.layer.challenge(transaction, response)
    else core.respond(transaction, response)
    if (status >= 300) this.taken?.refused()
  }

  cancelled(request: SipRequest): void {
    if (this.taken !== undefined) this.taken.cancelled?.(request)
    else this.respond(487)
    const reason = headerValues(request, 'Reason').join(', ')
    this.abort(reason === '' ? { type: 'cancelled' } : { type: 'cancelled', reason })
  }

  failed(error: CordboardError): void {
    this.taken?.failed?.(error)
    this.abort(error.code === 'SIP_TRANSACTION_TIMEOUT' ? { type: 'timeout' } : { type: 'error', error })
  }

  abort(failure: InviteFailure): void {
    this.ending.end(() => failure)
  }
}

/** A request outside any dialog that shows no credentials: anybody's. */
const isUnproven = (request: SipRequest): boolean =>
  to(request).tag === undefined && headerField(request, 'Authorization') === undefined && headerField(request, 'Proxy-Authorization') === undefined
