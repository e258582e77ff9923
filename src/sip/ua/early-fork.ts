import type { DigestClient } from '../auth/digest-client.js'
import { declineAll } from '../../sdp/declined.js'
import { Dialog } from '../dialog/dialog.js'
import { rseq, tokens } from '../message/headers.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'
import type { Flow } from '../transport/transport.js'
import type { DialogOwner, UserAgentCore } from './core.js'
import { EarlyOffers, refuseEarlyOffers } from './early-offers.js'
import { Exchange } from './exchange.js'
import { viaFlow } from './via-flow.js'
import { sdpBody, sdpOf } from './sdp-body.js'
import type { ClientInvite, InviteOptions, OfferOutcome } from './user-agent.js'
import { answerUnheard, refuseWithin } from './within-dialog.js'

/** One early dialog of an INVITE of ours: there are as many as To tags in the responses (RFC 3261 §12.1.2, §13.2.2.4). */
export class EarlyFork implements DialogOwner {
  readonly dialog: Dialog
  readonly #offers: EarlyOffers
  /** The invitation that this is a fork of. */
  origin: ClientInvite | undefined
  #rseq = 0
  /** CSeq and RSeq of RAck name the INVITE. */
  readonly #inviteSeq: number

  constructor(
    readonly core: UserAgentCore,
    readonly invite: SipRequest,
    response: SipResponse,
    readonly flow: Flow | undefined,
    readonly digest: DigestClient | undefined,
    readonly options: InviteOptions,
  ) {
    this.dialog = Dialog.ofClient(invite, response)
    this.#inviteSeq = this.dialog.localSeq
    this.#offers = new EarlyOffers(core)
    if (invite.body.length > 0) this.#offers.step('send-offer')
    core.register(this)
  }

  /** Takes a 101-199; false when it is a repetition or out of order, and so says nothing new (RFC 3262 §4). */
  provisional(response: SipResponse): boolean {
    const { agreed } = this
    const number = rseq(response)
    if (number !== undefined && tokens(response, 'Require').includes('100rel')) {
      if (this.#rseq !== 0 && number !== this.#rseq + 1) {
        // The PRACK was lost on its way only if it is the same response: its transaction repeats it.
        return false
      }
      this.#rseq = number
      this.#acknowledge(response, number)
    }
    if (!agreed) this.#offers.remote = sdpOf(response) ?? this.#offers.remote
    return true
  }

  /** SDP of the peer so far, and ours where an UPDATE has changed it. */
  get remoteSdp(): string | undefined {
    return this.#offers.remote
  }

  get localSdp(): string | undefined {
    return this.#offers.local
  }

  /** True once a reliable response has made offer and answer complete. */
  get agreed(): boolean {
    return this.#offers.state === 'stable' || this.#offers.pending !== undefined
  }

  /** Offers anew by UPDATE. */
  update(sdp: string): Promise<OfferOutcome> {
    return this.#offers.send('UPDATE', sdp, this)
  }

  /** The invitation has ended without this dialog. */
  end(): void {
    this.dialog.state = 'terminated'
    this.core.unregister(this)
  }

  takeRequest(request: SipRequest, transaction: ServerTransaction): void {
    const refusal = refuseWithin(this.dialog, request)
    if (refusal !== undefined) return this.core.refuse(request, transaction, refusal)
    switch (request.method) {
      case 'UPDATE':
        return this.#offers.take(request, transaction, this.dialog, this.options.onOffer ?? refuseEarlyOffers)
      case 'BYE':
        // RFC 3261 §15: only the caller may end an early dialog by BYE; what remains of it ends with the INVITE.
        this.#refuse(request, transaction, 200)
        return this.end()
      case 'INVITE':
        // RFC 3261 §14.2: an INVITE of ours is in progress.
        return this.#refuse(request, transaction, 491)
      case 'PRACK':
        return this.#refuse(request, transaction, 481)
      default:
        return this.core.refuse(request, transaction, answerUnheard(request))
    }
  }

  takeAck(): void {
    // We sent the INVITE: ACK is ours.
  }

  #refuse(request: SipRequest, transaction: ServerTransaction, status: number): void {
    this.core.refuse(request, transaction, { status, headers: {} })
  }

  #acknowledge(response: SipResponse, number: number): void {
    const sdp = sdpOf(response)
    if (sdp === undefined) return this.#prack(number, undefined)
    const { sdp: offered, answer, offerAfter } = this.options
    // A reliable response completes our offer, or makes the peer's (RFC 6337 §2.2); further ones repeat it.
    if (this.#offers.state === 'local-offer') {
      this.#offers.step('receive-answer')
      if (offerAfter === undefined) return this.#prack(number, undefined)
      return void offerAfter(sdp).then(offer => this.#offerInPrack(number, offer), () => this.#prack(number, undefined))
    }
    if (offered !== undefined || answer === undefined || this.#offers.state !== 'idle') return this.#prack(number, undefined)
    this.#offers.step('receive-offer')
    answer(sdp).then(ours => {
      this.#offers.step('send-answer')
      this.#offers.local = ours
      this.#prack(number, ours)
      // What cannot be answered is owed an answer all the same (RFC 3262 §5).
    }, () => this.#prack(number, declineAll(sdp, this.flow?.local.host ?? 'invalid')))
  }

  #offerInPrack(number: number, offer: string | undefined): void {
    if (offer === undefined || this.dialog.state !== 'early') return this.#prack(number, undefined)
    // Refused or lost, it leaves what was agreed before.
    this.#offers.send('PRACK', offer, this, { RAck: this.#rack(number) }).catch(() => undefined)
  }

  #rack(number: number): string {
    return `${number} ${this.#inviteSeq} INVITE`
  }

  #prack(number: number, sdp: string | undefined): void {
    const { core, dialog, flow, digest } = this
    if (dialog.state === 'terminated') return
    const exchange = new Exchange(core, {
      digest,
      build: (_via, credentials) => dialog.request('PRACK', {
        headers: core.clientHeaders({ RAck: this.#rack(number), ...credentials }),
        ...(sdp === undefined ? {} : { body: sdpBody(sdp) }),
      }),
      user: { response: () => undefined, failed: () => undefined },
    })
    exchange.start(dialog.nextHop, target => viaFlow(target, dialog, flow))
  }
}
