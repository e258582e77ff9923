import { pcma, pcmu } from '../codec/g711.js'
import type { Tone } from '../codec/tones.js'
import { deferred } from '../core/scope.js'
import { ackFor, cancelFor, request as makeRequest, response as makeResponse, type BodyInit, type HeaderInit } from '../sip/message/build.js'
import { callId, contacts, cseq, from, recordRoutes, to } from '../sip/message/headers.js'
import type { SipRequest, SipResponse } from '../sip/message/message.js'
import { parseUri } from '../sip/message/uri.js'
import { describe, readAudio, type PeerCodec, type PeerDirection, type RemoteAudio } from './peer-sdp.js'
import type { PeerAddress } from './peer-socket.js'
import type { PeerWire } from './peer-wire.js'
import { RtpEndpoint } from './rtp-endpoint.js'

/** How a call of a scripted peer sounds. */
export interface PeerSound {
  /** What it says; silence when absent. */
  readonly tone?: Tone
  /** In order of preference. @default ['PCMU'] */
  readonly codecs?: readonly PeerCodec[]
}

/** How an attempt of a scripted peer to call ended. */
export type PeerOutcome =
  | { readonly type: 'answered'; readonly response: SipResponse }
  | { readonly type: 'rejected'; readonly status: number; readonly response: SipResponse }

/** Both ends of a dialog as this peer writes them. */
interface DialogEnds {
  readonly callId: string
  /** From of our requests, with our tag. */
  readonly local: string
  /** To of our requests, with the peer's tag once it has one. */
  remote: string
  /** Request-URI of our requests. */
  target: string
  routes: readonly string[]
  nextHop: PeerAddress
  sequence: number
}

/** A call of a scripted peer: its dialog, its RTP, and what the other side did to it. */
export class PeerCall implements AsyncDisposable {
  /** Statuses of the provisional responses, as they came. */
  readonly progress: number[] = []
  /** Session descriptions of the other side, as they came: answer, then offers of re-INVITEs and UPDATEs. */
  readonly descriptions: RemoteAudio[] = []
  /** Requests within the dialog, ACK left out. */
  readonly requests: SipRequest[] = []
  /** Final responses from 300 are an outcome; only silence of the other side rejects. */
  readonly outcome: Promise<PeerOutcome>
  /** Resolves with who said BYE, or cancelled. */
  readonly ended: Promise<'local' | 'remote'>
  readonly #outcome = deferred<PeerOutcome>()
  readonly #ended = deferred<'local' | 'remote'>()
  #ack: SipRequest | undefined
  #finalSent: 'accepted' | 'refused' | undefined
  #over = false
  #version = 1
  #direction: PeerDirection = 'sendrecv'

  private constructor(
    readonly origin: 'in' | 'out',
    readonly rtp: RtpEndpoint,
    /** INVITE as received or first sent. */
    public invite: SipRequest,
    readonly wire: PeerWire,
    readonly contact: string,
    readonly codecs: readonly PeerCodec[],
    readonly dialog: DialogEnds,
  ) {
    this.outcome = this.#outcome.promise
    this.ended = this.#ended.promise
  }

  /** A call that this peer is about to make; `ScriptedPeer.dial` does. */
  static async outgoing(
    wire: PeerWire, contact: string, uri: string, nextHop: PeerAddress,
    options: PeerSound & { readonly from: string; readonly to?: string; readonly headers?: HeaderInit; readonly offer?: boolean },
  ): Promise<PeerCall> {
    const { random } = wire.options
    const codecs = options.codecs ?? ['PCMU']
    const rtp = await RtpEndpoint.open(soundOf(wire, options))
    const dialog: DialogEnds = {
      callId: random.token(20), local: `<${options.from}>;tag=${random.token(8)}`, remote: `<${options.to ?? uri}>`, target: uri, routes: [], nextHop, sequence: 1,
    }
    const invite = makeRequest({
      method: 'INVITE', uri, from: dialog.local, to: dialog.remote, callId: dialog.callId, cseq: 1, contact: `<${contact}>`,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      ...(options.offer === false ? {} : { body: sdpBody(wire, rtp, codecs, 'sendrecv', 1) }),
    })
    return new PeerCall('out', rtp, wire.stamped(invite), wire, contact, codecs, dialog)
  }

