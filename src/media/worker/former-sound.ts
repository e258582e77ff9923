import type { Resampler } from '../../codec/resampler.js'
import type { MemberSettings } from '../protocol.js'
import type { Member } from './member.js'
import type { AudioSink } from './receiver.js'
import type { ResamplerFilters } from './resampler-filters.js'

/** A form's sound begins with so much that is none (ms): the delays of its concealment and of its filter. */
const LEAD_MS = 8
/** Then the one goes over into the other for so long (ms). */
const FADE_MS = 8

/** A member in the form that it had before its codec or the room's rate changed: heard until the new form's jitter buffer has filled. */
export class FormerSound {
  /** Takes its packets. */
  readonly sink: AudioSink
  /** What it says in this tick, at the room's rate. */
  readonly pcm: Int16Array
  readonly #resampler: Resampler | undefined
  readonly #resampled: Int16Array
  #begun = false

  /** @param rate of the room now, in Hz. */
  constructor(readonly member: Member, readonly rate: number, filters: ResamplerFilters) {
    this.sink = sinkOf(member)
    const { pcm } = member
    const samples = (pcm.length * rate) / member.rate
    this.#resampled = new Int16Array(samples + 2)
    this.pcm = member.rate === rate ? pcm : this.#resampled.subarray(0, samples)
    this.#resampler = member.rate === rate ? undefined : filters.resampler(member.rate, rate, pcm.length)
    // The filter goes on from what was heard last.
    this.#filter()
  }

  /** Reads this tick's sound. */
  read(at: number, settings: MemberSettings): void {
    const { member } = this
    member.settings = settings
    member.read(at)
    this.#filter()
    if (!this.#begun) this.#begin()
    this.#begun = true
  }

  #filter(): void {
    const { pcm, speaks } = this.member
    if (!speaks) pcm.fill(0)
    this.#resampler?.process(pcm, this.#resampled)
  }

  /** The filter's delay has the last ms come again: it takes over from lines drawn between the samples, which have no delay. */
  #begin(): void {
    if (this.#resampler === undefined) return
    const { pcm, rate } = this.member
    const fade = (this.rate * FADE_MS) / 1000
    const drawn = Int16Array.from({ length: fade }, (_, at) => {
      const place = (at * rate) / this.rate
      const before = Math.floor(place)
      return pcm[before]! + (place - before) * (pcm[before + 1]! - pcm[before]!)
    })
    goOver(drawn, this.pcm, 0, fade)
  }

  /** Lets this tick's sound go over into the new form's, in place. */
  endWith(pcm: Int16Array): void {
    goOver(this.pcm, pcm, (this.rate * LEAD_MS) / 1000, (this.rate * FADE_MS) / 1000)
  }
}

/** A former codec knows nothing of the new one's packets: to it they are lost. */
const sinkOf = (member: Member): AudioSink => {
  const relay = member.relay()
  if (member.codec === member.leg.codec) return relay
  return {
    ...relay,
    audio: (packet, header, codec, source, now) => {
      if (codec === member.codec) relay.audio(packet, header, codec, source, now)
    },
  }
}

/** After `lead` samples of `from`, `fade` samples lead over to `to`, in whose place all of them are written. */
const goOver = (from: Int16Array, to: Int16Array, lead: number, fade: number): void => {
  for (let at = 0; at < lead + fade; at++) {
    const rest = at < lead ? 1 : 0.5 * (1 + Math.cos((Math.PI * (at - lead)) / fade))
    to[at] = Math.round(rest * from[at]! + (1 - rest) * to[at]!)
  }
}
