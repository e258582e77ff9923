import type { Member } from './member.js'

/** How much louder (as energy) somebody else must be than one who is heard, to be heard instead: 3 dB. */
const STAYING = 2
/** What is left of a loudness after 20 ms: a pause between words is bridged. */
const DECAY = 0.93

/**
 * Lets only the loudest members of a huge room be heard: the noise of a thousand open microphones is no talk. Who is heard stays so
 * until somebody else is clearly louder.
 */
export class Loudest {
  readonly #chosen: Member[] = []

  /** @param most members heard at a time. */
  constructor(readonly most: number) {}

  /** Silences all but the loudest in this tick; allocates nothing. */
  choose(members: readonly Member[]): void {
    const chosen = this.#chosen
    chosen.length = 0
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      member.loudness *= DECAY
      if (!member.speaks) continue
      member.loudness = Math.max(member.loudness, energyOf(member.pcm))
      this.#insert(member)
    }
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      member.heard = member.speaks && chosen.includes(member)
      member.speaks = member.heard
    }
  }

  /** Keeps `#chosen` in order of rank, no longer than `most`. */
  #insert(member: Member): void {
    const chosen = this.#chosen
    let at = chosen.length
    if (at === this.most) {
      if (rankOf(chosen[at - 1]!) >= rankOf(member)) return
      at--
    } else chosen.push(member)
    for (; at > 0 && rankOf(chosen[at - 1]!) < rankOf(member); at--) chosen[at] = chosen[at - 1]!
    chosen[at] = member
  }
}

const rankOf = (member: Member): number => (member.heard ? member.loudness * STAYING : member.loudness)

const energyOf = (pcm: Int16Array): number => {
  let energy = 0
  for (let at = 0; at < pcm.length; at++) energy += pcm[at]! * pcm[at]!
  return energy
}
