import type { Resampler } from '../../codec/resampler.js'
import { RoomFrame, type RoomShare } from '../shared/room-share.js'
import { Counter, type WorkerShare } from '../shared/worker-share.js'
import { FrameEnd } from './frame-end.js'
import type { Candidate } from './loudest.js'
import { add, clip, WIDE } from './mixing.js'
import type { ResamplerFilters } from './resampler-filters.js'
import { TICK_MS } from './ticker.js'

/** Ticks of silence after which a guest is forgotten. */
const FORGET_TICKS = 500

/** Brings sound of any rate to this part's. */
class RateChange {
  #resampler: Resampler | undefined
  #from = 0
  readonly #out: Int16Array

  constructor(readonly to: number, readonly filters: ResamplerFilters) {
    // A resampler may write a sample or two more than fall into the tick.
    this.#out = new Int16Array((to * TICK_MS) / 1000 + 2)
  }

  /** @param input a tick at rate `from`. @returns it at rate `to`, until the next call: `input` itself where the rates are one. */
  apply(input: Int16Array, from: number): Int16Array {
    if (from === this.to) return input
    const samples = (from * TICK_MS) / 1000
    if (from !== this.#from) {
      this.#from = from
      this.#resampler = this.filters.resampler(from, this.to, samples)
    }
    this.#resampler!.process(input, this.#out, 0, samples)
    return this.#out
  }
}

/** A member in another worker that is not heard by all. */
export class Guest {
  /** What it says in this tick, at this part's rate. */
  pcm: Int16Array
  /** Ticks for which it has said nothing. */
  silent = 0
  /** Where its last frame ended. */
  readonly end = new FrameEnd()
  readonly #rate: RateChange

  constructor(readonly id: number, rate: number, filters: ResamplerFilters) {
    this.#rate = new RateChange(rate, filters)
    this.pcm = new Int16Array(0)
  }

  say(pcm: Int16Array, rate: number): void {
    this.pcm = this.#rate.apply(pcm, rate)
  }
}

/** What the members in one other worker say. Whatever begins or ends at once goes over from silence, or to it: else it would click. */
export class Neighbour {
  readonly frame = new RoomFrame()
  /** What all hear of it in this tick, at this part's rate: if `frame.spoken`. */
  said: Int16Array | Int32Array = this.frame.sum
  readonly #guests: Guest[] = []
  /** Whose the voices of the frame are. */
  readonly #speaking: Guest[] = []
  readonly #clipped = new Int16Array(this.frame.sum.length)
  readonly #change: RateChange
  /** Where its last sum ended; whether there was one in the tick before. */
  readonly #end = new FrameEnd()
  #spoke = false
  /** It came in the tick before. */
  #there = true

  constructor(readonly share: RoomShare, readonly rate: number, readonly filters: ResamplerFilters) {
    this.#change = new RateChange(rate, filters)
  }

  /** Takes in what it said. @returns false where it did not come. */
  read(at: number): boolean {
    const there = this.share.read(at, this.frame)
    this.#readSum(!this.#there)
    this.#readVoices(!this.#there)
    this.#there = there
    return there
  }

  #readSum(back: boolean): void {
    const { frame } = this
    const { spoken } = frame
    if (spoken) {
      if (back || frame.bends) this.#end.lead(frame.sum, frame.rate)
      this.#end.take(frame.sum, (frame.rate * TICK_MS) / 1000)
    } else if (this.#spoke) {
      frame.sum.fill(0)
      this.#end.lead(frame.sum, frame.rate)
      this.#end.clear()
      frame.spoken = true
    }
    this.#spoke = spoken
  }

  #readVoices(back: boolean): void {
    const { frame } = this
    const guests = this.#guests
    this.#speaking.length = 0
    for (let at = 0; at < guests.length; at++) guests[at]!.silent++
    for (let voice = 0; voice < frame.voices; voice++) {
      const guest = this.#guest(frame.voiceIds[voice]!)
      const pcm = frame.pcm[voice]!
      guest.silent = 0
      if (back || frame.voiceBends[voice] === 1) guest.end.lead(pcm, frame.rate)
      guest.end.take(pcm, (frame.rate * TICK_MS) / 1000)
      this.#speaking.push(guest)
    }
    for (let at = guests.length - 1; at >= 0; at--) {
      const guest = guests[at]!
      if (guest.silent === 1) this.#endVoice(guest)
      else if (guest.silent > FORGET_TICKS) guests.splice(at, 1)
    }
  }

  #endVoice(guest: Guest): void {
    const { frame } = this
    const pcm = frame.pcm[frame.voices]
    if (pcm !== undefined) {
      pcm.fill(0)
      guest.end.lead(pcm, frame.rate)
      frame.voices++
      this.#speaking.push(guest)
    }
    guest.end.clear()
  }

  /** Adds what all hear of it to `sum`, and who is heard by itself to `guests`. */
  hear(sum: Int32Array, guests: Guest[]): void {
    const { frame } = this
    if (frame.spoken) this.#add(sum)
    for (let voice = 0; voice < frame.voices; voice++) {
      const guest = this.#speaking[voice]!
      guest.say(frame.pcm[voice]!, frame.rate)
      guests.push(guest)
    }
  }

  #add(sum: Int32Array): void {
    const { frame } = this
    if (frame.rate === this.rate) {
      this.said = frame.sum
      for (let at = 0; at < sum.length; at++) sum[at]! += frame.sum[at]!
      return
    }
    for (let at = 0; at < this.#clipped.length; at++) this.#clipped[at] = clip(frame.sum[at]!)
    const said = this.said = this.#change.apply(this.#clipped, frame.rate)
    add(sum, said)
  }

  /** Somebody's voice is in what all hear of it. */
  sums(id: number): boolean {
    const { spoken, speakers, speakerIds } = this.frame
    for (let at = 0; spoken && at < speakers; at++) if (speakerIds[at] === id) return true
    return false
  }

  #guest(id: number): Guest {
    for (let at = 0; at < this.#guests.length; at++) if (this.#guests[at]!.id === id) return this.#guests[at]!
    const guest = new Guest(id, this.rate, this.filters)
    this.#guests.push(guest)
    return guest
  }
}

