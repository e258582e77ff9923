import { seededRandom } from '../src/core/random.js'
import { Ring } from '../src/core/ring.js'
import { OrderedSet } from '../src/contact/routing/ordered-set.js'

/** As many bytes as routing keeps of one agent in a queue, in as many pieces. */
interface Desk {
  readonly name: string
  readonly settings: { readonly skills: Readonly<Record<string, number>> }
  readonly load: { voice: number; callback: number; chat: number; email: number }
  readonly talks: Talk[]
  readonly places: readonly Place[]
}

interface Place {
  readonly desk: Desk
  readonly order: OrderedSet<Place>
  readonly serial: number
  key: number
}

/** As many bytes as routing keeps of one caller, in as many pieces. */
interface Talk {
  readonly name: string
  readonly desk: Desk
  readonly fields: readonly number[]
  readonly others: Set<Talk>
}

const FIELDS = Array.from({ length: 30 }, (_, at) => at)
/** Demands that an agent of the bench's floors satisfies. */
const ORDERS = 3

/**
 * What a floor costs by its size alone: desks half of which are free; a turn takes the first free one out of its three orders, notes a talk by
 * name, ends the oldest talk, and puts its desk back in a place at random. No rules, no events, no actions: how its cost grows is how the
 * machine's memory and the collection of garbage answer to that many objects.
 */
export class Yardstick {
  readonly #random = seededRandom(1)
  readonly #orders = Array.from({ length: ORDERS }, () => new OrderedSet<Place>((a, b) => a.key - b.key || a.serial - b.serial))
  readonly #talks = new Map<string, Talk>()
  readonly #oldest: Ring<string>
  #began = 0
  /** As many as a floor makes in a turn: a caller joins, the offer is answered, a talk ends. */
  decisions = 0

  constructor(desks: number) {
    this.#oldest = new Ring(desks)
    for (let serial = 0; serial < desks; serial++) {
      const places: Place[] = []
      const desk: Desk = { name: `sip:${serial}@floor`, settings: { skills: { english: serial % 5 } }, load: { voice: 0, callback: 0, chat: 0, email: 0 }, talks: [], places }
      for (const order of this.#orders) places.push({ desk, order, serial, key: 0 })
      this.#open(desk)
    }
    for (let talk = 0; talk < desks / 2; talk++) this.#begin()
  }

  readonly turn = (): void => {
    this.decisions += 3
    this.#begin()
    this.#end()
  }

  #begin(): void {
    const { desk } = this.#orders[0]!.first()!
    for (const place of desk.places) place.order.delete(place)
    const talk: Talk = { name: String(this.#began++), desk, fields: [...FIELDS], others: new Set() }
    desk.load.voice++
    desk.talks.push(talk)
    this.#talks.set(talk.name, talk)
    this.#oldest.push(talk.name)
  }

  #end(): void {
    const name = this.#oldest.shift()!
    const { desk } = this.#talks.get(name)!
    this.#talks.delete(name)
    desk.talks.pop()
    desk.load.voice--
    this.#open(desk)
  }

  #open({ places }: Desk): void {
    for (const place of places) {
      place.key = this.#random.uint32()
      place.order.add(place)
    }
  }
}
