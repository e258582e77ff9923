import type { Server as HttpServer } from 'node:http'
import type { Clock } from '../../core/clock.js'
import { secureRandom } from '../../core/random.js'
import type { Random } from '../../core/random.js'
import { realClock } from '../../core/real-clock.js'
import type { Timings } from '../transaction/timings.js'
import { parseListenAddress } from '../transport/listen-address.js'
import type { GuardOptions } from '../transport/request-guard.js'
import { DnsResolver } from '../transport/resolver.js'
import type { Resolver } from '../transport/resolver.js'
import type { TlsOptions } from '../transport/tls-options.js'
import type { TransportFactory, TransportLimits, TransportName } from '../transport/transport.js'
import { UserAgentCore } from './core.js'
import { TrustDomain } from './trust-domain.js'

/** Options of `createUserAgent`. */
export interface UserAgentOptions {
  /** Like `udp://127.0.0.1:5060`, `tcp://[::1]:0`; port 0 takes any free one. @default [] */
  readonly listen?: readonly string[]
  /** Host, or host and port, that peers reach us by, where it isn't the listeners' own address. */
  readonly advertise?: string
  /** @default the machine's clock */
  readonly clock?: Clock
  /** @default cryptographically strong */
  readonly random?: Random
  /** Value of Server and User-Agent. @default none */
  readonly userAgentName?: string
  /** Begins tags, branches, Call-IDs and the user of Contacts, so that a stateless front can find the node. @default '' */
  readonly nodeId?: string
  /** Transports beside `listen`: the in-memory network of tests, say. */
  readonly transports?: readonly TransportFactory[]
  readonly limits?: Partial<TransportLimits>
  /** What is dropped before it costs state: scanners, and more requests a second than one address may send. @default known scanners */
  readonly guard?: GuardOptions
  /** T1, T2 and T4. @default RFC 3261's */
  readonly timings?: Partial<Timings>
  /** Server transactions beyond which new requests get 503 without any state; each lives 32 s on UDP. @default 400000, less in a small heap */
  readonly maxServerTransactions?: number
  /** While it says so, requests outside dialogs get 503 with Retry-After, without any state. @default never */
  readonly overloaded?: () => boolean
  /** Seconds asked for in Session-Expires of our INVITEs (RFC 4028); 0: none. @default 1800 */
  readonly sessionExpires?: number
  /**
   * Addresses and subnets of the trust domain's other elements (RFC 3324 §2.3): their P-Asserted-Identity is believed, and ours told to them; a proxy
   * takes off what others assert. @default none: a proxy passes the header as any other
   */
  readonly trusted?: readonly string[]
  /** Packages of INFO that the application takes: told in Recv-Info, any other gets 469 (RFC 6086). @default [] */
  readonly infoPackages?: readonly string[]
  /** Finds the addresses of next hops. @default RFC 3263 by the system's resolver */
  readonly resolver?: Resolver
  /** Certificate of `tls` and `wss` listeners. */
  readonly tls?: TlsOptions
  /** SIP over WebSocket on the application's own HTTP server. */
  readonly http?: HttpServer
}

/**
 * Starts a user agent: it listens when this resolves.
 * @throws CordboardError `SERVER_BAD_OPTION`, `SIP_TRANSPORT`.
 *
 * @example
 * await using userAgent = await createUserAgent({ listen: ['udp://127.0.0.1:5060'] })
 * userAgent.onRequest = request => { if (request.message.method === 'INVITE') request.respond(486) }
 */
export const createUserAgent = async (options: UserAgentOptions): Promise<UserAgentCore> => {
  const clock = options.clock ?? realClock
  const random = options.random ?? secureRandom
  return await UserAgentCore.open({
    clock,
    random,
    nodeId: options.nodeId ?? '',
    userAgentName: options.userAgentName,
    timings: options.timings ?? {},
    maxServerTransactions: options.maxServerTransactions,
    overloaded: options.overloaded,
    sessionExpires: options.sessionExpires ?? 1_800,
    infoPackages: options.infoPackages ?? [],
    trust: options.trusted === undefined ? undefined : new TrustDomain(options.trusted),
    resolver: options.resolver ?? new DnsResolver({ clock, random, transports: transportsOf(options) }),
  }, {
    clock,
    random,
    listen: options.listen ?? [],
    ...(options.advertise === undefined ? {} : { advertise: options.advertise }),
    ...(options.transports === undefined ? {} : { transports: options.transports }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.guard === undefined ? {} : { guard: options.guard }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.http === undefined ? {} : { http: options.http }),
  })
}

/** Protocols that the listeners speak. */
const transportsOf = ({ listen, http }: UserAgentOptions): readonly TransportName[] => {
  const named = new Set((listen ?? []).map(address => parseListenAddress(address).transport))
  if (http !== undefined) named.add('ws')
  return named.size === 0 ? ['udp', 'tcp'] : [...named]
}
