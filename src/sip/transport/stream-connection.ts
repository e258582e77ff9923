import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.js'
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

/** What a connection needs to know of its listener. */
export interface StreamContext {
  readonly transport: 'tcp' | 'tls'
  readonly bound: Source
  readonly events: TransportEvents
  readonly limits: TransportLimits
  readonly clock: Clock
  readonly random: Random
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
  /** When bytes last passed, and since when a message has been incomplete (clock's milliseconds). */
  #lastActive: number
  #incompleteSince: number | undefined
  /** True for a connection of our own making: pings are for us to send. */
  readonly #ours: boolean
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
    this.#watch()
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
    if (this.#framer.held === 0) this.#incompleteSince = undefined
    else if (this.#incompleteSince === undefined) {
      this.#incompleteSince = this.#lastActive
      this.#watch()
    }
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case 'message':
        this.#incompleteSince = undefined
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
    this.#context.clock.after(this.#context.limits.connectMs, end)
  }

  /** One timer at a time looks at all that may take too long. */
  #watch(): void {
    const { limits, clock } = this.#context
    const wait = !this.#connected ? limits.connectMs : this.#incompleteSince !== undefined ? limits.messageMs : limits.idleMs
    clock.after(wait, () => this.#check(wait))
  }

  #check(waited: number): void {
    if (!this.#open) return
    const { limits, clock } = this.#context
    const now = clock.now()
    if (!this.#connected) return this.close('idle')
    if (this.#incompleteSince !== undefined && now - this.#incompleteSince >= limits.messageMs) return this.close('slow-sender')
    if (now - this.#lastActive >= limits.idleMs && this.#holders?.any !== true) return this.close('idle')
    // Only the timer of the longest wait goes on; that of a message ends with it.
    if (waited !== limits.messageMs) this.#watch()
  }

  #end(error: Error): void {
    if (!this.#open) return
    this.#open = false
    this.#socket.destroy()
    this.#context.forget(this)
    this.#context.events.flowClosed(this, error)
    this.#holders?.end(error)
  }
}

/** A single CRLF between messages answers a ping (RFC 5626 §4.4.1). */
const isPong = (frame: Frame): boolean => frame.type === 'keep-alive' && !frame.pong
