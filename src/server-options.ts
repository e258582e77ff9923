import type { Server as HttpServer } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import type { SpeechProvider } from './call/sounds.js'
import { installedCodec, installedCodecs } from './codec/installed.js'
import type { Clock } from './core/clock.js'
import { CordboardError } from './core/errors.js'
import type { Random } from './core/random.js'
import type { Scoped } from './core/scope.js'
import { checkMedia, checkNumber, checkObject, checkOneOf, checkStrings } from './media/option-checks.js'
import type { CodecOffer, SrtpPolicy } from './sdp/negotiated.js'
import { isWildcard } from './core/wildcard.js'
import { parseListenAddress } from './sip/transport/listen-address.js'
import type { Timings } from './sip/transaction/timings.js'
import type { GuardOptions } from './sip/transport/request-guard.js'
import type { TlsOptions } from './sip/transport/tls-options.js'
import type { TransportLimits } from './sip/transport/transport.js'

/** Options of `createServer`. */
export interface ServerOptions extends Scoped {
  /**
   * `udp://127.0.0.1:5060`, `tcp://…`, `tls://…`, `ws://…`, `wss://…`; port 0 takes any free one. A wildcard host listens everywhere and
   * advertises the route's source address, never 0.0.0.0.
   */
  readonly listen: string | readonly string[]
  /** Told to peers instead of the bound addresses: `sip` a host, or host and port, `rtp` an address. */
  readonly advertise?: { readonly sip?: string; readonly rtp?: string }
  /** First and last UDP port of media. @default [20000, 29999] */
  readonly rtpPorts?: readonly [number, number]
  /** Certificates and trust of `tls` and `wss` listeners: mutual TLS on demand, other certificates by SNI. */
  readonly tls?: TlsOptions
  /** SIP over WebSocket on the application's own HTTP server. */
  readonly http?: HttpServer
  /** Media worker threads. @default cores - 1, at least 1 */
  readonly workers?: number
  /** Codecs offered and accepted, by name, best first. @default ['PCMU', 'PCMA'] */
  readonly codecs?: readonly string[]
  /**
   * Modules with codecs of the application's own, as URLs (`import.meta.resolve('./codecs.js')`): the default export is an array of `Codec`. Each media
   * thread loads them.
   */
  readonly codecModules?: readonly string[]
  /** SRTP keyed by SDES (RFC 4568): `optional` offers it and takes what comes, `required` refuses calls without. @default 'off' */
  readonly srtp?: SrtpPolicy
  /** Offer RTCP extended reports (RFC 3611): the peer's view of the quality. Those that peers offer are taken in any case. @default false */
  readonly rtcpXr?: boolean
  /** Milliseconds without RTP from a peer, although audio is due, after which its call ends (`timeout`). Some peers send nothing while nobody speaks. @default never */
  readonly rtpTimeout?: number
  /** Milliseconds between two `quality` events of a call that is listened to for them. @default 5000 */
  readonly qualityEvery?: number
  /** Calls beyond this many are refused with 503. @default no limit */
  readonly maxCalls?: number
  /** While the event loop runs this many ms late, time after time, requests outside dialogs get 503 with Retry-After. @default 500 */
  readonly maxLag?: number
  /** Bounds on what strangers may hold: connections, bytes, handshakes, and their times. @default those of TransportLimits */
  readonly limits?: Partial<TransportLimits>
  /** What is dropped before it costs state: known scanners, and more requests a second than one source may send. @default known scanners */
  readonly guard?: GuardOptions
  /**
   * Addresses and subnets of the trust domain's other elements (RFC 3325): the identities that they assert are believed (`call.request.identity`), and
   * those of our calls told to them. A proxy takes off what others assert. @default none
   */
  readonly trusted?: readonly string[]
  /** Says `{ say: 'words' }`. @default none: words reject with `OPTIONAL_PACKAGE_MISSING` */
  readonly speech?: SpeechProvider
  /** Begins each local tag, branch and Call-ID and is the user of each Contact, so that a front can tell nodes apart. @default random */
  readonly nodeId?: string
  /** Value of the Server and User-Agent headers. @default 'Cordboard' */
  readonly userAgentName?: string
  /**
   * Base values of the SIP timers, in ms (RFC 3261 §17.1.1.1): a larger T1 for a satellite, a smaller one where all peers are near.
   * @default { t1: 500, t2: 4000, t4: 5000 }
   */
  readonly timings?: Partial<Timings>
  /** Longest wait of a media worker for a fuller burst of packets, in ms; 0 switches it off. @default 2 */
  readonly coalesce?: number
  /**
   * Nice value, from -20 to 19, that the media workers ask for on Linux, so that packets do not wait for other work of the machine, or of
   * this process. Where the process may not ask for so much (CAP_SYS_NICE, RLIMIT_NICE), they get what it may; where it has less already, they run as
   * it does; `workers()` tells.
   * @default -20
   */
  readonly workerNice?: number
  /** Of SIP and of calls; media workers have the machine's. @default the machine's */
  readonly clock?: Clock
  /** Of tags, branches and Call-IDs. @default cryptographically strong */
  readonly random?: Random
}

