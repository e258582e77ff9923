import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { parseMessage } from '../message/parser.js'
import { StreamFramer } from '../message/stream-framer.js'
import type { Frame } from '../message/stream-framer.js'
import { Holders, lostAlready } from './holders.js'
import type { Lost } from './holders.js'
import { keepAlive, PING, receiveDatagram } from './receive.js'
import type { DropReason, Flow, HostPort, Source, TransportEvents, TransportLimits } from './transport.js'
import { failSoon } from './udp.js'

/** Bytes read at once from which a connection lets the others go first: more than calls ever need. */
const FAIR_SHARE_BYTES = 16_384

/** What a connection needs to know of its listener. */
export interface StreamContext {
  readonly transport: 'tcp' | 'tls'
  readonly bound: Source
  readonly events: TransportEvents
  readonly limits: TransportLimits
  readonly clock: Clock
  readonly random: Random
  /** Bytes of incomplete messages in all connections of the listener. */
  held: number
  advertise(peer: Source, bound: Source): HostPort
  /** Takes the connection out of the table. */
  forget(connection: StreamConnection): void
}

/**
 * One TCP or TLS connection. What a slow reader leaves unread is bounded, a begun message must be complete in time (slow loris), and
 * silence ends it.
 */
export class StreamConnection implements Flow {
  readonly transport: 'tcp' | 'tls'
  readonly reliable = true
  readonly #context: StreamContext
  readonly #socket: Socket
  readonly #framer = new StreamFramer()
  #open = true
  #connected: boolean
  #local: HostPort | undefined
  /** When bytes last passed (clock's milliseconds). */
  #lastActive: number
  /** Until the connection stands, then until it has been silent for too long. */
  #watch: Timer
  /** Until the begun message must be complete. */
  #patience: Timer | undefined
  /** True for a connection of our own making: pings are for us to send. */
  readonly #ours: boolean
  /** Our share of the listener's `held`. */
  #held = 0
  #holders: Holders | undefined

  /** @param peer the address that we connected to, or that connected to us. */
  constructor(context: StreamContext, socket: Socket, readonly peer: Source, connected: boolean) {
    this.#context = context
    this.#socket = socket
    this.transport = context.transport
    this.#connected = connected
    this.#ours = !connected
    this.#lastActive = context.clock.now()
    socket.setNoDelay(true)
    socket.on('data', this.#receive)
    socket.on('error', error => this.#end(error))
    socket.on('close', () => this.#end(new CordboardError('SIP_TRANSPORT', 'connection closed')))
    socket.once(context.transport === 'tls' ? 'secureConnect' : 'connect', () => { this.#connected = true })
    this.#watch = context.clock.after(connected ? context.limits.idleMs : context.limits.connectMs, this.#check)
  }

  get address(): string {
    return this.peer.address
  }

  get port(): number {
    return this.peer.port
  }

  get open(): boolean {
    return this.#open
  }

  get local(): HostPort {
    return (this.#local ??= this.#context.advertise(this.peer, this.#context.bound))
  }

  send(bytes: Uint8Array, failed?: (error: Error) => void): void {
    if (!this.#open) return failSoon(failed, new CordboardError('SIP_TRANSPORT', 'connection closed'))
    if (this.#context.events.tracing) this.#context.events.trace('out', bytes, this)
    // A reader this slow would cost memory without end: it is cut off, and its transactions fail at once.
    if (this.#socket.writableLength + bytes.length > this.#context.limits.queuedBytes) {
      this.close('slow-reader')
      return failSoon(failed, new CordboardError('SIP_TRANSPORT', 'the peer does not read'))
    }
    this.#lastActive = this.#context.clock.now()
    this.#socket.write(bytes)
  }

  hold(lost?: Lost): () => void {
    if (!this.#open) return lostAlready(lost)
    const { clock, random, limits } = this.#context
    this.#holders ??= new Holders({
      clock, random, everyMs: this.#ours ? limits.pingMs : 0, pongMs: limits.pongMs, mustAnswer: false,
      ping: () => { if (this.#open) this.#socket.write(PING) },
      dead: () => this.close('no-pong'),
    })
    return this.#holders.add(lost)
  }

  /** Ends the connection. @param reason counted, when the peer is at fault */
  close(reason?: DropReason): void {
    if (reason !== undefined) this.#context.events.dropped(reason)
    this.#end(new CordboardError('SIP_TRANSPORT', `connection closed${reason === undefined ? '' : `: ${reason}`}`))
  }

  readonly #receive = (chunk: Buffer): void => {
    if (!this.#open) return
    this.#lastActive = this.#context.clock.now()
    const frames = this.#framer.push(chunk)
    this.#holders?.heard(frames.some(isPong))
    for (const frame of frames) this.#take(frame)
    this.#account(this.#framer.held)
    if (!this.#open) return
    // One turn of the event loop would otherwise read megabytes of one peer while all others wait.
    if (chunk.length >= FAIR_SHARE_BYTES) this.#giveWay()
    this.#expectRest(frames.some(({ type }) => type === 'message'))
  }

  /** A begun message must be complete in time; each has its own. */
  #expectRest(anew: boolean): void {
    const { clock, limits } = this.#context
    if (anew || this.#framer.held === 0) {
      this.#patience?.cancel()
      this.#patience = undefined
    }
    if (this.#framer.held > 0) this.#patience ??= clock.after(limits.messageMs, () => this.close('slow-sender'))
  }

  /** Whoever would hold more than is left for all is cut off. */
  #account(held: number): void {
    const context = this.#context
    const grown = held - this.#held
    context.held += grown
    this.#held = held
    if (grown > 0 && context.held > context.limits.heldBytes) this.close('too-many-bytes')
  }

  #giveWay(): void {
    this.#socket.pause()
    setImmediate(() => this.#socket.resume())
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case 'message':
        return receiveDatagram(frame.bytes, this, this.#context.events)
      case 'keep-alive':
        return keepAlive(frame.pong, this, this.#context.events)
      case 'error': {
        const outcome = parseMessage(frame.bytes)
        if (outcome.type === 'bad') this.#context.events.bad(outcome, this)
        // Nobody knows where the next message begins: answered, then closed.
        this.#context.events.dropped('framing')
        this.#endAfterAnswer()
      }
    }
  }

  /** A peer that does not take the answer gets no more time than for a connection. */
  #endAfterAnswer(): void {
    const end = (): void => this.#end(new CordboardError('SIP_TRANSPORT', 'the stream lost its framing'))
    this.#socket.end(end)
    this.#watch.cancel()
    this.#watch = this.#context.clock.after(this.#context.limits.connectMs, end)
  }

  readonly #check = (): void => {
    const { limits, clock } = this.#context
    if (!this.#connected) return this.close('idle')
    if (clock.now() - this.#lastActive >= limits.idleMs && this.#holders?.any !== true) return this.close('idle')
    this.#watch = clock.after(limits.idleMs, this.#check)
  }

  #end(error: Error): void {
    if (!this.#open) return
    this.#open = false
    this.#account(0)
    // A timer of ten minutes would keep what a flood of connections has left.
    this.#watch.cancel()
    this.#patience?.cancel()
    this.#socket.destroy()
    this.#context.forget(this)
    this.#context.events.flowClosed(this, error)
    this.#holders?.end(error)
  }
}

/** A single CRLF between messages answers a ping (RFC 5626 §4.4.1). */
const isPong = (frame: Frame): boolean => frame.type === 'keep-alive' && !frame.pong
