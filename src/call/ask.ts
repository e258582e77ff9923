import type { Clock } from '../core/clock.js'
import { onAbort } from '../core/scope.js'
import type { Digit } from '../media/leg.js'
import type { Audio } from './audio.js'
import type { PlayOutcome } from './call.js'
import type { DigitQueue } from './digit-queue.js'
import type { Answer, Menu } from './menu.js'

/** What asking needs of a call. */
export interface Asked {
  readonly clock: Clock
  readonly digits: DigitQueue
  /** Plays until the end or any key. */
  prompt(audio: Audio | readonly Audio[]): Promise<PlayOutcome>
  readonly signal: AbortSignal
}

/** Plays the menu's prompt and waits for a key, as often as its retries allow. */
export const ask = async <T>(asked: Asked, menu: Menu<T>): Promise<Answer<T>> => {
  let answer: Answer<T> = { type: 'no-input' }
  for (let attempt = 0; attempt <= menu.retries; attempt++) {
    const digit = asked.digits.shift()?.digit ?? (await promptedDigit(asked, menu))
    answer = digit === undefined ? { type: 'no-input' } : meaning(menu, digit)
    if (answer.type === 'chosen') break
  }
  return answer
}

const meaning = <T>(menu: Menu<T>, digit: Digit): Answer<T> =>
  digit in menu.choices ? { type: 'chosen', value: menu.choices[digit] as T } : { type: 'no-match', digit }

const promptedDigit = async (asked: Asked, menu: Menu<unknown>): Promise<Digit | undefined> => {
  const played = await asked.prompt(menu.prompt)
  return played.type === 'interrupted' ? played.digit : digitWithin(asked, menu.timeout)
}

const digitWithin = async (asked: Asked, ms: number): Promise<Digit | undefined> => {
  const expiry = new AbortController()
  const timer = asked.clock.after(ms, () => expiry.abort(EXPIRED))
  const release = onAbort(asked.signal, reason => expiry.abort(reason))
  try {
    return (await asked.digits.next(expiry.signal))?.digit
  } catch (error) {
    if (error === EXPIRED) return undefined
    throw error
  } finally {
    timer.cancel()
    release()
  }
}

const EXPIRED = Symbol('no key in time')