/** First payload type of codecs without one of their own (RFC 3551 §6). */
const FIRST_DYNAMIC = 102
const DEFAULT_CODECS = ['PCMU', 'PCMA']
const SRTP_POLICIES: readonly SrtpPolicy[] = ['off', 'optional', 'required']

/** Looks at what JavaScript may have given, before anything is started. @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkServer = (options: ServerOptions): void => {
  checkObject('createServer', options)
  const { listen } = options
  if (typeof listen !== 'string') checkStrings('listen', listen ?? null)
  checkMedia(options, 'rtpPorts', options.rtpPorts)
  checkStrings('codecs', options.codecs)
  checkOneOf('srtp', options.srtp, SRTP_POLICIES)
  checkNumber('rtpTimeout', options.rtpTimeout, { above: 0, endless: true })
  checkNumber('qualityEvery', options.qualityEvery, { above: 0 })
  checkNumber('maxCalls', options.maxCalls, { least: 0, whole: true, endless: true })
  checkNumber('maxLag', options.maxLag, { endless: true })
}

/**
 * The codecs of `names` with their payload types, in order: `PCMU`, `PCMA`, `G722`, `G726-32`, `L16` and the others of the registry;
 * `L16/16000` tells the clock rate where a name has several.
 * @throws CordboardError `SERVER_BAD_OPTION`.
 */
export const codecOffers = (names: readonly string[] = DEFAULT_CODECS): readonly CodecOffer[] => {
  if (names.length === 0) throw new CordboardError('SERVER_BAD_OPTION', 'codecs names no codec')
  let dynamic = FIRST_DYNAMIC
  return names.map(text => {
    const [name = '', rate = '8000'] = text.split('/')
    const codec = installedCodec(name, Number(rate))
    if (codec === undefined) {
      const known = [...new Set(installedCodecs.map(({ name }) => name))].join(', ')
      throw new CordboardError('SERVER_BAD_OPTION', `no codec '${text}': there are ${known}`)
    }
    return {
      name: codec.name, clockRate: codec.clockRate, channels: codec.channels, payloadType: codec.payloadType ?? dynamic++,
      ...codec.fmtp === undefined ? {} : { fmtp: codec.fmtp },
    }
  })
}

/** Where media sockets are bound: the address that all listeners share, else the wildcard of their family. */
export const mediaHost = (listen: readonly string[]): string => {
  const hosts = [...new Set(listen.map(text => parseListenAddress(text).host))]
  const [only] = hosts
  if (hosts.length === 1 && only !== undefined && isIP(only) !== 0 && !isWildcard(only)) return only
  return hosts.some(isIPv6) ? '::' : '0.0.0.0'
}
