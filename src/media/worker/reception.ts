import { distance16 } from '../../core/serial.js'
import type { RtpHeader } from '../../rtp/packet.js'
import type { ReportBlock } from '../../rtp/rtcp.js'

/** RFC 3550 A.1: numbers further ahead or behind than this belong to a sender that started anew. */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 100
const SEEN = 256

/** Counts of one received stream: loss, duplicates, late packets and jitter (RFC 3550 §6.4.1, A.1, A.3, A.8). */
export class Reception {
  packets = 0
  bytes = 0
  duplicates = 0
  late = 0
  /** Interarrival jitter in timestamp units. */
  jitter = 0
  unitsPerMs = 8
  #base = 0
  #highest = 0
  #cycles = 0
  #counted = 0
  #lostBefore = 0
  #expectedPrior = 0
  #countedPrior = 0
  #transit = NaN
  #suspect = -1
  #reportedAt = NaN
  #reportMiddle = 0
  readonly #seen = new Int32Array(SEEN).fill(-1)

  /** Another stream begins: its numbers are not the old one's, the sums go on. */
  begin(header: RtpHeader): void {
    this.#lostBefore = this.lost
    this.#base = header.sequence
    this.#highest = (header.sequence - 1) & 0xffff
    this.#cycles = header.sequence === 0 ? -0x10000 : 0
    this.#counted = this.#expectedPrior = this.#countedPrior = 0
    this.#transit = NaN
    this.#suspect = -1
    this.#seen.fill(-1)
  }

  /** @returns false when the packet is a duplicate or out of all order, and is to be dropped. Never allocates. */
  packet(header: RtpHeader, bytes: number, now: number): boolean {
    const { sequence } = header
    const ahead = distance16(this.#highest, sequence)
    if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
      if (sequence !== this.#suspect) {
        this.#suspect = (sequence + 1) & 0xffff
        return false
      }
      // Two in a row: the sender has started anew without a new SSRC.
      this.begin(header)
    }
    const extended = this.#cycles + this.#highest + distance16(this.#highest, sequence)
    if (this.#seen[sequence & (SEEN - 1)] === sequence && ahead <= 0) {
      this.duplicates++
      return false
    }
    this.#seen[sequence & (SEEN - 1)] = sequence
    this.packets++
    this.#counted++
    this.bytes += bytes
    if (extended > this.#cycles + this.#highest) {
      if (sequence < this.#highest) this.#cycles += 0x10000
      this.#highest = sequence
    } else this.late++
    const transit = now * this.unitsPerMs - header.timestamp
    const step = Math.abs(transit - this.#transit)
    this.#transit = transit
    // A timestamp that wraps or jumps is no jitter.
    if (step < 0x8000_0000) this.jitter += (step - this.jitter) / 16
    return true
  }

  /** Packets expected and not received so far; duplicates do not make up for any. */
  get lost(): number {
    return this.#lostBefore + Math.max(0, this.#expected - this.#counted)
  }

  get #expected(): number {
    return this.#counted === 0 ? 0 : this.#cycles + this.#highest - this.#base + 1
  }

  /** Notes a sender report of the peer, for the next block. */
  reported(middle: number, now: number): void {
    this.#reportMiddle = middle
    this.#reportedAt = now
  }

  /** The block about the stream from `ssrc`, counting loss since the last call. */
  block(ssrc: number, now: number): ReportBlock {
    const expected = this.#expected
    const interval = expected - this.#expectedPrior
    const lost = interval - (this.#counted - this.#countedPrior)
    this.#expectedPrior = expected
    this.#countedPrior = this.#counted
    return {
      ssrc,
      fractionLost: interval <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((lost * 256) / interval)),
      lost: expected - this.#counted,
      highestSequence: this.#cycles + this.#highest,
      jitter: Math.round(this.jitter),
      lastSenderReport: this.#reportMiddle,
      delaySinceLast: Number.isNaN(this.#reportedAt) ? 0 : Math.round(((now - this.#reportedAt) * 65536) / 1000),
    }
  }
}
