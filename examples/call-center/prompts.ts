import { join, resolve } from 'node:path'
import type { Digit } from 'cordboard'
import { assetFolder } from './assets.js'

/** Every sound of a prompt set: `prompts/LANGUAGE/NAME.wav`. */
export type PromptName =
  | 'welcome' | 'main-menu' | 'sorry' | 'goodbye' | 'beep' | 'hold'
  | 'queue-sales' | 'queue-support' | 'please-hold' | 'nobody-free' | 'unavailable'
  | 'queue-position' | 'estimated-wait' | 'closed' | 'emergency' | 'callback-kept' | 'leave-message' | 'accept-call'
  | 'record-intro' | 'record-playback' | 'digits-intro' | 'room-enter'
  | 'demo-agent-1' | 'demo-agent-2' | 'demo-agent-3' | 'demo-caller-1' | 'demo-caller-2' | 'demo-caller-3'

/** The prompts of one language. */
export interface Prompts {
  /** Path of a prompt's WAV file. */
  file(name: PromptName): string
  /** Path of a sound of the settings: a prompt by its name, or a WAV file by its path. */
  sound(name: string): string
  /** Files that tell a caller its place in the line, and how long it may wait where that is a minute or more. `estimate` in ms. */
  place(position: number, estimate?: number): readonly string[]
  /** Path of the file that says a key's name. */
  digit(digit: Digit): string
}

/** The prompt set of `language`. @throws Error when there is none. */
export const openPrompts = (language: string): Prompts => {
  const folder = assetFolder(join('prompts', language), 'welcome.wav')
  const names: Partial<Record<Digit, string>> = { '*': 'star', '#': 'hash' }
  const file = (name: string): string => join(folder, `${name}.wav`)
  const number = (value: number): readonly string[] => [...String(value)].map(digit => file(`digit-${digit}`))
  return {
    file,
    sound: name => (/\.wav$/i.test(name) ? resolve(name) : file(name)),
    place: (position, estimate = 0) => [
      file('queue-position'), ...number(position),
      ...(estimate < 60_000 ? [] : [file('estimated-wait'), ...number(Math.round(estimate / 60_000))]),
    ],
    digit: digit => file(`digit-${names[digit] ?? digit.toLowerCase()}`),
  }
}
