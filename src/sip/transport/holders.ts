import type { Clock, Timer } from '../../core/clock.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'

export interface HoldersOptions {
  readonly clock: Clock
  readonly random: Random
  /** Longest interval between two pings in ms; 0: none is sent. */
  readonly everyMs: number
  /** Milliseconds in which a ping must be answered. */
  readonly pongMs: number
  /** First interval between repetitions of an unanswered ping, doubled each time; without it there are none. */
  readonly resendMs?: number
  /** The protocol itself demands an answer to a ping (RFC 6455 §5.5.2); otherwise a peer is held to it only after its first answer. */
  readonly mustAnswer: boolean
  /** @param again the same once more */
  ping(again: boolean): void
  /** The peer no longer answers. */
  dead(): void
}

/** Told when a connection ends that it was holding. */
export type Lost = (error: Error) => void

/** Of a connection that has ended already. */
export const lostAlready = (lost: Lost | undefined): (() => void) => {
  if (lost !== undefined) queueMicrotask(() => lost(new CordboardError('SIP_TRANSPORT', 'connection closed')))
  return () => undefined
}

/** Shortest interval between pings, as a share of the longest (RFC 5626 §4.4.1). */
const SHORTEST = 0.8

/**
 * Those who need a connection (a registration, a dialog, a binding), and the pings that keep it open for them: RFC 5626 §4.4.1, §4.4.
 * A proxy that knows nothing of RFC 5626 ignores a double CRLF (RFC 3261 §7.5), so silence counts against those only who have answered once.
 */
export class Holders {
  readonly #options: HoldersOptions
  readonly #holders = new Set<{ readonly lost: Lost | undefined }>()
  #timer: Timer | undefined
  #awaiting = false
  #answers: boolean

  constructor(options: HoldersOptions) {
    this.#options = options
    this.#answers = options.mustAnswer
  }

  get any(): boolean {
    return this.#holders.size > 0
  }

  /** The function returned lets go. */
  add(lost: Lost | undefined): () => void {
    const holder = { lost }
    this.#holders.add(holder)
    if (this.#timer === undefined) this.#schedule()
    return () => {
      this.#holders.delete(holder)
      if (!this.any) this.#stop()
    }
  }

  /** Something came from the peer: any message shows that it is there. */
  heard(pong: boolean): void {
    if (pong && this.#awaiting) this.#answers = true
    this.#awaiting = false
  }

  /** The connection has ended. */
  end(error: Error): void {
    this.#stop()
    const holders = [...this.#holders]
    this.#holders.clear()
    for (const { lost } of holders) lost?.(error)
  }

  #schedule(): void {
    const { clock, random, everyMs } = this.#options
    if (everyMs > 0) this.#timer = clock.after(everyMs * (SHORTEST + (1 - SHORTEST) * random.float()), () => this.#ping())
  }

  #ping(): void {
    const { pongMs, resendMs } = this.#options
    this.#awaiting = true
    this.#wait(pongMs, resendMs ?? pongMs)
    this.#options.ping(false)
  }

  /** @param left ms until the peer is judged; @param interval ms until the ping is repeated */
  #wait(left: number, interval: number): void {
    const { clock } = this.#options
    if (interval >= left) {
      this.#timer = clock.after(left, () => this.#judge())
      return
    }
    this.#timer = clock.after(interval, () => {
      if (!this.#awaiting) return this.#schedule()
      this.#wait(left - interval, interval * 2)
      this.#options.ping(true)
    })
  }

  #judge(): void {
    if (this.#awaiting && this.#answers) return this.#options.dead()
    this.#awaiting = false
    this.#schedule()
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#awaiting = false
  }
}
