import type { Resampler } from '../../codec/resampler.js'
import type { Member } from './member.js'
import type { AudioSink } from './receiver.js'
import type { ResamplerFilters } from './resampler-filters.js'
import { bendSound } from './seam.js'

const EVEN = { muted: false, deaf: false, gain: 1, apart: false }

/** A member in the form that it had before its codec or the room's rate changed: heard until the new form's jitter buffer has filled. */
export class FormerSound {
  /** Takes its packets. */
  readonly sink: AudioSink
  readonly #resampler: Resampler | undefined
  readonly #resampled: Int16Array
  #last = 0
  #lastButOne = 0

  /** @param rate of the room now, in Hz. */
  constructor(readonly member: Member, readonly rate: number, filters: ResamplerFilters) {
    this.sink = member.relay()
    const { pcm } = member
    this.#resampled = new Int16Array(Math.ceil((pcm.length * rate) / member.rate) + 2)
    this.#resampler = member.rate === rate ? undefined : filters.resampler(member.rate, rate, pcm.length)
    // The filter goes on from what was heard last.
    this.#resampler?.process(pcm, this.#resampled)
    // The new form has the gain and the rest.
    member.settings = EVEN
  }

  /** Writes what it says in this tick. @returns false when it says nothing any more. */
  read(at: number, pcm: Int16Array): boolean {
    this.member.read(at)
    let sound = this.member.pcm
    if (this.#resampler !== undefined) {
      this.#resampler.process(sound, this.#resampled)
      sound = this.#resampled.subarray(0, pcm.length)
    }
    pcm.set(sound)
    this.#lastButOne = pcm[pcm.length - 2]!
    this.#last = pcm[pcm.length - 1]!
    return this.member.ready
  }

  /** Bends the new form's first sound to go on from the last one. */
  goOn(pcm: Int16Array): void {
    bendSound(pcm, this.#lastButOne, this.#last, this.rate)
  }
}
