import type { Random } from '../../core/random.js'
import { type RtpHeader, RTP_HEADER_BYTES, writeRtp } from '../../rtp/packet.js'
import type { LegSlots } from '../shared/leg-slots.js'
import { SendTimeline } from './send-timeline.js'

/** RTP clock units in a millisecond, of video. */
const VIDEO_UNITS = 90

/**
 * The timeline that a party of a side stream is sent. Marks are left where they are: they end pictures. What the party says about it is
 * told back in the numbers of the source.
 */
export class StreamSender extends SendTimeline {
  constructor(slots: LegSlots, slot: number, random: Random, now: number) {
    super(slots, slot, random, now)
    this.unitsPerMs = VIDEO_UNITS
  }

  /**
   * Rewrites the header of the other party's packet, in place.
   * @param source number of the packet's stream: another number is another timeline.
   * @returns the packet to send, undefined for one from before a change of source.
   */
  take(packet: Buffer, header: RtpHeader, source: number, payloadType: number, now: number): Buffer | undefined {
    if (source !== this.source) this.adopt(header, source, this.#timestampAt(now))
    if (!this.shift(header)) return undefined
    // CSRC list and extension were not agreed on with this party.
    const start = header.payloadStart - RTP_HEADER_BYTES
    writeRtp(packet, start, header.marker, payloadType, this.shiftedSequence, this.shiftedTimestamp, this.ssrc)
    this.packets++
    this.bytes += header.payloadEnd - header.payloadStart
    this.noteShifted(now)
    return start === 0 && header.payloadEnd === packet.length ? packet : packet.subarray(start, header.payloadEnd)
  }

  #timestampAt(now: number): number {
    return this.timestamp + (Number.isNaN(this.sentAt) ? 0 : Math.max(1, Math.round((now - this.sentAt) * this.unitsPerMs)))
  }
}
