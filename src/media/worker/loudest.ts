import type { Member } from './member.js'

/** How much louder (as energy) somebody else must be than one who is heard, to be heard instead: 3 dB. */
const STAYING = 2
/** What is left of a loudness after 20 ms: a pause between words is bridged. */
const DECAY = 0.93

/** Somebody who may be heard: a member, or one of another worker who is heard there. */
export interface Candidate {
  readonly id: number
  readonly heard: boolean
  readonly loudness: number
}

/**
 * Lets only the loudest members of a huge room be heard: the noise of a thousand open microphones is no talk. Who is heard stays so
 * until somebody else is clearly louder.
 */
export class Loudest {
  readonly #chosen: Candidate[] = []

  /** @param most members heard at a time. */
  constructor(readonly most: number) {}

  /**
   * Silences all but the loudest of `members` and `rivals` in this tick; allocates nothing.
   * @returns whether somebody is heard from now on, or is heard no more, while they speak: they are `altered`.
   */
  choose(members: readonly Member[], rivals: readonly Candidate[]): boolean {
    const chosen = this.#chosen
    chosen.length = 0
    for (let at = 0; at < rivals.length; at++) this.#insert(rivals[at]!)
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      member.loudness *= DECAY
      if (!member.speaks) continue
      member.loudness = Math.max(member.loudness, energyOf(member.pcm))
      this.#insert(member)
    }
    let altered = false
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      const heard = member.speaks && chosen.includes(member)
      if (member.speaks && heard !== member.heard) altered = member.altered = true
      member.heard = heard
      member.speaks = heard
    }
    return altered
  }

  /** Keeps `#chosen` in order of rank, no longer than `most`. */
  #insert(candidate: Candidate): void {
    const chosen = this.#chosen
    let at = chosen.length
    if (at === this.most) {
      if (!outranks(candidate, chosen[at - 1]!)) return
      at--
    } else chosen.push(candidate)
    for (; at > 0 && outranks(candidate, chosen[at - 1]!); at--) chosen[at] = chosen[at - 1]!
    chosen[at] = candidate
  }
}

/** Of equals it is always the same one: each worker must come to the same choice. */
const outranks = (a: Candidate, b: Candidate): boolean => {
  const distance = rankOf(a) - rankOf(b)
  return distance > 0 || (distance === 0 && a.id < b.id)
}

const rankOf = ({ heard, loudness }: Candidate): number => (heard ? loudness * STAYING : loudness)

const energyOf = (pcm: Int16Array): number => {
  let energy = 0
  for (let at = 0; at < pcm.length; at++) energy += pcm[at]! * pcm[at]!
  return energy
}
