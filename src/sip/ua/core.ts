import type { Clock } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { Registry, Roster } from '../../core/registry.js'
import { deferred } from '../../core/scope.js'
import { response as makeResponse } from '../message/build.js'
import type { HeaderInit } from '../message/build.js'
import { field } from '../message/field.js'
import { callId, from, headerField, to } from '../message/headers.js'
import type { HeaderField, SipRequest, SipResponse } from '../message/message.js'
import { isKnownMethod } from '../message/methods.js'
import { refuseExtensions, refuseScheme } from '../message/refusals.js'
import type { Refusal } from '../message/refusals.js'
import { formatHostPort } from '../message/uri.js'
import type { Dialog } from '../dialog/dialog.js'
import { dialogKey } from '../dialog/dialog.js'
import { TransactionLayer } from '../transaction/runner.js'
import type { TransactionLayerUser } from '../transaction/runner.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'
import type { Timings } from '../transaction/timings.js'
import type { Resolver } from '../transport/resolver.js'
import { TransportLayer } from '../transport/transport-layer.js'
import type { TransportLayerOptions } from '../transport/transport-layer.js'
import type { Flow, Target } from '../transport/transport.js'
import { allowBut, ALLOW, CAPABILITIES, EXTENSIONS, SUPPORTED } from './capabilities.js'
import { InboundInvite } from './server-invite.js'
import { OutboundInvite } from './client-invite.js'
import { sendRequest } from './client-request.js'
import { judgeReplaces } from './replacement.js'
import { InboundRequest } from './server-request.js'
import type { TrustDomain } from './trust-domain.js'
import type {
  ClientInvite, ExtraHeaders, InviteOptions, RequestOptions, RequestOutcome, ServerInvite, ServerRequest, Source, UserAgent,
} from './user-agent.js'

/** Whoever owns a dialog: an invitation while it is early, then the session. */
export interface DialogOwner {
  readonly dialog: Dialog
  /** A request within the dialog other than ACK. */
  takeRequest(request: SipRequest, transaction: ServerTransaction): void
  takeAck(request: SipRequest): void
}

/** Takes requests that are not for this user agent: a proxy. */
export interface Router {
  /** The request as this element understands it, its own Route taken off; undefined when it has been passed on. */
  route(request: SipRequest, transaction: ServerTransaction): SipRequest | undefined
  /** True when this element has forwarded the request before: it comes again by its own doing, and is not merged. */
  spirals(request: SipRequest): boolean
  /** ACK for a 2xx that passes by. */
  routeAck(request: SipRequest, flow: Flow): void
}

export interface CoreOptions {
  readonly clock: Clock
  readonly random: Random
  readonly nodeId: string
  readonly userAgentName: string | undefined
  readonly timings: Partial<Timings>
  readonly maxServerTransactions: number | undefined
  readonly overloaded?: (() => boolean) | undefined
  /** Seconds asked for in Session-Expires of our INVITEs (RFC 4028); 0: none. */
  readonly sessionExpires: number
  /** Whose assertions of identity are believed (RFC 3325); undefined: this element belongs to no trust domain. */
  readonly trust: TrustDomain | undefined
  /** Packages of INFO that the application takes (RFC 6086). */
  readonly infoPackages: readonly string[]
  readonly resolver: Resolver
}

/** Where a registered contact was seen, and how its connection is let go. */
interface Learnt {
  readonly source: Source
  readonly release: (() => void) | undefined
}

/** How long `close` waits for the answers to its BYEs: a peer that is gone would hold it for 32 s. */
const FAREWELL_MS = 2_000

/** The user agent: dialogs, and what is answered without asking the application (RFC 3261 §8, §12). */
export class UserAgentCore implements UserAgent, TransactionLayerUser {
  readonly clock: Clock
  readonly random: Random
  readonly layer: TransactionLayer
  /** Server of our responses. */
  readonly ourName: readonly HeaderField[]
  /** Fields of our 2xx to INVITE: capabilities and Server. */
  readonly ourself: readonly HeaderField[]
  /** Recv-Info of our INVITEs. */
  readonly receives: HeaderInit
  readonly trust: TrustDomain | undefined
  transports!: TransportLayer
  router: Router | undefined
  onRequest: (request: ServerRequest) => Promise<void> | void = () => undefined
  /** Sessions that `close` ends, and the BYEs still without answer. */
  readonly live = new Roster<{ bye(): Promise<void> }>()
  readonly leaving = new Roster<Promise<void>>()
  readonly #dialogs = new Registry<string, DialogOwner>()
  /** Where registered contacts were seen. */
  readonly #learnt = new Map<string, Learnt>()
  #closing: Promise<void> | undefined

