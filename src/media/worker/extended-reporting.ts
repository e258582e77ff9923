import { GMIN } from '../../rtp/burst-gap.js'
import { mosOfRating, type QualityInput, rating } from '../../rtp/mos.js'
import { ntpMiddle, ntpOf, roundTripOf } from '../../rtp/rtcp.js'
import type { ExtendedBlock, VoipMetrics } from '../../rtp/rtcp-xr.js'
import type { NegotiatedMedia } from '../../sdp/negotiated.js'
import type { ReportedReceiver } from './rtcp-session.js'

/** What the peer says in its extended reports about what we send. */
export interface HeardThere {
  /** Milliseconds. */
  roundTrip?: number | undefined
  /** 1 to 5. */
  mos?: number | undefined
}

/** RTCP extended reports of one leg (RFC 3611): nothing until they are agreed on. */
export class ExtendedReporting {
  #agreed: NegotiatedMedia['extendedReports']
  #packetMs = 0
  /** The peer's last reference time, and when it came. */
  #reference: { readonly ssrc: number; readonly middle: number; readonly at: number } | undefined

  /** @param heard what is heard of the peer; undefined before anything was. */
  constructor(readonly receiver: ReportedReceiver, readonly heard: () => QualityInput | undefined) {}

  apply(media: NegotiatedMedia): void {
    this.#agreed = media.extendedReports
    this.#packetMs = media.ptime
    if (media.extendedReports?.voip === true) this.receiver.reception.watchSpread()
  }

  /** Takes a block of the peer's `ssrc`, which came at `now` and waited for so many ms to be seen; `own` is the source that we send. */
  take(ssrc: number, block: ExtendedBlock, own: number, now: number, waited: number): HeardThere {
    switch (block.type) {
      case 'reference-time':
        this.#reference = { ssrc, middle: ntpMiddle(block.ntpSeconds, block.ntpFraction), at: now }
        return {}
      case 'delay-since-reference': {
        const answer = block.receivers.find(receiver => receiver.ssrc === own)
        return answer === undefined ? {} : { roundTrip: roundTripOf(answer.lastReference, answer.delaySinceLast, Date.now(), waited) }
      }
      case 'voip-metrics': return block.ssrc === own ? { mos: block.conversationalMos ?? block.listeningMos } : {}
    }
  }

  /** Blocks for our next report. @param active true for who has sent since the last: it has the round trip from the answers to its sender reports. */
  blocks(active: boolean, roundTrip: number | undefined, now: number): readonly ExtendedBlock[] {
    if (this.#agreed === undefined) return []
    const blocks: ExtendedBlock[] = []
    if (this.#agreed.roundTrip && !active) {
      const ntp = ntpOf(Date.now())
      blocks.push({ type: 'reference-time', ntpSeconds: ntp.seconds, ntpFraction: ntp.fraction })
    }
    if (this.#agreed.roundTrip && this.#reference !== undefined) {
      const { ssrc, middle, at } = this.#reference
      blocks.push({ type: 'delay-since-reference', receivers: [{ ssrc, lastReference: middle, delaySinceLast: Math.round(((now - at) * 65536) / 1000) }] })
    }
    const metrics = this.#agreed.voip ? this.#voipMetrics(roundTrip ?? 0) : undefined
    return metrics === undefined ? blocks : [...blocks, metrics]
  }

  #voipMetrics(roundTrip: number): VoipMetrics | undefined {
    const { ssrc, reception: { spread } } = this.receiver
    const heard = this.heard()
    if (heard === undefined || spread === undefined || ssrc === 0) return undefined
    const { burstDensity, gapDensity, burstPackets, gapPackets } = spread.metrics()
    return {
      // What comes too late to be told from lost counts as lost.
      type: 'voip-metrics', ssrc, lossRate: spread.packets === 0 ? 0 : spread.lost / spread.packets, discardRate: 0,
      burstDensity, gapDensity, burstDuration: burstPackets * this.#packetMs, gapDuration: gapPackets * this.#packetMs,
      roundTripDelay: roundTrip, endSystemDelay: heard.delay - roundTrip / 2, gmin: GMIN,
      // To who only listens the delay is nothing (§4.7.5).
      rating: rating(heard), listeningMos: mosOfRating(rating({ ...heard, delay: 0 })), conversationalMos: mosOfRating(rating(heard)),
    }
  }
}
