import type { Dialog } from '../dialog/dialog.js'
import type { HeaderInit } from '../message/build.js'
import { cseq, headerValues } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import type { Flow } from '../transport/transport.js'
import type { UserAgentCore } from './core.js'
import { viaFlow } from './via-flow.js'
import { sdpBody } from './sdp-body.js'

/** The ACK to the 2xx of one dialog: made by the core, sent again for each repetition of the 2xx (RFC 3261 §13.2.2.4). */
export class Acknowledgement {
  #sent: { readonly bytes: Buffer; readonly flow: Flow } | undefined
  /** Sends it by the datagram that it came to be too large for. */
  #fallBack: (() => void) | undefined

  /** @param invite as it was sent: number and credentials of the ACK are its. */
  constructor(readonly core: UserAgentCore, readonly dialog: Dialog, readonly invite: SipRequest, readonly flow: Flow | undefined) {}

  /** Sends it, with `sdp` as the answer to an offer in the 2xx. */
  send(sdp: string | undefined): void {
    const request = this.dialog.request('ACK', {
      cseq: cseq(this.invite).number,
      headers: this.core.clientHeaders(credentialsOf(this.invite)),
      ...(sdp === undefined ? {} : { body: sdpBody(sdp) }),
    })
    this.core.reach(this.dialog.nextHop, targets => {
      const target = viaFlow(targets[0]!, this.dialog, this.flow)
      this.#sent = this.core.layer.sendAck(request, target, 'large')
      this.#fallBack = () => { this.#sent = this.core.layer.sendAck(request, target) }
    }, () => this.core.layer.counters.bump('transport-error'))
  }

  /** The 2xx came again: so goes the ACK, once there is one. */
  repeat(): void {
    // RFC 3261 §18.1.1: a connection that was refused, or has ended since, is not tried for a large request again.
    if (this.#sent?.flow.open === false) this.#fallBack?.()
    else this.#sent?.flow.send(this.#sent.bytes)
  }
}

/** Authorization and Proxy-Authorization of a request, for its ACK (RFC 3261 §22.1). */
const credentialsOf = (request: SipRequest): HeaderInit => {
  const authorization = headerValues(request, 'Authorization')
  const proxy = headerValues(request, 'Proxy-Authorization')
  return {
    ...(authorization.length === 0 ? {} : { Authorization: authorization }),
    ...(proxy.length === 0 ? {} : { 'Proxy-Authorization': proxy }),
  }
}
