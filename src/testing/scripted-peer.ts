import { Ring } from '../core/ring.js'
import type { Clock } from '../core/clock.js'
import { secureRandom, type Random } from '../core/random.js'
import { realClock } from '../core/real-clock.js'
import { request as makeRequest, response as makeResponse, type BodyInit, type HeaderInit } from '../sip/message/build.js'
import { callId, headerValues, to } from '../sip/message/headers.js'
import type { SipMessage, SipRequest, SipResponse } from '../sip/message/message.js'
import { digestAnswer } from './digest-answer.js'
import { PeerCall, type PeerSound } from './peer-call.js'
import type { PeerAddress, PeerTransport } from './peer-socket.js'
import { PeerWire } from './peer-wire.js'

/** Options of `createScriptedPeer`. */
export interface ScriptedPeerOptions extends PeerSound {
  /** Where its requests go. @default '127.0.0.1:5060' */
  readonly server?: string
  /** @default 'udp' */
  readonly transport?: PeerTransport
  /** Address to bind; the port is the system's choice. @default '127.0.0.1' */
  readonly address?: string
  /** User part of its address and username of its digests. @default 'peer' */
  readonly user?: string
  /** Answers digest challenges with it; a peer without one takes 401 and 407 as they are. */
  readonly password?: string
  /** Milliseconds to wait for a final response. @default 10000 */
  readonly patience?: number
  readonly clock?: Clock
  readonly random?: Random
}

/** How a scripted peer calls. */
export interface PeerDialOptions extends PeerSound {
  readonly headers?: HeaderInit
  /** False sends an INVITE without session description; the ACK then carries the answer. @default true */
  readonly offer?: boolean
}

/** What a peer does with calls by itself. */
export interface AnswerPolicy extends PeerSound {
  /** Milliseconds of 180 before the final response. @default 0 */
  readonly ringFor?: number
  /** Final response: 200, or from 300. @default 200 */
  readonly status?: number
}

const BACKLOG = 64

/**
 * A SIP telephone for tests. It speaks through its own sockets and knows no more of SIP than a script needs: requests,
 * responses, digests, one audio stream with a tone and keys.
 *
 * @example
 * await using peer = await createScriptedPeer({ server: '127.0.0.1:5060', user: '1001', password: 'secret' })
 * await peer.register()
 * const call = await peer.call('sip:600@127.0.0.1:5060', { tone: { frequencies: [1004] } })
 * await call.press('1')
 * await call.bye()
 */
export class ScriptedPeer implements AsyncDisposable {
  #closing: Promise<void> | undefined
  readonly #calls = new Map<string, PeerCall>()
  readonly #backlog = new Ring<PeerCall>(BACKLOG)
  readonly #waiting: ((call: PeerCall) => void)[] = []
  readonly #registration: { readonly callId: string; sequence: number }
  #policy: AnswerPolicy | undefined
  /** Requests are taken one after the other: a CANCEL must not overtake the INVITE whose RTP port is still being opened. */
  #turn: Promise<void> = Promise.resolve()

