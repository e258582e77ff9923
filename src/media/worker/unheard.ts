import type { Exchange } from './exchange.js'

/** Ticks for which a listener keeps an encoding of its own when nobody hidden from it speaks any more: in codecs that adapt each change costs a seam. */
const LINGER_TICKS = 50

/** A member in this worker. */
interface Speaker {
  readonly id: number
  readonly speaks: boolean
  readonly pcm: Int16Array
}

/** Those that a member does not hear, members or not at the moment. */
export class Unheard {
  /** What they say in this tick, as it is in the room's sum. */
  readonly said: (Int16Array | Int32Array)[] = []
  /** A whole sum of another worker is in `said`: somebody in it is not meant for the member. */
  muffled = false
  readonly #ids: Set<number>
  /** In such a sum, with others, when they became unheard: heard as before until they are told by themselves. */
  readonly #late = new Set<number>()
  /** Ticks for which nobody of them has spoken. */
  #quiet = 0

  constructor(ids: readonly number[]) {
    this.#ids = new Set(ids)
  }

  get size(): number {
    return this.#ids.size
  }

  has(id: number): boolean {
    return this.#ids.has(id)
  }

  add(id: number, exchange: Exchange | undefined): void {
    this.#ids.add(id)
    if (exchange?.sums(id) === true) this.#late.add(id)
  }

  delete(id: number): void {
    this.#ids.delete(id)
    this.#late.delete(id)
  }

  /** Sets `said` and `muffled`, for a tick of the room, as to the listener of that number. @returns whether any of them speaks, or did until lately. */
  seek(listener: number, members: readonly Speaker[], exchange: Exchange | undefined): boolean {
    const { said } = this
    said.length = 0
    for (let index = 0; index < members.length; index++) {
      const { id, speaks, pcm } = members[index]!
      if (speaks && id !== listener && this.#ids.has(id)) said.push(pcm)
    }
    this.muffled = false
    if (exchange !== undefined) this.#seekElsewhere(exchange)
    this.#quiet = said.length > 0 ? 0 : this.#quiet + 1
    return this.#quiet < LINGER_TICKS
  }

  #seekElsewhere(exchange: Exchange): void {
    const { guests, neighbours } = exchange
    for (let index = 0; index < guests.length; index++) if (this.#ids.has(guests[index]!.id)) this.said.push(guests[index]!.pcm)
    if (this.#late.size > 0) for (const id of this.#late) if (!exchange.sums(id)) this.#late.delete(id)
    for (let index = 0; index < neighbours.length; index++) {
      const { frame, said } = neighbours[index]!
      for (let at = 0; frame.spoken && at < frame.speakers; at++) {
        const id = frame.speakerIds[at]!
        if (!this.#ids.has(id) || this.#late.has(id)) continue
        this.said.push(said)
        this.muffled = true
        break
      }
    }
  }
}
