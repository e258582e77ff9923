import { EventEmitter } from 'node:events'
import type { Clock, Timer } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import { secureRandom } from '../../core/random.js'
import type { Random } from '../../core/random.js'
import { realClock } from '../../core/real-clock.js'
import type { DigestHash } from '../auth/digest.js'
import { DigestVerifier } from '../auth/digest-verifier.js'
import type { Verdict } from '../auth/digest-verifier.js'
import { contacts, from, headerField, paths, supports, to } from '../message/headers.js'
import { formatNameAddr } from '../message/name-addr.js'
import type { SipRequest } from '../message/message.js'
import { refuseAddressOfRecord } from '../message/refusals.js'
import { quote } from '../message/scanner.js'
import { formatHostPort, parseUri, unescapeUri } from '../message/uri.js'
import type { Extension, ExtraHeaders, RequestHolder, ServerRequest, UserAgent } from '../ua/user-agent.js'
import { alive, applyRegistration, OutOfOrder, readRegistration } from './binding-rules.js'
import type { BindingLimits, Registration } from './binding-rules.js'
import { MemoryLocationStore } from './location.js'
import type { LocationStore, StoredBinding } from './location.js'
import { FLOW_TIMER_S, flowName, outboundFlow, sameFlow } from './outbound.js'

/** Options of `createRegistrar`. */
export interface RegistrarOptions {
  /** Domains that it is responsible for; `*`: any. */
  readonly domain: string | readonly string[]
  /** Password of a user in clear text; undefined for a stranger. */
  readonly password: (user: string) => Promise<string | undefined>
  /** Realm of challenges. @default the first domain */
  readonly realm?: string
  /** Seconds a binding lives at most, and unless it says less. @default 3600 */
  readonly maxExpires?: number
  /** Seconds under which a REGISTER gets 423. @default 60 */
  readonly minExpires?: number
  /** Contacts of one user; the oldest gives way. @default 10 */
  readonly maxContacts?: number
  /**
   * Digests to ask for, a challenge each, in this order. Some phones (baresip before 1.1, SIPp) give up at any challenge beside MD5's, so
   * SHA-256 is for those who know their phones: `['SHA-256', 'MD5']`, or `['SHA-256']` alone (RFC 8760).
   * @default ['MD5']
   */
  readonly hashes?: readonly DigestHash[]
  /** Where bindings are kept. @default memory */
  readonly store?: LocationStore
  /** @default the machine's clock */
  readonly clock?: Clock
  /** @default cryptographically strong */
  readonly random?: Random
}

/** Where a user can be reached. */
export interface Binding {
  /** URI. */
  readonly contact: string
  /** Preference, 0 to 1. */
  readonly q: number
  readonly expires: Date
  /** Proxies on the way to it (RFC 3327), topmost first. */
  readonly path: readonly string[]
  /** The telephone, of which several flows may be bound: only one is to ring, the others stand in for it (RFC 5626 §7). */
  readonly instance?: string
  /** Name of the connection that it registered by; nothing else leads there. */
  readonly flow?: string
}

/** What a registrar tells its listeners. */
export interface RegistrarEvents {
  /** The user has its first binding. */
  registered: [aor: string]
  /** The user's last binding has ended. */
  unregistered: [aor: string]
}

/** A registrar (RFC 3261 §10.3) with digest authentication. */
export interface Registrar extends EventEmitter<RegistrarEvents>, Extension {
  /**
   * The user when the credentials are right and From (To, of a REGISTER) is the user's; otherwise undefined, and the challenge (401, 407) or 403
   * has been sent.
   */
  authenticate(request: ServerRequest | RequestHolder): Promise<string | undefined>
  /** Bindings of an address of record, the preferred first; none for an unknown one. */
  lookup(aor: string): Promise<readonly Binding[]>
  take(request: ServerRequest): boolean
  resolve(uri: string): Promise<readonly string[] | undefined>
}

/**
 * Makes a registrar, for `server.use`.
 *
 * @example
 * const registrar = createRegistrar({ domain: 'pbx.example', password: async user => secrets.get(user) })
 * registrar.on('registered', aor => console.log(aor))
 */
export const createRegistrar = (options: RegistrarOptions): Registrar => new DomainRegistrar(options)

const ANY = '*'

/** True for a contact without a translator before it: a datagram to its own address arrives, whatever port its REGISTER came from. */
const isDirect = (contact: string, source: ServerRequest['source']): boolean => {
  const uri = parseUri(contact)
  return source.transport === 'udp' && uri?.type === 'sip' && uri.host === source.address
}

class DomainRegistrar extends EventEmitter<RegistrarEvents> implements Registrar {
  readonly name = 'registrar'
  readonly #domains: readonly string[]
  readonly #limits: BindingLimits
  readonly #store: LocationStore
  readonly #clock: Clock
  readonly #registerVerifier: DigestVerifier
  readonly #requestVerifier: DigestVerifier
  readonly #expiries = new Map<string, Timer>()
  #userAgent: UserAgent | undefined

