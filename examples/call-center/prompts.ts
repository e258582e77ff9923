import { join } from 'node:path'
import type { Digit } from 'cordboard'
import { assetFolder } from './assets.js'

/** Every sound of a prompt set: `prompts/LANGUAGE/NAME.wav`. */
export type PromptName =
  | 'welcome' | 'main-menu' | 'sorry' | 'goodbye' | 'beep' | 'hold'
  | 'queue-sales' | 'queue-support' | 'please-hold' | 'nobody-free' | 'unavailable'
  | 'record-intro' | 'record-playback' | 'digits-intro' | 'room-enter'
  | 'demo-agent-1' | 'demo-agent-2' | 'demo-agent-3' | 'demo-caller-1' | 'demo-caller-2' | 'demo-caller-3'

/** The prompts of one language. */
export interface Prompts {
  /** Path of a prompt's WAV file. */
  file(name: PromptName): string
  /** Path of the file that says a key's name. */
  digit(digit: Digit): string
}

/** The prompt set of `language`. @throws Error when there is none. */
export const openPrompts = (language: string): Prompts => {
  const folder = assetFolder(join('prompts', language), 'welcome.wav')
  const names: Partial<Record<Digit, string>> = { '*': 'star', '#': 'hash' }
  return {
    file: name => join(folder, `${name}.wav`),
    digit: digit => join(folder, `digit-${names[digit] ?? digit.toLowerCase()}.wav`),
  }
}
