import { readSchemes } from './challenge.js'
import type { Qop } from './digest.js'
import { quote } from '../message/scanner.js'

/** What a server says beside its 2xx to a request with credentials (RFC 7616 §3.5). */
export interface AuthenticationInfo {
  /** The nonce to use from now on. */
  readonly nextNonce?: string
  /** Shows that the server knows the password too; with it come the `qop`, `cnonce` and `nc` of the request. */
  readonly proof?: {
    readonly response: string
    readonly qop: Qop
    readonly cnonce: string
    readonly nc: string
  }
}

/** Value of Authentication-Info; undefined when there is nothing to say. */
export const formatAuthenticationInfo = ({ nextNonce, proof }: AuthenticationInfo): string | undefined => {
  const items = [
    ...nextNonce === undefined ? [] : [`nextnonce=${quote(nextNonce)}`],
    ...proof === undefined ? [] : [`qop=${proof.qop}`, `rspauth="${proof.response}"`, `cnonce=${quote(proof.cnonce)}`, `nc=${proof.nc}`],
  ]
  return items.length === 0 ? undefined : items.join(', ')
}

/** Reads a value of Authentication-Info; what makes no sense is left out. */
export const parseAuthenticationInfo = (value: string): AuthenticationInfo => {
  const attributes = readSchemes(`Digest ${value}`)[0]?.attributes
  const [nextNonce, response, cnonce, nc] = ['nextnonce', 'rspauth', 'cnonce', 'nc'].map(name => attributes?.get(name))
  const qop = attributes?.get('qop')?.toLowerCase()
  const proved = response !== undefined && cnonce !== undefined && nc !== undefined && (qop === 'auth' || qop === 'auth-int')
  return { ...nextNonce === undefined ? {} : { nextNonce }, ...proved ? { proof: { response, qop, cnonce, nc } } : {} }
}
