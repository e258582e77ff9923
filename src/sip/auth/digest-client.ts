import type { Random } from '../../core/random.js'
import type { HeaderInit } from '../message/build.js'
import { headerValues } from '../message/headers.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import { parseAuthenticationInfo } from './authentication-info.js'
import { formatCredentials, parseChallenges, parseCredentials } from './challenge.js'
import type { Challenge } from './challenge.js'
import { DIGEST_HASHES, digestResponse, equalDigests, ha1, hashOf, userHash } from './digest.js'

/** Name and password for one realm, or for any. */
export interface DigestAccount {
  readonly username: string
  readonly password: string
  /** Only for this realm. @default any */
  readonly realm?: string
}

export type DigestAnswer =
  /** Send the request again with these headers instead of its own of those names, a new branch, and CSeq one higher. */
  | { readonly type: 'retry'; readonly headers: HeaderInit }
  /** `rejected`: the server has refused these credentials; `unsupported`: no challenge that we can answer; `no-account`: none for its realm. */
  | { readonly type: 'give-up'; readonly reason: 'rejected' | 'unsupported' | 'no-account' }

interface Answered {
  readonly challenge: Challenge
  readonly header: 'Authorization' | 'Proxy-Authorization'
  readonly account: DigestAccount
  /** Times that the nonce has been used. */
  count: number
  /** A request with credentials for this nonce has been accepted. */
  proven: boolean
  /** Times on end that credentials for a nonce were answered with another. */
  readonly renewed: number
}

/** So many new nonces on end are believed to be for the age of the one before. */
const RENEWALS = 3

/**
 * The client's side of digest authentication, for one conversation with its servers: answers the strongest challenge of each realm, several
 * realms at once (RFC 3261 §22.3), and goes on using their nonces (`headers`) with rising counts.
 */
export class DigestClient {
  readonly #accounts: readonly DigestAccount[]
  readonly #random: Random
  readonly #answered = new Map<string, Answered>()

  constructor(accounts: DigestAccount | readonly DigestAccount[], random: Random) {
    this.#accounts = Array.isArray(accounts) ? accounts as readonly DigestAccount[] : [accounts as DigestAccount]
    this.#random = random
  }

  /** What to do about a 401 or 407 to `request`. */
  answer(request: SipRequest, response: SipResponse): DigestAnswer {
    const offers = [...strongest(response, 'WWW-Authenticate', 'Authorization'), ...strongest(response, 'Proxy-Authenticate', 'Proxy-Authorization')]
    if (offers.length === 0) return { type: 'give-up', reason: 'unsupported' }
    let known = 0
    for (const { challenge, header } of offers) {
      const account = this.#accounts.find(({ realm }) => realm === undefined || realm === challenge.realm)
      if (account === undefined) continue
      known++
      const key = `${header} ${challenge.realm}`
      const before = this.#answered.get(key)
      const refused = before !== undefined && before.count > 0 && carried(request, header, before)
      // A nonce that was accepted before has become old, whether its server says so or not; asked again otherwise, the password is wrong.
      const old = refused && (challenge.stale || (before.proven && challenge.nonce !== before.challenge.nonce))
      const renewed = !old ? 0 : before.proven ? 1 : before.renewed + 1
      if (refused && (!old || renewed > RENEWALS)) return { type: 'give-up', reason: 'rejected' }
      this.#answered.set(key, { challenge, header, account, count: 0, proven: false, renewed })
    }
    return known === 0 ? { type: 'give-up', reason: 'no-account' } : { type: 'retry', headers: this.headers(request) }
  }

  /** Credentials for all realms that have asked so far, for `request` as it will be sent; each nonce's count rises. */
  headers(request: SipRequest): HeaderInit {
    const values: Record<string, string[]> = {}
    for (const answered of this.#answered.values()) (values[answered.header] ??= []).push(this.#credentials(request, answered))
    return values
  }

  /**
   * Takes Authentication-Info of a 2xx to `request` (RFC 7616 §3.5): goes on with the next nonce; false when the server shows by a wrong proof
   * that it does not know the password. One that shows none is believed: few do.
   */
  confirm(request: SipRequest, response: SipResponse): boolean {
    for (const answered of this.#answered.values()) answered.proven ||= carried(request, answered.header, answered)
    return headerValues(response, 'Authentication-Info').map(parseAuthenticationInfo).every(({ nextNonce, proof }) => {
      const shown = headerValues(request, 'Authorization').flatMap(value => parseCredentials(value) ?? [])
      // The header names no realm: the `cnonce` does, or that there is but one.
      const credentials = proof === undefined ? shown.length === 1 ? shown[0] : undefined : shown.find(({ cnonce, nc }) => cnonce === proof.cnonce && nc === proof.nc)
      const answered = credentials === undefined ? undefined : this.#answered.get(`Authorization ${credentials.realm}`)
      if (credentials === undefined || answered === undefined) return proof === undefined
      const { challenge, account } = answered
      const secret = ha1(hashOf(challenge.algorithm), account.username, challenge.realm, account.password)
      if (proof !== undefined && !equalDigests(digestResponse({ ...credentials, qop: proof.qop, ha1: secret, method: '', body: response.body }), proof.response)) return false
      if (nextNonce !== undefined && nextNonce !== challenge.nonce) {
        this.#answered.set(`Authorization ${challenge.realm}`, { ...answered, challenge: { ...challenge, nonce: nextNonce }, count: 0, proven: false })
      }
      return true
    })
  }

  #credentials(request: SipRequest, answered: Answered): string {
    const { challenge, account } = answered
    const hash = hashOf(challenge.algorithm)
    const session = challenge.algorithm !== hash
    const qop = challenge.qop.includes('auth') ? 'auth' : challenge.qop[0]
    const nc = (++answered.count).toString(16).padStart(8, '0')
    const shared = {
      algorithm: challenge.algorithm, nonce: challenge.nonce, uri: request.uri,
      ...qop === undefined ? {} : { qop, nc }, ...qop === undefined && !session ? {} : { cnonce: this.#random.token(24) },
    }
    const secret = ha1(hash, account.username, challenge.realm, account.password)
    return formatCredentials({
      ...shared,
      realm: challenge.realm,
      username: challenge.userhash ? userHash(hash, account.username, challenge.realm) : account.username,
      userhash: challenge.userhash,
      response: digestResponse({ ...shared, ha1: secret, method: request.method, body: request.body }),
      ...challenge.opaque === undefined ? {} : { opaque: challenge.opaque },
    })
  }
}

const carried = (request: SipRequest, header: 'Authorization' | 'Proxy-Authorization', before: Answered): boolean =>
  headerValues(request, header).some(value => value.includes(before.challenge.nonce))

interface Offer {
  readonly challenge: Challenge
  readonly header: 'Authorization' | 'Proxy-Authorization'
}

/** The strongest challenge of each realm. */
const strongest = (response: SipResponse, name: 'WWW-Authenticate' | 'Proxy-Authenticate', header: Offer['header']): readonly Offer[] => {
  const best = new Map<string, Challenge>()
  for (const challenge of headerValues(response, name).flatMap(parseChallenges)) {
    const other = best.get(challenge.realm)
    if (other === undefined || strength(challenge) < strength(other)) best.set(challenge.realm, challenge)
  }
  return [...best.values()].map(challenge => ({ challenge, header }))
}

const strength = (challenge: Challenge): number => DIGEST_HASHES.indexOf(hashOf(challenge.algorithm))
