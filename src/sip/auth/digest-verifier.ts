import type { Clock } from '../../core/clock.js'
import type { Random } from '../../core/random.js'
import type { HeaderInit } from '../message/build.js'
import { callId, headerValues } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'
import { formatAuthenticationInfo } from './authentication-info.js'
import { formatChallenge, parseCredentials } from './challenge.js'
import type { DigestCredentials } from './challenge.js'
import { digestHex, digestResponse, equalDigests, ha1, hashOf } from './digest.js'
import type { DigestHash, Qop } from './digest.js'
import { Lockout } from './lockout.js'
import type { LockoutOptions } from './lockout.js'
import { Nonces } from './nonce.js'
import type { NonceOptions } from './nonce.js'
import { RecentMap } from './recent-map.js'

/** What a server knows of an account: its password, or `ha1` for each hash that it may be asked for. */
export type Secret = string | { readonly ha1: Partial<Readonly<Record<DigestHash, string>>> }

/** Finds the secret of `user` in `realm`; undefined for a stranger. */
export type SecretLookup = (user: string, realm: string) => Promise<Secret | undefined>

export interface DigestVerifierOptions {
  readonly clock: Clock
  readonly random: Random
  readonly realm: string
  readonly secrets: SecretLookup
  /**
   * One challenge for each, in this order. RFC 8760 §2.3 wants the preferred first; the default does not, since clients that know only MD5
   * (SIPp 3.6 is one) give up at the first challenge that they cannot do, and those that know more look at all.
   * @default ['MD5', 'SHA-256']
   */
  readonly hashes?: readonly DigestHash[]
  /** @default ['auth'] */
  readonly qop?: readonly Qop[]
  /** 407 and Proxy-Authenticate instead of 401 and WWW-Authenticate. @default false */
  readonly proxy?: boolean
  /** Wrong passwords in one Call-ID that are answered with a new challenge before 403. @default 1 */
  readonly tries?: number
  readonly nonces?: Omit<NonceOptions, 'clock' | 'random'>
  readonly lockout?: Omit<LockoutOptions, 'clock'>
}

export type Verdict =
  /** `headers` go with the 2xx: Authentication-Info (RFC 7616 §3.5), which shows that we know the password; a proxy has none (RFC 3261 §22.3). */
  | { readonly type: 'ok'; readonly user: string; readonly realm: string; readonly headers: HeaderInit }
  /** Answer with `status` (401 or 407) and `headers`. */
  | { readonly type: 'challenge'; readonly status: 401 | 407; readonly stale: boolean; readonly headers: HeaderInit }
  /** Answer with 403; `retryAfter` in seconds when source or account is locked. */
  | { readonly type: 'forbidden'; readonly status: 403; readonly retryAfter?: number }

/** Failed attempts remembered, by source, account and Call-ID. */
const ATTEMPTS = 10_000

/**
 * The server's side of digest authentication (RFC 3261 §22, RFC 7616, RFC 8760). Strangers, wrong passwords and locked sources take the
 * same path and time and get the same answers.
 *
 * @example
 * const verdict = await verifier.verify(request, source.address)
 * if (verdict.type === 'challenge') respond(verdict.status, { headers: verdict.headers })
 */
export class DigestVerifier {
  readonly realm: string
  readonly #options: DigestVerifierOptions
  readonly #nonces: Nonces
  readonly #lockout: Lockout
  readonly #attempts = new RecentMap<string, number>(ATTEMPTS)
  /** Stands in for the password of a stranger. */
  readonly #nobody: string

  constructor(options: DigestVerifierOptions) {
    const { clock, random } = options
    this.#options = options
    this.realm = options.realm
    this.#nonces = new Nonces({ ...options.nonces, clock, random })
    this.#lockout = new Lockout({ ...options.lockout, clock })
    this.#nobody = random.token(32)
  }

