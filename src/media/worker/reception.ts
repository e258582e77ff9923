import { distance16 } from '../../core/serial.js'
import { RecentNumbers } from '../../core/recent-numbers.js'
import { BurstGap } from '../../rtp/burst-gap.js'
import type { RtpHeader } from '../../rtp/packet.js'
import type { ReportBlock } from '../../rtp/rtcp.js'
import { ReceptionStatistics, type SequenceVerdict } from '../../rtp/statistics.js'
import type { LegCounts } from '../shared/leg-slots.js'

/** A packet so many numbers behind the newest is lost, or comes too late to be played. */
const SETTLED = 16
/** No gap of a source that goes on is so long (RFC 3550 A.1, MAX_DROPOUT). */
const RESTART = 3000

/** What a leg has received, whatever the number of sources one after the other. */
export class Reception {
  packets = 0
  bytes = 0
  duplicates = 0
  late = 0
  /** Of the last packet. */
  verdict: SequenceVerdict | 'duplicate' = 'unproven'
  #source = new ReceptionStatistics(8000)
  #clockRate = 8000
  #lostBefore = 0
  #reportMiddle = 0
  #reportedAt = NaN
  readonly #seen = new RecentNumbers()
  #spread: BurstGap | undefined
  /** The newest number told to `#spread`. */
  #settled = NaN

  /** Goes on where another worker had counted to. */
  resume({ packets, bytes, lost, late, duplicates }: LegCounts['received']): void {
    this.packets = packets
    this.bytes = bytes
    this.late = late
    this.duplicates = duplicates
    this.#lostBefore = lost
  }

  /** Clock rate in Hz of the sources to come. */
  set clockRate(clockRate: number) {
    if (clockRate === this.#clockRate) return
    this.#clockRate = clockRate
    this.begin()
  }

  /** Another source begins: its numbers are not the old one's, the sums go on. */
  begin(): void {
    this.#lostBefore = this.lost
    this.#source = new ReceptionStatistics(this.#clockRate)
    this.#reportMiddle = 0
    this.#reportedAt = NaN
    this.#seen.forget()
    if (this.#spread !== undefined) this.#spread = new BurstGap()
    this.#settled = NaN
  }

  /** How the losses of the source are spread, once watched. */
  get spread(): BurstGap | undefined {
    return this.#spread
  }

  watchSpread(): void {
    this.#spread ??= new BurstGap()
  }

  /**
   * @param unseen the packet may have come so many ms before `now`.
   * @returns false when the packet is a duplicate or out of all order, and is to be dropped. Never allocates.
   */
  packet(header: RtpHeader, bytes: number, now: number, unseen: number): boolean {
    const { sequence } = header
    const source = this.#source
    const proven = source.received > 0
    const ahead = proven ? distance16(source.highestSequence & 0xffff, sequence) : 1
    if (ahead <= 0 && this.#seen.has(sequence)) {
      this.duplicates++
      this.verdict = 'duplicate'
      return false
    }
    // Before the source has proved itself its packets are heard all the same: nobody should lose the first word.
    const verdict = this.verdict = source.packet(sequence, header.timestamp, now, unseen)
    if (verdict === 'unproven' && proven) return false
    if (verdict === 'restarted') this.#seen.forget()
    // As long as those before a gap are remembered.
    if (this.#spread !== undefined) this.#settle(this.#spread)
    this.#note(sequence, proven)
    this.packets++
    this.bytes += bytes
    if (ahead <= 0) this.late++
    return true
  }

  /** @param proven before that the first number may have been a stray: what follows it counts. */
  #note(sequence: number, proven: boolean): void {
    this.#seen.add(sequence)
    if (proven || this.#seen.has(sequence)) return
    this.#seen.forget()
    this.#seen.add(sequence)
  }

  /** Tells of the packets of which nothing more is to be expected. */
  #settle(spread: BurstGap): void {
    const newest = this.#source.highestSequence
    // The first packet, or the source has started its numbers anew.
    if (!(Math.abs(newest - this.#settled) < RESTART)) this.#settled = newest - 1
    for (; this.#settled < newest - SETTLED; this.#settled++) {
      const sequence = (this.#settled + 1) & 0xffff
      spread.packet(this.#seen.has(sequence))
    }
  }

  /** Packets expected and not received, of all sources so far. */
  get lost(): number {
    return this.#lostBefore + Math.max(0, this.#source.lost)
  }

  /** Interarrival jitter in ms (RFC 3550 A.8). */
  get jitter(): number {
    return this.#source.jitterMs
  }

  /** Notes a sender report of the peer, for the next block. */
  reported(middle: number, now: number): void {
    this.#reportMiddle = middle
    this.#reportedAt = now
  }

  /** The block about the source `ssrc`, counting loss since the last call. */
  block(ssrc: number, now: number): ReportBlock {
    const source = this.#source
    return {
      ssrc,
      fractionLost: source.fractionLost(),
      lost: source.lost,
      highestSequence: source.highestSequence,
      jitter: source.jitter,
      lastSenderReport: this.#reportMiddle,
      delaySinceLast: Number.isNaN(this.#reportedAt) ? 0 : Math.round(((now - this.#reportedAt) * 65536) / 1000),
    }
  }
}