  private constructor(readonly options: CoreOptions) {
    this.clock = options.clock
    this.random = options.random
    const { clock, random, nodeId, timings, maxServerTransactions, overloaded, userAgentName } = options
    this.ourName = userAgentName === undefined ? [] : [field('Server', userAgentName)]
    this.trust = options.trust
    this.receives = options.infoPackages.length === 0 ? {} : { 'Recv-Info': options.infoPackages.join(', ') }
    this.ourself = [...CAPABILITIES, ...Object.entries(this.receives).map(([name, value]) => field(name, String(value))), ...this.ourName]
    this.layer = new TransactionLayer({
      clock, random, nodeId, timings,
      ...(maxServerTransactions === undefined ? {} : { maxServerTransactions }),
      ...(overloaded === undefined ? {} : { overloaded }),
    }, this)
  }

  static async open(options: CoreOptions, transport: TransportLayerOptions): Promise<UserAgentCore> {
    const core = new UserAgentCore(options)
    core.transports = core.layer.transports = await TransportLayer.open(transport, core.layer)
    return core
  }

  get addresses(): readonly string[] {
    return this.transports.addresses.map(({ transport, address, port }) => `${transport}://${formatHostPort(address, port)}`)
  }

  get identity(): string {
    const [first] = this.transports.addresses
    if (first === undefined) return 'sip:anonymous@anonymous.invalid'
    const { host, port } = this.transports.advertised(first)
    return `sip:${this.contactUser}${formatHostPort(host, port)}`
  }

  get sessions(): number {
    return this.live.size
  }

  get counters(): UserAgent['counters'] {
    return {
      dropped: this.transports.drops.snapshot(),
      transactions: this.layer.counters.snapshot(),
      messages: this.layer.messages.snapshot(),
    }
  }

  // ---- for the application

  serve(request: ServerRequest): ServerInvite {
    if (!(request instanceof InboundRequest) || request.core !== this || request.message.method !== 'INVITE') throw new CordboardError('CALL_STATE', 'not an INVITE of this user agent')
    return new InboundInvite(this, request)
  }

  invite(target: string, options: InviteOptions = {}): ClientInvite {
    return new OutboundInvite(this, target, options)
  }

  request(method: string, target: string, options: RequestOptions = {}): Promise<RequestOutcome> {
    return sendRequest(this, method, target, options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const farewells = [...[...this.live].map(session => session.bye()), ...this.leaving]
    if (farewells.length > 0) {
      const patience = deferred<void>()
      const timer = this.clock.after(FAREWELL_MS, patience.resolve)
      await Promise.race([Promise.all(farewells), patience.promise])
      timer.cancel()
    }
    await this.transports.close()
  }

  learn(uri: string, source: Source | undefined): void {
    const before = this.#learnt.get(uri)
    if (source === undefined) this.#learnt.delete(uri)
    else this.#learnt.set(uri, { source, release: held(source) })
    before?.release?.()
  }

  // ---- dialogs

  register(owner: DialogOwner): void {
    this.#dialogs.set(owner.dialog.key, owner)
  }

  unregister(owner: DialogOwner): void {
    const { key } = owner.dialog
    if (this.#dialogs.get(key) === owner) this.#dialogs.delete(key)
  }

  /** Dialogs known, early ones and those awaiting the answer to their BYE included. */
  get dialogs(): number {
    return this.#dialogs.size
  }

  #ownerOf(request: SipRequest): DialogOwner | undefined {
    return this.#owner(callId(request), to(request).tag ?? '', from(request).tag ?? '')
  }

  #owner(id: string, localTag: string, remoteTag: string): DialogOwner | undefined {
    const owner = this.#dialogs.get(dialogKey(localTag, remoteTag))
    return owner?.dialog.callId === id ? owner : undefined
  }

  // ---- from the transaction layer

  incoming(received: SipRequest, transaction: ServerTransaction): void {
    const request = this.router === undefined ? received : this.router.route(received, transaction)
    if (request === undefined) return
    if (to(request).tag !== undefined) return this.#inDialog(request, transaction)
    const refusal = this.#refusal(request, transaction)
    if (refusal !== undefined) return this.refuse(request, transaction, refusal)
    const inbound = new InboundRequest(this, request, transaction)
    if (headerField(request, 'Replaces') !== undefined) {
      const replaced = judgeReplaces(request, reference => this.#owner(reference.callId, reference.toTag, reference.fromTag))
      if ('status' in replaced) return this.refuse(request, transaction, replaced)
      inbound.replaces = replaced
    }
    this.#outOfDialog(inbound)
  }

  ack(request: SipRequest, flow: Flow): void {
    const owner = this.#ownerOf(request)
    if (owner !== undefined) owner.takeAck(request)
    else this.router?.routeAck(request, flow)
  }

  #inDialog(request: SipRequest, transaction: ServerTransaction): void {
    const owner = this.#ownerOf(request)
    if (owner !== undefined) owner.takeRequest(request, transaction)
    else this.refuse(request, transaction, { status: 481, headers: {} })
  }

