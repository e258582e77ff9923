import { isIPv6 } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { formatHostPort } from '../message/uri.js'
import { Holders, lostAlready } from './holders.js'
import type { Lost } from './holders.js'
import { PING, receiveDatagram } from './receive.js'
import { failSoon } from './udp.js'
import { DEFAULT_LIMITS } from './transport.js'
import type { Flow, HostPort, Source, Target, Transport, TransportEvents, TransportFactory } from './transport.js'

/** How badly a `MemoryNetwork` treats datagrams. Connections are delayed only. */
export interface MemoryNetworkOptions {
  readonly clock: Clock
  readonly random: Random
  /** Share of datagrams that vanish, 0-1. @default 0 */
  readonly loss?: number
  /** Share of datagrams that arrive twice, 0-1. @default 0 */
  readonly duplication?: number
  /** Shortest and longest delay in ms; a spread of them reorders datagrams. @default [0, 0] */
  readonly delay?: readonly [shortest: number, longest: number]
}

/**
 * A network inside the process, on the given clock: datagrams are lost, doubled, delayed and reordered as the seed says; connections keep
 * order until `cut`.
 *
 * @example
 * const network = new MemoryNetwork({ clock, random: seededRandom(7), loss: 0.1 })
 * const ua = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock })
 */
export class MemoryNetwork {
  readonly #clock: Clock
  readonly #random: Random
  readonly #nodes = new Map<string, MemoryTransport>()
  readonly #delay: readonly [number, number]
  loss: number
  duplication: number
  /** Datagrams and stream messages delivered. */
  delivered = 0
  /** Datagrams lost on purpose. */
  lost = 0

  constructor(options: MemoryNetworkOptions) {
    this.#clock = options.clock
    this.#random = options.random
    this.loss = options.loss ?? 0
    this.duplication = options.duplication ?? 0
    this.#delay = options.delay ?? [0, 0]
  }

  /** A transport of this network for `createUserAgent({ transports })`. */
  factory(name: 'udp' | 'tcp', address: string, port: number): TransportFactory {
    return events => {
      const transport = new MemoryTransport(this, { transport: name, address, port }, events)
      const key = keyOf(transport.bound)
      if (this.#nodes.has(key)) return Promise.reject(new CordboardError('SIP_TRANSPORT', `cannot bind ${key}`))
      this.#nodes.set(key, transport)
      return Promise.resolve(transport)
    }
  }

  /** Breaks every connection of a listener, as a crash of its machine would. */
  cut(address: string, port: number): void {
    this.#nodes.get(keyOf({ transport: 'tcp', address, port }))?.cut(new CordboardError('SIP_TRANSPORT', 'connection lost'))
  }

  node(at: Source): MemoryTransport | undefined {
    return this.#nodes.get(keyOf(at))
  }

  /** Pings of connections, as the real ones send them. */
  holders(flow: MemoryFlow): Holders {
    return new Holders({
      clock: this.#clock, random: this.#random, everyMs: flow.ours ? DEFAULT_LIMITS.pingMs : 0, pongMs: DEFAULT_LIMITS.pongMs, mustAnswer: false,
      ping: () => flow.send(PING),
      dead: () => flow.end(new CordboardError('SIP_TRANSPORT', 'connection closed: no-pong')),
    })
  }

  remove(transport: MemoryTransport): void {
    this.#nodes.delete(keyOf(transport.bound))
  }

  /** Carries a datagram as the network's mood allows. */
  carryDatagram(bytes: Buffer, from: Source, to: Source): void {
    if (this.#random.float() < this.loss) {
      this.lost++
      return
    }
    const copies = this.#random.float() < this.duplication ? 2 : 1
    for (let copy = 0; copy < copies; copy++) this.#clock.after(this.#draw(), () => this.node(to)?.deliver(bytes, from))
  }

  /** Carries one message of a connection, in order: all take the longest delay. */
  carryStream(task: () => void): void {
    this.#clock.after(this.#delay[1], task)
  }

  /** Bookkeeping of a delivery. */
  arrived(): void {
    this.delivered++
  }

  #draw(): number {
    const [shortest, longest] = this.#delay
    return shortest + this.#random.float() * (longest - shortest)
  }
}

const keyOf = (at: Source): string => `${at.transport}:${formatHostPort(at.address, at.port)}`

