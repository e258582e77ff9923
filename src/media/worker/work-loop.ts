import { performance } from 'node:perf_hooks'
import { Counter, type WorkerShare } from '../shared/worker-share.js'
import type { LoadMeter } from './load-meter.js'
import type { Outbox } from './outbox.js'
import type { Ticker } from './ticker.js'

/** A burst of so many packets batches by itself: waiting for a fuller one only harms. */
const FULL_BURST = 50
/**
 * How long (ms) packets are read at a stretch: then it is time for what is due. The poll itself ends only when no socket has any more, and after a
 * hold-up that takes long. Much less, and ticks would run ahead of packets that lie there already.
 */
const READING_MS = 5
/** Packets after which the clock is looked at. */
const LOOK_AFTER = 64
/** How long a packet may wait for company, as a share of the longest wait. */
export const Patience = {
  /** It goes on to another leg: on a round trip it waits twice. */
  bridged: 0.4,
  /** It goes back to where it came from. */
  echoed: 1,
  /** It waits in a jitter buffer in any case. */
  buffered: Infinity,
} as const
/** Turns without a packet after which the worker blocks in the poll, as an ordinary event loop does. */
const QUIET_TURNS = 16
/** A few relayed calls do not have a packet in every turn: their next one must not wait the longer for that. */
const RELAYING_TURNS = 32
const HOUSEKEEPING_MS = 100

export interface WorkLoopOptions {
  readonly share: WorkerShare
  readonly ticker: Ticker
  readonly meter: Pick<LoadMeter, 'slept' | 'read' | 'publish'>
  /** Sent when the burst, and what was due, are done. */
  readonly outbox: Outbox
  /** Longest wait for a fuller burst in ms; 0 never waits. */
  readonly coalesce: number
  /** Engine time in ms. */
  readonly now: () => number
  /** Called at least every 100 ms while there is anything to do. */
  readonly housekeeping: (now: number) => void
  /** Called at the end of each turn: sends what was reported. */
  readonly flush: () => void
}

/**
 * When the worker sleeps. A Node thread that wakes for each packet spends most of its time on waking; so it sleeps on the control word
 * of its share, for at most `coalesce` ms and never past a due tick, and then lets the event loop read all that has come.
 */
export class WorkLoop {
  readonly #options: WorkLoopOptions
  #burst = 0
  /** Those of the burst that are passed on as they are. */
  #relayed = 0
  #readingSince = 0
  /** Least of this turn's packets. */
  #patience = Infinity
  #lately = Infinity
  /** Turns for which `#lately` still holds. */
  #memory = 0
  #quiet = 0
  /** When the last turn began, and how long after it the sockets were next looked at. */
  #turnAt = 0
  #unseen = 0
  #armed = false
  #timer: NodeJS.Timeout | undefined
  #timerDue = 0
  #commands = 0
  #lastHousekeeping = 0

  constructor(options: WorkLoopOptions) {
    this.#options = options
    // Keeps the RTCP and time-out work going when nothing else turns the loop.
    setInterval(() => this.arm(), HOUSEKEEPING_MS).unref()
  }

  /** A packet came; `patience` is one of `Patience`. */
  packet(patience: number): void {
    if (this.#burst++ === 0) this.#readingSince = this.#options.now()
    else if (this.#burst % LOOK_AFTER === 0 && this.#options.now() - this.#readingSince >= READING_MS) this.#readingSince = this.#runDue()
    if (patience !== Patience.buffered) this.#relayed++
    if (patience < this.#patience) this.#patience = patience
    if (!this.#armed) this.arm()
  }

  /** For how long before now (ms) nobody looked at the sockets: a packet that is read now came some time within that. */
  get unseen(): number {
    return this.#unseen
  }

  /** Has a turn run once the loop has polled its sockets. */
  arm(): void {
    if (this.#armed) return
    this.#armed = true
    setImmediate(this.#turn)
  }

  /** Sends what is ready, and makes what is due. @returns engine time. */
  #runDue(): number {
    const { ticker, outbox, now: time } = this.#options
    outbox.flush()
    const now = time()
    ticker.run(now)
    outbox.flush()
    return now
  }

  readonly #turn = (): void => {
    this.#armed = false
    const { ticker, share, meter, now: time } = this.#options
    let now = this.#turnAt = this.#runDue()
    this.#unseen = 0
    if (now - this.#lastHousekeeping >= HOUSEKEEPING_MS) {
      this.#lastHousekeeping = now
      meter.publish()
      this.#options.housekeeping(now)
    }
    this.#options.flush()
    const burst = this.#burst
    const patience = this.#settlePatience()
    meter.read(burst, this.#relayed)
    this.#burst = this.#relayed = 0
    this.#quiet = burst === 0 ? this.#quiet + 1 : 0
    share.set(Counter.burst, share.get(Counter.burst) * 0.95 + burst * 0.05)
    share.add(Counter.turns, 1)
    now = time()
    const untilDue = ticker.idle ? Infinity : ticker.due - now
    if (this.#options.coalesce > 0 && untilDue !== Infinity && patience === Infinity) {
      // Only jitter buffers wait for these packets: they can lie in the kernel until the tick that may need them.
      this.#sleepFor(untilDue)
      this.arm()
    } else if (this.#options.coalesce === 0 || burst >= FULL_BURST || (this.#quiet > QUIET_TURNS && untilDue > 1)) this.#block(untilDue)
    else this.#sleep(untilDue, patience)
  }

  /** Waits in the poll: any packet or command ends it, and a timer when a tick is near. */
  #block(untilDue: number): void {
    if (untilDue === Infinity) return
    if (untilDue < 1) {
      this.#sleepFor(untilDue)
      this.arm()
      return
    }
    const due = performance.now() + untilDue
    if (this.#timer !== undefined) {
      if (due > this.#timerDue - 1) return
      clearTimeout(this.#timer)
    }
    this.#timerDue = due
    // Node's timers come up to a millisecond late: the last one is slept off exactly.
    this.#timer = setTimeout(this.#wake, Math.floor(untilDue) - 1)
  }

  readonly #wake = (): void => {
    this.#timer = undefined
    this.arm()
  }

  /** The least patience of this turn's packets and of those lately. */
  #settlePatience(): number {
    if (this.#patience <= this.#lately) {
      this.#lately = this.#patience
      this.#memory = RELAYING_TURNS
    } else if (--this.#memory <= 0) this.#lately = this.#patience
    this.#patience = Infinity
    return this.#lately
  }

  #sleep(untilDue: number, patience: number): void {
    const { coalesce } = this.#options
    this.#sleepFor(Math.min(untilDue, coalesce * Math.min(1, patience)))
    this.arm()
  }

  #sleepFor(ms: number): void {
    if (ms <= 0) return
    const { share, meter } = this.#options
    const before = performance.now()
    share.sleep(this.#commands, ms)
    // Commands posted from here on end the next sleep; those before are read in the poll that follows.
    this.#commands = share.commands
    meter.slept(performance.now() - before)
    this.#unseen = this.#options.now() - this.#turnAt
  }
}
