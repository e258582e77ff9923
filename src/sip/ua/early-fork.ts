import type { DigestClient } from '../auth/digest-client.js'
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
import type { ClientInvite, OfferReply } from './user-agent.js'
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
    /** Makes the answer to an offer in a reliable response. */
    readonly answer: ((offer: string) => Promise<string>) | undefined,
    /** Answers an offer in an UPDATE. */
    readonly onOffer: (offer: string) => Promise<OfferReply> = refuseEarlyOffers,
  ) {
    this.dialog = Dialog.ofClient(invite, response)
    this.#inviteSeq = this.dialog.localSeq
    this.#offers = new EarlyOffers(core)
    if (invite.body.length > 0) this.#offers.step('send-offer')
    core.register(this)
  }

  /** Takes a 101-199; false when it is a repetition or out of order, and so says nothing new (RFC 3262 §4). */
  provisional(response: SipResponse): boolean {
    const number = rseq(response)
    if (number !== undefined && tokens(response, 'Require').includes('100rel')) {
      if (this.#rseq !== 0 && number !== this.#rseq + 1) {
        // The PRACK was lost on its way only if it is the same response: its transaction repeats it.
        return false
      }
      this.#rseq = number
      this.#acknowledge(response, number)
    }
    this.#offers.remote = sdpOf(response) ?? this.#offers.remote
    return true
  }

  /** SDP of the peer so far, and ours where an UPDATE has changed it. */
  get remoteSdp(): string | undefined {
    return this.#offers.remote
  }

  get localSdp(): string | undefined {
    return this.#offers.local
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
        return this.#offers.take(request, transaction, this.dialog, this.onOffer)
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
    // A reliable response completes our offer, or makes the peer's (RFC 6337 §2.2); further ones repeat it.
    if (sdp !== undefined && this.#offers.state === 'local-offer') this.#offers.step('receive-answer')
    if (sdp === undefined || this.answer === undefined || this.#offers.state !== 'idle') return this.#prack(number, undefined)
    this.#offers.step('receive-offer')
    this.answer(sdp).then(answer => {
      this.#offers.step('send-answer')
      this.#offers.local = answer
      this.#prack(number, answer)
    }, () => this.#prack(number, undefined))
  }

  #prack(number: number, sdp: string | undefined): void {
    const { core, dialog, flow, digest } = this
    if (dialog.state === 'terminated') return
    const exchange = new Exchange(core, {
      digest,
      build: (_via, credentials) => dialog.request('PRACK', {
        headers: core.clientHeaders({ RAck: `${number} ${this.#inviteSeq} INVITE`, ...credentials }),
        ...(sdp === undefined ? {} : { body: sdpBody(sdp) }),
      }),
      user: { response: () => undefined, failed: () => undefined },
    })
    exchange.start(dialog.nextHop, target => viaFlow(target, dialog, flow))
  }
}
