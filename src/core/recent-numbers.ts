import { distance16 } from './serial.js'

/** Numbers remembered: the newest and so many less one before it. */
const WINDOW = 64
const HALF = 32

/** Which of the latest 64 sequence numbers of 16 bits have been seen: a mask that moves along with the newest. Allocates nothing. */
export class RecentNumbers {
  #newest = 0
  /** Bit n: the number n before the newest; in `#older` 32 + n. */
  #recent = 0
  #older = 0

  /** Notes a number; one that is older than all that are remembered is not. */
  add(sequence: number): void {
    const ahead = this.#recent === 0 ? WINDOW : distance16(this.#newest, sequence)
    if (ahead > 0) {
      this.#move(ahead)
      this.#newest = sequence
      this.#recent |= 1
    } else if (ahead > -HALF) this.#recent |= 1 << -ahead
    else if (ahead > -WINDOW) this.#older |= 1 << (-ahead - HALF)
  }

  #move(by: number): void {
    if (by < HALF) {
      this.#older = (this.#older << by) | (this.#recent >>> (HALF - by))
      this.#recent <<= by
    } else {
      this.#older = by < WINDOW ? this.#recent << (by - HALF) : 0
      this.#recent = 0
    }
  }

  /** False for a number that is too old to be remembered. */
  has(sequence: number): boolean {
    const behind = -distance16(this.#newest, sequence)
    if (behind < 0 || behind >= WINDOW) return false
    return behind < HALF ? ((this.#recent >>> behind) & 1) === 1 : ((this.#older >>> (behind - HALF)) & 1) === 1
  }

  /** Another stream begins. */
  forget(): void {
    this.#recent = this.#older = 0
  }
}
