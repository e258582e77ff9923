import { EventEmitter, setMaxListeners } from 'node:events'
import type { Registry } from 'prom-client'
import type { Call, CallStatistics, DialOptions, DialOutcome, Uri } from './call/call.js'
import { CallMedia } from './call/call-media.js'
import { LiveConference, type Conference, type ConferenceOptions } from './call/conference.js'
import { dial, type DialContext } from './call/dial.js'
import { dialFor } from './call/dial-for-call.js'
import type { CallContext } from './call/call-context.js'
import { LiveCall, UNAVAILABLE } from './call/live-call.js'
import { reportQuality } from './call/quality.js'
import { SipRequestView } from './call/request-view.js'
import { UriPattern } from './call/uri-pattern.js'
import { installCodecs } from './codec/installed.js'
import type { Clock } from './core/clock.js'
import { CordboardError, isCordboardError } from './core/errors.js'
import { LoopLag } from './core/loop-lag.js'
import { type Random, secureRandom } from './core/random.js'
import { Roster } from './core/registry.js'
import { realClock } from './core/real-clock.js'
import { deferred, onAbort, type Scoped } from './core/scope.js'
import { createMediaEngine } from './media/engine.js'
import type { MediaEngine, WorkerStatistics } from './media/leg.js'
import { qualityMetrics } from './quality-metrics.js'
import { drainCalls } from './server-drain.js'
import { serverMetrics } from './server-metrics.js'
import { checkServer, codecOffers, mediaHost, type ServerOptions } from './server-options.js'
import { type IncomingRequest, RoutedRequest } from './server-request.js'
import { parseUri } from './sip/message/uri.js'
import { DEFAULT_TIMINGS } from './sip/transaction/timings.js'
import { isWildcard } from './core/wildcard.js'
import { RouteSource } from './sip/transport/route-source.js'
import { refuseInvite } from './sip/ua/capabilities.js'
import { createUserAgent } from './sip/ua/create-user-agent.js'
import { TrustDomain } from './sip/ua/trust-domain.js'
import type { Extension, ServerRequest, UserAgent } from './sip/ua/user-agent.js'

/** What a server tells its listeners. */
export interface ServerEvents {
  /** A call came in, before its handler runs. */
  call: [call: Call]
  /** Somebody is being dialled; `done` aborts when the attempt has failed or its call has ended. */
  dialling: [target: Uri, done: AbortSignal]
  /** A handler threw something other than `CALL_ENDED`, or a part of the server failed and was replaced. */
  fault: [error: CordboardError]
}

/** What a number does with a call: its end is the call's end. */
export type CallHandler = (call: Call) => Promise<unknown>
/** Answers or forwards a request that no handler took; what it leaves unanswered gets the default response. */
export type RouteHandler = (request: IncomingRequest) => Promise<unknown>