  /** @internal Use `createScriptedPeer`. */
  constructor(readonly wire: PeerWire, readonly server: PeerAddress, readonly options: ScriptedPeerOptions) {
    this.#registration = { callId: wire.options.random.token(20), sequence: 0 }
    wire.onRequest = (request, source) => { this.#turn = this.#turn.then(() => this.#take(request, source)) }
    wire.onStray = response => this.#calls.get(callId(response))?.acknowledge()
  }

  get port(): number {
    return this.wire.port
  }

  /** Its address of record: user at the server. */
  get uri(): string {
    return `sip:${this.#user}@${this.server.address}:${this.server.port}`
  }

  /** Where it can be reached itself. */
  get contact(): string {
    const transport = this.wire.options.transport === 'udp' ? '' : `;transport=${this.wire.options.transport}`
    return `sip:${this.#user}@${this.wire.options.address}:${this.port}${transport}`
  }

  /** Everything received, in order. */
  get received(): readonly SipMessage[] {
    return this.wire.inbox.all.map(({ message }) => message)
  }

  /** Sends a message as it is, to the server unless told otherwise. */
  send(message: SipMessage, to: PeerAddress = this.server): void {
    this.wire.send(message, to)
  }

  /** The next request of a method that nobody has asked for yet. @throws Error after `within` ms. */
  nextRequest(method: string, within = 5_000): Promise<SipRequest> {
    return this.wire.inbox.next((message): message is SipRequest => message.type === 'request' && message.method === method, within)
  }

  /** The next response of a status that nobody has asked for yet. @throws Error after `within` ms. */
  nextResponse(status: number, within = 5_000): Promise<SipResponse> {
    return this.wire.inbox.next((message): message is SipResponse => message.type === 'response' && message.status === status, within)
  }

  /** A request outside any dialog; resolves with its final response, a challenge answered when there is a password. */
  async request(
    method: string, uri: string,
    options: { readonly headers?: HeaderInit; readonly body?: BodyInit; readonly to?: string; readonly callId?: string; readonly sequence?: number } = {},
  ): Promise<SipResponse> {
    const { random } = this.wire.options
    const sequence = options.sequence ?? 1
    const make = (cseq: number, headers: HeaderInit): SipRequest => this.wire.stamped(makeRequest({
      method, uri, cseq, from: `<${this.uri}>;tag=${random.token(8)}`, to: `<${options.to ?? uri}>`, callId: options.callId ?? random.token(20),
      headers: { ...options.headers, ...headers }, ...(options.body === undefined ? {} : { body: options.body }),
    }))
    const response = await this.wire.transact(make(sequence, {}), this.server)
    const credentials = this.#credentials(response, method, uri)
    return credentials === undefined ? response : this.wire.transact(make(sequence + 1, credentials), this.server)
  }

  /** REGISTER for `seconds`; 0 takes the binding away. */
  async register(seconds = 300): Promise<SipResponse> {
    // Two numbers a time: the second is for the request that answers a challenge (RFC 3261 §10.2: one Call-ID, growing CSeq).
    this.#registration.sequence += 2
    return this.request('REGISTER', `sip:${this.server.address}:${this.server.port}`, {
      to: this.uri, callId: this.#registration.callId, sequence: this.#registration.sequence,
      headers: { Contact: `<${this.contact}>`, Expires: String(seconds) },
    })
  }

  /** Sends INVITE and returns at once; `outcome` of the call tells how it went. */
  async dial(uri: string, options: PeerDialOptions = {}): Promise<PeerCall> {
    const call = await PeerCall.outgoing(this.wire, this.contact, uri, this.server, { ...this.#sound, ...options, from: this.uri })
    this.#calls.set(call.dialog.callId, call)
    void this.#invite(call, uri, options)
    return call
  }

  /** Calls and waits for the answer. @throws Error when the call is refused. */
  async call(uri: string, options: PeerDialOptions = {}): Promise<PeerCall> {
    const call = await this.dial(uri, options)
    const outcome = await call.outcome
    if (outcome.type === 'answered') return call
    await call[Symbol.asyncDispose]()
    throw new Error(`${uri} answered ${outcome.status} ${outcome.response.reason}`)
  }

  /** From now on calls are answered, or refused, like this; undefined leaves them to `nextCall` again. */
  answerCalls(policy: AnswerPolicy | undefined = {}): void {
    this.#policy = policy
  }

  /** The next call that comes in. @throws Error after `within` ms. */
  async nextCall(within = 5_000): Promise<PeerCall> {
    const ready = this.#backlog.shift()
    if (ready !== undefined) return ready
    return new Promise((resolve, reject) => {
      const found = (call: PeerCall): void => { timer.cancel(); resolve(call) }
      this.#waiting.push(found)
      const timer = this.wire.options.clock.after(within, () => {
        this.#waiting.splice(this.#waiting.indexOf(found), 1)
        reject(new Error(`no call within ${within} ms`))
      })
    })
  }

  /** Hangs up what is still up and closes the sockets; a second time is the first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#calls.values()].map(call => call[Symbol.asyncDispose]()))
    await this.wire[Symbol.asyncDispose]()
  }

  get #user(): string {
    return this.options.user ?? 'peer'
  }

  get #sound(): PeerSound {
    const { tone, codecs } = this.options
    return { ...(tone === undefined ? {} : { tone }), ...(codecs === undefined ? {} : { codecs }) }
  }

  async #invite(call: PeerCall, uri: string, options: PeerDialOptions): Promise<void> {
    try {
      let final = await call.ring()
      const credentials = this.#credentials(final, 'INVITE', uri)
      if (credentials !== undefined) final = await call.ring({ ...options.headers, ...credentials })
      call.settle(final)
    } catch (error) {
      call.fail(error)
    }
  }

  /** Headers that answer the challenge in `response`; undefined when it is none or there is no password. */
  #credentials(response: SipResponse, method: string, uri: string): HeaderInit | undefined {
    const { password } = this.options
    if (password === undefined || (response.status !== 401 && response.status !== 407)) return undefined
    const [asked, answer] = response.status === 401 ? ['WWW-Authenticate', 'Authorization'] as const : ['Proxy-Authenticate', 'Proxy-Authorization'] as const
    const challenge = headerValues(response, asked)[0]
    if (challenge === undefined) return undefined
    return { [answer]: digestAnswer({ challenge, method, uri, username: this.#user, password, cnonce: this.wire.options.random.token(8) }) }
  }

  async #take(request: SipRequest, source: PeerAddress): Promise<void> {
    const call = this.#calls.get(callId(request))
    if (call !== undefined) return call.take(request)
    if (request.method === 'ACK') return
    if (request.method !== 'INVITE' || to(request).tag !== undefined) {
      return this.wire.respond(makeResponse(request, to(request).tag === undefined ? 200 : 481, { toTag: 'stray' }))
    }
    const incoming = await PeerCall.incoming(this.wire, this.contact, request, source, { ...this.#sound, ...this.#policy })
    this.#calls.set(callId(request), incoming)
    this.#apply(incoming, this.#policy)
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#backlog.push(incoming)
    else waiting(incoming)
  }

  #apply(call: PeerCall, policy: AnswerPolicy | undefined): void {
    if (policy === undefined) return
    const finish = (): void => {
      if (call.over) return
      if ((policy.status ?? 200) < 300) call.answer()
      else call.reject(policy.status!)
    }
    if ((policy.ringFor ?? 0) === 0) return finish()
    call.progressWith(180)
    this.wire.options.clock.after(policy.ringFor!, finish)
  }
}

/** Opens a scripted peer on a port of its own. */
export const createScriptedPeer = async (options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> => {
  const [address = '127.0.0.1', port = '5060'] = (options.server ?? '127.0.0.1:5060').split(':')
  const wire = await PeerWire.open({
    transport: options.transport ?? 'udp', address: options.address ?? '127.0.0.1', patience: options.patience ?? 10_000,
    clock: options.clock ?? realClock, random: options.random ?? secureRandom,
  })
  return new ScriptedPeer(wire, { address, port: Number(port) }, options)
}
