import { EventEmitter } from 'node:events'
import { CordboardError } from '../../core/errors.js'
import { deferred } from '../../core/scope.js'
import type { Deferred } from '../../core/scope.js'
import type { DigestClient } from '../auth/digest-client.js'
import type { Dialog } from '../dialog/dialog.js'
import { response as makeResponse } from '../message/build.js'
import { allowed, cseq, minSe, retryAfter } from '../message/headers.js'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js'
import { endsSession, isOfSession } from '../dialog/failure-scope.js'
import { isOfferState, offerStep } from '../dialog/offer-state.js'
import type { OfferCell, OfferInput, OfferState } from '../dialog/offer-state.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'
import type { Flow } from '../transport/transport.js'
import { SUPPORTED_WITHIN } from './capabilities.js'
import { Confirmation } from './confirmation.js'
import type { ConfirmationUser } from './confirmation.js'
import type { DialogOwner, UserAgentCore } from './core.js'
import { viaFlow } from './via-flow.js'
import { Exchange } from './exchange.js'
import { refuseInfoPackage } from './info.js'
import { Reinvite } from './reinvite.js'
import { sdpBody, sdpOf } from './sdp-body.js'
import { InboundRequest } from './server-request.js'
import { agreeAsClient, agreeAsServer, refreshHeaders, SessionTimer } from './session-timer.js'
import type { SessionInterval } from './session-timer.js'
import type { ExtraHeaders, OfferAnswerer, OfferOutcome, OfferReply, Session, SessionEnd, SessionEvents } from './user-agent.js'
import { answerUnheard, refuseWithin } from './within-dialog.js'

export interface SessionInit {
  readonly dialog: Dialog
  readonly established: SipRequest | SipResponse
  /** By which the dialog came: its connection carries our requests too. */
  readonly flow: Flow | undefined
  /** True when we sent the INVITE: the owner of the Call-ID. */
  readonly caller: boolean
  readonly localSdp: string | undefined
  readonly remoteSdp: string | undefined
  readonly timer: SessionInterval | undefined
  /** Min-SE of a 422 to the INVITE, in seconds. */
  readonly leastInterval?: number
  readonly digest: DigestClient | undefined
}

type InDialogOptions = { readonly headers?: ExtraHeaders; readonly body?: { readonly type: string; readonly content: string } }

const REFUSED: Promise<OfferReply> = Promise.resolve({ type: 'refused', status: 488 })
const refuseOffers = (): Promise<OfferReply> => REFUSED
const NO_HEADERS: ExtraHeaders = {}
const ignoreAnswers = (): void => undefined
/** A refresh that was refused for now is tried again after this. */
const REFRESH_AGAIN_MS = 10_000

/** An INVITE session, from the 2xx on. */
export class LiveSession extends EventEmitter<SessionEvents> implements Session, DialogOwner, ConfirmationUser {
  readonly dialog: Dialog
  readonly established: SipRequest | SipResponse
  readonly flow: Flow | undefined
  readonly caller: boolean
  readonly digest: DigestClient | undefined
  state: 'confirmed' | 'terminated' = 'confirmed'
  remoteSdp: string | undefined
  onOffer: (offer: string | undefined) => Promise<OfferReply> = refuseOffers
  onAnswer: (answer: string) => void = ignoreAnswers
  #offers: OfferState = 'stable'
  #localSdp: string | undefined
  #controller: AbortController | undefined
  #confirmation: Confirmation | undefined
  /** The ACK awaited will bring an answer: to `accept` of a delayed offer, or to `onAnswer`. */
  #answerFrom: 'none' | 'first-ack' | 'later-ack' = 'none'
  /** Pending `accept` of a delayed offer, and BYEs that wait for the ACK. */
  #acknowledged: Deferred<void> | undefined
  /** The peer's re-INVITE that we have not answered yet. */
  #offered: ServerTransaction | undefined
  #reinviting: Reinvite | undefined
  #queue: Promise<unknown> | undefined
  #bye: Promise<void> | undefined
  #timer: SessionTimer | undefined
  #interval: SessionInterval | undefined
  /** Largest Min-SE that a 422 has told, in seconds. */
  #least: number
  #peerUpdates: boolean
  /** Lets go of the connection that the dialog came by. */
  #release: (() => void) | undefined