  constructor(options: RegistrarOptions) {
    super()
    this.#domains = (typeof options.domain === 'string' ? [options.domain] : options.domain).map(domain => domain.toLowerCase())
    if (this.#domains.length === 0) throw new CordboardError('SERVER_BAD_OPTION', 'a registrar needs a domain')
    const maxExpires = options.maxExpires ?? 3_600
    this.#limits = { maxExpires, minExpires: Math.min(options.minExpires ?? 60, maxExpires), defaultExpires: maxExpires, maxContacts: options.maxContacts ?? 10 }
    this.#store = options.store ?? new MemoryLocationStore()
    this.#clock = options.clock ?? realClock
    const realm = options.realm ?? this.#domains.find(domain => domain !== ANY) ?? 'cordboard'
    const digest = { clock: this.#clock, random: options.random ?? secureRandom, realm, secrets: options.password, hashes: options.hashes ?? ['MD5'] }
    this.#registerVerifier = new DigestVerifier(digest)
    this.#requestVerifier = new DigestVerifier({ ...digest, proxy: true })
  }

  attach(userAgent: UserAgent): void {
    this.#userAgent = userAgent
  }

  take(request: ServerRequest): boolean {
    if (request.message.method !== 'REGISTER' || !this.#isOurs(request.message.uri)) return false
    request.defer()
    this.#register(request).catch(() => request.respond(500))
    return true
  }

  async authenticate(holder: ServerRequest | RequestHolder): Promise<string | undefined> {
    const request = 'pendingRequest' in holder ? holder.pendingRequest : holder
    return request === undefined ? undefined : (await this.#proven(request))?.user
  }

  /** The verdict on credentials that are right; otherwise undefined, and the request has been answered. */
  async #proven(request: ServerRequest): Promise<Extract<Verdict, { readonly type: 'ok' }> | undefined> {
    const { message } = request
    const register = message.method === 'REGISTER'
    const verdict = await (register ? this.#registerVerifier : this.#requestVerifier).verify(message, request.source.address)
    if (request.answered) return undefined
    if (verdict.type !== 'ok') return this.#refuse(request, verdict)
    // RFC 3261 §10.3, step 4, and §22: nobody speaks for another.
    if (userOf(register ? to(message).uri : from(message).uri) === verdict.user) return verdict
    request.respond(403)
    return undefined
  }

  async lookup(aor: string): Promise<readonly Binding[]> {
    const key = this.#keyOf(aor)
    if (key === undefined) return []
    const bindings = alive(await this.#store.bindings(key), this.#clock.wall())
    return [...bindings].sort((a, b) => b.q - a.q || b.expiresAt - a.expiresAt)
      .map(({ contact, q, expiresAt, path, outbound }) => ({
        contact, q, expires: new Date(expiresAt), path,
        ...(outbound === undefined ? {} : { instance: outbound.instance, ...(outbound.direct ? { flow: flowName(key, outbound) } : {}) }),
      }))
  }

  async resolve(uri: string): Promise<readonly string[] | undefined> {
    if (this.#keyOf(uri) === undefined) return undefined
    // A contact is not an address of record: with `*` any URI could be one, so what leads elsewhere by itself is left alone.
    const bindings = await this.lookup(uri)
    if (bindings.length === 0 && this.#domains.includes(ANY) && !this.#domains.includes(hostOf(uri))) return undefined
    const phones = bindings.filter(({ instance }, at) => instance === undefined || bindings.findIndex(other => other.instance === instance) === at)
    return [...new Set(phones.map(({ contact }) => contact))]
  }

  async #register(request: ServerRequest): Promise<void> {
    const { message } = request
    const malformed = refuseAddressOfRecord(message)
    if (malformed !== undefined) return request.respond(malformed.status, { ...(malformed.reason === undefined ? {} : { reason: malformed.reason }) })
    const proven = await this.#proven(request)
    if (proven === undefined) return
    const aor = to(message).uri
    const key = this.#keyOf(aor)
    if (key === undefined) return request.respond(404)
    const registration = readRegistration(message, this.#limits)
    if (registration.type === 'refused') return this.#refuseRegistration(request, registration)
    const before = alive(await this.#store.bindings(key), this.#clock.wall())
    const after = await this.#update(request, key, registration)
    if (after === undefined) return request.respond(500, { reason: 'Out Of Order', headers: { 'Retry-After': '1' } })
    this.#learn(request, key, before, after)
    this.#watch(key, after)
    request.respond(200, { headers: { ...this.#listing(message, after), ...proven.headers } })
    this.#announce(key, before, after)
  }

  async #update(request: ServerRequest, key: string, registration: Registration): Promise<readonly StoredBinding[] | undefined> {
    try {
      return await this.#store.update(key, bindings =>
        applyRegistration(bindings, request.message, registration, request.source, this.#limits, this.#clock.wall()))
    } catch (error) {
      if (error instanceof OutOfOrder) return undefined
      throw error
    }
  }

  #refuse(request: ServerRequest, verdict: Exclude<Verdict, { readonly type: 'ok' }>): undefined {
    if (verdict.type === 'challenge') request.respond(verdict.status, { headers: verdict.headers })
    else request.respond(403, verdict.retryAfter === undefined ? {} : { headers: { 'Retry-After': String(verdict.retryAfter) } })
  }

  #refuseRegistration(request: ServerRequest, { status, reason }: Extract<Registration, { readonly type: 'refused' }>): void {
    const headers: ExtraHeaders = status === 423 ? { 'Min-Expires': String(this.#limits.minExpires) } : {}
    request.respond(status, { headers, ...(reason === undefined ? {} : { reason }) })
  }

  /** Headers of the 200 (RFC 3261 §10.3, step 8; RFC 3327 §5.3). */
  #listing(message: SipRequest, bindings: readonly StoredBinding[]): ExtraHeaders {
    const now = this.#clock.wall()
    const contact = bindings.map(binding => formatNameAddr({
      uri: binding.contact,
      parameters: [
        ...(binding.q === 1 ? [] : [{ name: 'q', value: String(binding.q) }]),
        { name: 'expires', value: String(Math.max(1, Math.ceil((binding.expiresAt - now) / 1_000))) },
        ...(binding.outbound === undefined ? [] : [{ name: '+sip.instance', value: quote(binding.outbound.instance) }, { name: 'reg-id', value: String(binding.outbound.regId) }]),
      ],
    }))
    const echoed = headerField(message, 'Path') !== undefined && supports(message, 'path') ? paths(message).map(({ uri }) => `<${uri}>`) : []
    return {
      ...(contact.length === 0 ? {} : { Contact: contact }),
      ...(echoed.length === 0 ? {} : { Path: echoed }),
      // RFC 5626 §6: the telephone learns that its flow is kept.
      ...(contacts(message).some(asked => outboundFlow(message, asked) !== undefined) ? { 'Require': 'outbound', 'Flow-Timer': String(FLOW_TIMER_S) } : {}),
      Date: new Date(now).toUTCString(),
    }
  }

  /** The user agent reaches contacts by the way that their REGISTER came. */
  #learn(request: ServerRequest, key: string, before: readonly StoredBinding[], after: readonly StoredBinding[]): void {
    this.#forget(key, before, after)
    for (const { contact, path, received, outbound } of after) {
      const { address, port, transport } = request.source
      const fresh = received.address === address && received.port === port && received.transport === transport
      if (fresh && outbound?.direct === true) this.#userAgent?.learn?.(flowName(key, outbound), request.source)
      if (fresh && path.length === 0 && !isDirect(contact, request.source)) this.#userAgent?.learn?.(contact, request.source)
    }
  }

  #forget(key: string, before: readonly StoredBinding[], after: readonly StoredBinding[]): void {
    for (const { contact, outbound } of before) {
      if (!after.some(binding => binding.contact === contact)) this.#userAgent?.learn?.(contact, undefined)
      if (outbound !== undefined && !after.some(binding => sameFlow(binding.outbound, outbound))) this.#userAgent?.learn?.(flowName(key, outbound), undefined)
    }
  }

  #announce(key: string, before: readonly StoredBinding[], after: readonly StoredBinding[]): void {
    if (before.length === 0 && after.length > 0) this.emit('registered', key)
    if (before.length > 0 && after.length === 0) this.emit('unregistered', key)
  }

  /** One timer an address of record: for the binding that ends first. */
  #watch(key: string, bindings: readonly StoredBinding[]): void {
    this.#expiries.get(key)?.cancel()
    this.#expiries.delete(key)
    if (bindings.length === 0) return
    const next = Math.min(...bindings.map(({ expiresAt }) => expiresAt))
    this.#expiries.set(key, this.#clock.after(Math.max(1, next - this.#clock.wall()), () => void this.#expire(key).catch(() => undefined)))
  }

  async #expire(key: string): Promise<void> {
    const now = this.#clock.wall()
    let before: readonly StoredBinding[] = []
    const after = await this.#store.update(key, bindings => {
      before = bindings
      return alive(bindings, now)
    })
    this.#forget(key, before, after)
    this.#watch(key, after)
    this.#announce(key, before, after)
  }

  #isOurs(uri: string): boolean {
    return this.#domains.includes(ANY) || this.#domains.includes(hostOf(uri))
  }

  /** `sip:user@domain` in one spelling; with `*` all domains are one. Undefined: not responsible. */
  #keyOf(aor: string): string | undefined {
    const uri = parseUri(aor)
    if (uri?.type !== 'sip' || uri.user === undefined || !this.#isOurs(aor)) return undefined
    const domain = this.#domains.includes(ANY) ? (this.#domains.find(name => name !== ANY) ?? 'any.invalid') : uri.host.toLowerCase()
    return `sip:${unescapeUri(uri.user)}@${formatHostPort(domain)}`
  }
}

const hostOf = (uri: string): string => {
  const parsed = parseUri(uri)
  return parsed?.type === 'sip' ? parsed.host.toLowerCase() : ''
}

const userOf = (uri: string): string | undefined => {
  const parsed = parseUri(uri)
  return parsed?.type === 'sip' && parsed.user !== undefined ? unescapeUri(parsed.user) : undefined
}
