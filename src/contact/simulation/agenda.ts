import { OrderedSet } from '../routing/ordered-set.js'

/** Something that will happen. */
export interface Appointment {
  readonly due: number
  readonly serial: number
  readonly task: () => void
}

/** What is to happen, in order of time; at one time in order of making. */
export class Agenda {
  readonly #appointments = new OrderedSet<Appointment>((a, b) => a.due - b.due || a.serial - b.serial)
  #serial = 0

  add(due: number, task: () => void): Appointment {
    const appointment = { due, serial: ++this.#serial, task }
    this.#appointments.add(appointment)
    return appointment
  }

  cancel(appointment: Appointment | undefined): void {
    if (appointment !== undefined) this.#appointments.delete(appointment)
  }

  get size(): number {
    return this.#appointments.size
  }

  /** When the next is due; Infinity when there is none. */
  get next(): number {
    return this.#appointments.first()?.due ?? Infinity
  }

  /** Takes the next one out. */
  take(): Appointment | undefined {
    const first = this.#appointments.first()
    if (first !== undefined) this.#appointments.delete(first)
    return first
  }
}
