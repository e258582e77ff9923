/** Packets in a row that must come for a burst of loss to be over: what RFC 3611 §4.7.2 recommends. */
export const GMIN = 16

/** How the losses of a stream are spread (RFC 3611 §4.7.2). */
export interface BurstGapMetrics {
  /** Share of packets lost within bursts, and between them, 0 to 1. */
  readonly burstDensity: number
  readonly gapDensity: number
  /** Mean lengths in packets. */
  readonly burstPackets: number
  readonly gapPackets: number
}

/** Packets and losses of all periods of one kind. */
interface Periods {
  readonly packets: number
  readonly lost: number
  readonly count: number
}

const NONE: Periods = { packets: 0, lost: 0, count: 0 }

/**
 * Divides a stream into bursts and gaps: a burst begins and ends with a loss and has no `GMIN` packets in a row that came; what lies
 * between bursts is a gap, a single loss among packets that came included.
 *
 * @example
 * const spread = new BurstGap()
 * spread.packet(true) // in the order of the sequence numbers
 * spread.metrics()
 */
export class BurstGap {
  packets = 0
  /** Losses so far. */
  lost = 0
  #bursts: Periods = NONE
  #gaps: Periods = NONE
  #inGap = false
  /** Packets that came since the last loss. */
  #since = 0
  /** From the first loss that may begin a burst to the last. */
  #span = 0
  #spanLost = 0

  /** Takes the next packet of the stream into account. */
  packet(received: boolean): void {
    this.packets++
    if (received) {
      this.#since++
      return
    }
    this.lost++
    if (this.#since >= GMIN || this.#spanLost === 0) this.#endSpan()
    else this.#span += this.#since
    this.#span++
    this.#spanLost++
    this.#since = 0
  }

  /** A single loss belongs to the gap around it, more are a burst. What has come since is a gap. */
  #endSpan(): void {
    if (this.#spanLost === 1) this.#gap(1, 1)
    if (this.#spanLost > 1) {
      const { packets, lost, count } = this.#bursts
      this.#bursts = { packets: packets + this.#span, lost: lost + this.#spanLost, count: count + 1 }
      this.#inGap = false
    }
    this.#span = this.#spanLost = 0
    if (this.#since > 0) this.#gap(this.#since, 0)
  }

  #gap(packets: number, lost: number): void {
    const gaps = this.#gaps
    this.#gaps = { packets: gaps.packets + packets, lost: gaps.lost + lost, count: gaps.count + (this.#inGap ? 0 : 1) }
    this.#inGap = true
  }

  /** Of all packets so far, as if the stream ended with them. */
  metrics(): BurstGapMetrics {
    const ended = new BurstGap()
    ended.#bursts = this.#bursts
    ended.#gaps = this.#gaps
    ended.#inGap = this.#inGap
    ended.#since = this.#since
    ended.#span = this.#span
    ended.#spanLost = this.#spanLost
    ended.#endSpan()
    return {
      burstDensity: ratio(ended.#bursts.lost, ended.#bursts.packets), gapDensity: ratio(ended.#gaps.lost, ended.#gaps.packets),
      burstPackets: ratio(ended.#bursts.packets, ended.#bursts.count), gapPackets: ratio(ended.#gaps.packets, ended.#gaps.count),
    }
  }
}

const ratio = (part: number, whole: number): number => whole === 0 ? 0 : part / whole
