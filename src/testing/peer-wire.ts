import type { Clock } from '../core/clock.js'
import type { Random } from '../core/random.js'
import { deferred } from '../core/scope.js'
import { prependHeader } from '../sip/message/build.js'
import { cseq, topVia } from '../sip/message/headers.js'
import type { SipMessage, SipRequest, SipResponse } from '../sip/message/message.js'
import { parseMessage } from '../sip/message/parser.js'
import { writeMessage } from '../sip/message/writer.js'
import { Inbox } from './inbox.js'
import { openPeerSocket, type PeerAddress, type PeerSocket, type PeerTransport } from './peer-socket.js'

/** What a wire needs. */
export interface PeerWireOptions {
  readonly transport: PeerTransport
  readonly address: string
  readonly clock: Clock
  readonly random: Random
  /** Milliseconds to wait for a final response. */
  readonly patience: number
}

interface Outstanding {
  readonly provisional: (response: SipResponse) => void
  readonly final: (response: SipResponse) => void
}

/**
 * Messages of a scripted peer out and in. It matches responses to requests by branch and repeats its response to a repeated request, and
 * that is all it knows of transactions: what it talks to is tested, so nothing of that may be in here.
 */
export class PeerWire implements AsyncDisposable {
  readonly inbox: Inbox
  /** Takes each request once. */
  onRequest: (request: SipRequest, from: PeerAddress) => void = () => undefined
  /** Takes 2xx responses that no request waits for any more: repeated ones. */
  onStray: (response: SipResponse) => void = () => undefined
  readonly #socket: PeerSocket
  readonly #outstanding = new Map<string, Outstanding>()
  /** Last response to each request seen, by branch and method; undefined while there is none. */
  readonly #answered = new Map<string, { bytes: Uint8Array | undefined; readonly from: PeerAddress }>()

  private constructor(readonly options: PeerWireOptions, inbox: Inbox, socket: PeerSocket) {
    this.inbox = inbox
    this.#socket = socket
  }

  static async open(options: PeerWireOptions): Promise<PeerWire> {
    const inbox = new Inbox(options.clock)
    let receive = (_bytes: Buffer, _from: PeerAddress): void => undefined
    const socket = await openPeerSocket(options.transport, options.address, (bytes, from) => receive(bytes, from))
    const wire = new PeerWire(options, inbox, socket)
    receive = (bytes, from) => wire.#receive(bytes, from)
    return wire
  }

  get port(): number {
    return this.#socket.port
  }

  /** `request` with a Via of this wire and a new branch on top. */
  stamped(request: SipRequest): SipRequest {
    const branch = `z9hG4bK${this.options.random.token(16)}`
    return prependHeader(request, 'Via', `SIP/2.0/${this.options.transport.toUpperCase()} ${this.options.address}:${this.port};branch=${branch};rport`)
  }

  /** Sends anything, well-formed or not, once. */
  sendBytes(bytes: Uint8Array, to: PeerAddress): void {
    this.#socket.send(bytes, to)
  }

  send(message: SipMessage, to: PeerAddress): void {
    this.sendBytes(writeMessage(message), to)
  }

  /** Sends a response to where its request came from. */
  respond(response: SipResponse): void {
    const known = this.#answered.get(keyOf(response))
    if (known === undefined) throw new Error(`no request was received for ${response.status}`)
    known.bytes = writeMessage(response)
    this.#socket.send(known.bytes, known.from)
  }

  /**
   * Sends a request that has its Via and resolves with the final response.
   * @throws Error when none comes in time.
   */
  async transact(request: SipRequest, to: PeerAddress, provisional: (response: SipResponse) => void = () => undefined): Promise<SipResponse> {
    const key = keyOf(request)
    const { promise, resolve, reject } = deferred<SipResponse>()
    this.#outstanding.set(key, { provisional, final: resolve })
    this.send(request, to)
    const timer = this.options.clock.after(this.options.patience, () => reject(new Error(`no final response to ${request.method} ${request.uri} within ${this.options.patience} ms`)))
    try {
      return await promise
    } finally {
      timer.cancel()
      this.#outstanding.delete(key)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket.close()
  }

  #receive(bytes: Buffer, from: PeerAddress): void {
    const outcome = parseMessage(bytes)
    if (outcome.type !== 'message') return
    const { message } = outcome
    if (message.type === 'response') return this.#takeResponse(message, from)
    const key = keyOf(message)
    const known = this.#answered.get(key)
    if (known === undefined || message.method === 'ACK') {
      this.#answered.set(key, { bytes: undefined, from })
      this.inbox.push({ message, from })
      this.onRequest(message, from)
    } else if (known.bytes !== undefined) this.#socket.send(known.bytes, from)
  }

  #takeResponse(response: SipResponse, from: PeerAddress): void {
    this.inbox.push({ message: response, from })
    const waiting = this.#outstanding.get(keyOf(response))
    if (waiting === undefined) {
      if (response.status >= 200 && response.status < 300) this.onStray(response)
    } else if (response.status < 200) waiting.provisional(response)
    else waiting.final(response)
  }
}

const keyOf = (message: SipMessage): string => `${topVia(message).branch} ${cseq(message).method}`
