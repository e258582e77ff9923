import { formatParameters, parameter, parameterText } from './scanner.js'
import type { Parameter, Scanner } from './scanner.js'
import { formatHostPort, parseHost, parsePort } from './uri.js'

/** One value of Via (RFC 3261 §20.42). */
export interface Via {
  /** `UDP`, `TCP`, `TLS`, `WS`, `WSS`, `SCTP`, … upper case. */
  readonly transport: string
  /** sent-by, an IPv6 address without brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly branch: string | undefined
  /** Address that a server saw; an IPv6 address without brackets. */
  readonly received: string | undefined
  /** RFC 3581: the port, true when it is only asked for. */
  readonly rport: number | true | undefined
  readonly maddr: string | undefined
  readonly parameters: readonly Parameter[]
}

/** Begins every branch of RFC 3261 (§8.1.1.7). */
export const MAGIC_COOKIE = 'z9hG4bK'

/** True for a branch made by RFC 3261, which alone identifies a transaction; the cookie by itself is none (RFC 4475 §3.2.1). */
export const isRfc3261Branch = (branch: string | undefined): branch is string =>
  branch !== undefined && branch.length > MAGIC_COOKIE.length && branch.startsWith(MAGIC_COOKIE)

const SENT_PROTOCOL = /[ \t]*SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([\w\-.!%*+`'~]+)[ \t]+(\[[^\]]*\]|[^\s;,:"<>[\]]+)(?:[ \t]*:[ \t]*(\d+))?/iy

/** Reads one Via value, up to the end or a comma. */
export const scanVia = (scanner: Scanner): Via | undefined => {
  SENT_PROTOCOL.lastIndex = scanner.at
  const match = SENT_PROTOCOL.exec(scanner.text)
  if (match === null) return undefined
  scanner.at = SENT_PROTOCOL.lastIndex
  const host = parseHost(match[2]!)
  const port = match[3] === undefined ? undefined : parsePort(match[3])
  const parameters = scanner.parameters()
  if (host === undefined || Number.isNaN(port) || parameters === undefined) return undefined
  const rport = parameter(parameters, 'rport')
  return {
    transport: match[1]!.toUpperCase(),
    host,
    port,
    branch: parameterText(parameters, 'branch'),
    received: withoutBrackets(parameterText(parameters, 'received')),
    rport: typeof rport === 'string' ? Number(rport) : rport,
    maddr: withoutBrackets(parameterText(parameters, 'maddr')),
    parameters,
  }
}

// RFC 5118 §4.5: the address in `received` comes with and without brackets.
const withoutBrackets = (text: string | undefined): string | undefined =>
  text?.startsWith('[') === true && text.endsWith(']') ? text.slice(1, -1) : text

/** `SIP/2.0/UDP host:port;parameters` */
export const formatVia = (via: { readonly transport: string; readonly host: string; readonly port?: number | undefined; readonly parameters: readonly Parameter[] }): string =>
  `SIP/2.0/${via.transport} ${formatHostPort(via.host, via.port)}${formatParameters(via.parameters)}`

/**
 * A Via as a server passes it on: `received` and the value of `rport` filled in (RFC 3261 §18.2.1, RFC 3581 §4).
 * @returns `via` itself when nothing is to be said
 */
export const stampedVia = (via: Via, source: { readonly address: string; readonly port: number }): Via => {
  if (via.rport === undefined && via.host === source.address) return via
  const parameters = via.parameters.filter(({ name }) => name !== 'received' && name !== 'rport')
  parameters.push({ name: 'received', value: source.address })
  if (via.rport !== undefined) parameters.push({ name: 'rport', value: String(source.port) })
  return { ...via, parameters, received: source.address, rport: via.rport === undefined ? undefined : source.port }
}