  #refusal(request: SipRequest, transaction: ServerTransaction): Refusal | undefined {
    if (!isKnownMethod(request.method)) return { status: 501, headers: { Allow: ALLOW } }
    if (this.layer.isMerged(transaction) && this.router?.spirals(request) !== true) return { status: 482, headers: {} }
    return refuseScheme(request) ?? refuseExtensions(request, EXTENSIONS)
  }

  #outOfDialog(request: InboundRequest): void {
    try {
      const handled = this.onRequest(request)
      if (handled === undefined) return this.#settle(request)
      handled.then(() => this.#settle(request), () => this.#fault(request))
    } catch {
      this.#fault(request)
    }
  }

  /** What the application left unanswered. */
  #settle(request: InboundRequest): void {
    if (request.answered || request.deferred || request.taken !== undefined) return
    switch (request.message.method) {
      case 'INVITE':
        return request.respond(404)
      case 'OPTIONS':
        return request.respond(200, { headers: { Allow: ALLOW, Accept: 'application/sdp', Supported: SUPPORTED } })
      case 'BYE': case 'CANCEL': case 'PRACK': case 'UPDATE': case 'INFO': case 'NOTIFY':
        return request.respond(481)
      default:
        return request.respond(405, { headers: { Allow: allowBut(request.message.method) } })
    }
  }

  #fault(request: InboundRequest): void {
    if (!request.answered && request.taken === undefined) request.respond(500)
  }

  // ---- for those who send

  /** Sends a response. */
  respond(transaction: ServerTransaction, response: SipResponse): void {
    this.layer.respond(transaction, response)
  }

  refuse(request: SipRequest, transaction: ServerTransaction, { status, reason, headers }: Refusal): void {
    this.respond(transaction, makeResponse(request, status, { toTag: transaction.localTag, headers, shared: this.ourName, reason }))
  }

  /** Request headers with our name. */
  clientHeaders(headers: ExtraHeaders | undefined): HeaderInit {
    const { userAgentName } = this.options
    return userAgentName === undefined ? (headers ?? {}) : { ...headers, 'User-Agent': userAgentName }
  }

  /** `node@`, or nothing for a node without id. */
  get contactUser(): string {
    return this.options.nodeId === '' ? '' : `${this.options.nodeId}@`
  }

  /** Value of Contact by which the peer of `flow` reaches us; of scheme `sips` in a dialog begun by such a URI (RFC 3261 §8.1.1.8, §12.1.1). */
  contact(flow: Flow, secure: boolean): string {
    const { host, port } = flow.local
    // RFC 3261 §26.2.2: sips says TLS by itself.
    const transport = flow.transport === 'udp' || (secure && flow.transport === 'tls') ? '' : `;transport=${flow.transport}`
    return `${secure ? '<sips:' : '<sip:'}${this.contactUser}${formatHostPort(host, port)}${transport}>`
  }

  #learntTargets(uri: string): readonly Target[] | undefined {
    const source = this.#learnt.size === 0 ? undefined : this.#learnt.get(uri)?.source
    if (source === undefined) return undefined
    const flow = source as Flow
    // A connection that has ended leads nowhere: the contact itself is left.
    if (flow.reliable === true && !flow.open) return undefined
    const { transport, address, port } = source
    // By the same listener too: a NAT lets nobody else in.
    return [{ transport, address, port, ...(flow.open === true ? { flow } : {}) }]
  }

  /** A name may have addresses of a family, or servers of a protocol, that no listener of ours speaks. When none is left, sending says why. */
  #reachable(targets: readonly Target[]): readonly Target[] {
    const reachable = targets.filter(target => this.transports.reaches(target) || (target.anyTransport === true && this.transports.reaches({ ...target, transport: 'tcp' })))
    return reachable.length === 0 ? targets : reachable
  }

  /**
   * Calls `use` with the targets of `uri`: at once when it is numeric. `fail` gets what went wrong.
   */
  reach(uri: string, use: (targets: readonly Target[]) => void, fail: (error: CordboardError) => void): void {
    try {
      const targets = this.#learntTargets(uri) ?? this.options.resolver.resolve(uri)
      if (targets instanceof Promise) targets.then(found => attempt(() => use(this.#reachable(found)), fail), (error: unknown) => fail(asTransportError(error)))
      else use(targets)
    } catch (error) {
      fail(asTransportError(error))
    }
  }
}

/** A binding is reached by its connection, which is therefore not closed for its silence; datagrams are the registered side's to keep alive. */
const held = (source: Source): (() => void) | undefined => {
  const flow: Partial<Flow> = source
  return flow.reliable === true ? flow.hold?.() : undefined
}

const attempt = (task: () => void, fail: (error: CordboardError) => void): void => {
  try {
    task()
  } catch (error) {
    fail(asTransportError(error))
  }
}

const asTransportError = (error: unknown): CordboardError =>
  error instanceof CordboardError ? error : new CordboardError('SIP_TRANSPORT', 'could not be sent', { cause: error, status: 503 })
