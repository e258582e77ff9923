import { EventEmitter } from 'node:events'
import { CordboardError } from '../../core/errors.js'
import { deferred, onAbort } from '../../core/scope.js'
import { declineAll } from '../../sdp/declined.js'
import { DigestClient } from '../auth/digest-client.js'
import { Dialog, isSecure } from '../dialog/dialog.js'
import { appendHeader, cancelFor, request as makeRequest } from '../message/build.js'
import type { HeaderInit } from '../message/build.js'
import { minSe, to } from '../message/headers.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { ClientTransaction, ClientTransactionUser } from '../transaction/client-transaction.js'
import type { Flow } from '../transport/transport.js'
import { Acknowledgement } from './acknowledgement.js'
import { ALLOW, SUPPORTED } from './capabilities.js'
import { bareUri, nameAddr, newConversation, routeValues, taggedFrom } from './client-request.js'
import type { Conversation } from './client-request.js'
import type { UserAgentCore } from './core.js'
import { EarlyFork } from './early-fork.js'
import { Exchange } from './exchange.js'
import { sdpBody, sdpOf } from './sdp-body.js'
import { LiveSession } from './session.js'
import { agreeAsClient } from './session-timer.js'
import { ANONYMOUS } from './trust-domain.js'
import { withoutUriHeaders } from './uri-headers.js'
import type { ClientInvite, ExtraHeaders, InviteOptions, InviteOutcome, InviteProgress, OfferOutcome } from './user-agent.js'

const NOBODY: ClientTransactionUser = { response: () => undefined, failed: () => undefined }

/** An INVITE that we sent, with all its forks (RFC 3261 §13.2). */
export class OutboundInvite extends EventEmitter<{ progress: [progress: InviteProgress] }> implements ClientInvite, ClientTransactionUser {
  readonly #outcome = deferred<InviteOutcome>()
  readonly outcome = this.#outcome.promise
  readonly #conversation: Conversation
  readonly #digest: DigestClient | undefined
  readonly #forks = new Map<string, EarlyFork>()
  /** ACKs by To tag: one per 2xx. */
  readonly #acknowledgements = new Map<string, Acknowledgement>()
  readonly #exchange: Exchange
  #flow: Flow | undefined
  #state: 'open' | 'answering' | 'settled' = 'open'
  #cancel: 'no' | 'wanted' | 'sent' = 'no'
  #interval: number
  /** Min-SE of a 422 (RFC 4028 §7.3); 0 before one. */
  #least = 0
  /** Why we cancelled, for the CANCEL (RFC 3326). */
  #reason: string | undefined

  /** URI called, without the headers that it asks for (RFC 3261 §19.1.5). */
  readonly #uri: string
  readonly #asked: ExtraHeaders

