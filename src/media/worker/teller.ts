import type { RoomShare } from '../shared/room-share.js'
import { Counter, type WorkerShare } from '../shared/worker-share.js'
import { FrameEnd } from './frame-end.js'
import type { Member } from './member.js'
import { add } from './mixing.js'

/** Has the other workers hear what is said in this part of a room. */
export class Teller {
  /** Where the sum that they were told last ended, and whether the next one begins there. */
  readonly #end = new FrameEnd()
  #bends = false

  /** @param ranked the choice of the loudest needs to know who speaks here. */
  constructor(readonly counters: WorkerShare, readonly ranked: boolean) {}

  /** The voice of a member changes at once. */
  bend({ settings }: Member): void {
    this.#bends ||= !settings.apart
  }

  /** The tick is over, whether or not anything was told in it. */
  settle(): void {
    this.#bends = false
  }

  /** Sums what `members` say, for the room too: into `sum`, at `rate` Hz. */
  tell(share: RoomShare, members: readonly Member[], sum: Int32Array, at: number, rate: number): void {
    let spoken = false
    share.begin(at, rate)
    for (let index = 0; index < members.length; index++) {
      const member = members[index]!
      if (!member.speaks) continue
      if (this.ranked) share.rival(member.id, member.loudness)
      if (member.settings.apart) continue
      add(sum, member.pcm)
      spoken = true
    }
    if (spoken) this.#tellSum(share, sum, rate)
    else this.#end.clear()
    for (let index = 0; index < members.length; index++) {
      const member = members[index]!
      if (!member.speaks || !member.settings.apart) continue
      if (!share.voice(member.id, member.pcm)) this.counters.add(Counter.roomVoicesLeftOut, 1)
      add(sum, member.pcm)
    }
    share.end()
  }

  #tellSum(share: RoomShare, said: Int32Array, rate: number): void {
    let sum = said
    if (this.#bends) {
      sum = sum.slice()
      this.#end.lead(sum, rate)
    }
    share.sum(sum)
    this.#end.take(sum)
  }
}