/** A SIP user agent, registrar or proxy with its media: what applications are built on. */
export interface Server extends EventEmitter<ServerEvents>, AsyncDisposable {
  /** Bound addresses, as `listen` writes them. */
  readonly addresses: readonly string[]
  /** The time that it goes by. */
  readonly clock: Clock
  /** Calls now up or being set up. */
  readonly calls: ReadonlySet<Call>
  /** Prometheus metrics of signalling and media. */
  readonly metrics: Registry
  /**
   * Calls to matching Request-URIs go to `handler`, whose end is the call's end. A pattern is `sip:USER@HOST` with `*`, `?` and `[0-9]` as in a shell;
   * a `tel` URI is matched by its number. Order: in-dialog requests, then extensions, then the first matching handle, then route, then 404.
   * @throws CordboardError `SERVER_BAD_OPTION` for anything else than a pattern.
   */
  handle(pattern: string, handler: CallHandler): this
  /** Gives requests outside dialogs that nothing else takes, of any method, to `handler`; a later one takes the place of the one before. */
  route(handler: RouteHandler): this
  /** Adds a registrar, a proxy or a role of the application's own. */
  use(extension: Extension): this
  /**
   * Calls an address: a registered one at its contacts, any other by its own URI. Whoever does not answer is an outcome.
   * @throws CordboardError `MEDIA_OVERLOADED`, `MEDIA_PORTS_EXHAUSTED`, `SERVER_CLOSED`.
   */
  dial(targets: Uri | readonly Uri[], options?: DialOptions): Promise<DialOutcome>
  /** The conference of that name; made, with `options`, when it does not exist. @throws CordboardError `SERVER_CLOSED`, `SERVER_BAD_OPTION`. */
  conference(name: string, options?: ConferenceOptions): Conference
  /** The media workers that run, those being drained included. */
  workers(): Promise<readonly WorkerStatistics[]>
  /**
   * Starts another media worker while calls go on. @returns its index, when it can take calls; that of a worker that has been drained is used again.
   * @throws CordboardError `SERVER_CLOSED`.
   */
  addWorker(): Promise<number>
  /**
   * Ends a media worker while calls go on: it takes no new ones, those that it has go on in others, on the same ports and with the same RTP timelines,
   * and what no other can carry waits there for its own end. Resolves when the thread has ended.
   * @throws CordboardError `MEDIA_WORKER_LOST` where no such worker is running, `MEDIA_OVERLOADED` when it is the only one, `SERVER_CLOSED`.
   */
  drainWorker(index: number): Promise<void>
  /** Resolves when the server has closed, or when `signal` aborts. */
  closed(options?: Scoped): Promise<void>
  /** Takes no new calls, gives those in progress `seconds` to end, then sends BYE, waits for their handlers, and closes. @default 10 */
  drain(options?: { readonly seconds?: number }): Promise<void>
  /** The same without waiting: calls get BYE, CANCEL or a final response at once. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a server: it listens when this resolves.
 * @throws CordboardError `SERVER_BAD_OPTION`, `SIP_TRANSPORT`.
 * @example
 * await using server = await createServer({ listen: 'udp://127.0.0.1:5060' })
 * server.handle('sip:hello@*', async call => {
 *   await call.answer()
 *   await call.play('welcome.wav')
 * })
 */
export const createServer = async (options: ServerOptions): Promise<Server> => {
  checkServer(options)
  const listen = typeof options.listen === 'string' ? [options.listen] : options.listen
  if (listen.length === 0) throw new CordboardError('SERVER_BAD_OPTION', 'listen names no address')
  const address = mediaHost(listen)
  const { codecModules = [] } = options
  await installCodecs(codecModules)
  const codecs = codecOffers(options.codecs)
  const { srtp = 'off' } = options
  const route = isWildcard(address) ? await RouteSource.open() : undefined
  const clock = options.clock ?? realClock
  const engine = await createMediaEngine({
    address,
    ...(options.rtpPorts === undefined ? {} : { ports: options.rtpPorts }),
    codecModules,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...(options.coalesce === undefined ? {} : { coalesce: options.coalesce }),
    ...(options.workerNice === undefined ? {} : { workerNice: options.workerNice }),
  })
  const lag = new LoopLag()
  try {
    const nodeId = options.nodeId ?? (options.random ?? secureRandom).token(4)
    const userAgent = await createUserAgent({
      listen,
      clock,
      ...(options.random === undefined ? {} : { random: options.random }),
      ...(options.advertise?.sip === undefined ? {} : { advertise: options.advertise.sip }),
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      ...(options.http === undefined ? {} : { http: options.http }),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.trusted === undefined ? {} : { trusted: options.trusted }),
      ...(options.guard === undefined ? {} : { guard: options.guard }),
      overloaded: () => lag.sustainedMs > (options.maxLag ?? 500),
      ...(options.timings === undefined ? {} : { timings: options.timings }),
      nodeId,
      userAgentName: options.userAgentName ?? 'Cordboard',
    })
    const addressTowards = (peer: string): string => options.advertise?.rtp ?? route?.towards(peer, clock.now()) ?? address
    const { rtcpXr = false } = options
    return new LiveServer(options, { userAgent, nodeId, engine, lag, clock }, (peer, closed) =>
      new CallMedia({ engine, codecs, srtp, addressTowards, rtcpXr, closed }, peer))
  } catch (error) {
    lag[Symbol.dispose]()
    await engine.close()
    throw error
  }
}

/** What a server is put together from. */
interface Parts {
  readonly userAgent: UserAgent
  readonly nodeId: string
  readonly engine: MediaEngine
  readonly lag: LoopLag
  readonly clock: Clock
}

/** Milliseconds between two `quality` events. */
const QUALITY_EVERY = 5_000

type NewMedia = (peer: string, closed: (statistics: CallStatistics) => void) => CallMedia

class LiveServer extends EventEmitter<ServerEvents> implements Server {
  readonly clock: Clock
  readonly metrics: Registry
  readonly calls = new Roster<LiveCall>()
  readonly #options: ServerOptions
  readonly #userAgent: UserAgent
  readonly #nodeId: string
  readonly #engine: MediaEngine
  readonly #random: Random
  readonly #newMedia: (peer: string) => CallMedia
  readonly #extensions: Extension[] = []
  readonly #handlers: { readonly pattern: UriPattern; readonly handler: CallHandler }[] = []
  readonly #running = new Roster<Promise<void>>()
  readonly #conferences = new Map<string, LiveConference>()
  readonly #lag: LoopLag
  readonly #trust: TrustDomain | undefined
  readonly #endQuality: () => void
  readonly #closed = deferred<void>()
  readonly #calling: CallContext
  readonly #dialling: DialContext
  #route: RouteHandler | undefined
  #state: 'open' | 'draining' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  #ids = 0

