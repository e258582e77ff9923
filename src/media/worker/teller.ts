import type { RoomShare } from '../shared/room-share.js'
import { Counter, type WorkerShare } from '../shared/worker-share.js'
import type { Member } from './member.js'
import { add } from './mixing.js'

/** Has the other workers hear what is said in this part of a room. */
export class Teller {
  /** The sum begins where it ended in the tick before; so do the voices of these. */
  #bends = false
  readonly #bent: number[] = []
  /** Who is told by itself in this tick. */
  readonly #apart: Member[] = []

  /** @param ranked the choice of the loudest needs to know who speaks here. */
  constructor(readonly counters: WorkerShare, readonly ranked: boolean) {}

  /** The voice of a member changes at once. @param apart it is told by itself. */
  bend(id: number, apart: boolean): void {
    if (apart) this.#bent.push(id)
    else this.#bends = true
  }

  /** The tick is over, whether or not anything was told in it. */
  settle(): void {
    this.#bends = false
    this.#bent.length = 0
  }

  /** Sums what `members` say, for the room too: into `sum`, at `rate` Hz. */
  tell(share: RoomShare, members: readonly Member[], sum: Int32Array, at: number, rate: number): void {
    const apart = this.#apart
    let spoken = false
    share.begin(at, rate)
    for (let index = 0; index < members.length; index++) {
      const member = members[index]!
      if (!member.speaks) continue
      if (this.ranked) share.rival(member.id, member.loudness)
      if (member.settings.apart || !share.speaker(member.id)) {
        apart.push(member)
        continue
      }
      add(sum, member.pcm)
      spoken = true
    }
    if (spoken) share.sum(sum, this.#bends)
    for (let index = 0; index < apart.length; index++) {
      const { id, pcm } = apart[index]!
      if (!share.voice(id, pcm, this.#bent.includes(id))) this.counters.add(Counter.roomVoicesLeftOut, 1)
      add(sum, pcm)
    }
    apart.length = 0
    share.end()
  }
}
