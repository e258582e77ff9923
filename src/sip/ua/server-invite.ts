import type { Timer } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import { Dialog, isSecure } from '../dialog/dialog.js'
import { response as makeResponse } from '../message/build.js'
import { cseq, expires } from '../message/headers.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import { COMPLETED_ELSEWHERE } from '../message/reason.js'
import { requires } from '../message/refusals.js'
import type { ServerTransaction, ServerTransactionUser } from '../transaction/server-transaction.js'
import type { DialogOwner, UserAgentCore } from './core.js'
import { EarlyOffers, refuseEarlyOffers } from './early-offers.js'
import { ReliableProvisionals } from './reliable-provisionals.js'
import { sdpBody, sdpOf } from './sdp-body.js'
import type { InboundRequest } from './server-request.js'
import { LiveSession } from './session.js'
import { agreeAsServer } from './session-timer.js'
import type { ExtraHeaders, InviteFailure, OfferOutcome, OfferReply, ResponseOptions, ServerInvite, Session } from './user-agent.js'
import { answerUnheard, refuseWithin } from './within-dialog.js'

const CANCELLED: InviteFailure = { type: 'cancelled' }

/** RFC 3261 §13.3.1.1: so often a caller that waits is told again, lest a proxy on the way give up. */
const REMINDER_MS = 60_000
/** The most that a timer of Node takes. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** An INVITE that we answer, until its final response. */
export class InboundInvite implements ServerInvite, ServerTransactionUser, DialogOwner {
  readonly offer: string | undefined
  readonly #transaction: ServerTransaction
  #dialog: Dialog | undefined
  #reliable: ReliableProvisionals | undefined
  onOffer: (offer: string) => Promise<OfferReply> = refuseEarlyOffers
  /** What reliable responses, PRACKs and UPDATEs have agreed; undefined before the first reliable response. */
  #early: EarlyOffers | undefined
  /** Ends an invitation that says how long it holds (Expires). */
  readonly #expiry: Timer | undefined
  /** Repeats what the caller has been told. */
  #reminder: Timer | undefined

  constructor(readonly core: UserAgentCore, readonly request: InboundRequest) {
    this.#transaction = request.transaction
    this.offer = sdpOf(request.message)
    request.taken = this
    const holds = expires(request.message)
    if (holds !== undefined) this.#expiry = core.clock.after(Math.min(holds * 1_000, MAX_TIMER_MS), () => this.#expire())
  }

  get signal(): AbortSignal {
    return this.request.signal
  }

  whenFailed(listener: (failure: InviteFailure) => void): void {
    this.request.ending.on(reason => listener(reason as InviteFailure))
  }

  get dialog(): Dialog {
    if (this.#dialog === undefined) {
      this.#dialog = Dialog.ofServer(this.request.message, this.#transaction.localTag, 'early')
      this.core.register(this)
    }
    return this.#dialog
  }

