import { CordboardError } from '../../core/errors.js'
import type { MemberSettings } from '../protocol.js'
import type { WorkerContext } from './context.js'
import type { WorkerLeg } from './leg.js'
import { Mixer } from './mixer.js'
import { PacketBridge } from './packet-bridge.js'
import { Patience } from './work-loop.js'

const EQUAL: MemberSettings = { muted: false, deaf: false, gain: 1 }

/** Two legs joined to each other, and how. */
interface Pair {
  readonly a: WorkerLeg
  readonly b: WorkerLeg
  /** Asked for, whatever the codecs. */
  readonly mixed: boolean
  /** Undefined while packets go through as they are. */
  mixer: Mixer | undefined
}

/** Who is joined to whom in this worker. A leg is in at most one pair or room. */
export class Topology {
  readonly #pairs = new Map<WorkerLeg, Pair>()
  readonly #rooms = new Map<number, Mixer>()
  readonly #roomOf = new Map<WorkerLeg, Mixer>()

  constructor(readonly context: WorkerContext) {}

  echo(leg: WorkerLeg): void {
    this.part(leg)
    leg.echo()
  }

  /** Joins two legs: packet for packet where both speak the same codec, through a mixer where not or when `mixed`. */
  bridge(a: WorkerLeg, b: WorkerLeg, mixed: boolean): void {
    const pair = this.#pairs.get(a)
    if (pair !== undefined && pair === this.#pairs.get(b)) {
      if (pair.mixed !== mixed) this.#rejoin({ ...pair, mixed })
      return
    }
    this.part(a)
    this.part(b)
    this.#rejoin({ a, b, mixed, mixer: undefined })
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
      pair.mixer?.close()
      pair.mixer = undefined
      a.connect(new PacketBridge(b.sender), Patience.bridged)
      b.connect(new PacketBridge(a.sender), Patience.bridged)
      a.changed = b.changed = () => this.#rejoin(pair)
      return
    }
    if (pair.mixer === undefined && a.codec !== undefined && b.codec !== undefined) {
      pair.mixer = new Mixer(this.context)
      if (known && a.codec === b.codec) pair.mixer.takeOver(a, b, EQUAL, new PacketBridge(b.sender), new PacketBridge(a.sender))
      else {
        pair.mixer.join(a, EQUAL)
        pair.mixer.join(b, EQUAL)
      }
    }
    const { mixer } = pair
    a.changed = b.changed = () => {
      // The mixer follows changes of codec by itself; it goes when both speak the same again.
      mixer?.renew()
      this.#rejoin(pair)
    }
  }

  /** Takes the leg out of whatever it is in; it falls silent. */
  part(leg: WorkerLeg): void {
    const pair = this.#pairs.get(leg)
    if (pair !== undefined) {
      this.#pairs.delete(pair.a)
      this.#pairs.delete(pair.b)
      pair.mixer?.close()
      for (const side of [pair.a, pair.b]) {
        side.changed = undefined
        side.connect(undefined, Patience.buffered)
      }
    }
    this.#roomOf.get(leg)?.part(leg)
    this.#roomOf.delete(leg)
    if (leg.echoes) leg.connect(undefined, Patience.buffered)
  }

  /** @param loudest as the mixer takes it. */
  createRoom(room: number, loudest: number | undefined): void {
    this.#rooms.set(room, new Mixer(this.context, loudest))
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

  joinRoom(room: number, leg: WorkerLeg, settings: MemberSettings): void {
    const mixer = this.room(room)
    this.part(leg)
    mixer.join(leg, settings)
    this.#roomOf.set(leg, mixer)
  }

  setMember(room: number, leg: number, settings: MemberSettings): void {
    this.#rooms.get(room)?.set(leg, settings)
  }

  setHears(room: number, listener: number, speaker: number, heard: boolean): void {
    this.#rooms.get(room)?.hears(listener, speaker, heard)
  }
}
