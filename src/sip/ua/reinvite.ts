import { CordboardError } from '../../core/errors.js'
import { deferred } from '../../core/scope.js'
import { declineAll } from '../../sdp/declined.js'
import { cancelFor } from '../message/build.js'
import type { SipResponse } from '../message/message.js'
import type { ClientTransaction, ClientTransactionUser } from '../transaction/client-transaction.js'
import { Acknowledgement } from './acknowledgement.js'
import { ALLOW } from './capabilities.js'
import { Exchange } from './exchange.js'
import { sdpBody, sdpOf } from './sdp-body.js'
import type { LiveSession } from './session.js'
import { viaFlow } from './via-flow.js'
import type { OfferAnswerer, OfferOutcome } from './user-agent.js'

/** RFC 3261 §14.1: units of the wait after 491. */
const GLARE_UNIT_MS = 10

/** One re-INVITE of ours with its repetitions after 491. */
export class Reinvite implements ClientTransactionUser {
  readonly outcome = deferred<OfferOutcome>()
  #exchange: Exchange | undefined
  #acknowledgement: Acknowledgement | undefined

  /** @param sdp our offer, or what answers the one that we ask for */
  constructor(readonly session: LiveSession, readonly sdp: string | OfferAnswerer) {}

  start(): void {
    const { session } = this
    const { core, dialog, flow, digest } = session
    if (session.state === 'terminated') return this.#fail(new CordboardError('SIP_DIALOG_TERMINATED', 'the session has ended'))
    // The peer's own offer is under way: ours would meet it (RFC 3261 §14.1).
    if (session.busy) return this.#later()
    // Without SDP the next offer is the peer's, but ours to ask for: whatever it offers meanwhile crosses it all the same.
    session.offer('send-offer')
    this.#exchange = new Exchange(core, {
      digest,
      user: this,
      build: (via, credentials) => dialog.request('INVITE', {
        contact: core.contact(via, dialog.secure),
        headers: core.clientHeaders({ Allow: ALLOW, ...core.receives, ...session.refreshing, ...credentials }),
        ...(typeof this.sdp === 'string' ? { body: sdpBody(this.sdp) } : {}),
      }),
    })
    this.#exchange.start(dialog.nextHop, target => viaFlow(target, dialog, flow))
  }

  /** The session ends meanwhile. */
  abandon(): void {
    const exchange = this.#exchange
    if (exchange?.transaction?.state === 'proceeding')
      this.session.core.layer.cancel(exchange.transaction, cancelFor(exchange.transaction.request), { response: () => undefined, failed: () => undefined })
    this.#fail(new CordboardError('SIP_DIALOG_TERMINATED', 'the session has ended'))
  }

  response(response: SipResponse): void {
    if (response.status < 200) return
    if (response.status < 300) return this.#accepted(response)
    this.session.offer('withdraw')
    if (response.status === 491) return this.#later()
    if (this.session.raises(response)) return this.start()
    if (this.session.endsWith('INVITE', response.status)) return this.#fail(new CordboardError('SIP_DIALOG_TERMINATED', `the peer answered ${response.status}`, { status: response.status }))
    this.outcome.resolve({ type: 'refused', status: response.status })
  }

  failed(error: CordboardError, _transaction: ClientTransaction): void {
    this.session.offer('withdraw')
    this.session.broken(error)
    this.#fail(error)
  }

  #accepted(response: SipResponse): void {
    if (this.#acknowledgement !== undefined) return this.#acknowledgement.repeat()
    const { session } = this
    session.dialog.refresh(response)
    this.#acknowledgement = new Acknowledgement(session.core, session.dialog, this.#exchange!.request!, session.flow)
    const sdp = sdpOf(response)
    if (typeof this.sdp === 'function' && sdp !== undefined) return void this.#answer(this.sdp, sdp, response, this.#acknowledgement)
    this.#acknowledgement.send(undefined)
    this.#agree(typeof this.sdp === 'string' ? this.sdp : undefined, sdp, response)
  }

  /** RFC 3264 §4: the answer goes with the ACK. */
  async #answer(answerer: OfferAnswerer, offer: string, response: SipResponse, acknowledgement: Acknowledgement): Promise<void> {
    try {
      const sdp = await answerer(offer)
      acknowledgement.send(sdp)
      this.#agree(sdp, offer, response)
    } catch (cause) {
      // RFC 3261 §13.2.2.4, §14.1: an offer that cannot be answered has a valid answer all the same, and then BYE.
      acknowledgement.send(declineAll(offer, this.#exchange!.transaction!.flow.local.host))
      this.session.offer('withdraw')
      void this.session.bye()
      this.#fail(new CordboardError('SIP_DIALOG_TERMINATED', 'the offer could not be answered', { cause }))
    }
  }

  #agree(local: string | undefined, remote: string | undefined, response: SipResponse): void {
    const { session } = this
    session.offer('receive-answer')
    if (session.state === 'terminated') return
    session.agreed(local, remote, response)
    this.outcome.resolve({ type: 'accepted', sdp: remote ?? '' })
  }

  /** RFC 3261 §14.1: the owner of the Call-ID waits 2.1-4 s, the other 0-2 s. */
  #later(): void {
    const { core, caller } = this.session
    const units = caller ? 210 + Math.floor(core.random.float() * 191) : Math.floor(core.random.float() * 201)
    core.clock.after(units * GLARE_UNIT_MS, () => this.start())
  }

  #fail(error: CordboardError): void {
    this.outcome.reject(error)
  }
}
