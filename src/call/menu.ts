import type { Digit } from '../media/leg.js'
import type { Audio } from './audio.js'

/** A voice menu: a prompt, and what each key means. */
export interface Menu<T> {
  readonly prompt: Audio | readonly Audio[]
  readonly choices: Readonly<Partial<Record<Digit, T>>>
  /** Milliseconds of silence after the prompt before it is repeated. */
  readonly timeout: number
  /** Times that the prompt is repeated after no input or a wrong key. */
  readonly retries: number
}

/** What the caller made of a menu. */
export type Answer<T> =
  | { readonly type: 'chosen'; readonly value: T }
  | { readonly type: 'no-input' }
  | { readonly type: 'no-match'; readonly digit: Digit }

/**
 * Defines a menu; the types of its choices are kept, so that a `switch` over an answer is checked.
 * @example
 * const main = defineMenu({ prompt: 'menu.wav', choices: { 1: 'sales', 2: 'support' } })
 */
export const defineMenu = <const T>(menu: {
  prompt: Audio | readonly Audio[]
  choices: Partial<Record<Digit, T>>
  /** Milliseconds of silence. @default 5000 */
  timeout?: number
  /** Repetitions of the prompt. @default 2 */
  retries?: number
}): Menu<T> => ({ prompt: menu.prompt, choices: menu.choices, timeout: menu.timeout ?? 5_000, retries: menu.retries ?? 2 })