/** The whole room at the widest rate, for recordings made in a part that is narrower than others. */
class WideMix {
  readonly #sum = new Int32Array((WIDE * TICK_MS) / 1000)
  readonly #said = new Int32Array(this.#sum.length)
  readonly #clipped = new Int16Array(this.#sum.length)
  readonly #pcm = new Int16Array(this.#sum.length)
  readonly #bytes = new Uint8Array(this.#pcm.buffer)
  readonly #own: RateChange
  readonly #changes: readonly RateChange[]

  constructor(readonly rate: number, readonly neighbours: readonly Neighbour[], filters: ResamplerFilters) {
    this.#own = new RateChange(WIDE, filters)
    this.#changes = neighbours.map(() => new RateChange(WIDE, filters))
  }

  /** @param own sum of what this part's members say. @returns 16-bit samples, valid until the next call. */
  make(own: Int32Array): Uint8Array {
    this.#sum.fill(0)
    this.#add(own, this.rate, this.#own)
    for (let index = 0; index < this.neighbours.length; index++) {
      const { frame } = this.neighbours[index]!
      if (frame.rate > 0) this.#add(this.#saidIn(frame), frame.rate, this.#changes[index]!)
    }
    for (let at = 0; at < this.#pcm.length; at++) this.#pcm[at] = clip(this.#sum[at]!)
    return this.#bytes
  }

  /** All that is said in a part, of those who are not heard by all too. */
  #saidIn(frame: RoomFrame): Int32Array {
    const said = this.#said
    if (frame.spoken) for (let at = 0; at < said.length; at++) said[at] = frame.sum[at]!
    else said.fill(0)
    for (let voice = 0; voice < frame.voices; voice++) add(said, frame.pcm[voice]!)
    return said
  }

  #add(said: Int32Array, rate: number, change: RateChange): void {
    const sum = this.#sum
    if (rate === WIDE) {
      for (let at = 0; at < sum.length; at++) sum[at]! += said[at]!
      return
    }
    const samples = (rate * TICK_MS) / 1000
    for (let at = 0; at < samples; at++) this.#clipped[at] = clip(said[at]!)
    add(sum, change.apply(this.#clipped, rate))
  }
}

/** A room's parts as a mixer is told of them: its own, and those of the other workers. */
export interface RoomShares {
  readonly own: RoomShare
  readonly others: readonly RoomShare[]
}

/** Joins this worker's part of a room to those of other workers, whom it hears 20 to 35 ms later. */
export class Exchange {
  /** Who is heard elsewhere, for the choice of the loudest. */
  readonly rivals: Candidate[] = []
  /** Who speaks elsewhere in this tick and is not heard by all. */
  readonly guests: Guest[] = []
  readonly #pool: { id: number; loudness: number; readonly heard: true }[] = []
  /** The other parts. */
  readonly neighbours: readonly Neighbour[]
  #wide: WideMix | undefined

  /** @param rate of this part in Hz. */
  constructor(readonly shares: RoomShares, readonly rate: number, readonly filters: ResamplerFilters, readonly counters: WorkerShare) {
    this.neighbours = shares.others.map(share => new Neighbour(share, rate, filters))
  }

  /** Takes in what the others said. */
  read(at: number): void {
    this.rivals.length = 0
    for (let index = 0; index < this.neighbours.length; index++) {
      const neighbour = this.neighbours[index]!
      const { share, frame } = neighbour
      if (!neighbour.read(at) && share.expected(at)) this.counters.add(Counter.roomFramesMissed, 1)
      for (let rival = 0; rival < frame.rivals; rival++) this.#rival(frame.rivalIds[rival]!, frame.loudness[rival]!)
    }
  }

  #rival(id: number, loudness: number): void {
    const at = this.rivals.length
    const rival = this.#pool[at] ??= { id, loudness, heard: true }
    rival.id = id
    rival.loudness = loudness
    this.rivals.push(rival)
  }

  /** Somebody's voice is in the sum of another part, in the last tick. */
  sums(id: number): boolean {
    return this.neighbours.some(neighbour => neighbour.sums(id))
  }

  /** Somebody who is told by itself says something in this tick. */
  speaks(id: number): boolean {
    return this.guests.some(guest => guest.id === id)
  }

  /** @param own sum of what this part's members say. @returns what `read` took in and that, at 16 kHz; valid until the next call. */
  wideMix(own: Int32Array): Uint8Array {
    this.#wide ??= new WideMix(this.rate, this.neighbours, this.filters)
    return this.#wide.make(own)
  }

  /** Adds what `read` took in to the room's sum; sets `guests`. */
  hear(sum: Int32Array): void {
    this.guests.length = 0
    for (let index = 0; index < this.neighbours.length; index++) this.neighbours[index]!.hear(sum, this.guests)
    for (let index = 0; index < this.guests.length; index++) add(sum, this.guests[index]!.pcm)
  }
}
