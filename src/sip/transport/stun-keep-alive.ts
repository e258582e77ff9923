import type { Clock } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { formatHostPort } from '../message/uri.js'
import { Holders } from './holders.js'
import type { Lost } from './holders.js'
import { stunBinding, stunRequest } from './stun.js'
import type { Flow, TransportEvents, TransportLimits } from './transport.js'

export interface KeepAliveContext {
  readonly clock: Clock
  readonly random: Random
  readonly limits: TransportLimits
  readonly events: TransportEvents
}

/** First interval between repetitions of a request (RFC 8489 §6.2.1). */
const RTO_MS = 500

interface HeldPeer {
  readonly holders: Holders
  /** Of the request under way. */
  transaction: Buffer
  /** Our address as the peer saw it last. */
  mapped: string | undefined
}

/**
 * Keeps the way through a NAT open to peers that a registration of ours needs (RFC 5626 §4.4.2): binding requests on the SIP port. A peer
 * that stops answering, or sees us at another address than before, has lost us.
 */
export class StunKeepAlive {
  readonly #context: KeepAliveContext
  readonly #peers = new Map<string, HeldPeer>()

  constructor(context: KeepAliveContext) {
    this.#context = context
  }

  /** True while answers may come. */
  get any(): boolean {
    return this.#peers.size > 0
  }

  hold(flow: Flow, lost: Lost | undefined): () => void {
    const key = formatHostPort(flow.address, flow.port)
    let peer = this.#peers.get(key)
    if (peer === undefined) this.#peers.set(key, (peer = this.#peer(key, flow)))
    const { holders } = peer
    const release = holders.add(lost)
    return () => {
      release()
      if (!holders.any && this.#peers.get(key)?.holders === holders) this.#peers.delete(key)
    }
  }

  /** Takes the answer to a request of ours; false for anything else. */
  take(bytes: Buffer, address: string, port: number): boolean {
    const key = formatHostPort(address, port)
    const peer = this.#peers.get(key)
    const binding = peer === undefined ? undefined : stunBinding(bytes)
    if (peer === undefined || binding?.transaction.equals(peer.transaction) !== true) return false
    if (peer.mapped !== undefined && binding.mapped !== peer.mapped) this.#fail(key, 'the NAT has given us another address')
    else {
      peer.mapped = binding.mapped
      peer.holders.heard(true)
    }
    return true
  }

  /** The listener has closed. */
  close(): void {
    for (const key of [...this.#peers.keys()]) this.#fail(key, 'the listener is closed')
  }

  #peer(key: string, flow: Flow): HeldPeer {
    const { clock, random, limits, events } = this.#context
    const peer: HeldPeer = { transaction: Buffer.alloc(0), mapped: undefined, holders: new Holders({
      clock, random, everyMs: limits.datagramPingMs, pongMs: limits.pongMs, mustAnswer: false, resendMs: RTO_MS,
      ping: again => {
        if (!again) peer.transaction = Buffer.from(random.token(12), 'latin1')
        flow.send(stunRequest(peer.transaction))
      },
      dead: () => {
        events.dropped('no-pong')
        this.#fail(key, 'no answer to keep-alives')
      },
    }) }
    return peer
  }

  #fail(key: string, why: string): void {
    const peer = this.#peers.get(key)
    this.#peers.delete(key)
    peer?.holders.end(new CordboardError('SIP_TRANSPORT', why))
  }
}
