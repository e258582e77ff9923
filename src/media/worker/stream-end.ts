import { type NegotiatedStream } from '../../sdp/negotiated.js'
import { receives, sends } from '../../sdp/direction.js'
import { Counter, type DropReason, DROP_REASONS } from '../shared/worker-share.js'
import type { StreamStatistics } from '../side-stream.js'
import type { WorkerContext } from './context.js'
import { Latch } from './latch.js'
import { bindUdp, type PacketTransport } from './socket.js'
import { Patience } from './work-loop.js'

/** Where an end lives. */
export interface StreamPlace {
  readonly context: WorkerContext
  readonly slot: number
  readonly address: string
  /** The even port of its pair. */
  readonly port: number
}

/** One party's end of a side stream as its worker has it: what comes in goes out of the end that it is connected to. */
export abstract class StreamEnd {
  readonly latch = new Latch()
  protected readonly transport: PacketTransport
  protected applied = false
  protected receives = false
  #sends = false
  readonly #dropped = new Int32Array(DROP_REASONS.length)

  /** @throws the system's error when the port cannot be had. */
  constructor(protected readonly place: StreamPlace) {
    const { context, address, port } = place
    this.transport = bindUdp(address, port, context.outbox, (packet, from, fromPort) => {
      context.share.add(Counter.received, 1)
      context.loop.packet(this.received(packet, from, fromPort, context.now()) ? Patience.bridged : Patience.buffered)
    }, () => this.drop('socket'))
    context.share.add(Counter.streams, 1)
  }

  /** @throws CordboardError `MEDIA_NO_COMMON_CODEC`. */
  apply({ remote, direction }: NegotiatedStream): void {
    this.latch.arm(remote)
    this.receives = receives(direction)
    this.#sends = sends(direction)
    this.applied = true
  }

  /** The agreement lets us send, and it is known where. */
  protected get open(): boolean {
    return this.#sends && this.latch.port !== 0
  }

  /** What comes in goes out of `other` from now on; undefined: nowhere. */
  abstract connect(other: StreamEnd | undefined): void

  /** @returns true when the datagram went on. Never throws. */
  protected abstract received(packet: Buffer, address: string, port: number, now: number): boolean

  abstract statistics(): StreamStatistics

  protected send(packet: Buffer): void {
    this.place.context.share.add(Counter.sent, 1)
    this.transport.send(packet, this.latch.port, this.latch.address)
  }

  protected drop(reason: DropReason): false {
    return this.dropped(DROP_REASONS.indexOf(reason))
  }

  /** @param reason index in `DROP_REASONS`. */
  protected dropped(reason: number): false {
    this.#dropped[reason]!++
    this.place.context.share.drop(reason)
    return false
  }

  protected get drops(): Readonly<Record<string, number>> {
    return Object.fromEntries(DROP_REASONS.flatMap((reason, at) => this.#dropped[at] === 0 ? [] : [[reason, this.#dropped[at]!]]))
  }

  /** @param _bye false when the end goes on in another worker. */
  close(_bye: boolean): void {
    this.transport.close()
    this.place.context.share.add(Counter.streams, -1)
  }
}
