import type { Random } from '../../core/random.js'
import { distance16 } from '../../core/serial.js'
import type { RtpHeader } from '../../rtp/packet.js'
import type { LegSlots } from '../shared/leg-slots.js'

export const NO_SOURCE = -1
/** For so many packets after a change of source, older ones of the new source are held to be from before the change. */
const SWITCH_WINDOW = 1000

/**
 * The one RTP timeline that a peer is sent: own SSRC, numbers that go on whatever feeds it. Packets of other peers are shifted by an offset
 * for each source, so that loss, reordering and pauses show through. It outlives the worker, in its slot.
 */
export abstract class SendTimeline {
  ssrc: number
  packets = 0
  bytes = 0
  sequence: number
  /** RTP timestamp of the last packet, and the engine time that it stands for. */
  timestamp: number
  sentAt: number
  /** By so much (ms) the timeline is ahead of the clock: the engine time of a packet is that later than when it was sent. */
  protected lead = 0
  /** RTP clock units in a millisecond. */
  unitsPerMs = 8
  /** Number of the stream that feeds it; another number is another timeline. */
  protected source = NO_SOURCE
  /** What `shift` has found. */
  protected shiftedSequence = 0
  protected shiftedTimestamp = 0
  readonly #random: Random
  #sequenceOffset = 0
  #timestampOffset = 0
  #firstSequence = 0
  #sinceSwitch = 0

  constructor(readonly slots: LegSlots, readonly slot: number, random: Random, now: number) {
    this.#random = random
    const { ssrc, sequence, timestamp, sentAt } = slots.timeline(slot, random, now)
    this.ssrc = ssrc
    this.sequence = sequence
    this.timestamp = timestamp
    this.sentAt = sentAt
  }

  /** Sends under another SSRC from now on: ours turned out to be another's (RFC 3550 §8.2). To the peer it is another stream. */
  changeSource(): void {
    this.ssrc = this.#random.uint32()
  }

  /** From now on `source` feeds it, beginning with the packet of `header`: under the next sequence number and `timestamp`. */
  protected adopt(header: RtpHeader, source: number, timestamp: number): void {
    this.source = source
    this.#firstSequence = (this.sequence + 1) & 0xffff
    this.#sequenceOffset = this.#firstSequence - header.sequence
    this.#timestampOffset = timestamp - header.timestamp
    this.#sinceSwitch = 0
  }

  /** Sets the numbers that a packet has in this timeline. @returns false for one from before the change of source: its number is the old source's. */
  protected shift(header: RtpHeader): boolean {
    const sequence = (header.sequence + this.#sequenceOffset) & 0xffff
    if (this.#sinceSwitch < SWITCH_WINDOW) {
      if (this.#sinceSwitch > 0 && distance16(this.#firstSequence, sequence) < 0) return false
      this.#sinceSwitch++
    }
    this.shiftedSequence = sequence
    this.shiftedTimestamp = (header.timestamp + this.#timestampOffset) >>> 0
    return true
  }

  /** The packet that `shift` was asked about is sent. */
  protected noteShifted(now: number): void {
    if (distance16(this.sequence, this.shiftedSequence) > 0) this.note(this.shiftedSequence, this.shiftedTimestamp, now)
  }

  /** The source's number of a packet that was sent under `sequence`; undefined for one from before `source`, or ahead of all. */
  sourceSequence(sequence: number, source: number): number | undefined {
    if (source !== this.source || (distance16(this.#firstSequence, sequence) < 0 && this.#sinceSwitch < SWITCH_WINDOW)) return undefined
    return distance16(this.sequence, sequence) > 0 ? undefined : (sequence - this.#sequenceOffset) & 0xffff
  }

  /** The newest packet so far is sent. */
  protected note(sequence: number, timestamp: number, at: number): void {
    this.sequence = sequence
    // All packets of a picture or of a key press bear the time of its begin: the clock is read where the timestamp was new.
    if (timestamp !== this.timestamp || Number.isNaN(this.sentAt)) this.sentAt = at + this.lead
    this.timestamp = timestamp
    this.slots.store(this.slot, this.ssrc | 0, sequence, timestamp | 0, (this.sentAt * 8) | 0)
  }
}
