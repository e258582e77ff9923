import { CordboardError } from '../../core/errors.js'
import { onAbort } from '../../core/scope.js'
import type { Scoped } from '../../core/scope.js'
import { headerField, to } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import { refuseBreadth, refuseExtensions, refuseHops, refuseScheme } from '../message/refusals.js'
import type { Refusal } from '../message/refusals.js'
import { parseUri } from '../message/uri.js'
import type { Via } from '../message/via.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'
import type { Flow } from '../transport/transport.js'
import { defaultPort } from '../transport/transport-layer.js'
import { transportOf } from '../transport/resolver.js'
import { UserAgentCore } from '../ua/core.js'
import type { Router } from '../ua/core.js'
import { InboundRequest } from '../ua/server-request.js'
import type { Extension, RequestHolder, ServerRequest, UserAgent } from '../ua/user-agent.js'
import { forwarded, preprocess } from './forwarding.js'
import { passageOf } from './loop.js'
import { ResponseContext } from './response-context.js'
import type { ForwardOutcome, ForwardTarget } from './response-context.js'

/** Options of `createProxy`. */
export interface ProxyOptions {
  /** Stays in the dialogs that it forwards (RFC 3261 §16.6, step 4). @default false */
  readonly recordRoute?: boolean
}

/** How a request is forwarded. */
export interface ForwardOptions extends Scoped {
  /** All at once, or one after the other in the order given. @default 'parallel' */
  readonly fork?: 'parallel' | 'sequential'
  /** Milliseconds that a target may ring. @default until it has been silent for 181 s (RFC 3261 §16.6, timer C) */
  readonly timeout?: number
}

/** A place to forward to: a URI, or a binding of the registrar. */
export type ForwardTo = string | { readonly contact: string; readonly path?: readonly string[]; readonly instance?: string; readonly flow?: string }

/** A stateful proxy (RFC 3261 §16). Requests within dialogs that it stays in pass by themselves. */
export interface Proxy extends Extension {
  /**
   * Forwards a request that nobody has answered; the best response goes back.
   * @throws CordboardError `CALL_STATE` when the request has been answered or taken otherwise.
   */
  forward(request: ServerRequest | RequestHolder, targets: readonly ForwardTo[], options?: ForwardOptions): Promise<ForwardOutcome>
}

/**
 * Makes a proxy, for `server.use`.
 *
 * @example
 * const outcome = await proxy.forward(request, await registrar.lookup(request.uri), { fork: 'parallel', timeout: 30_000 })
 */
export const createProxy = (options: ProxyOptions = {}): Proxy => new StatefulProxy(options)

class StatefulProxy implements Proxy, Router {
  readonly name = 'proxy'
  readonly #recordRoute: boolean
  #core: UserAgentCore | undefined

  constructor(options: ProxyOptions) {
    this.#recordRoute = options.recordRoute === true
  }

  attach(userAgent: UserAgent): void {
    if (!(userAgent instanceof UserAgentCore)) throw new CordboardError('SERVER_BAD_OPTION', 'a proxy needs a user agent of createUserAgent')
    this.#core = userAgent
    userAgent.router = this
  }

  async forward(holder: ServerRequest | RequestHolder, targets: readonly ForwardTo[], options: ForwardOptions = {}): Promise<ForwardOutcome> {
    const request = 'pendingRequest' in holder ? holder.pendingRequest : holder
    if (!(request instanceof InboundRequest) || request.answered || request.taken !== undefined) {
      throw new CordboardError('CALL_STATE', 'the request has been answered or taken')
    }
    const refusal = this.#refusal(request.message)
    if (refusal !== undefined) {
      request.respond(refusal.status, { headers: refusal.headers, ...(refusal.reason === undefined ? {} : { reason: refusal.reason }) })
      return { type: 'failed', status: refusal.status }
    }
    if (targets.length === 0) {
      request.respond(480)
      return { type: 'failed', status: 480 }
    }
    const context = new ResponseContext(request.core, request.message, request.transaction, targets.map(forwardTarget), {
      fork: options.fork ?? 'parallel', timeout: options.timeout, recordRoute: this.#recordRoute,
    })
    request.taken = context
    const release = onAbort(options.signal, () => context.cancelled())
    context.start()
    const outcome = await context.outcome
    release()
    return outcome
  }

  // ---- what passes without the application

  route(request: SipRequest, transaction: ServerTransaction): SipRequest | undefined {
    const { request: taken, routed } = preprocess(request, this.#isOurs)
    if (!routed || to(request).tag === undefined || !this.#goesOn(taken)) return taken
    const refusal = this.#refusal(taken)
    if (refusal !== undefined) this.#core!.refuse(request, transaction, refusal)
    else this.#pass(taken, transaction)
    return undefined
  }

  routeAck(request: SipRequest, _flow: Flow): void {
    const { request: taken, routed } = preprocess(request, this.#isOurs)
    if (!routed || !this.#goesOn(taken) || refusalOf(taken) !== undefined) return
    const core = this.#core!
    const { request: copy, nextHop } = forwarded(taken, taken.uri, [])
    core.reach(nextHop, targets => core.layer.sendAck(copy, targets[0]!), () => core.layer.counters.bump('transport-error'))
  }

  spirals(request: SipRequest): boolean {
    return passageOf(request, this.#isOwnVia) !== 'first'
  }

  #refusal(request: SipRequest): Refusal | undefined {
    return refusalOf(request) ?? (passageOf(request, this.#isOwnVia) === 'loop' ? { status: 482, reason: 'Loop Detected', headers: {} } : undefined)
  }

  #pass(request: SipRequest, transaction: ServerTransaction): void {
    const core = this.#core!
    const context = new ResponseContext(core, request, transaction, [{ uri: request.uri, path: [] }], { fork: 'parallel', recordRoute: false })
    transaction.user = context
    context.start()
  }

  /** False when the request has arrived: nothing is left to go to. */
  #goesOn(request: SipRequest): boolean {
    return headerField(request, 'Route') !== undefined || !this.#isOurs(request.uri)
  }

  readonly #isOwnVia = ({ host, port, transport }: Via): boolean =>
    this.#core!.transports.isOurs(host, port ?? (transport === 'TLS' || transport === 'WSS' ? 5061 : 5060))

  readonly #isOurs = (text: string): boolean => {
    const uri = parseUri(text)
    if (uri?.type !== 'sip') return false
    return this.#core!.transports.isOurs(uri.host, uri.port ?? defaultPort(transportOf(uri) ?? 'udp'))
  }
}

const refusalOf = (request: SipRequest): Refusal | undefined =>
  refuseHops(request) ?? refuseBreadth(request) ?? refuseScheme(request) ?? refuseExtensions(request, [], 'Proxy-Require')

const forwardTarget = (target: ForwardTo): ForwardTarget =>
  typeof target === 'string' ? { uri: target, path: [] } : { uri: target.contact, path: target.path ?? [], instance: target.instance, flow: target.flow }
