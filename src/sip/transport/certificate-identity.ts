import { isIP, isIPv6, SocketAddress } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { CordboardError } from '../../core/errors.js'
import { parseUri } from '../message/uri.js'

/** One name of subjectAltName as Node writes it; values with odd octets come as JSON strings. */
const ALTERNATIVE = /(?:^|, )([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^,]*)/g

/**
 * SIP domains and addresses that a certificate speaks for (RFC 5922 §7.1), in lower case: the hosts of `sip:` URIs without a user in subjectAltName,
 * DNS names only where there is no such URI, and IP addresses. The common name is not looked at: §7.1 leaves that open, and public authorities no
 * longer fill it.
 */
export const certificateIdentities = ({ subjectaltname }: Pick<PeerCertificate, 'subjectaltname'>): readonly string[] => {
  const names = [...(subjectaltname ?? '').matchAll(ALTERNATIVE)].map(([, kind, written = '']) => ({ kind, value: written.startsWith('"') ? unquoted(written) : written }))
  const of = (wanted: string): readonly string[] => names.filter(({ kind }) => kind === wanted).map(({ value }) => value)
  const domains = of('URI').flatMap(sipDomain)
  return [...domains, ...(domains.length > 0 ? [] : of('DNS')), ...of('IP Address')].map(canonical)
}

/**
 * True when a certificate speaks for `domain` or numeric address. Names match in their entirety: a wildcard vouches for nobody
 * (RFC 5922 §7.2).
 */
export const speaksFor = (certificate: Pick<PeerCertificate, 'subjectaltname'>, domain: string): boolean =>
  certificateIdentities(certificate).includes(canonical(domain))

/** Node's hook for certificates of servers that we call: the error says whom the certificate speaks for. */
export const checkServerIdentity = (domain: string, certificate: PeerCertificate): Error | undefined => {
  if (speaksFor(certificate, domain)) return undefined
  const names = certificateIdentities(certificate).join(', ')
  return new CordboardError('SIP_TRANSPORT', `the certificate is not ${domain}'s but ${names === '' ? 'nobody\'s' : `that of ${names}`} (RFC 5922 §7.3)`)
}

/** RFC 5922 §7.1: a URI with a user is a person's identity, and one of scheme `sips` is none. */
const sipDomain = (text: string): readonly string[] => {
  const uri = parseUri(text)
  return uri?.type === 'sip' && uri.scheme === 'sip' && uri.user === undefined && isIP(uri.host) === 0 ? [uri.host] : []
}

/** Lower case, no dot at the end; an IPv6 address in its short notation, which Node does not use in certificates. */
const canonical = (name: string): string =>
  isIPv6(name) ? new SocketAddress({ address: name, family: 'ipv6' }).address : name.toLowerCase().replace(/\.$/, '')

const unquoted = (written: string): string => {
  try {
    return String(JSON.parse(written))
  } catch {
    return ''
  }
}
