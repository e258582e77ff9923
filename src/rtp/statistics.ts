import { distance16 } from '../core/serial.js'

/** What a packet's sequence number said (RFC 3550 A.1). */
export type SequenceVerdict =
  /** Counted. */
  | 'valid'
  /** Not counted: the source has not yet sent `MIN_SEQUENTIAL` packets in a row, or its number is far from all others. */
  | 'unproven'
  /** The source started anew: counts begin again with this packet. */
  | 'restarted'

/** Packets in a row by which a source proves itself. */
const MIN_SEQUENTIAL = 2
const MAX_DROPOUT = 3000
const MAX_MISORDER = 100
const CYCLE = 0x10000

/**
 * Reception of one source by the algorithms of RFC 3550: sequence validation (A.1), expected and lost packets (A.3),
 * interarrival jitter (A.8). Updated in place: a packet costs a dozen operations and no allocation.
 *
 * @example
 * const reception = new ReceptionStatistics(8000)
 * reception.packet(sequence, timestamp, clock.now())
 * reception.fractionLost() // for the next report block
 */
export class ReceptionStatistics {
  readonly #unitsPerMs: number
  #probation = MIN_SEQUENTIAL
  #first = 0
  #highest = 0
  #cycles = 0
  #received = 0
  #confirming = -1
  #expectedBefore = 0
  #receivedBefore = 0
  #transit = NaN
  #jitter = 0

  /** @param clockRate of the RTP timestamps in Hz. */
  constructor(readonly clockRate: number) {
    this.#unitsPerMs = clockRate / 1000
  }

  /** Packets counted. */
  get received(): number {
    return this.#received
  }

  /** Highest sequence number received, extended by the count of its cycles (RFC 3550 §6.4.1). */
  get highestSequence(): number {
    return this.#cycles + this.#highest
  }

  /** Packets that should have come. */
  get expected(): number {
    return this.#received === 0 ? 0 : this.highestSequence - this.#first + 1
  }

  /** Packets that did not come; negative when duplicates outnumber them. As a report block carries it: clamped to 24 bits. */
  get lost(): number {
    return Math.max(-0x800000, Math.min(0x7fffff, this.expected - this.#received))
  }

  /** Interarrival jitter in timestamp units, rounded down as a report block carries it. */
  get jitter(): number {
    return Math.floor(this.#jitter)
  }

  /** Interarrival jitter in milliseconds. */
  get jitterMs(): number {
    return this.#jitter / this.#unitsPerMs
  }

  /**
   * Takes a packet into account.
   * @param arrival in ms, at the latest; it may have been up to `unseen` ms earlier, and then no more jitter is believed than must have been.
   */
  packet(sequence: number, timestamp: number, arrival: number, unseen = 0): SequenceVerdict {
    const verdict = this.#sequence(sequence)
    if (verdict === 'restarted') this.#transit = NaN
    if (verdict !== 'unproven') this.#measure(timestamp, arrival, unseen)
    return verdict
  }

  /** Share of the packets expected since the last call that were lost, in 1/256 (RFC 3550 A.3). */
  fractionLost(): number {
    const expected = this.expected - this.#expectedBefore
    const lost = expected - (this.#received - this.#receivedBefore)
    this.#expectedBefore = this.expected
    this.#receivedBefore = this.#received
    return expected <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((256 * lost) / expected))
  }

  #sequence(sequence: number): SequenceVerdict {
    if (this.#probation > 0) return this.#prove(sequence)
    const step = distance16(this.#highest, sequence)
    if (step > 0 && step < MAX_DROPOUT) {
      if (sequence < this.#highest) this.#cycles += CYCLE
      this.#highest = sequence
    } else if (step >= MAX_DROPOUT || step < -MAX_MISORDER) {
      if (sequence !== this.#confirming) {
        this.#confirming = (sequence + 1) & 0xffff
        return 'unproven'
      }
      this.#begin(sequence)
      return 'restarted'
    }
    // What is left is a duplicate or came late: it counts as received (A.3).
    this.#received++
    return 'valid'
  }

  #prove(sequence: number): SequenceVerdict {
    const follows = this.#probation < MIN_SEQUENTIAL && sequence === ((this.#highest + 1) & 0xffff)
    this.#probation = follows ? this.#probation - 1 : MIN_SEQUENTIAL - 1
    this.#highest = sequence
    if (this.#probation > 0) return 'unproven'
    this.#begin(sequence)
    return 'valid'
  }

  #begin(sequence: number): void {
    this.#first = sequence
    this.#highest = sequence
    this.#cycles = 0
    this.#received = 1
    this.#expectedBefore = 0
    this.#receivedBefore = 0
    this.#confirming = -1
    this.#jitter = 0
  }

  #measure(timestamp: number, arrival: number, unseen: number): void {
    // In 32 bits, so that the wrap of the timestamp is no step of the transit.
    const latest = (Math.round(arrival * this.#unitsPerMs) - timestamp) | 0
    if (Number.isNaN(this.#transit)) {
      this.#transit = latest
      return
    }
    const ahead = (latest - this.#transit) | 0
    const step = ahead < 0 ? ahead : Math.max(0, ahead - Math.round(unseen * this.#unitsPerMs))
    this.#jitter += (Math.abs(step) - this.#jitter) / 16
    this.#transit = (this.#transit + step) | 0
  }
}
