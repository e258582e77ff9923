/** Searches a second in the long run: some hundredths of the time of a thread; and those that may be saved up for. */
const RATE = 2_000
const MOST = 40

/**
 * Looking for two periods that are alike costs a third of all else that is done for a packet. When many streams need it at once it is the
 * reader that is late, and searching would make it later; so all of a thread share what may be spent.
 */
export class StretchAllowance {
  #left: number
  #at = -Infinity

  /**
   * @param rate searches a second.
   * @param most searches at once.
   */
  constructor(readonly rate = RATE, readonly most = MOST) {
    this.#left = most
  }

  /** One more search is allowed at `now` (ms). */
  allows(now: number): boolean {
    if (now > this.#at) {
      this.#left = Math.min(this.most, this.#left + ((now - this.#at) * this.rate) / 1000)
      this.#at = now
    }
    return this.#left >= 1
  }

  /** Notes a search. */
  spend(): void {
    this.#left--
  }
}