  constructor(readonly core: UserAgentCore, readonly target: string, readonly options: InviteOptions) {
    super()
    const { uri, headers } = withoutUriHeaders(bareUri(target))
    this.#uri = uri
    this.#asked = headers
    this.#conversation = newConversation(core)
    this.#digest = options.credentials === undefined ? undefined : new DigestClient(options.credentials, core.random)
    this.#interval = core.options.sessionExpires
    this.#exchange = new Exchange(core, { digest: this.#digest, user: this, build: (flow, credentials) => this.#build(flow, credentials) })
    const release = onAbort(options.signal, () => this.cancel())
    void this.outcome.then(release)
    const first = options.route?.[0]
    // A later turn, so that whoever invites can listen before anything happens.
    queueMicrotask(() => this.#start(first === undefined ? uri : bareUri(first)))
  }

  cancel(reason?: string): void {
    if (this.#state === 'settled') return
    this.#reason = reason
    this.#settle({ type: 'cancelled' })
    this.#exchange.stopped = true
    if (this.#cancel === 'no') this.#cancel = 'wanted'
    this.#sendCancel()
  }

  async update(tag: string, sdp: string): Promise<OfferOutcome> {
    const fork = this.#forks.get(tag)
    if (fork === undefined) throw new CordboardError('SIP_DIALOG_TERMINATED', `no early dialog ${tag}`)
    return fork.update(sdp)
  }

  // ---- responses

  response(response: SipResponse, transaction: ClientTransaction): void {
    if (response.status < 200) return this.#provisional(response)
    if (response.status < 300) return this.#answered(response)
    if (response.status === 422 && this.#state === 'open' && this.#raise(response)) return
    this.#endForks()
    this.#settle({ type: 'rejected', status: response.status, response })
    void transaction
  }

  failed(error: CordboardError): void {
    this.#endForks()
    this.#settle(error.code === 'SIP_TRANSACTION_TIMEOUT' ? { type: 'timeout' } : { type: 'error', error })
  }

  terminated(): void {
    // RFC 3261 §13.2.2.4: 64*T1 after the first 2xx no other fork will answer.
    this.#endForks()
    this.#acknowledgements.clear()
  }

  #start(uri: string): void {
    // Cancelled before it was sent: there is nothing to cancel.
    if (this.#state === 'open') this.#exchange.start(uri)
  }

  #provisional(response: SipResponse): void {
    if (this.#cancel !== 'no') return this.#sendCancel()
    if (response.status === 100 || this.#state !== 'open') return
    const { tag } = to(response)
    if (tag !== undefined && !this.#fork(tag, response).provisional(response)) return
    this.emit('progress', { status: response.status, response, tag, sdp: sdpOf(response) })
  }

  #fork(tag: string, response: SipResponse): EarlyFork {
    let fork = this.#forks.get(tag)
    if (fork === undefined) {
      fork = new EarlyFork(this.core, this.#exchange.request!, response, this.#flow, this.#digest, this.options)
      fork.origin = this
      this.#forks.set(tag, fork)
    }
    return fork
  }

  #answered(response: SipResponse): void {
    const tag = to(response).tag ?? ''
    const known = this.#acknowledgements.get(tag)
    if (known !== undefined) return known.repeat()
    const fork = this.#forks.get(tag)
    this.#forks.delete(tag)
    const invite = this.#exchange.request!
    const dialog = fork?.dialog ?? Dialog.ofClient(invite, response)
    dialog.confirm(response)
    const acknowledgement = new Acknowledgement(this.core, dialog, invite, this.#flow)
    this.#acknowledgements.set(tag, acknowledgement)
    // RFC 3261 §13.2.2.4: a 2xx that nobody wants has its offer answered all the same.
    const unwanted = this.options.sdp === undefined && fork?.localSdp === undefined ? sdpOf(response) : undefined
    if (this.#state !== 'open') return this.#surplus(dialog, response, acknowledgement, unwanted)
    const { impostor } = this.#exchange
    if (impostor !== undefined) {
      this.#surplus(dialog, response, acknowledgement, unwanted)
      return this.#settle({ type: 'error', error: impostor })
    }
    const offer = sdpOf(response)
    // RFC 6337 §2.2: what a PRACK has answered is not answered again.
    if (this.options.sdp !== undefined || offer === undefined || this.options.answer === undefined || fork?.localSdp !== undefined) {
      acknowledgement.send(undefined)
      // RFC 6337 §3.1.1: what a 2xx repeats of a reliable answer says nothing new.
      const remote = fork?.agreed === true ? fork.remoteSdp : (offer ?? fork?.remoteSdp)
      return this.#complete(this.#session(dialog, response, remote, fork?.localSdp ?? this.options.sdp))
    }
    this.#state = 'answering'
    this.options.answer(offer).then(
      sdp => this.#answerOffer(dialog, response, acknowledgement, offer, sdp),
      (error: unknown) => {
        this.#surplus(dialog, response, acknowledgement, offer)
        this.#settle({ type: 'error', error: error instanceof Error ? error : new Error(String(error)) })
      })
  }

  #answerOffer(dialog: Dialog, response: SipResponse, acknowledgement: Acknowledgement, offer: string, sdp: string): void {
    acknowledgement.send(sdp)
    this.#complete(this.#session(dialog, response, offer, sdp))
  }

  #complete(session: LiveSession): void {
    // Cancelled while the answer or the ACK was made: the 2xx has won, so BYE.
    if (this.#state === 'settled') void session.bye()
    else this.#settle({ type: 'answered', session })
  }

  /** RFC 3261 §13.2.2.4: a 2xx that nobody wants any more is acknowledged and ended. */
  #surplus(dialog: Dialog, response: SipResponse, acknowledgement: Acknowledgement, offer: string | undefined): void {
    acknowledgement.send(offer === undefined ? undefined : declineAll(offer, this.#flow!.local.host))
    void this.#session(dialog, response, undefined, undefined).bye(this.#reason === undefined ? {} : { headers: { Reason: this.#reason } })
  }

  #session(dialog: Dialog, response: SipResponse, remoteSdp: string | undefined, localSdp: string | undefined): LiveSession {
    return new LiveSession(this.core, {
      dialog, established: response, flow: this.#flow, caller: true, localSdp, remoteSdp, timer: agreeAsClient(response), leastInterval: this.#least, digest: this.#digest,
    })
  }

  // ---- the request

  #build(flow: Flow, credentials: HeaderInit): SipRequest {
    const { core, options } = this
    this.#flow = flow
    const conversation = this.#conversation
    return makeRequest({
      method: 'INVITE',
      uri: this.#uri,
      route: routeValues(options.route),
      from: taggedFrom(core, options.privacy === undefined ? options.from : ANONYMOUS, conversation.localTag),
      to: nameAddr(options.to ?? this.#uri),
      callId: conversation.callId,
      cseq: ++conversation.cseq,
      contact: core.contact(flow, isSecure(this.#uri)),
      headers: core.clientHeaders({
        Allow: ALLOW, Supported: SUPPORTED, ...core.receives, ...this.#identity(flow),
        ...(this.#interval === 0 ? {} : { 'Session-Expires': String(this.#interval) }),
        ...(this.#least === 0 ? {} : { 'Min-SE': String(this.#least) }),
        ...this.#asked, ...options.headers, ...credentials,
      }),
      ...(options.sdp === undefined ? {} : { body: sdpBody(options.sdp) }),
    })
  }

  #identity({ address }: Flow): HeaderInit {
    const { identity, privacy } = this.options
    return {
      ...(identity === undefined || this.core.trust?.has(address) !== true ? {} : { 'P-Asserted-Identity': nameAddr(identity) }),
      ...(privacy === undefined ? {} : { Privacy: privacy }),
    }
  }

  /** RFC 4028 §7.3: once more with the interval that the peer bears. */
  #raise(response: SipResponse): boolean {
    const least = minSe(response)
    if (least === undefined || least <= this.#interval || this.#interval === 0) return false
    this.#interval = this.#least = least
    this.#exchange.start(this.options.route?.[0] === undefined ? this.#uri : bareUri(this.options.route[0]))
    return true
  }

  #sendCancel(): void {
    const { transaction } = this.#exchange
    // RFC 3261 §9.1: not before a provisional response.
    if (this.#cancel !== 'wanted' || transaction?.state !== 'proceeding') return
    this.#cancel = 'sent'
    const cancel = cancelFor(transaction.request)
    this.core.layer.cancel(transaction, this.#reason === undefined ? cancel : appendHeader(cancel, 'Reason', this.#reason), NOBODY)
  }

  #endForks(): void {
    for (const fork of this.#forks.values()) fork.end()
    this.#forks.clear()
  }

  #settle(outcome: InviteOutcome): void {
    if (this.#state === 'settled') return
    this.#state = 'settled'
    this.#outcome.resolve(outcome)
  }
}