/** Address of the accepting end of a connection as its opener's ephemeral ports would show it. */
const FIRST_EPHEMERAL_PORT = 40_000

class MemoryTransport implements Transport {
  readonly name: 'udp' | 'tcp'
  readonly #flows = new Map<string, MemoryFlow>()
  #nextPort = FIRST_EPHEMERAL_PORT
  #open = true

  constructor(readonly network: MemoryNetwork, readonly bound: Source, readonly events: TransportEvents) {
    this.name = bound.transport as 'udp' | 'tcp'
  }

  get open(): boolean {
    return this.#open
  }

  reaches(target: Target): boolean {
    return target.transport === this.name && this.#open && isIPv6(target.address) === isIPv6(this.bound.address)
  }

  flowTo(target: Target): Flow {
    if (this.name === 'udp') return new MemoryFlow(this, target, undefined)
    const key = keyOf(target)
    const known = this.#flows.get(key)
    if (known?.open === true) return known
    const flow = new MemoryFlow(this, target, undefined)
    flow.ours = true
    this.#flows.set(key, flow)
    this.#connect(flow, target)
    return flow
  }

  #connect(flow: MemoryFlow, target: Target): void {
    const far = this.network.node(target)
    if (far === undefined) return this.network.carryStream(() => flow.end(new CordboardError('SIP_TRANSPORT', 'connection refused')))
    flow.peer = far.accept({ transport: 'tcp', address: this.bound.address, port: this.#nextPort++ }, flow)
  }

  /** The far end of a connection that another listener opens. */
  accept(from: Source, opener: MemoryFlow): MemoryFlow {
    const flow = new MemoryFlow(this, from, opener)
    this.#flows.set(keyOf(from), flow)
    return flow
  }

  deliver(bytes: Buffer, from: Source): void {
    if (this.#open) this.receive(bytes, new MemoryFlow(this, from, undefined))
  }

  receive(bytes: Buffer, flow: MemoryFlow): void {
    this.network.arrived()
    flow.heard(bytes)
    receiveDatagram(bytes, flow, this.events)
  }

  forget(flow: MemoryFlow): void {
    this.#flows.delete(keyOf(flow))
  }

  cut(error: Error): void {
    for (const flow of [...this.#flows.values()]) flow.end(error)
  }

  close(): Promise<void> {
    this.#open = false
    this.network.remove(this)
    this.cut(new CordboardError('SIP_TRANSPORT', 'closed'))
    return Promise.resolve()
  }
}

class MemoryFlow implements Flow {
  readonly transport: 'udp' | 'tcp'
  readonly address: string
  readonly port: number
  /** True for a connection that this end has opened. */
  ours = false
  #ended = false
  #holders: Holders | undefined

  constructor(readonly owner: MemoryTransport, to: Source, public peer: MemoryFlow | undefined) {
    this.transport = owner.name
    this.address = to.address
    this.port = to.port
  }

  get reliable(): boolean {
    return this.transport !== 'udp'
  }

  get open(): boolean {
    return this.owner.open && !this.#ended
  }

  get local(): HostPort {
    return { host: this.owner.bound.address, port: this.owner.bound.port }
  }

  send(bytes: Uint8Array, failed?: (error: Error) => void): void {
    if (!this.open) return failSoon(failed, new CordboardError('SIP_TRANSPORT', 'connection lost'))
    if (this.owner.events.tracing) this.owner.events.trace('out', bytes, this)
    const copy = Buffer.from(bytes)
    if (this.transport === 'udp') this.owner.network.carryDatagram(copy, this.owner.bound, this)
    else this.owner.network.carryStream(() => { if (this.peer?.open === true) this.peer.owner.receive(copy, this.peer) })
  }

  hold(lost?: Lost): () => void {
    if (!this.reliable) return () => undefined
    if (!this.open) return lostAlready(lost)
    return (this.#holders ??= this.owner.network.holders(this)).add(lost)
  }

  heard(bytes: Buffer): void {
    this.#holders?.heard(bytes.length === 2)
  }

  /** Ends this connection at both ends. */
  end(error: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.owner.forget(this)
    this.owner.events.flowClosed(this, error)
    this.#holders?.end(error)
    this.peer?.end(error)
  }
}
