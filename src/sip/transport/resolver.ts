import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { CordboardError } from '../../core/errors.js'
import { parameterText } from '../message/scanner.js'
import { parseUri } from '../message/uri.js'
import type { SipUri } from '../message/uri.js'
import { defaultPort } from './transport-layer.js'
import type { Target, TransportName } from './transport.js'

/** Turns the URI of the next hop into targets, the best first. */
export interface Resolver {
  /**
   * At once for numeric addresses, so that calls between them cost no turn of the event loop.
   * @throws CordboardError `SIP_BAD_URI` when it isn't a SIP URI; `SIP_TRANSPORT` when the name has no address.
   */
  resolve(uri: string): readonly Target[] | Promise<readonly Target[]>
}

const TRANSPORTS: ReadonlySet<string> = new Set<TransportName>(['udp', 'tcp', 'tls', 'ws', 'wss'])

/** Transport that a URI asks for (RFC 3263 §4.1, first rules); undefined when it leaves the choice. */
export const transportOf = (uri: SipUri): TransportName | undefined => {
  const named = parameterText(uri.parameters, 'transport')?.toLowerCase()
  if (named !== undefined && TRANSPORTS.has(named)) {
    if (uri.scheme === 'sips') return named === 'ws' || named === 'wss' ? 'wss' : 'tls'
    return named as TransportName
  }
  return uri.scheme === 'sips' ? 'tls' : undefined
}

/** Addresses by the system's own look-up; UDP where the URI leaves the choice. */
export class SystemResolver implements Resolver {
  resolve(text: string): readonly Target[] | Promise<readonly Target[]> {
    const uri = parseUri(text)
    if (uri?.type !== 'sip') throw new CordboardError('SIP_BAD_URI', `cannot be routed: ${text}`, { status: 416 })
    const host = parameterText(uri.parameters, 'maddr') ?? uri.host
    const named = transportOf(uri)
    const transport = named ?? 'udp'
    const port = uri.port ?? defaultPort(transport)
    if (isIP(host) !== 0) return [{ transport, address: host, port, anyTransport: named === undefined }]
    return this.#lookUp(host, transport, port)
  }

  async #lookUp(host: string, transport: TransportName, port: number): Promise<readonly Target[]> {
    try {
      const addresses = await lookup(host, { all: true, verbatim: false })
      return addresses.map(({ address }) => ({ transport, address, port, domain: host }))
    } catch (cause) {
      throw new CordboardError('SIP_TRANSPORT', `no address: ${host}`, { cause, status: 503 })
    }
  }
}
