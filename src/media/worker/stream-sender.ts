import { distance16 } from '../../core/serial.js'
import type { Random } from '../../core/random.js'
import { type RtpHeader, RTP_HEADER_BYTES, writeRtp } from '../../rtp/packet.js'
import type { LegSlots } from '../shared/leg-slots.js'

const NONE = -1
/** For so many packets after a change of source, older ones of the new source are held to be from before the change. */
const SWITCH_WINDOW = 1000

/**
 * The one RTP timeline that a party of a side stream is sent: own SSRC, numbers shifted by an offset for each source, so that loss,
 * reordering and pauses show through, and marks left where they are: they end pictures. What the party says about it is told back in
 * the numbers of the source.
 */
export class StreamSender {
  ssrc: number
  packets = 0
  bytes = 0
  /** RTP timestamp of the last packet, and the engine time that it stands for. */
  timestamp: number
  sentAt = NaN
  unitsPerMs = 90
  readonly #random: Random
  #sequence: number
  #source = NONE
  #sequenceOffset = 0
  #timestampOffset = 0
  #firstSequence = 0
  #sinceSwitch = 0

  constructor(readonly slots: LegSlots, readonly slot: number, random: Random, now: number) {
    this.#random = random
    const { ssrc, sequence, timestamp, sentAt } = slots.timeline(slot, random, now)
    this.ssrc = ssrc
    this.#sequence = sequence
    this.timestamp = timestamp
    this.sentAt = sentAt
  }

  /** Sends under another SSRC from now on: ours turned out to be another's (RFC 3550 §8.2). To the party it is another stream. */
  changeSource(): void {
    this.ssrc = this.#random.uint32()
  }

  /**
   * Rewrites the header of the other party's packet, in place.
   * @param source number of the packet's stream: another number is another timeline.
   * @returns the packet to send, undefined for one from before a change of source.
   */
  take(packet: Buffer, header: RtpHeader, source: number, payloadType: number, now: number): Buffer | undefined {
    if (source !== this.#source) this.#adopt(header, source, now)
    const sequence = (header.sequence + this.#sequenceOffset) & 0xffff
    const timestamp = (header.timestamp + this.#timestampOffset) >>> 0
    if (this.#sinceSwitch < SWITCH_WINDOW) {
      if (this.#sinceSwitch > 0 && distance16(this.#firstSequence, sequence) < 0) return undefined
      this.#sinceSwitch++
    }
    // CSRC list and extension were not agreed on with this party.
    const start = header.payloadStart - RTP_HEADER_BYTES
    writeRtp(packet, start, header.marker, payloadType, sequence, timestamp, this.ssrc)
    this.packets++
    this.bytes += header.payloadEnd - header.payloadStart
    if (distance16(this.#sequence, sequence) > 0) this.#note(sequence, timestamp, now)
    return start === 0 && header.payloadEnd === packet.length ? packet : packet.subarray(start, header.payloadEnd)
  }

  #adopt(header: RtpHeader, source: number, now: number): void {
    this.#source = source
    this.#firstSequence = (this.#sequence + 1) & 0xffff
    this.#sequenceOffset = this.#firstSequence - header.sequence
    const elapsed = Number.isNaN(this.sentAt) ? 0 : Math.max(1, Math.round((now - this.sentAt) * this.unitsPerMs))
    this.#timestampOffset = this.timestamp + elapsed - header.timestamp
    this.#sinceSwitch = 0
  }

  /** The source's number of a packet that was sent under `sequence`; undefined for one from before `source`, or ahead of all. */
  sourceSequence(sequence: number, source: number): number | undefined {
    if (source !== this.#source || distance16(this.#firstSequence, sequence) < 0 && this.#sinceSwitch < SWITCH_WINDOW) return undefined
    return distance16(this.#sequence, sequence) > 0 ? undefined : (sequence - this.#sequenceOffset) & 0xffff
  }

  #note(sequence: number, timestamp: number, now: number): void {
    this.#sequence = sequence
    // All packets of a picture bear the time of its begin: the clock is read where the timestamp was new.
    if (timestamp !== this.timestamp || Number.isNaN(this.sentAt)) this.sentAt = now
    this.timestamp = timestamp
    this.slots.store(this.slot, this.ssrc | 0, sequence, timestamp | 0, (this.sentAt * 8) | 0)
  }
}
