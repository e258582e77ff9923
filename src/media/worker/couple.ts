import { ARRIVAL_TICKS, type Member, type MixedLeg } from './member.js'

/** Two who have left a mixer for a bridge of packets: each still hears the other's jitter buffer run out until packets of the other have come. */
export class Couple {
  readonly #members: readonly [Member, Member]
  readonly #silence: Int16Array
  readonly #served = new Set<MixedLeg>()
  #ticks = 0

  constructor(a: Member, b: Member) {
    this.#members = [a, b]
    this.#silence = new Int16Array(a.pcm.length)
  }

  has(leg: MixedLeg): boolean {
    return this.#members.some(member => member.leg === leg)
  }

  /** Others send to the leg from now on. */
  served(leg: MixedLeg): void {
    this.#served.add(leg)
  }

  /** Neither depends on it any more, or its time is over. */
  get ended(): boolean {
    return this.#served.size === 2 || this.#ticks === ARRIVAL_TICKS
  }

  tick(at: number): void {
    this.#ticks++
    const [a, b] = this.#members
    a.read(at)
    b.read(at)
    this.#serve(a, b, at)
    this.#serve(b, a, at)
  }

  #serve(member: Member, { speaks, pcm }: Member, at: number): void {
    if (!this.#served.has(member.leg)) member.send(speaks ? pcm : this.#silence, at, this.#silence)
  }
}
