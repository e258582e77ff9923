import type { Timer } from './clock.js'

class Entry implements Timer {
  previous: Entry = this
  next: Entry = this

  constructor(readonly wheel: TimerWheel | undefined, readonly due: number, public task: (() => void) | undefined) {}

  cancel(): void {
    if (this.task === undefined) return
    this.task = undefined
    this.unlink()
    this.wheel?.forget()
  }

  unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this.next = this
  }

  linkBefore(head: Entry): void {
    this.previous = head.previous
    this.next = head
    head.previous.next = this
    head.previous = this
  }
}

/**
 * A hashed timer wheel (Varghese and Lauck, 1987): adding and cancelling cost O(1), advancing costs one step a slot.
 * Timers beyond one turn of the wheel stay in their slot and are looked at once a turn.
 */
export class TimerWheel {
  readonly #slots: Entry[]
  readonly #slotMs: number
  #position: number
  #size = 0

  /** @param slotMs width of a slot in milliseconds; @param slots number of slots; @param now the time it starts at. */
  constructor(slotMs: number, slots: number, now: number) {
    this.#slotMs = slotMs
    this.#slots = Array.from({ length: slots }, () => new Entry(undefined, 0, undefined))
    this.#position = Math.floor(now / slotMs)
  }

  /** Timers pending. */
  get size(): number {
    return this.#size
  }

  /** Time of the next slot that holds anything, if only a timer of a later turn; Infinity when there is none. */
  get next(): number {
    if (this.#size === 0) return Infinity
    let slot = this.#position + 1
    for (const last = this.#position + this.#slots.length; slot < last; slot++) {
      const head = this.#slots[slot % this.#slots.length]!
      if (head.next !== head) break
    }
    return slot * this.#slotMs
  }

  /** Runs `task` in the first `advance` whose time is at or past `due` (same scale as the constructor's `now`). */
  add(due: number, task: () => void): Timer {
    const entry = new Entry(this, due, task)
    const slot = Math.max(Math.ceil(due / this.#slotMs), this.#position + 1)
    entry.linkBefore(this.#slots[slot % this.#slots.length]!)
    this.#size++
    return entry
  }

  /** Runs everything due at `now`, slot by slot. A task that throws leaves the rest for the next call. */
  advance(now: number): void {
    const target = Math.floor(now / this.#slotMs)
    // After a long pause one turn visits every slot; walking further would visit them again.
    if (target - this.#position > this.#slots.length) this.#position = target - this.#slots.length
    while (this.#position < target) {
      // Moved on first: a timer that a task adds for this very slot's time must go into the next one.
      this.#position++
      const head = this.#slots[this.#position % this.#slots.length]!
      let finished = false
      try {
        this.#runSlot(head, now)
        finished = true
      } finally {
        if (!finished) this.#position--
      }
    }
  }

  /** Bookkeeping of a cancelled entry. */
  forget(): void {
    this.#size--
  }

  #runSlot(head: Entry, now: number): void {
    // Gathered first: a task may cancel its neighbours.
    const due: Entry[] = []
    for (let entry = head.next; entry !== head; entry = entry.next) if (entry.due <= now) due.push(entry)
    for (const entry of due) {
      const task = entry.task
      if (task === undefined) continue
      entry.task = undefined
      entry.unlink()
      this.#size--
      task()
    }
  }
}
