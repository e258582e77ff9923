import { CordboardError } from '../../core/errors.js'
import type { DigestClient } from '../auth/digest-client.js'
import { appendHeader } from '../message/build.js'
import type { HeaderInit } from '../message/build.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { ClientTransaction, ClientTransactionUser } from '../transaction/client-transaction.js'
import type { Flow, Target } from '../transport/transport.js'
import type { UserAgentCore } from './core.js'

export interface ExchangeOptions {
  /** Makes the request once more for each attempt, with a higher CSeq; `credentials` answer the challenges so far. */
  build(flow: Flow, credentials: HeaderInit): SipRequest
  readonly digest: DigestClient | undefined
  /** Gets what ends the exchange, and provisional responses; 401 and 407 only when they cannot be answered. */
  readonly user: ClientTransactionUser
}

/**
 * One request with its repetitions: with credentials after a challenge (RFC 3261 §22), at the next target after 503, a time-out or a
 * transport error (RFC 3263 §4.3).
 */
export class Exchange implements ClientTransactionUser {
  /** The attempt under way, or the last. */
  transaction: ClientTransaction | undefined
  #request: SipRequest | undefined
  #targets: readonly Target[] = []
  #at = 0
  /** No further attempts: the request has been cancelled. */
  stopped = false
  /** Set when the 2xx came from somebody who shows by a wrong proof that it does not know the password. */
  impostor: CordboardError | undefined

  constructor(readonly core: UserAgentCore, readonly options: ExchangeOptions) {}

  /** The request last sent, without its Via. */
  get request(): SipRequest | undefined {
    return this.#request
  }

  /** Sends to where `uri` leads. */
  start(uri: string, refine?: (target: Target) => Target): void {
    this.core.reach(uri, targets => {
      this.#targets = refine === undefined ? targets : targets.map(refine)
      this.#send(undefined)
    }, error => this.options.user.failed(error, this.transaction!))
  }

  response(response: SipResponse, transaction: ClientTransaction): void {
    const { digest, user } = this.options
    if (transaction === this.transaction && this.#request !== undefined && !this.stopped) {
      if (digest !== undefined && (response.status === 401 || response.status === 407)) {
        const answer = digest.answer(this.#request, response)
        if (answer.type === 'retry') return this.#again(answer.headers)
      }
      if (response.status === 503) {
        this.#blame()
        if (this.#next()) return
      }
      if (response.status >= 200 && response.status < 300 && digest?.confirm(this.#request, response) === false) {
        this.impostor = new CordboardError('SIP_TRANSPORT', 'whoever answered does not know the password (RFC 7616 §3.5)')
        // A 2xx to INVITE has made a session, which is for its owner to end.
        if (this.#request.method !== 'INVITE') return user.failed(this.impostor, transaction)
      }
    }
    user.response(response, transaction)
  }

  failed(error: CordboardError, transaction: ClientTransaction): void {
    if (transaction === this.transaction && !this.stopped) {
      this.#blame()
      if (this.#next()) return
    }
    this.options.user.failed(error, transaction)
  }

  terminated(transaction: ClientTransaction): void {
    if (transaction === this.transaction) this.options.user.terminated?.(transaction)
  }

  /** The target failed: others come first for a while. */
  #blame(): void {
    const target = this.#targets[this.#at]
    if (target !== undefined) this.core.options.resolver.failed?.(target)
  }

  #next(): boolean {
    if (this.#at + 1 >= this.#targets.length) return false
    this.#at++
    this.#again(this.options.digest?.headers(this.#request!) ?? {})
    return true
  }

  #again(credentials: HeaderInit): void {
    try {
      this.#send(credentials)
    } catch (error) {
      this.options.user.failed(error as CordboardError, this.transaction!)
    }
  }

  /** @param credentials undefined at first: those of the conversation so far are added. */
  #send(credentials: HeaderInit | undefined): void {
    const target = this.#targets[this.#at]!
    const request = this.options.build(this.core.transports.flowTo(target), credentials ?? {})
    this.#request = credentials === undefined ? this.#authorized(request) : request
    this.transaction = this.core.layer.send(this.#request, target, this)
  }

  /** With answers to the challenges of earlier requests, so that each need not be challenged anew (RFC 3261 §22.2). */
  #authorized(request: SipRequest): SipRequest {
    const { digest } = this.options
    if (digest === undefined) return request
    return Object.entries(digest.headers(request)).reduce((message, [name, values]) =>
      [values].flat().reduce((again, value) => appendHeader(again, name, value), message), request)
  }
}
