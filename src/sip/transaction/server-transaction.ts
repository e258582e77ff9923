import type { CordboardError } from '../../core/errors.js'
import type { SipRequest } from '../message/message.js'
import type { Flow } from '../transport/transport.js'
import { inviteServer } from './invite-server.js'
import { nonInviteServer } from './non-invite-server.js'
import { Transaction } from './transaction.js'
import type { Stepper } from './transaction.js'

/** Whoever answers a request. */
export interface ServerTransactionUser {
  /** A matching CANCEL came; it has been answered (RFC 3261 §9.2). */
  cancelled?(request: SipRequest): void
  /** The response could not be sent (`SIP_TRANSPORT`), or was not acknowledged or not given in time (`SIP_TRANSACTION_TIMEOUT`). */
  failed?(error: CordboardError): void
}

/** A request whose response we owe (RFC 3261 §17.2). */
export class ServerTransaction extends Transaction {
  readonly method: string
  user: ServerTransactionUser | undefined
  /** The ACK at hand while actions run. */
  ack: SipRequest | undefined
  /** Key among requests that came twice by different ways (RFC 3261 §8.2.2.2); undefined within dialogs. */
  mergeKey: string | undefined

  constructor(
    stepper: Stepper,
    key: string,
    /** Let go once a final response has been sent. */
    public request: SipRequest | undefined,
    flow: Flow,
    /** By which the request came; `flow` is where its responses go. */
    readonly source: Flow,
    /** To tag of all our own responses to this request. */
    readonly localTag: string,
  ) {
    const invite = request?.method === 'INVITE'
    super(stepper, invite ? inviteServer : nonInviteServer, invite ? 'invite-server' : 'non-invite-server', key, flow)
    this.method = request?.method ?? ''
  }

  /** True once a final response has been sent. */
  get answered(): boolean {
    return this.state !== 'proceeding' && this.state !== 'trying'
  }
}
