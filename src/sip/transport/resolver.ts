import { promises as dns } from 'node:dns'
import { isIP } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { parameterText } from '../message/scanner.js'
import { parseUri } from '../message/uri.js'
import type { SipUri } from '../message/uri.js'
import { bySrv } from './srv-order.js'
import type { SrvRecord } from './srv-order.js'
import { defaultPort } from './transport-layer.js'
import type { Target, TransportName } from './transport.js'

/** Turns the URI of the next hop into targets, the best first. */
export interface Resolver {
  /**
   * At once for numeric addresses, so that calls between them cost no turn of the event loop.
   * @throws CordboardError `SIP_BAD_URI` when it isn't a SIP URI; `SIP_TRANSPORT` when the name has no address.
   */
  resolve(uri: string): readonly Target[] | Promise<readonly Target[]>
  /** The target was silent, unreachable or answered 503: others come before it for a while. */
  failed?(target: Target): void
}

export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly service: string
  readonly flags: string
  readonly replacement: string
}

/** The questions that are asked of the DNS. Each rejects, or resolves empty, when there is no answer. */
export interface Dns {
  naptr(name: string): Promise<readonly NaptrRecord[]>
  srv(name: string): Promise<readonly SrvRecord[]>
  /** IPv4 and IPv6 addresses, hosts file included. */
  addresses(name: string): Promise<readonly string[]>
}

/** The machine's own DNS. */
export const systemDns: Dns = {
  naptr: name => dns.resolveNaptr(name),
  srv: name => dns.resolveSrv(name),
  addresses: async name => (await dns.lookup(name, { all: true, verbatim: false })).map(({ address }) => address),
}

export interface DnsResolverOptions {
  readonly clock: Clock
  readonly random: Random
  /** @default the machine's */
  readonly dns?: Dns
  /** Protocols that this element speaks. @default UDP, TCP */
  readonly transports?: readonly TransportName[]
  /** Milliseconds that an answer is kept. @default 60000 */
  readonly cacheMs?: number
  /** Milliseconds that a failed target stands behind the others. @default 60000 */
  readonly blockMs?: number
}

const TRANSPORTS: ReadonlySet<string> = new Set<TransportName>(['udp', 'tcp', 'tls', 'ws', 'wss'])

/** RFC 3263 §4.1, RFC 7118 §6: the service fields of NAPTR. */
const SERVICES: Readonly<Record<string, TransportName>> = { 'SIP+D2U': 'udp', 'SIP+D2T': 'tcp', 'SIPS+D2T': 'tls', 'SIP+D2W': 'ws', 'SIPS+D2W': 'wss' }

const SRV_PREFIX: Readonly<Record<TransportName, string>> = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp', ws: '_sip._ws', wss: '_sips._ws' }

const CACHED_NAMES = 4_096

/** Transport that a URI asks for (RFC 3263 §4.1, first rules); undefined when it leaves the choice. */
export const transportOf = (uri: SipUri): TransportName | undefined => {
  const named = parameterText(uri.parameters, 'transport')?.toLowerCase()
  if (named !== undefined && TRANSPORTS.has(named)) {
    if (uri.scheme === 'sips') return named === 'ws' || named === 'wss' ? 'wss' : 'tls'
    return named as TransportName
  }
  return uri.scheme === 'sips' ? 'tls' : undefined
}

interface Cached {
  readonly until: number
  readonly targets: Promise<readonly Target[]>
}

/** Finds servers by NAPTR, SRV and addresses (RFC 3263 §4), with a cache and a list of those that failed lately. */
export class DnsResolver implements Resolver {
  readonly #clock: Clock
  readonly #random: Random
  readonly #dns: Dns
  readonly #transports: readonly TransportName[]
  readonly #cacheMs: number
  readonly #blockMs: number
  readonly #cache = new Map<string, Cached>()
  readonly #blocked = new Map<string, number>()

  constructor(options: DnsResolverOptions) {
    this.#clock = options.clock
    this.#random = options.random
    this.#dns = options.dns ?? systemDns
    this.#transports = options.transports ?? ['udp', 'tcp']
    this.#cacheMs = options.cacheMs ?? 60_000
    this.#blockMs = options.blockMs ?? 60_000
  }

  resolve(text: string): readonly Target[] | Promise<readonly Target[]> {
    const uri = parseUri(text)
    if (uri?.type !== 'sip') throw new CordboardError('SIP_BAD_URI', `cannot be routed: ${text}`, { status: 416 })
    const asked = parameterText(uri.parameters, 'transport')
    // RFC 3263 §4.1: the protocol that a URI names is used, and no other in its place.
    if (asked !== undefined && !TRANSPORTS.has(asked.toLowerCase())) throw new CordboardError('SIP_TRANSPORT', `nobody here speaks ${asked}: ${text}`, { status: 503 })
    const host = parameterText(uri.parameters, 'maddr') ?? uri.host
    const named = transportOf(uri)
    const anyTransport = named === undefined
    const transport = named ?? 'udp'
    if (isIP(host) !== 0) return [{ transport, address: host, port: uri.port ?? defaultPort(transport), anyTransport }]
    return this.#cached(`${named ?? ''} ${uri.scheme} ${host.toLowerCase()} ${uri.port ?? ''}`, () => this.#find(host, uri.port, named, uri.scheme === 'sips')).then(targets => this.#ordered(targets))
  }

