import { SipRequestView } from './call/request-view.js'
import type { RequestView } from './call/call.js'
import type { RequestHolder, ServerRequest } from './sip/ua/user-agent.js'

/** An out-of-dialog request that no handler took. */
export interface IncomingRequest extends RequestView, RequestHolder {
  /** Aborts when the request is cancelled or its transaction ends. */
  readonly signal: AbortSignal
  /** Final response 300-699; nothing where one has been sent. */
  reject(status: number): Promise<void>
}

/** A request as `server.route` gives it to the application. */
export class RoutedRequest extends SipRequestView implements IncomingRequest {
  readonly #request: ServerRequest

  constructor(request: ServerRequest, trusted: boolean) {
    super(request.message, request.source, trusted)
    this.#request = request
  }

  get signal(): AbortSignal {
    return this.#request.signal
  }

  get pendingRequest(): ServerRequest | undefined {
    return this.#request.answered ? undefined : this.#request
  }

  async reject(status: number): Promise<void> {
    this.pendingRequest?.respond(status)
    return Promise.resolve()
  }
}