  /** A call that has come in; `ScriptedPeer.nextCall` hands it out. */
  static async incoming(wire: PeerWire, contact: string, invite: SipRequest, source: PeerAddress, sound: PeerSound): Promise<PeerCall> {
    const rtp = await RtpEndpoint.open(soundOf(wire, sound))
    const dialog: DialogEnds = {
      callId: callId(invite), local: `<${to(invite).uri}>;tag=${wire.options.random.token(8)}`, remote: `<${from(invite).uri}>;tag=${from(invite).tag}`,
      target: contacts(invite)[0]?.uri ?? from(invite).uri, routes: recordRoutes(invite).map(route => `<${route.uri}>`), nextHop: source, sequence: 0,
    }
    const call = new PeerCall('in', rtp, invite, wire, contact, sound.codecs ?? ['PCMU'], dialog)
    call.#listen(invite, false)
    return call
  }

  /** True once it is ended, refused or cancelled. */
  get over(): boolean {
    return this.#over
  }

  get answered(): boolean {
    return this.#ack !== undefined || this.#finalSent === 'accepted'
  }

  /** Sends the INVITE, or sends it again with the headers given (an answered challenge). */
  async ring(headers: HeaderInit = {}): Promise<SipResponse> {
    if (Object.keys(headers).length > 0) {
      const { target: uri, local: from, remote: to, callId } = this.dialog
      const body = this.invite.body.length === 0 ? {} : { body: { type: 'application/sdp', content: this.invite.body } }
      this.invite = this.wire.stamped(makeRequest({
        method: 'INVITE', uri, from, to, callId, cseq: ++this.dialog.sequence, contact: `<${this.contact}>`, headers, ...body,
      }))
    }
    const final = await this.wire.transact(this.invite, this.dialog.nextHop, response => {
      this.progress.push(response.status)
      this.#listen(response, true)
    })
    if (final.status >= 300) this.wire.send(ackFor(this.invite, final), this.dialog.nextHop)
    else this.#confirm(final)
    return final
  }

  /** Makes the final response the outcome. */
  settle(response: SipResponse): void {
    this.#outcome.resolve(response.status < 300 ? { type: 'answered', response } : { type: 'rejected', status: response.status, response })
    if (response.status >= 300) this.#finish('remote')
  }

  /** Makes the silence of the other side the outcome. */
  fail(error: unknown): void {
    this.#outcome.reject(error)
    this.#finish('local')
  }

  /** CANCEL of an INVITE that has no final response yet. */
  async cancel(): Promise<SipResponse> {
    return this.wire.transact(cancelFor(this.invite), this.dialog.nextHop)
  }

  /** 180, or 183 with early media. */
  progressWith(status: 180 | 183): void {
    this.#respond(status, status === 183)
  }

  /** 200 to an incoming call. */
  answer(headers: HeaderInit = {}): void {
    this.#finalSent = 'accepted'
    this.#respond(200, true, headers)
    this.#outcome.resolve({ type: 'answered', response: makeResponse(this.invite, 200) })
  }

  /** Final response from 300 to an incoming call. */
  reject(status: number): void {
    this.#finalSent = 'refused'
    this.#respond(status, false)
    this.#finish('local')
  }

  /** Presses keys, one after the other, as RFC 4733 events. */
  async press(keys: string, duration = 100, gap = 80): Promise<void> {
    await Promise.race([this.rtp.press(keys, duration, gap), this.ended])
  }