  constructor(options: ServerOptions, { userAgent, nodeId, engine, lag, clock }: Parts, newMedia: NewMedia) {
    super()
    this.#options = options
    this.#trust = options.trusted === undefined ? undefined : new TrustDomain(options.trusted)
    this.#userAgent = userAgent
    this.#nodeId = nodeId
    this.#engine = engine
    this.#lag = lag
    this.clock = clock
    this.#random = options.random ?? secureRandom
    this.metrics = serverMetrics({ engine, userAgent, calls: this.calls, lag })
    const observe = qualityMetrics(this.metrics)
    this.#newMedia = peer => newMedia(peer, observe)
    const timerN = 64 * (options.timings?.t1 ?? DEFAULT_TIMINGS.t1)
    this.#calling = {
      clock, timerN, rtpTimeout: options.rtpTimeout ?? Infinity, speech: options.speech,
      fault: error => this.#fault(error),
      dialFor: (call, targets, dialOptions) => this.#dialFor(call, targets, dialOptions),
    }
    this.#dialling = this.#dialContext()
    this.#endQuality = reportQuality(this.calls, clock, options.qualityEvery ?? QUALITY_EVERY)
    userAgent.onRequest = request => this.#take(request)
    onAbort(options.signal, () => void this.close())
  }

  get addresses(): readonly string[] {
    return this.#userAgent.addresses
  }

  handle(pattern: string, handler: CallHandler): this {
    this.#handlers.push({ pattern: new UriPattern(pattern), handler })
    return this
  }

  route(handler: RouteHandler): this {
    this.#route = handler
    return this
  }

  use(extension: Extension): this {
    this.#extensions.push(extension)
    extension.attach?.(this.#userAgent)
    return this
  }

  async dial(targets: Uri | readonly Uri[], options: DialOptions = {}): Promise<DialOutcome> {
    this.#throwIfClosed()
    return this.#tracked(await dial(this.#dialling, targets, options))
  }

  conference(name: string, options: ConferenceOptions = {}): Conference {
    this.#throwIfClosed()
    const existing = this.#conferences.get(name)
    if (existing !== undefined) return existing
    const conference = new LiveConference(this.#engine, name, options, () => this.#conferences.delete(name))
    this.#conferences.set(name, conference)
    return conference
  }

  async workers(): Promise<readonly WorkerStatistics[]> {
    return (await this.#engine.statistics()).workers
  }

  addWorker(): Promise<number> {
    return this.#engine.addWorker()
  }

  drainWorker(index: number): Promise<void> {
    return this.#engine.drainWorker(index)
  }

  async closed(options: Scoped = {}): Promise<void> {
    const cut = deferred<void>()
    const release = onAbort(options.signal, () => cut.resolve())
    await Promise.race([this.#closed.promise, cut.promise])
    release()
  }

  async drain(options: { readonly seconds?: number } = {}): Promise<void> {
    if (this.#state === 'open') this.#state = 'draining'
    await drainCalls(this.calls, this.#running, this.clock, (options.seconds ?? 10) * 1_000)
    await this.close()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    await drainCalls(this.calls, this.#running, this.clock, 0)
    await Promise.all([...this.#conferences.values()].map(conference => conference[Symbol.asyncDispose]()))
    await this.#userAgent.close()
    await this.#engine.close()
    this.#lag[Symbol.dispose]()
    this.#endQuality()
    this.#closed.resolve()
  }

  async #take(request: ServerRequest): Promise<void> {
    for (const extension of this.#extensions) if (extension.take?.(request) === true) return
    const { message } = request
    if (message.method === 'INVITE') {
      if (!this.#admits()) return request.respond(503, UNAVAILABLE)
      const call = this.#replacedBy(request)
      if (call !== undefined) return call.replacePeer(this.#userAgent.serve(request))
      const handler = this.#handlerOf(message.uri)
      if (handler !== undefined) {
        if (this.#engine.full) return request.respond(503, UNAVAILABLE)
        const refusal = refuseInvite(message)
        if (refusal === undefined) return this.#run(request, handler)
        const { status, reason, headers } = refusal
        return request.respond(status, { headers, ...(reason === undefined ? {} : { reason }) })
      }
    }
    if (message.method === 'OPTIONS') {
      if (!this.#admits()) return request.respond(503, UNAVAILABLE)
      if (this.#isSelf(message.uri) || this.#handlerOf(message.uri) !== undefined) {
        if (this.#engine.full) request.respond(503, UNAVAILABLE)
        // Else the user agent answers 200.
        return
      }
    }
    const pending = await this.#routed(request)
    // RFC 3261 §11.2: what an INVITE would get.
    if (message.method === 'OPTIONS') pending?.respond(404)
  }

  /** Gives a request to the application's route; returns it while it is unanswered. */
  async #routed(request: ServerRequest): Promise<ServerRequest | undefined> {
    const routed = new RoutedRequest(request, this.#trust?.has(request.source.address) === true)
    if (this.#route === undefined || this.#state !== 'open') return routed.pendingRequest
    try {
      await this.#route(routed)
    } catch (error) {
      this.#fault(error)
      routed.pendingRequest?.respond(500)
    }
    return routed.pendingRequest
  }

  /** Whether a URI means the server and nobody on it: without a user, or as its Contacts say. */
  #isSelf(text: string): boolean {
    const uri = parseUri(text)
    return uri?.type === 'sip' && (uri.user === undefined || uri.user === this.#nodeId)
  }

  /** New calls are refused while it drains or is full; while the event loop lags they do not come this far. */
  #admits(): boolean {
    const { maxCalls = Infinity } = this.#options
    return this.#state === 'open' && this.calls.size < maxCalls
  }

  /** The call whose peer gives way to the sender of `request` (RFC 3891). */
  #replacedBy({ replaces }: ServerRequest): LiveCall | undefined {
    if (replaces?.type !== 'session') return undefined
    return [...this.calls].find(call => call.session === replaces.session)
  }

  #handlerOf(text: string): CallHandler | undefined {
    const uri = parseUri(text)
    if (uri === undefined || uri.type === 'other') return undefined
    // RFC 3966 §5.1.1: visual separators say nothing.
    const [user, host] = uri.type === 'tel' ? [uri.number.replaceAll(/[-.()]/g, ''), ''] : [uri.user ?? '', uri.host]
    return this.#handlers.find(({ pattern }) => pattern.matches(user, host))?.handler
  }

  #run(request: ServerRequest, handler: CallHandler): void {
    const view = new SipRequestView(request.message, request.source, this.#trust?.has(request.source.address) === true)
    const media = this.#newMedia(request.source.address)
    const call = new LiveCall(this.#calling, { id: this.#newId(), origin: 'in', request: view }, media, this.#userAgent.serve(request))
    this.#track(call)
    this.emit('call', call)
    const running = this.#scope(call, handler)
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  /** The handler's scope is the call's scope. */
  async #scope(call: LiveCall, handler: CallHandler): Promise<void> {
    try {
      await handler(call)
    } catch (error) {
      if (!(isCordboardError(error, 'CALL_ENDED') && call.signal.aborted)) {
        this.#fault(error)
        if (call.state === 'early') await (isCordboardError(error, 'MEDIA_OVERLOADED') ? call.fail(error) : call.reject(500)).catch(() => undefined)
      }
    } finally {
      await call.hangup().catch(error => this.#fault(error))
    }
  }

  #tracked(outcome: DialOutcome): DialOutcome {
    if (outcome.type === 'answered') this.#track(outcome.call as LiveCall)
    return outcome
  }

  #track(call: LiveCall): void {
    this.calls.add(call)
    call.ending.on(() => this.calls.delete(call))
  }

  async #dialFor(call: LiveCall, targets: Uri | readonly Uri[], options: DialOptions): Promise<DialOutcome> {
    return this.#tracked(await dialFor(this.#dialling, call, targets, options))
  }

  #dialContext(): DialContext {
    return {
      userAgent: this.#userAgent,
      calls: this.#calling,
      clock: this.clock,
      newMedia: this.#newMedia,
      newId: () => this.#newId(),
      resolve: uri => this.#resolve(uri),
      identity: this.#userAgent.identity,
      announce: (target, done) => {
        setMaxListeners(0, done)
        this.emit('dialling', target, done)
      },
    }
  }

  async #resolve(uri: Uri): Promise<readonly Uri[]> {
    for (const extension of this.#extensions) {
      const contacts = await extension.resolve?.(uri)
      if (contacts !== undefined) return contacts
    }
    return [uri]
  }

  #newId(): string {
    return `${(++this.#ids).toString(36)}-${this.#random.token(10)}`
  }

  #fault(error: unknown): void {
    const fault = isCordboardError(error) ? error : new CordboardError('CALL_HANDLER_FAILED', error instanceof Error ? error.message : String(error), { cause: error })
    this.emit('fault', fault)
  }

  #throwIfClosed(): void {
    if (this.#state === 'closed') throw new CordboardError('SERVER_CLOSED', 'the server is closed')
  }
}