  /** Status and headers that ask for credentials. */
  challenge(stale = false): Extract<Verdict, { readonly type: 'challenge' }> {
    const { hashes = ['MD5', 'SHA-256'], qop = ['auth'], proxy = false, realm } = this.#options
    const nonce = this.#nonces.issue(realm)
    const values = hashes.map(algorithm => formatChallenge({ realm, nonce, algorithm, qop, stale, userhash: false }))
    return { type: 'challenge', status: proxy ? 407 : 401, stale, headers: { [proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate']: values } }
  }

  /**
   * Judges the credentials of `request`.
   * @param source address that it came from, for the lock-out
   */
  async verify(request: SipRequest, source: string): Promise<Verdict> {
    const credentials = this.#credentialsOf(request)
    if (credentials === undefined) return this.challenge()
    const nonce = this.#nonces.check(credentials.nonce, this.realm)
    const account = credentials.username
    const locked = this.#lockout.remaining(source, account)
    const secret = await this.#ha1Of(credentials)
    // Compared whether the account is known or not: strangers take the same time.
    const right = equalDigests(digestResponse({ ...credentials, ha1: secret.ha1, method: request.method, body: request.body }), credentials.response) && secret.known
    // A made-up nonce proves nothing: whoever copied a response from elsewhere has no password.
    if (nonce === 'forged') return this.challenge()
    if (!right || locked > 0) return this.#refuse(request, source, account, locked)
    if (nonce === 'stale' || this.#nonces.use(credentials.nonce, credentials.nc === undefined ? 1 : Number.parseInt(credentials.nc, 16)) !== 'fresh') return this.challenge(true)
    this.#lockout.succeeded(source, account)
    this.#attempts.delete(attempt(request, source, account))
    return { type: 'ok', user: account, realm: this.realm, headers: this.#information(credentials, secret.ha1) }
  }

  /** Credentials for our realm and an algorithm and qop that we offered. */
  #credentialsOf(request: SipRequest): DigestCredentials | undefined {
    const { hashes = ['MD5', 'SHA-256'], qop = ['auth'], proxy = false } = this.#options
    for (const value of headerValues(request, proxy ? 'Proxy-Authorization' : 'Authorization')) {
      const read = parseCredentials(value)
      if (read === undefined || read.realm !== this.realm || read.userhash || !hashes.includes(hashOf(read.algorithm))) continue
      // RFC 2069 clients send no qop; with auth-int demanded they cannot be let in.
      if (read.qop === undefined ? qop.includes('auth') : qop.includes(read.qop)) return read
    }
    return undefined
  }

  /** H(user:realm:password); of a stranger something that nobody can have answered to. */
  async #ha1Of({ algorithm, username }: DigestCredentials): Promise<{ readonly known: boolean; readonly ha1: string }> {
    const hash = hashOf(algorithm)
    const secret = await this.#options.secrets(username, this.realm)
    const known = typeof secret === 'string' || secret === undefined ? ha1(hash, username, this.realm, secret ?? this.#nobody) : secret.ha1[hash]
    return { known: secret !== undefined && known !== undefined, ha1: known ?? digestHex(hash, this.#nobody) }
  }

  #information(credentials: DigestCredentials, secret: string): HeaderInit {
    if (this.#options.proxy === true) return {}
    const { qop, nc, cnonce, nonce } = credentials
    // As the request's, without a method; auth-int covers the body of the response, and a 2xx to REGISTER has none.
    const response = digestResponse({ ...credentials, ha1: secret, method: '' })
    const value = formatAuthenticationInfo({
      ...qop === undefined || nc === undefined || cnonce === undefined ? {} : { proof: { qop, nc, cnonce, response } },
      ...this.#nonces.isAging(nonce) ? { nextNonce: this.#nonces.issue(this.realm) } : {},
    })
    return value === undefined ? {} : { 'Authentication-Info': value }
  }

  #refuse(request: SipRequest, source: string, account: string, locked: number): Verdict {
    this.#lockout.failed(source, account)
    const key = attempt(request, source, account)
    const failures = (this.#attempts.get(key) ?? 0) + 1
    if (failures <= (this.#options.tries ?? 1)) {
      this.#attempts.set(key, failures)
      return this.challenge()
    }
    this.#attempts.delete(key)
    return locked > 0 ? { type: 'forbidden', status: 403, retryAfter: Math.ceil(locked / 1000) } : { type: 'forbidden', status: 403 }
  }
}

const attempt = (request: SipRequest, source: string, account: string): string => `${source} ${account} ${callId(request)}`
