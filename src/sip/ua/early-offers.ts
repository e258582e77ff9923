import { CordboardError } from '../../core/errors.js'
import { deferred } from '../../core/scope.js'
import type { DigestClient } from '../auth/digest-client.js'
import { isOfferState, offerStep } from '../dialog/offer-state.js'
import type { OfferInput, OfferState } from '../dialog/offer-state.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'
import type { Flow } from '../transport/transport.js'
import { response as makeResponse } from '../message/build.js'
import type { Dialog } from '../dialog/dialog.js'
import { ALLOW } from './capabilities.js'
import type { UserAgentCore } from './core.js'
import { Exchange } from './exchange.js'
import { sdpBody, sdpOf } from './sdp-body.js'
import type { ExtraHeaders, OfferOutcome, OfferReply } from './user-agent.js'
import { viaFlow } from './via-flow.js'

/** Refuses what nobody asked to hear. */
export const refuseEarlyOffers = (): Promise<OfferReply> => Promise.resolve({ type: 'refused', status: 488 })

/** An early dialog and the way to its peer. */
interface EarlyPath {
  readonly dialog: Dialog
  readonly flow: Flow | undefined
  readonly digest: DigestClient | undefined
}

/** Offers and answers of one early dialog: in the INVITE, reliable responses, PRACK and UPDATE (RFC 6337 §2.2). */
export class EarlyOffers {
  #state: OfferState = 'idle'
  /** Last description of ours that the peer has taken or been told, and of the peer's. */
  local: string | undefined
  remote: string | undefined
  /** Our offer in an UPDATE or PRACK, until its answer. */
  pending: Promise<unknown> | undefined

  constructor(readonly core: UserAgentCore) {}

  get state(): OfferState {
    return this.#state
  }

  step(input: OfferInput): void {
    const cell = offerStep(this.#state, input)
    if (isOfferState(cell)) this.#state = cell
  }

  /** Answers an offer in a PRACK or UPDATE; what has none is accepted as it is. */
  take(request: SipRequest, transaction: ServerTransaction, dialog: Dialog, answerer: (offer: string) => Promise<OfferReply>): void {
    const offer = sdpOf(request)
    const accept = (sdp: string | undefined): void => this.#accept(request, transaction, dialog, sdp)
    if (offer === undefined) return accept(undefined)
    const cell = offerStep(this.#state, 'receive-offer')
    // RFC 3311 §5.2: an offer of ours is pending, or one of the peer's.
    if (cell === 'glare') return this.#refuse(request, transaction, 491)
    if (!isOfferState(cell)) return this.#refuse(request, transaction, 500, { 'Retry-After': String(this.core.random.uint32() % 11) })
    this.#state = cell
    const settle = (reply: OfferReply): void => {
      this.step(reply.type === 'accepted' ? 'send-answer' : 'withdraw')
      if (transaction.answered) return
      if (reply.type === 'refused') return this.#refuse(request, transaction, reply.status)
      this.local = reply.sdp
      this.remote = offer
      accept(reply.sdp)
    }
    answerer(offer).then(settle, () => settle({ type: 'refused', status: 500 }))
  }

  /**
   * Offers anew once there is an answer (RFC 3311 §5.1, RFC 3262 §5): in an UPDATE, or in the PRACK that `headers` make of it.
   * @throws CordboardError `CALL_STATE` while another offer is under way or the first has no answer, `SIP_DIALOG_TERMINATED`, `SIP_TRANSACTION_TIMEOUT`.
   */
  async send(method: 'UPDATE' | 'PRACK', sdp: string, path: EarlyPath, headers: ExtraHeaders = {}): Promise<OfferOutcome> {
    if (path.dialog.state !== 'early') throw new CordboardError('SIP_DIALOG_TERMINATED', 'the dialog is not an early one')
    if (this.#state !== 'stable') throw new CordboardError('CALL_STATE', 'an offer is under way', { status: 491 })
    this.step('send-offer')
    const answered = this.#exchange(method, sdp, path, headers)
    const settled = this.pending = answered.then(() => undefined, () => undefined)
    try {
      const response = await answered
      const answer = sdpOf(response)
      this.step(response.status < 300 ? 'receive-answer' : 'withdraw')
      if (response.status >= 300) return { type: 'refused', status: response.status }
      if (method === 'UPDATE') path.dialog.refresh(response)
      this.local = sdp
      this.remote = answer ?? this.remote
      return { type: 'accepted', sdp: answer ?? '' }
    } catch (error) {
      this.step('withdraw')
      throw error
    } finally {
      if (this.pending === settled) this.pending = undefined
    }
  }

  #exchange(method: string, sdp: string, { dialog, flow, digest }: EarlyPath, headers: ExtraHeaders): Promise<SipResponse> {
    const { core } = this
    const final = deferred<SipResponse>()
    const exchange = new Exchange(core, {
      digest,
      build: (via, credentials) => dialog.request(method, {
        ...(method === 'UPDATE' ? { contact: core.contact(via, dialog.secure) } : {}),
        headers: core.clientHeaders({ ...headers, ...credentials }),
        body: sdpBody(sdp),
      }),
      user: { response: response => { if (response.status >= 200) final.resolve(response) }, failed: final.reject },
    })
    exchange.start(dialog.nextHop, target => viaFlow(target, dialog, flow))
    return final.promise
  }

  #accept(request: SipRequest, transaction: ServerTransaction, dialog: Dialog, sdp: string | undefined): void {
    dialog.refresh(request)
    this.core.respond(transaction, makeResponse(request, 200, {
      ...(request.method === 'UPDATE' ? { contact: this.core.contact(transaction.flow, dialog.secure) } : {}),
      headers: request.method === 'UPDATE' ? { Allow: ALLOW } : undefined,
      shared: this.core.ourName,
      ...(sdp === undefined ? {} : { body: sdpBody(sdp) }),
    }))
  }

  #refuse(request: SipRequest, transaction: ServerTransaction, status: number, headers: ExtraHeaders = {}): void {
    this.core.refuse(request, transaction, { status, headers })
  }
}