  async provisional(status: number, options: { readonly sdp?: string } & ResponseOptions = {}): Promise<void> {
    if (this.#transaction.answered) throw this.#ended()
    if (status === 100) return this.#send(this.#response(100, options, undefined, undefined))
    this.#remind(status, options)
    if (!requires(this.request.message, '100rel')) return this.#send(this.#response(status, options, undefined, options.sdp))
    this.#reliable ??= new ReliableProvisionals(this.core, this.#transaction, cseq(this.request.message).number)
    if (options.sdp !== undefined) this.#describe(options.sdp)
    try {
      await this.#reliable.send(rseq => this.#response(status, options, rseq, options.sdp), options.sdp !== undefined)
    } catch (error) {
      // RFC 3262 §3: an INVITE whose provisional response is never acknowledged is rejected.
      if (!this.#transaction.answered) this.reject(504)
      throw error
    }
  }

  async accept(options: { readonly sdp: string } & ResponseOptions): Promise<Session> {
    if (this.#reliable !== undefined) await this.#reliable.owesAnswer
    // An offer of ours is to have its answer first.
    if (this.#early?.pending !== undefined) await this.#early.pending
    if (this.#transaction.answered) throw this.#ended()
    const timer = agreeAsServer(this.request.message)
    const { dialog } = this
    // What a reliable response has offered or answered is not said again (RFC 6337 §3.1.1).
    const early = this.#early
    const sdp = early?.local === undefined ? options.sdp : undefined
    const told = timer === undefined ? options : { ...options, headers: { ...options.headers, ...timer.headers } }
    const response = this.#response(200, told, undefined, sdp)
    this.core.respond(this.#transaction, response)
    this.#rest()
    dialog.confirm()
    const delayed = this.offer === undefined && sdp !== undefined
    const session = new LiveSession(this.core, {
      dialog, established: this.request.message, flow: this.#transaction.flow, caller: false,
      localSdp: early?.local ?? options.sdp, remoteSdp: early?.remote ?? this.offer, timer,
      digest: undefined,
    })
    this.#endReplaced()
    return session.confirmedBy(this.#transaction, cseq(this.request.message).number, delayed)
  }

  async update(sdp: string): Promise<OfferOutcome> {
    // RFC 3311 §5.1: not before the PRACK of our answer.
    if (this.#reliable !== undefined) await this.#reliable.owesAnswer
    return this.#offers().send('UPDATE', sdp, { dialog: this.dialog, flow: this.#transaction.flow, digest: undefined })
  }

  /** RFC 3891 §3: BYE for the session, CANCEL for the invitation that this one takes the place of. */
  #endReplaced(): void {
    const { replaces } = this.request
    if (replaces?.type === 'session') void replaces.session.bye()
    else replaces?.invite.cancel(COMPLETED_ELSEWHERE)
  }

  reject(status: number, options: ResponseOptions = {}): void {
    if (this.#transaction.answered) return
    this.request.respond(status, options)
  }

  // ---- what happens meanwhile

  /** A final response other than 2xx is out, by `reject` or by the request's own `respond`. */
  refused(): void {
    this.#finish()
  }

  cancelled(): void {
    this.#withdrawn()
  }

  failed(error: CordboardError): void {
    if (!this.#transaction.answered) this.reject(error.status ?? 500)
    this.#finish()
  }

  takeRequest(request: SipRequest, transaction: ServerTransaction): void {
    const refusal = refuseWithin(this.dialog, request)
    if (refusal !== undefined) return this.core.refuse(request, transaction, refusal)
    switch (request.method) {
      case 'PRACK':
        return this.#pracked(request, transaction)
      case 'BYE':
        this.#answer(request, transaction, 200)
        this.#withdrawn()
        return this.request.abort(CANCELLED)
      case 'UPDATE':
        return this.#offers().take(request, transaction, this.dialog, this.onOffer)
      case 'INVITE':
        // RFC 3261 §14.2: a second INVITE while the first has no final response.
        return this.#answer(request, transaction, 500, { 'Retry-After': String(this.core.random.uint32() % 11) })
      default:
        return this.core.refuse(request, transaction, answerUnheard(request))
    }
  }

  /** RFC 3262 §5: PRACK may bring the answer to our offer, or an offer once there is an answer. */
  #pracked(request: SipRequest, transaction: ServerTransaction): void {
    const offers = this.#offers()
    const sdp = sdpOf(request)
    const answers = sdp !== undefined && offers.state === 'local-offer'
    if (answers && this.#reliable?.waitsFor(request) === true) {
      offers.step('receive-answer')
      offers.remote = sdp
    }
    if (this.#reliable?.acknowledge(request) !== true) return this.#answer(request, transaction, 481)
    if (answers || sdp === undefined) return this.#answer(request, transaction, 200)
    offers.take(request, transaction, this.dialog, this.onOffer)
  }

  #offers(): EarlyOffers {
    if (this.#early === undefined) {
      this.#early = new EarlyOffers(this.core)
      if (this.offer !== undefined) this.#early.step('receive-offer')
    }
    return this.#early
  }

  /** A reliable response carries our answer, or our offer where the INVITE had none. */
  #describe(sdp: string): void {
    const offers = this.#offers()
    if (offers.local !== undefined) return
    offers.step(this.offer === undefined ? 'send-offer' : 'send-answer')
    offers.local = sdp
    offers.remote ??= this.offer
  }

  takeAck(): void {
    // Before the 2xx there is nothing to acknowledge.
  }

  #answer(request: SipRequest, transaction: ServerTransaction, status: number, headers: ExtraHeaders = {}): void {
    this.core.refuse(request, transaction, { status, headers })
  }

  #withdrawn(): void {
    if (!this.#transaction.answered) this.request.respond(487)
    this.#finish()
  }

  /** The invitation is over without a session. */
  #finish(): void {
    this.#rest()
    if (this.#dialog === undefined) return
    this.#dialog.state = 'terminated'
    this.core.unregister(this)
  }

  /** RFC 3261 §13.3.1: after its time an invitation is answered 487. */
  #expire(): void {
    if (this.#transaction.answered) return
    this.#withdrawn()
    this.request.abort(CANCELLED)
  }

  #remind(status: number, { headers }: ResponseOptions): void {
    this.#reminder?.cancel()
    this.#reminder = this.core.clock.after(REMINDER_MS, () => void this.provisional(status, headers === undefined ? {} : { headers }).catch(() => undefined))
  }

  /** Nothing is said any more before the final response. */
  #rest(): void {
    this.#reliable?.end()
    this.#expiry?.cancel()
    this.#reminder?.cancel()
  }

  #ended(): CordboardError {
    return new CordboardError('SIP_DIALOG_TERMINATED', 'the invitation has ended')
  }

  #send(response: SipResponse): void {
    this.core.respond(this.#transaction, response)
  }

  #response(status: number, options: ResponseOptions, rseq: number | undefined, sdp: string | undefined): SipResponse {
    const { message } = this.request
    // The first 101-199 makes the early dialog (RFC 3261 §12.1).
    if (status > 100) void this.dialog
    const body = sdp === undefined ? options.body : sdpBody(sdp)
    const { headers } = options
    return makeResponse(message, status, {
      toTag: this.#transaction.localTag,
      contact: status > 100 ? this.core.contact(this.#transaction.flow, isSecure(message.uri)) : undefined,
      headers: rseq === undefined ? headers : { Require: '100rel', RSeq: String(rseq), ...headers },
      // RFC 3311 §5.1, RFC 6086 §5.2: a reliable response says what we can, like the 2xx.
      shared: status >= 200 || rseq !== undefined ? this.core.ourself : this.core.ourName,
      reason: options.reason,
      body,
    })
  }
}
