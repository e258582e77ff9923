import type { Clock } from '../../src/core/clock.js'
import { ackFor, request, response } from '../../src/sip/message/build.js'
import type { RequestInit, ResponseInit } from '../../src/sip/message/build.js'
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/message/message.js'
import { writeMessage } from '../../src/sip/message/writer.js'
import type { MemoryNetwork } from '../../src/sip/transport/memory-network.js'
import type { Flow, Transport, TransportEvents } from '../../src/sip/transport/transport.js'

/** What a raw peer received, and when. */
export interface Arrival {
  readonly at: number
  readonly message: SipMessage
}

/** A SIP element without any behaviour: sends what the test says, keeps what arrives. */
export class RawPeer implements TransportEvents {
  readonly tracing = false
  readonly arrivals: Arrival[] = []
  transport!: Transport
  /** Called for each message as it arrives. */
  onMessage: (message: SipMessage, flow: Flow) => void = () => undefined
  #branches = 0

  private constructor(readonly clock: Clock, readonly to: { readonly address: string; readonly port: number }) {}

  static async open(network: MemoryNetwork, clock: Clock, address: string, to: string, transport: 'udp' | 'tcp' = 'udp'): Promise<RawPeer> {
    const peer = new RawPeer(clock, { address: to, port: 5060 })
    peer.transport = await network.factory(transport, address, 5060)(peer)
    return peer
  }

  get flow(): Flow {
    return this.transport.flowTo({ transport: this.transport.name, ...this.to })
  }

  send(message: SipMessage): void {
    this.flow.send(writeMessage(message))
  }

  /** A request with Via, From, To, Call-ID and CSeq of its own making, changed by `init`. */
  request(method: string, init: Partial<RequestInit> = {}): SipRequest {
    const { address, port } = this.transport.bound
    return request({
      method, uri: `sip:agent@${this.to.address}`,
      via: `SIP/2.0/${this.transport.name.toUpperCase()} ${address}:${port};branch=z9hG4bKraw${++this.#branches}`,
      from: '<sip:raw@raw.example>;tag=rawtag', to: `<sip:agent@${this.to.address}>`, callId: 'raw-call', cseq: 1,
      contact: `<sip:raw@${address}:${port}>`, ...init,
    })
  }

  /** Sends a response to a request that arrived. */
  respond(to: SipRequest, status: number, init: ResponseInit = {}): void {
    this.send(response(to, status, { toTag: 'rawto', contact: `<sip:raw@${this.transport.bound.address}:${this.transport.bound.port}>`, ...init }))
  }

  ackFailure(invite: SipRequest, final: SipResponse): void {
    this.send(ackFor(invite, final))
  }

  get requests(): readonly SipRequest[] {
    return this.arrivals.flatMap(({ message }) => (message.type === 'request' ? [message] : []))
  }

  get responses(): readonly SipResponse[] {
    return this.arrivals.flatMap(({ message }) => (message.type === 'response' ? [message] : []))
  }

  get statuses(): readonly number[] {
    return this.responses.map(({ status }) => status)
  }

  /** Times of arrival since the first, in ms. */
  get times(): readonly number[] {
    return this.arrivals.map(({ at }) => at - (this.arrivals[0]?.at ?? 0))
  }

  // ---- TransportEvents

  message(message: SipMessage, flow: Flow): void {
    this.arrivals.push({ at: this.clock.now(), message })
    this.onMessage(message, flow)
  }

  bad(): void {
    // A raw peer judges nothing.
  }

  dropped(): void {
    // Nor does it count.
  }

  flowClosed(): void {
    // Nor wait.
  }

  trace(): void {
    // Nor tell.
  }
}
