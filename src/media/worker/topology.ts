import { CordboardError } from '../../core/errors.js'
import type { MemberSettings, MemberStanding } from '../protocol.js'
import { RoomShare } from '../shared/room-share.js'
import type { WorkerContext } from './context.js'
import type { Arrival, MixedLeg } from './member.js'
import { Mixer } from './mixer.js'
import { PacketBridge, TakingOver } from './packet-bridge.js'
import type { Sender } from './sender.js'
import { Patience } from './work-loop.js'

const EQUAL: MemberSettings = { muted: false, deaf: false, gain: 1, apart: false }

/** What can be joined. */
export interface JoinedLeg extends MixedLeg {
  readonly sender: Sender
  /** It sends back what it receives. */
  readonly echoes: boolean
  echo(): void
}

/** Two legs joined to each other, and how. */
interface Pair {
  readonly a: JoinedLeg
  readonly b: JoinedLeg
  /** Asked for, whatever the codecs. */
  readonly mixed: boolean
  /** Undefined while packets go through as they are. */
  mixer: Mixer | undefined
  /** Where they were mixed, and are until each has packets that go through as they are. */
  former?: Mixer
  /** One of the two has gone over to a room, where it is not heard yet: ends that now. */
  settle?: () => void
}

const otherOf = ({ a, b }: Pair, leg: JoinedLeg): JoinedLeg => (leg === a ? b : a)

/** Who is joined to whom in this worker. A leg is in at most one pair or room. */
export class Topology {
  readonly #pairs = new Map<JoinedLeg, Pair>()
  readonly #rooms = new Map<number, Mixer>()
  readonly #roomOf = new Map<JoinedLeg, Mixer>()

  constructor(readonly context: Pick<WorkerContext, 'filters' | 'stretches' | 'ticker' | 'now' | 'report'>) {}

  echo(leg: JoinedLeg): void {
    this.part(leg)
    leg.echo()
  }

