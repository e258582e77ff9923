import { CordboardError } from '../core/errors.js'
import { Ring } from '../core/ring.js'
import { abortable, deferred, type Deferred } from '../core/scope.js'
import type { Digit } from '../media/leg.js'

/** A key pressed; `duration` in milliseconds. */
export interface Keypress {
  readonly digit: Digit
  readonly duration: number
}

/** Keys that nobody has read yet: bounded, the oldest is dropped and counted. Finishes with its call. */
export class DigitQueue {
  readonly #pressed: Ring<Keypress>
  #waiting: Deferred<void> | undefined
  #closed = false

  constructor(capacity: number) {
    this.#pressed = new Ring(capacity)
  }

  /** Keys lost because nobody read them. */
  get dropped(): number {
    return this.#pressed.dropped
  }

  push(press: Keypress): void {
    this.#pressed.push(press)
    this.#wake()
  }

  /** The oldest key without waiting. */
  shift(): Keypress | undefined {
    return this.#pressed.shift()
  }

  clear(): void {
    this.#pressed.clear()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** The next key; undefined once closed and empty. Rejects with the reason of `signal`. */
  async next(signal?: AbortSignal): Promise<Keypress | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const press = this.#pressed.shift()
      if (press !== undefined || this.#closed) return press
      this.#waiting ??= deferred()
      await abortable(this.#waiting.promise, signal)
    }
  }

  async *keys(signal?: AbortSignal): AsyncGenerator<Keypress, void, undefined> {
    for (;;) {
      const press = await this.next(signal)
      if (press === undefined) return
      yield press
    }
  }

  #wake(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }
}

/** Every key of a telephone. */
export const ALL_DIGITS: readonly Digit[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D']

/**
 * Keys written as text: `'12#'`.
 * @throws CordboardError `SERVER_BAD_OPTION` for anything that is no key.
 */
export const digitsOf = (text: string): Digit[] =>
  [...text.toUpperCase()].map(key => {
    const digit = ALL_DIGITS.find(known => known === key)
    if (digit === undefined) throw new CordboardError('SERVER_BAD_OPTION', `'${key}' is no key of a telephone`)
    return digit
  })