  /** Any request within the dialog. */
  async request(method: string, options: { readonly headers?: HeaderInit; readonly body?: BodyInit } = {}): Promise<SipResponse> {
    return this.wire.transact(this.#inDialog(method, ++this.dialog.sequence, options), this.dialog.nextHop)
  }

  /** Re-INVITE with a direction: `sendonly` puts the other side on hold. */
  async reinvite(direction: PeerDirection): Promise<SipResponse> {
    this.#direction = direction
    this.#version++
    const invite = this.#inDialog('INVITE', ++this.dialog.sequence, { headers: { Contact: `<${this.contact}>` }, body: sdpBody(this.wire, this.rtp, this.codecs, direction, this.#version) })
    const final = await this.wire.transact(invite, this.dialog.nextHop)
    if (final.status >= 300) this.wire.send(ackFor(invite, final), this.dialog.nextHop)
    else {
      this.#ack = this.#inDialog('ACK', cseq(final).number)
      this.wire.send(this.#ack, this.dialog.nextHop)
      this.#listen(final, false)
    }
    return final
  }

  async bye(): Promise<SipResponse> {
    this.rtp.sendTo(undefined)
    const final = await this.request('BYE')
    this.#finish('local')
    return final
  }

  /** ACK again for a 2xx that came again. */
  acknowledge(): void {
    if (this.#ack !== undefined) this.wire.send(this.#ack, this.dialog.nextHop)
  }

  /** Takes a request of the other side within this dialog, or a CANCEL. */
  take(request: SipRequest): void {
    if (request.method === 'ACK') {
      if (request.body.length > 0) this.#listen(request, false)
      return
    }
    this.requests.push(request)
    switch (request.method) {
      case 'BYE':
        this.wire.respond(makeResponse(request, 200))
        this.#finish('remote')
        break
      case 'CANCEL':
        this.wire.respond(makeResponse(request, 200))
        if (this.#finalSent === undefined) this.reject(487)
        break
      case 'INVITE':
      case 'UPDATE':
        this.#answerOffer(request)
        break
      default:
        this.wire.respond(makeResponse(request, 200))
    }
  }

  /** Hangs up if it must, and frees the RTP port. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.answered && !this.#over) await this.bye().catch(() => undefined)
    await this.rtp.close()
  }

  #finish(by: 'local' | 'remote'): void {
    this.#over = true
    this.rtp.sendTo(undefined)
    this.#ended.resolve(by)
  }

  #inDialog(method: string, sequence: number, options: { readonly headers?: HeaderInit; readonly body?: BodyInit } = {}): SipRequest {
    const { callId, local, remote, target, routes } = this.dialog
    return this.wire.stamped(makeRequest({ method, uri: target, from: local, to: remote, callId, cseq: sequence, route: routes, ...options }))
  }

  #respond(status: number, withSdp: boolean, headers: HeaderInit = {}): void {
    const tag = /;tag=(.*)$/.exec(this.dialog.local)![1]!
    const body = withSdp ? { body: sdpBody(this.wire, this.rtp, this.codecs, this.#direction, this.#version) } : {}
    this.wire.respond(makeResponse(this.invite, status, { toTag: tag, headers, ...(status < 300 ? { contact: `<${this.contact}>` } : {}), ...body }))
  }

  /** A 2xx to our INVITE: the dialog is known now, and the ACK answers an offer in it. */
  #confirm(final: SipResponse): void {
    const { dialog } = this
    dialog.remote = `<${to(final).uri}>;tag=${to(final).tag}`
    dialog.target = contacts(final)[0]?.uri ?? dialog.target
    dialog.routes = recordRoutes(final).map(route => `<${route.uri}>`).reverse()
    dialog.nextHop = hopOf(dialog.routes[0]?.slice(1, -1) ?? dialog.target) ?? dialog.nextHop
    const body = this.invite.body.length > 0 ? {} : { body: sdpBody(this.wire, this.rtp, this.codecs, 'sendrecv', 1) }
    this.#ack = this.#inDialog('ACK', cseq(final).number, body)
    this.wire.send(this.#ack, dialog.nextHop)
    this.#listen(final, false)
  }

  #answerOffer(request: SipRequest): void {
    this.#version++
    this.#listen(request, false)
    const offered = this.descriptions.at(-1)?.direction ?? 'sendrecv'
    const reply = ({ sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' } as const)[offered]
    this.#direction = request.body.length === 0 ? 'sendrecv' : reply
    this.wire.respond(makeResponse(request, 200, { contact: `<${this.contact}>`, body: sdpBody(this.wire, this.rtp, this.codecs, this.#direction, this.#version) }))
  }

  /** Sends RTP to where the description in `message` says, or stops where it says that nobody listens. */
  #listen(message: SipRequest | SipResponse, early: boolean): void {
    if (message.body.length === 0) return
    const audio = readAudio(Buffer.from(message.body).toString())
    if (audio === undefined) return
    if (!early || this.descriptions.length === 0) this.descriptions.push(audio)
    const deaf = audio.direction === 'sendonly' || audio.direction === 'inactive' || audio.address === '0.0.0.0'
    this.rtp.sendTo(deaf ? undefined : audio)
  }
}

const soundOf = (wire: PeerWire, sound: PeerSound): { clock: PeerWire['options']['clock']; random: PeerWire['options']['random']; address: string; codec: typeof pcmu; tone?: Tone } => ({
  clock: wire.options.clock, random: wire.options.random, address: wire.options.address,
  codec: sound.codecs?.[0] === 'PCMA' ? pcma : pcmu,
  ...(sound.tone === undefined ? {} : { tone: sound.tone }),
})

const sdpBody = (wire: PeerWire, rtp: RtpEndpoint, codecs: readonly PeerCodec[], direction: PeerDirection, version: number): BodyInit =>
  ({ type: 'application/sdp', content: describe({ address: wire.options.address, port: rtp.port, codecs, direction, version }) })

/** Transport address of a SIP URI with an IP address for a host. */
const hopOf = (uri: string): PeerAddress | undefined => {
  const parsed = parseUri(uri)
  return parsed?.type === 'sip' && /^[\d.]+$/.test(parsed.host) ? { address: parsed.host, port: parsed.port ?? 5060 } : undefined
}
