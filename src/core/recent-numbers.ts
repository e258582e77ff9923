import { distance16 } from './serial.js'

/** Numbers remembered: the newest and so many less one before it. */
const WINDOW = 128
/** Bits of a word. */
const WORD = 32

/**
 * Which of the latest 128 sequence numbers of 16 bits have been seen: a mask that moves along with the newest, in fields of its own, since
 * an array would be two more things to fetch for each packet. Allocates nothing.
 */
export class RecentNumbers {
  #newest = 0
  /** Bit n of the first: the number n before the newest; of the second: 32 + n, and so on. */
  #first = 0
  #second = 0
  #third = 0
  #fourth = 0

  /** Notes a number; one that is older than all that are remembered is not. */
  add(sequence: number): void {
    const ahead = this.#first === 0 ? WINDOW : distance16(this.#newest, sequence)
    if (ahead > 0) {
      this.#move(ahead)
      this.#newest = sequence
      this.#first |= 1
    } else this.#addOlder(-ahead)
  }

  #addOlder(behind: number): void {
    const bit = 1 << (behind % WORD)
    if (behind < WORD) this.#first |= bit
    else if (behind < 2 * WORD) this.#second |= bit
    else if (behind < 3 * WORD) this.#third |= bit
    else if (behind < WINDOW) this.#fourth |= bit
  }

  #move(by: number): void {
    if (by >= WINDOW) {
      this.forget()
      return
    }
    for (; by >= WORD; by -= WORD) {
      this.#fourth = this.#third
      this.#third = this.#second
      this.#second = this.#first
      this.#first = 0
    }
    if (by === 0) return
    const rest = WORD - by
    this.#fourth = (this.#fourth << by) | (this.#third >>> rest)
    this.#third = (this.#third << by) | (this.#second >>> rest)
    this.#second = (this.#second << by) | (this.#first >>> rest)
    this.#first <<= by
  }

  /** False for a number that is too old to be remembered. */
  has(sequence: number): boolean {
    const behind = -distance16(this.#newest, sequence)
    if (behind < 0 || behind >= WINDOW) return false
    const word = behind < 2 * WORD ? (behind < WORD ? this.#first : this.#second) : behind < 3 * WORD ? this.#third : this.#fourth
    return ((word >>> (behind % WORD)) & 1) === 1
  }

  /** Another stream begins. */
  forget(): void {
    this.#first = this.#second = this.#third = this.#fourth = 0
  }
}