  failed(target: Target): void {
    if (this.#blocked.size > CACHED_NAMES) this.#blocked.clear()
    this.#blocked.set(keyOf(target), this.#clock.now() + this.#blockMs)
  }

  #cached(key: string, find: () => Promise<readonly Target[]>): Promise<readonly Target[]> {
    const now = this.#clock.now()
    const known = this.#cache.get(key)
    if (known !== undefined && known.until > now) return known.targets
    if (this.#cache.size >= CACHED_NAMES) this.#cache.clear()
    const targets = find()
    this.#cache.set(key, { until: now + this.#cacheMs, targets })
    // What failed is asked again.
    targets.catch(() => this.#cache.delete(key))
    return targets
  }

  /** Failed targets last; when all have failed, all are tried. */
  #ordered(targets: readonly Target[]): readonly Target[] {
    if (this.#blocked.size === 0) return targets
    const now = this.#clock.now()
    const isBlocked = (target: Target): boolean => (this.#blocked.get(keyOf(target)) ?? 0) > now
    return [...targets.filter(target => !isBlocked(target)), ...targets.filter(isBlocked)]
  }

  async #find(host: string, port: number | undefined, named: TransportName | undefined, secure: boolean): Promise<readonly Target[]> {
    const transport = named ?? 'udp'
    // RFC 3263 §4.2: a port asks for no SRV. RFC 6761 §6.3: the DNS is not asked for localhost.
    if (port !== undefined || /(?:^|\.)localhost\.?$/i.test(host)) return this.#addresses(host, host, transport, port ?? defaultPort(transport), named === undefined)
    const services = named === undefined ? await this.#naptr(host, secure) : []
    const names = services.length > 0 ? services : this.#candidates(named, secure).map(name => ({ name: `${SRV_PREFIX[name]}.${host}`, transport: name }))
    const found: Target[] = []
    let denied = false
    for (const service of names) {
      const servers = await this.#srv(host, service.name, service.transport)
      if (servers === 'denied') denied = true
      else found.push(...servers)
    }
    if (found.length === 0 && denied) throw new CordboardError('SIP_TRANSPORT', `no service: ${host}`, { status: 503 })
    return found.length > 0 ? found : this.#addresses(host, host, transport, defaultPort(transport), named === undefined)
  }

  #candidates(named: TransportName | undefined, secure: boolean): readonly TransportName[] {
    if (named !== undefined) return [named]
    return this.#transports.filter(name => name === 'tls' || (!secure && (name === 'udp' || name === 'tcp')))
  }

  async #naptr(host: string, secure: boolean): Promise<readonly { readonly name: string; readonly transport: TransportName }[]> {
    const records = await this.#dns.naptr(host).catch(() => [])
    return [...records].sort((a, b) => a.order - b.order || a.preference - b.preference).flatMap(({ service, flags, replacement }) => {
      const transport = SERVICES[service.toUpperCase()]
      const usable = transport !== undefined && flags.toLowerCase() === 's' && this.#transports.includes(transport)
      return usable && (!secure || service.toUpperCase().startsWith('SIPS')) ? [{ name: replacement, transport }] : []
    })
  }

  /** `denied`: a single record with target `.` says that the domain has no such service, whatever its addresses (RFC 2782). */
  async #srv(domain: string, name: string, transport: TransportName): Promise<readonly Target[] | 'denied'> {
    const records = await this.#dns.srv(name).catch(() => [])
    const usable = records.filter(record => record.name !== '' && record.name !== '.')
    if (records.length > 0 && usable.length === 0) return 'denied'
    const lists = await Promise.all(bySrv(usable, this.#random).map(record =>
      this.#addresses(domain, record.name, transport, record.port, false).catch(() => [])))
    return lists.flat()
  }

  async #addresses(domain: string, host: string, transport: TransportName, port: number, anyTransport: boolean): Promise<readonly Target[]> {
    try {
      return (await this.#dns.addresses(host)).map(address => ({ transport, address, port, domain, anyTransport }))
    } catch (cause) {
      throw new CordboardError('SIP_TRANSPORT', `no address: ${host}`, { cause, status: 503 })
    }
  }
}

const keyOf = ({ transport, address, port }: Target): string => `${transport} ${address} ${port}`
