import { createSecureContext } from 'node:tls'
import type { ConnectionOptions, PeerCertificate, Server as TlsServer, TlsOptions as NodeTlsOptions } from 'node:tls'
import { CordboardError } from '../../core/errors.js'
import { certificateIdentities, checkServerIdentity, speaksFor } from './certificate-identity.js'
import type { TransportLimits } from './transport.js'

/** A certificate (chain) and its private key, both PEM. */
export interface TlsIdentity {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** Certificates and trust of the `tls` and `wss` listeners, and of the connections that we open from them. */
export interface TlsOptions extends TlsIdentity {
  /** Other certificates by the name that a client asks for (SNI, RFC 6066 §3); `cert` serves whoever asks for none of them. */
  readonly sni?: Readonly<Record<string, TlsIdentity>>
  /** Authorities (PEM) that peers' certificates must lead to. @default the system's */
  readonly ca?: string | Buffer
  /** Demands a certificate of clients (mutual TLS). @default false */
  readonly requireClientCertificate?: boolean
  /** SIP domains, DNS names or addresses of which a client's certificate, demanded then, must show one (RFC 5922 §7.4). @default any that `ca` vouches for */
  readonly clients?: readonly string[]
  /** Refuses servers whose certificate does not show the domain called (RFC 5922 §7.3). @default true */
  readonly rejectUnauthorized?: boolean
}

/**
 * What Node's TLS and HTTPS servers are made with.
 * @throws CordboardError `SERVER_BAD_OPTION` when a certificate and its key are not PEM or do not belong together.
 */
export const serverTlsOptions = (tls: TlsOptions, limits: TransportLimits): NodeTlsOptions => {
  const { cert, key } = tls
  checkIdentity('tls', tls)
  for (const [name, identity] of Object.entries(tls.sni ?? {})) checkIdentity(`tls.sni['${name}']`, identity)
  const required = tls.requireClientCertificate === true || tls.clients !== undefined
  return { cert, key, handshakeTimeout: limits.connectMs, requestCert: required, rejectUnauthorized: required, ...trust(tls) }
}

/** Lets a server show the certificate that a client asks for by name. */
export const addServerNames = (server: TlsServer, tls: TlsOptions): void => {
  for (const [name, { cert, key }] of Object.entries(tls.sni ?? {})) server.addContext(name, { cert, key, ...trust(tls) })
}

/** Options of a connection to a server of `domain` (a numeric address asks for no name). */
export const clientTlsOptions = (tls: TlsOptions, domain: string | undefined): ConnectionOptions => ({
  cert: tls.cert,
  key: tls.key,
  servername: domain !== undefined && !isNumeric(domain) ? domain : '',
  rejectUnauthorized: tls.rejectUnauthorized ?? true,
  checkServerIdentity,
  ...trust(tls),
})

/** Why a client may not stay, by the certificate that it showed; undefined when it may. */
export const refuseClient = (tls: TlsOptions, certificate: PeerCertificate): string | undefined => {
  const { clients } = tls
  if (clients === undefined || clients.some(name => speaksFor(certificate, name))) return undefined
  return `a client's certificate shows ${certificateIdentities(certificate).join(', ') || 'no name'}`
}

const trust = ({ ca }: TlsOptions): { ca?: string | Buffer } => (ca === undefined ? {} : { ca })

const checkIdentity = (option: string, { cert, key }: TlsIdentity): void => {
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw new CordboardError('SERVER_BAD_OPTION', `${option}: cert and key are not a PEM certificate and its key: ${(cause as Error).message}`, { cause })
  }
}

const isNumeric = (host: string): boolean => host.includes(':') || /^[\d.]+$/.test(host)
