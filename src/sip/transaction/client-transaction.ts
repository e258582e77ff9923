import type { CordboardError } from '../../core/errors.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { Flow, Target } from '../transport/transport.js'
import { inviteClient } from './invite-client.js'
import { nonInviteClient } from './non-invite-client.js'
import { initialState, Transaction } from './transaction.js'
import type { Stepper } from './transaction.js'

/** Whoever sent a request by a transaction. */
export interface ClientTransactionUser {
  /** Each provisional response, the final one, and every further 2xx to INVITE (RFC 6026 §7.2). */
  response(response: SipResponse, transaction: ClientTransaction): void
  /** No response came (`SIP_TRANSACTION_TIMEOUT`) or the request could not leave (`SIP_TRANSPORT`). */
  failed(error: CordboardError, transaction: ClientTransaction): void
  /** The transaction is gone: no further 2xx will come. */
  terminated?(transaction: ClientTransaction): void
}

/** A request on its way (RFC 3261 §17.1). */
export class ClientTransaction extends Transaction {
  readonly method: string
  /** The response at hand while actions run. */
  response: SipResponse | undefined
  /** Where to go by UDP when the connection that the size asked for is refused (RFC 3261 §18.1.1). */
  fallback: Target | undefined
  /** Why it could not be sent. */
  cause: Error | undefined

  constructor(
    stepper: Stepper,
    branch: string,
    /** With its Via; the ACK to a failure is made from it (RFC 3261 §17.1.1.3). */
    public request: SipRequest,
    flow: Flow,
    public user: ClientTransactionUser | undefined,
  ) {
    const invite = request.method === 'INVITE'
    super(stepper, invite ? inviteClient : nonInviteClient, invite ? 'invite-client' : 'non-invite-client', clientKey(branch, request.method), flow)
    this.method = request.method
  }

  /** Begins anew by another flow. */
  restart(request: SipRequest, flow: Flow): void {
    this.request = request
    this.flow = flow
    this.state = initialState(this.kind)
  }
}

/** Matching of RFC 3261 §17.1.3: a CANCEL shares the branch of its INVITE. */
export const clientKey = (branch: string, method: string): string => (method === 'CANCEL' ? `${branch};CANCEL` : branch)