  constructor(readonly core: UserAgentCore, init: SessionInit) {
    super()
    this.dialog = init.dialog
    this.established = init.established
    this.flow = init.flow
    this.caller = init.caller
    this.digest = init.digest
    this.remoteSdp = init.remoteSdp
    this.#localSdp = init.localSdp
    this.#least = init.leastInterval ?? 0
    this.#peerUpdates = allowed(init.established)?.includes('UPDATE') === true
    core.register(this)
    core.live.add(this)
    if (init.flow?.reliable === true) this.#release = init.flow.hold?.()
    this.#keepAlive(init.timer)
  }

  get callId(): string {
    return this.dialog.callId
  }

  get localTag(): string {
    return this.dialog.localTag
  }

  get remoteTag(): string {
    return this.dialog.remoteTag
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.state === 'terminated') this.#controller.abort()
    return this.#controller.signal
  }

  /** True while an offer of ours would meet another. */
  get busy(): boolean {
    return this.#offers !== 'stable' || this.#offered !== undefined || this.#confirmation?.waiting === true
  }

  /** Moves the exchange of offers and answers on; the cell that is no state says why it cannot. */
  offer(input: OfferInput): OfferCell {
    const cell = offerStep(this.#offers, input)
    if (isOfferState(cell)) this.#offers = cell
    return cell
  }

  // ---- the application's side

  async reinvite(sdp: string | OfferAnswerer): Promise<OfferOutcome> {
    return this.#inTurn(() => this.#reinvite(sdp))
  }

  request(method: string, options: InDialogOptions = {}): Promise<SipResponse> {
    if (this.state === 'terminated') return Promise.reject(this.#ended())
    const offer = method === 'UPDATE' && options.body?.type === 'application/sdp' ? options.body.content : undefined
    // RFC 3311 §5.1: not while another offer waits for its answer.
    if (offer !== undefined && !isOfferState(this.offer('send-offer'))) return Promise.reject(new CordboardError('CALL_STATE', 'an offer is under way', { status: 491 }))
    const outcome = deferred<SipResponse>()
    this.#send(method, options, response => {
      if (response.status < 200) return
      if (method === 'UPDATE') this.#renewed(response, offer)
      this.endsWith(method, response.status)
      outcome.resolve(response)
    }, error => {
      if (offer !== undefined) this.offer('withdraw')
      if (isOfSession(method)) this.broken(error)
      outcome.reject(error)
    })
    return outcome.promise
  }

  bye(options: { readonly headers?: ExtraHeaders } = {}): Promise<void> {
    if (this.#bye === undefined && this.state === 'terminated') return Promise.resolve()
    this.#bye ??= this.#leave(options.headers, { type: 'local-bye' })
    return this.#bye
  }

  // ---- how it comes to be

  /** Resends the 2xx in `transaction` until its ACK; resolves now, or with the answer that the ACK brings. */
  async confirmedBy(transaction: ServerTransaction, number: number, delayed: boolean): Promise<Session> {
    this.#confirmation = new Confirmation(this.core.layer, transaction, number, this)
    if (!delayed) return this
    this.#answerFrom = 'first-ack'
    this.offer('send-offer')
    await this.#awaitAck()
    if (this.remoteSdp === undefined) throw this.#ended()
    return this
  }

  unconfirmed(): void {
    const acknowledged = this.#acknowledged
    this.#acknowledged = undefined
    // RFC 3261 §13.3.1.4: without ACK the session is ended by BYE.
    if (this.state === 'confirmed') this.#bye ??= this.#leave(undefined, { type: 'timeout' })
    acknowledged?.resolve()
  }

  // ---- the peer's requests

  takeAck(request: SipRequest): void {
    const confirmation = this.#confirmation
    if (confirmation === undefined || !confirmation.waiting || cseq(request).number !== confirmation.cseq) return
    confirmation.stop()
    this.#confirmation = undefined
    const expected = this.#answerFrom
    this.#answerFrom = 'none'
    const answer = sdpOf(request)
    if (expected !== 'none') this.offer(answer === undefined ? 'withdraw' : 'receive-answer')
    if (answer !== undefined && expected !== 'none') {
      this.remoteSdp = answer
      if (expected === 'later-ack' && this.state === 'confirmed') this.onAnswer(answer)
    }
    const acknowledged = this.#acknowledged
    this.#acknowledged = undefined
    acknowledged?.resolve()
    // A delayed offer without answer leaves nothing to talk by.
    if (expected === 'first-ack' && answer === undefined) void this.bye()
  }

  takeRequest(request: SipRequest, transaction: ServerTransaction): void {
    const { method } = request
    // RFC 5407 §3.3.2: BYEs may cross.
    if (this.state === 'terminated') return this.#answer(request, transaction, method === 'BYE' ? 200 : 481)
    const refusal = refuseWithin(this.dialog, request)
    if (refusal !== undefined) return this.core.refuse(request, transaction, refusal)
    switch (method) {
      case 'BYE':
        return this.#hungUp(request, transaction)
      case 'INVITE':
        return this.#reinvited(request, transaction)
      case 'UPDATE':
        return this.#updated(request, transaction)
      case 'PRACK':
        return this.#answer(request, transaction, 481)
      default:
        return this.#pass(request, transaction)
    }
  }

  #hungUp(request: SipRequest, transaction: ServerTransaction): void {
    this.#answer(request, transaction, 200)
    this.#end({ type: 'remote-bye', request })
  }

  #pass(request: SipRequest, transaction: ServerTransaction): void {
    const unwanted = request.method === 'INFO' ? refuseInfoPackage(request, this.core.options.infoPackages) : undefined
    if (unwanted !== undefined) return this.core.refuse(request, transaction, unwanted)
    const inbound = new InboundRequest(this.core, request, transaction)
    this.emit('request', inbound)
    if (inbound.answered || inbound.deferred) return
    this.core.refuse(request, transaction, answerUnheard(request))
  }

  #reinvited(request: SipRequest, transaction: ServerTransaction): void {
    if (this.#offered !== undefined) return this.#answer(request, transaction, 500, this.#retryLater())
    // Ours is under way, or (RFC 5407 §3.1.4) our 2xx has no ACK yet and that ACK owes an answer.
    if (this.#offers === 'local-offer') return this.#answer(request, transaction, 491)
    this.#offered = transaction
    transaction.user = {
      cancelled: () => {
        if (!transaction.answered) this.#answer(request, transaction, 487)
        this.#offered = undefined
        this.offer('withdraw')
      },
    }
    const offer = sdpOf(request)
    this.offer(offer === undefined ? 'send-offer' : 'receive-offer')
    this.#ask(offer, reply => {
      if (transaction.answered) return this.#undo(reply, offer)
      this.#offered = undefined
      if (reply.type === 'refused') {
        this.offer('withdraw')
        return this.#answer(request, transaction, reply.status)
      }
      if (offer !== undefined) this.offer('send-answer')
      this.#accept(request, transaction, reply.sdp, offer)
      this.#confirmation?.stop()
      this.#confirmation = new Confirmation(this.core.layer, transaction, cseq(request).number, this)
      if (offer === undefined) this.#answerFrom = 'later-ack'
    })
  }

  /** RFC 3311 §5.2. */
  #updated(request: SipRequest, transaction: ServerTransaction): void {
    const offer = sdpOf(request)
    if (offer === undefined) return this.#accept(request, transaction, undefined, undefined)
    const cell = this.offer('receive-offer')
    if (cell === 'glare') return this.#answer(request, transaction, 491)
    if (cell === 'busy') return this.#answer(request, transaction, 500, this.#retryLater())
    this.#offered = transaction
    this.#ask(offer, reply => {
      this.#offered = undefined
      this.offer(reply.type === 'refused' ? 'withdraw' : 'send-answer')
      if (reply.type === 'refused') this.#answer(request, transaction, reply.status)
      else this.#accept(request, transaction, reply.sdp, offer)
    })
  }

  /** RFC 6141 §3.3: the re-INVITE was cancelled while it was being answered, and what it has changed here is changed back. */
  #undo(reply: OfferReply, offer: string | undefined): void {
    if (reply.type === 'accepted' && offer !== undefined && this.remoteSdp !== undefined) this.onOffer(this.remoteSdp).catch(() => undefined)
  }

  /** RFC 3261 §14.2, RFC 3311 §5.2: a time between 0 and 10 s. */
  #retryLater(): ExtraHeaders {
    return { 'Retry-After': String(this.core.random.uint32() % 11) }
  }

  #ask(offer: string | undefined, answered: (reply: OfferReply) => void): void {
    const settle = (reply: OfferReply): void => {
      if (this.state !== 'terminated') answered(reply)
    }
    this.onOffer(offer).then(settle, () => settle({ type: 'refused', status: 500 }))
  }

  #accept(request: SipRequest, transaction: ServerTransaction, sdp: string | undefined, offer: string | undefined): void {
    const interval = agreeAsServer(request, this.#interval)
    this.dialog.refresh(request)
    if (sdp !== undefined) this.#localSdp = sdp
    if (offer !== undefined) this.remoteSdp = offer
    this.core.respond(transaction, makeResponse(request, 200, {
      contact: this.core.contact(transaction.flow, this.dialog.secure),
      headers: interval?.headers,
      shared: this.core.ourself,
      body: sdp === undefined ? undefined : sdpBody(sdp),
    }))
    if (interval !== undefined) this.#keepAlive(interval)
  }

  #answer(request: SipRequest, transaction: ServerTransaction, status: number, headers: ExtraHeaders = NO_HEADERS): void {
    this.core.refuse(request, transaction, { status, headers })
  }

  // ---- our requests

  /** The final response to an UPDATE of ours. */
  #renewed(response: SipResponse, offer: string | undefined): void {
    const accepted = response.status < 300
    if (offer !== undefined) this.offer(accepted ? 'receive-answer' : 'withdraw')
    if (!accepted || this.state === 'terminated') return
    this.dialog.refresh(response)
    this.agreed(offer, offer === undefined ? undefined : sdpOf(response), response)
  }

  /** A re-INVITE or UPDATE has been accepted: what is agreed now. */
  agreed(localSdp: string | undefined, remoteSdp: string | undefined, response: SipMessage): void {
    if (localSdp !== undefined) this.#localSdp = localSdp
    if (remoteSdp !== undefined) this.remoteSdp = remoteSdp
    if (response.type === 'response') this.#keepAlive(agreeAsClient(response))
  }

  /** True when a response of this status to a request of this method ends the session (RFC 5057); it then has. */
  endsWith(method: string, status: number): boolean {
    if (!endsSession(method, status)) return false
    if (this.state === 'confirmed')
      this.#bye ??= this.#leave(undefined, { type: 'error', error: new CordboardError('SIP_DIALOG_TERMINATED', `the peer answered ${status}`, { status }) })
    return true
  }

  /** A request within the dialog got no answer or could not leave: the peer is gone (RFC 3261 §12.2.1.2). */
  broken(error: CordboardError): void {
    if (this.state !== 'confirmed') return
    this.#bye ??= this.#leave(undefined, error.code === 'SIP_TRANSACTION_TIMEOUT' ? { type: 'timeout' } : { type: 'error', error })
  }

  async #reinvite(sdp: string | OfferAnswerer): Promise<OfferOutcome> {
    if (this.state === 'terminated') throw this.#ended()
    const reinvite = new Reinvite(this, sdp)
    this.#reinviting = reinvite
    try {
      reinvite.start()
      return await reinvite.outcome.promise
    } finally {
      if (this.#reinviting === reinvite) this.#reinviting = undefined
    }
  }

  /** One re-INVITE after the other. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#queue === undefined ? task() : this.#queue.then(task)
    const settled = turn.then(() => undefined, () => undefined)
    this.#queue = settled
    void settled.then(() => { if (this.#queue === settled) this.#queue = undefined })
    return turn
  }

  #send(method: string, options: InDialogOptions, response: (response: SipResponse) => void, failed: (error: CordboardError) => void): void {
    const { core, dialog, flow, digest } = this
    const exchange = new Exchange(core, {
      digest,
      build: (via, credentials) => dialog.request(method, {
        headers: core.clientHeaders({ ...(method === 'UPDATE' ? this.refreshing : {}), ...options.headers, ...credentials }),
        ...(method === 'UPDATE' || method === 'REFER' || method === 'NOTIFY' ? { contact: core.contact(via, dialog.secure) } : {}),
        ...(options.body === undefined ? {} : { body: options.body }),
      }),
      user: { response, failed },
    })
    exchange.start(dialog.nextHop, target => viaFlow(target, dialog, flow))
  }

  // ---- refresh

  #keepAlive(interval: SessionInterval | undefined): void {
    this.#interval = interval
    if (interval === undefined && this.#timer === undefined) return
    this.#timer ??= new SessionTimer(this.core.clock, () => this.#refresh(), () => {
      if (this.state === 'confirmed') this.#bye ??= this.#leave(undefined, { type: 'timeout' })
    })
    this.#timer.start(interval)
  }

  /** Headers of our re-INVITEs and UPDATEs, each of which refreshes the session. */
  get refreshing(): ExtraHeaders {
    return { Supported: SUPPORTED_WITHIN, ...(this.#interval === undefined ? {} : refreshHeaders(this.#interval, this.#least)) }
  }

  /** RFC 4028 §7.3: true when a 422 asks for a longer interval, which the next try then has. */
  raises(response: SipResponse): boolean {
    const least = response.status === 422 ? minSe(response) : undefined
    if (least === undefined || this.#interval === undefined || least <= Math.max(this.#least, this.#interval.seconds)) return false
    this.#least = least
    return true
  }

  /** RFC 4028 §7.4: by UPDATE where the peer has it, else by re-INVITE. */
  #refresh(): void {
    if (this.#interval === undefined || this.state === 'terminated') return
    if (this.#peerUpdates) return this.#send('UPDATE', {}, response => this.#refreshed(response), error => this.broken(error))
    if (this.#localSdp === undefined) return
    this.#inTurn(() => this.#reinvite(this.#localSdp!)).then(outcome => {
      if (outcome.type === 'refused') this.#timer?.again(REFRESH_AGAIN_MS)
    }, () => undefined)
  }

  #refreshed(response: SipResponse): void {
    const { status } = response
    if (status < 200) return
    this.#renewed(response, undefined)
    if (status < 300 || this.endsWith('UPDATE', status)) return
    if (this.raises(response)) return this.#refresh()
    if (status !== 405 && status !== 501) return this.#timer?.again((retryAfter(response) ?? 0) * 1_000 || REFRESH_AGAIN_MS)
    // It has no UPDATE after all.
    this.#peerUpdates = false
    this.#refresh()
  }

  // ---- how it ends

  /** Ends by our BYE, which waits for the ACK to our 2xx (RFC 3261 §15). */
  async #leave(headers: ExtraHeaders | undefined, end: SessionEnd): Promise<void> {
    const owed = this.#confirmation?.waiting === true
    this.#close(end)
    if (owed) await this.#awaitAck()
    const left = deferred<void>()
    const done = (): void => {
      this.core.unregister(this)
      left.resolve()
    }
    this.#send('BYE', headers === undefined ? {} : { headers }, response => { if (response.status >= 200) done() }, done)
    this.core.leaving.add(left.promise)
    await left.promise
    this.core.leaving.delete(left.promise)
  }

  #awaitAck(): Promise<void> {
    return (this.#acknowledged ??= deferred()).promise
  }

  #end(end: SessionEnd): void {
    this.#confirmation?.stop()
    this.#close(end)
    this.core.unregister(this)
    const acknowledged = this.#acknowledged
    this.#acknowledged = undefined
    acknowledged?.resolve()
  }

  #close(end: SessionEnd): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.dialog.state = 'terminated'
    this.#timer?.stop()
    this.core.live.delete(this)
    this.#release?.()
    this.#reinviting?.abandon()
    if (this.#offered !== undefined && !this.#offered.answered && this.#offered.request !== undefined)
      // RFC 3261 §15.1.2: pending requests are answered 487.
      this.#answer(this.#offered.request, this.#offered, 487)
    this.#offered = undefined
    this.#controller?.abort()
    this.emit('ended', end)
  }

  #ended(): CordboardError {
    return new CordboardError('SIP_DIALOG_TERMINATED', 'the session has ended')
  }
}
