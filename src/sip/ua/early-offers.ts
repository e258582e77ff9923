import { isOfferState, offerStep } from '../dialog/offer-state.js'
import type { OfferInput, OfferState } from '../dialog/offer-state.js'
import type { SipRequest } from '../message/message.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'
import { response as makeResponse } from '../message/build.js'
import type { Dialog } from '../dialog/dialog.js'
import { ALLOW } from './capabilities.js'
import type { UserAgentCore } from './core.js'
import { sdpBody, sdpOf } from './sdp-body.js'
import type { ExtraHeaders, OfferReply } from './user-agent.js'

/** Refuses what nobody asked to hear. */
export const refuseEarlyOffers = (): Promise<OfferReply> => Promise.resolve({ type: 'refused', status: 488 })

/** Offers and answers of one early dialog: in the INVITE, reliable responses, PRACK and UPDATE (RFC 6337 §2.2). */
export class EarlyOffers {
  #state: OfferState = 'idle'
  /** Last description of ours that the peer has taken or been told, and of the peer's. */
  local: string | undefined
  remote: string | undefined

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
