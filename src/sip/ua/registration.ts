import { EventEmitter } from 'node:events'
import type { Timer } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import { DigestClient } from '../auth/digest-client.js'
import { isSecure } from '../dialog/dialog.js'
import { contactExpires, contacts, minExpires, retryAfter } from '../message/headers.js'
import type { SipResponse } from '../message/message.js'
import { formatHostPort, parseUri } from '../message/uri.js'
import type { Flow } from '../transport/transport.js'
import { bareUri, newConversation, sendRequest } from './client-request.js'
import type { Continuation } from './client-request.js'
import { UserAgentCore } from './core.js'
import type { Credentials, RequestOutcome, UserAgent } from './user-agent.js'

/** Who registers where. */
export interface RegistrationOptions {
  /** URI of the registrar: `sip:pbx.example`. */
  readonly registrar: string
  /** Address of record to register: `sip:ann@pbx.example`. */
  readonly aor: string
  readonly credentials?: Credentials
  /** Seconds asked for. @default 3600 */
  readonly expires?: number
  /** Outbound proxies, in order. */
  readonly route?: readonly string[]
}

/** How a registration fares. */
export type RegistrationState =
  | { readonly type: 'registered'; /** Seconds granted. */ readonly expires: number }
  /** The registrar refused, was silent or unreachable: tried again by itself. */
  | { readonly type: 'failed'; readonly status: number | undefined; /** Milliseconds until the next try. */ readonly retryIn: number }
  | { readonly type: 'ended' }

/** A binding of ours at a registrar, refreshed until `close` (RFC 3261 §10.2). */
export interface Registration extends EventEmitter<{ state: [state: RegistrationState] }>, AsyncDisposable {
  readonly state: RegistrationState | undefined
  /** Removes the binding. */
  close(): Promise<void>
}

/** Shortest and longest wait after a failure, in ms (as RFC 5626 §4.5 doubles it). */
const RETRY_MS = { first: 30_000, longest: 1_800_000 } as const

/**
 * Registers an address of record and keeps it registered.
 *
 * @param userAgent of `createUserAgent`, or the one that `server.use` gives to the `attach` of an extension.
 * @throws CordboardError `SERVER_BAD_OPTION` for any other.
 * @example
 * await using registration = register(userAgent, { registrar: 'sip:pbx.example', aor: 'sip:ann@pbx.example', credentials })
 */
export const register = (userAgent: UserAgent, options: RegistrationOptions): Registration => {
  if (!(userAgent instanceof UserAgentCore)) throw new CordboardError('SERVER_BAD_OPTION', 'a registration needs a user agent of createUserAgent')
  return new KeptRegistration(userAgent, options)
}

class KeptRegistration extends EventEmitter<{ state: [state: RegistrationState] }> implements Registration {
  state: RegistrationState | undefined
  readonly #continuation: Continuation
  readonly #user: string
  #expires: number
  #failures = 0
  #timer: Timer | undefined
  #closing: Promise<void> | undefined
  /** URI of our Contact, by which our binding is found among those listed. */
  #contact = ''
  /** The connection that the registrar reaches us by, and how it is let go. */
  #flow: Flow | undefined
  #release: (() => void) | undefined

  constructor(readonly core: UserAgentCore, readonly options: RegistrationOptions) {
    super()
    this.#expires = options.expires ?? 3_600
    const uri = parseUri(options.aor)
    this.#user = uri?.type === 'sip' && uri.user !== undefined ? `${uri.user}@` : ''
    this.#continuation = {
      conversation: newConversation(core),
      digest: options.credentials === undefined ? undefined : new DigestClient(options.credentials, core.random),
      contact: flow => this.#contactOn(flow),
    }
    void this.#refresh()
  }

  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(): Promise<void> {
    this.#timer?.cancel()
    this.#letGo()
    if (this.state?.type === 'registered') await this.#send(0)
    this.#become({ type: 'ended' })
  }

  async #refresh(): Promise<void> {
    const outcome = await this.#send(this.#expires)
    if (this.#closing !== undefined) return
    if (outcome.type !== 'response') return this.#failed(undefined, undefined)
    const { response } = outcome
    const least = minExpires(response)
    // RFC 3261 §10.2.8: once more with what the registrar asks for.
    if (response.status === 423 && least !== undefined && least > this.#expires) {
      this.#expires = least
      return this.#refresh()
    }
    if (response.status >= 300) return this.#failed(response.status, retryAfter(response))
    this.#registered(response)
  }

  #registered(response: SipResponse): void {
    this.#failures = 0
    const own = contacts(response).find(({ uri }) => uri === this.#contact)
    const granted = (own === undefined ? undefined : contactExpires(response, own)) ?? this.#expires
    // Before it ends by the larger of 32 s and a tenth, at half of a short one.
    this.#later(Math.max(granted / 2, granted - Math.max(32, granted / 10)) * 1_000)
    this.#hold()
    this.#become({ type: 'registered', expires: granted })
  }

  /** RFC 5626 §4.4: whoever calls us comes by this connection, or through the NAT's binding, so it is kept open, and a new one is registered when it ends. */
  #hold(): void {
    const before = this.#release
    this.#release = this.#flow?.hold?.(() => {
      this.#release = undefined
      this.#failed(undefined, undefined)
    })
    before?.()
  }

  #letGo(): void {
    this.#release?.()
    this.#release = undefined
  }

  #failed(status: number | undefined, seconds: number | undefined): void {
    const wait = seconds === undefined ? Math.min(RETRY_MS.first * 2 ** this.#failures, RETRY_MS.longest) : seconds * 1_000
    this.#failures++
    // Between half and the whole of it, so that many clients of one registrar do not come back together.
    const retryIn = Math.round(wait * (0.5 + this.core.random.float() / 2))
    this.#later(retryIn)
    this.#become({ type: 'failed', status, retryIn })
  }

  #later(ms: number): void {
    this.#timer?.cancel()
    this.#timer = this.core.clock.after(ms, () => void this.#refresh())
  }

  #become(state: RegistrationState): void {
    this.state = state
    this.emit('state', state)
  }

  #send(expires: number): Promise<RequestOutcome> {
    const { registrar, aor, route } = this.options
    return sendRequest(this.core, 'REGISTER', registrar, {
      from: aor, to: aor, headers: { Expires: String(expires) }, ...(route === undefined ? {} : { route }),
    }, this.#continuation)
  }

  #contactOn(flow: Flow): string {
    this.#flow = flow
    const { host, port } = flow.local
    const secure = isSecure(this.options.aor)
    const transport = flow.transport === 'udp' || (secure && flow.transport === 'tls') ? '' : `;transport=${flow.transport}`
    this.#contact = bareUri(`<${secure ? 'sips' : 'sip'}:${this.#user}${formatHostPort(host, port)}${transport}>`)
    return `<${this.#contact}>`
  }
}