  /** Joins two legs: packet for packet where both speak the same codec, through a mixer where not or when `mixed`. */
  bridge(a: JoinedLeg, b: JoinedLeg, mixed: boolean): void {
    const pair = this.#pairs.get(a)
    if (pair !== undefined && pair === this.#pairs.get(b)) {
      if (pair.mixed !== mixed) this.#rejoin({ ...pair, mixed })
      return
    }
    const room = this.#roomOf.get(a)
    if (!mixed && room !== undefined && room === this.#roomOf.get(b) && a.codec !== undefined && a.codec === b.codec) {
      this.#roomOf.delete(a)
      this.#roomOf.delete(b)
      this.#rejoin({ a, b, mixed, mixer: room })
      return
    }
    if (a.codec === undefined || b.codec === undefined || (!mixed && a.codec === b.codec)) {
      this.part(a)
      this.part(b)
      this.#rejoin({ a, b, mixed, mixer: undefined })
      return
    }
    const mixer = new Mixer(this.context)
    const left = [a, b].map(leg => [leg, this.#pairs.get(leg)] as const)
    const [fromA, fromB] = [this.#depart(a), this.#depart(b)]
    mixer.join(a, EQUAL, fromA && { ...fromA, companion: b })
    mixer.join(b, EQUAL, fromB && { ...fromB, companion: a })
    this.#rejoin({ a, b, mixed, mixer })
    for (const [leg, before] of left) this.#settleWith(before, leg, mixer)
  }

  /** Whoever was left behind in `before` may part from it while the leg is still on its way into the mixer: that ends now. */
  #settleWith(before: Pair | undefined, leg: JoinedLeg, mixer: Mixer): void {
    if (before !== undefined && this.#pairs.get(otherOf(before, leg)) === before) before.settle = () => mixer.settle(leg)
  }

  /** Puts a pair into the form that its legs' codecs ask for; what they sent so far goes on without a jump. */
  #rejoin(pair: Pair): void {
    const { a, b } = pair
    const asPackets = !pair.mixed && a.codec !== undefined && a.codec === b.codec
    const known = this.#pairs.has(a)
    this.#pairs.set(a, pair)
    this.#pairs.set(b, pair)
    if (asPackets) {
      if (known && pair.mixer === undefined) return
      if (pair.mixer !== undefined) {
        pair.mixer.leave(a, b)
        pair.former = pair.mixer
        pair.mixer = undefined
      }
      a.connect(this.#packets(pair, b), Patience.bridged)
      b.connect(this.#packets(pair, a), Patience.bridged)
      a.changed = b.changed = () => this.#rejoin(pair)
      return
    }
    if (pair.mixer === undefined && a.codec !== undefined && b.codec !== undefined) {
      this.#forget(pair)
      pair.mixer = new Mixer(this.context)
      const packets = known && a.codec === b.codec
      pair.mixer.join(a, EQUAL, packets ? { through: new PacketBridge(b.sender), companion: b, left: () => undefined } : undefined)
      pair.mixer.join(b, EQUAL, packets ? { through: new PacketBridge(a.sender), companion: a, left: () => undefined } : undefined)
    }
    const { mixer } = pair
    a.changed = b.changed = () => {
      // The mixer follows changes of codec by itself; it goes when both speak the same again.
      mixer?.renew()
      this.#rejoin(pair)
    }
  }

  /** The packets for `target`: with the first one the mixer that the pair comes out of has no longer to serve it. */
  #packets({ former }: Pair, target: JoinedLeg): PacketBridge {
    return former === undefined ? new PacketBridge(target.sender) : new TakingOver(target.sender, () => former.served(target))
  }

  /** The pair goes on to something else, whether or not its mixer has still to serve it. */
  #forget(pair: Pair): void {
    pair.former?.dismiss(pair.a)
    delete pair.former
  }

  /** Takes the leg out of whatever it is in; it falls silent. */
  part(leg: JoinedLeg): void {
    this.#pairs.get(leg)?.settle?.()
    const pair = this.#pairs.get(leg)
    if (pair !== undefined) {
      pair.mixer?.close()
      this.#forget(pair)
      for (const side of [pair.a, pair.b]) {
        if (this.#pairs.get(side) !== pair) continue
        this.#pairs.delete(side)
        side.changed = undefined
        side.connect(undefined, Patience.buffered)
      }
    }
    this.#roomOf.get(leg)?.part(leg)
    this.#roomOf.delete(leg)
    if (leg.echoes) leg.connect(undefined, Patience.buffered)
  }

  /** The leg goes over to something that is mixed: it is heard, and hears, where it was until it can be there. */
  #depart(leg: JoinedLeg): Arrival | undefined {
    const pair = this.#pairs.get(leg)
    if (pair !== undefined) return this.#departPair(pair, leg)
    const room = this.#roomOf.get(leg)
    this.#roomOf.delete(leg)
    const through = room?.depart(leg)
    if (room !== undefined && through !== undefined) return { through, companion: undefined, from: room, left: () => room.release(leg) }
    return leg.echoes ? { through: new PacketBridge(leg.sender), companion: undefined, left: () => undefined } : undefined
  }

  #departPair(pair: Pair, leg: JoinedLeg): Arrival | undefined {
    this.#forget(pair)
    const { mixer } = pair
    const peer = otherOf(pair, leg)
    this.#pairs.delete(leg)
    leg.changed = undefined
    if (mixer === undefined) peer.changed = undefined
    const left = (): void => {
      delete pair.settle
      mixer?.release(leg)
      // Who has not come along is alone now.
      if (this.#pairs.get(peer) !== pair) return
      this.#pairs.delete(peer)
      if (mixer === undefined) peer.connect(undefined, Patience.buffered)
      else mixer.part(peer)
    }
    const through = mixer === undefined ? new PacketBridge(peer.sender) : mixer.depart(leg)
    if (through !== undefined) return { through, companion: peer, left }
    left()
    return undefined
  }

  /** @param loudest as the mixer takes it. */
  createRoom(room: number, loudest: number | undefined): void {
    this.#rooms.set(room, new Mixer(this.context, loudest))
  }

  /** Joins the room here to its parts in other workers, by what all of them share: as `Mixer.connect`. */
  connectRoom(room: number, own: SharedArrayBuffer | undefined, others: readonly SharedArrayBuffer[]): void {
    const shares = own === undefined ? undefined : { own: new RoomShare(own), others: others.map(other => new RoomShare(other)) }
    this.#rooms.get(room)?.connect(shares)
  }

  watchRoom(room: number, watched: boolean): void {
    const mixer = this.#rooms.get(room)
    if (mixer === undefined) return
    mixer.talking = watched ? (leg, talking) => this.context.report({ type: 'talking', room, leg, talking }) : undefined
  }

  /** @throws CordboardError `MEDIA_LEG_CLOSED` when the room is gone. */
  room(room: number): Mixer {
    const mixer = this.#rooms.get(room)
    if (mixer === undefined) throw new CordboardError('MEDIA_LEG_CLOSED', `room ${room} is closed`)
    return mixer
  }

  closeRoom(room: number): void {
    const mixer = this.#rooms.get(room)
    if (mixer === undefined) return
    this.#rooms.delete(room)
    for (const [leg, inside] of this.#roomOf) if (inside === mixer) this.#roomOf.delete(leg)
    mixer.close()
  }

  joinRoom(room: number, leg: JoinedLeg, settings: MemberSettings, standing?: MemberStanding): void {
    const mixer = this.room(room)
    if (this.#roomOf.get(leg) === mixer) return mixer.set(leg.id, settings)
    const pair = this.#pairs.get(leg)
    mixer.join(leg, settings, this.#depart(leg), standing)
    this.#roomOf.set(leg, mixer)
    this.#settleWith(pair, leg, mixer)
  }

  setMember(room: number, leg: number, settings: MemberSettings): void {
    this.#rooms.get(room)?.set(leg, settings)
  }

  setHears(room: number, listener: number, speaker: number, heard: boolean): void {
    this.#rooms.get(room)?.hears(listener, speaker, heard)
  }
}
