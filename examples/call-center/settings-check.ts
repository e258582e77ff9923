import { existsSync } from 'node:fs'
import { openPrompts } from './prompts.js'
import type { Prompts } from './prompts.js'
import type { ConfiguredQueue } from './queue-settings.js'
import type { Settings } from './settings.js'

/** What is wrong with a setting, and where it stands. */
export interface Problem {
  readonly path: readonly string[]
  readonly message: string
}

/** Numbers that are taken: `numbers/plan.ts` answers them. */
const FIXED = /^(?:60[0-5]|700|8\d\d|1100)$/

const soundsOf = ({ welcome, whisper, hold, closed, emergency, overflow }: ConfiguredQueue): readonly (readonly [readonly string[], string])[] => [
  ...(welcome === undefined ? [] : [[['welcome'], welcome] as const]),
  ...(whisper === undefined ? [] : [[['whisper'], whisper] as const]),
  ...hold.map((sound, index) => [['hold', String(index)], sound] as const),
  [['closed'], closed],
  ...(emergency === undefined ? [] : [[['emergency', 'announcement'], emergency.announcement] as const]),
  ...(overflow?.to !== undefined && 'announcement' in overflow.to ? [[['overflow', 'to', 'announcement'], overflow.to.announcement] as const] : []),
  ...(overflow?.to !== undefined && 'mailbox' in overflow.to ? [[['overflow', 'to', 'greeting'], overflow.to.greeting] as const] : []),
]

const checkSounds = (settings: Settings, prompts: Prompts): readonly Problem[] => {
  const menu = settings.menu.prompt.map((sound, index) => [['menu', 'prompt', String(index)], sound] as const)
  const queues = Object.entries(settings.queues).flatMap(([name, queue]) => soundsOf(queue).map(([path, sound]) => [['queues', name, ...path], sound] as const))
  return [...menu, ...queues]
    .filter(([, sound]) => !existsSync(prompts.sound(sound)))
    .map(([path, sound]) => ({ path, message: `there is no sound ${prompts.sound(sound)}` }))
}

const checkNumbers = ({ queues, agents }: Settings): readonly Problem[] => {
  const taken = new Map<string, string>()
  const problems: Problem[] = []
  const take = (number: string, path: readonly string[], what: string): void => {
    const other = FIXED.test(number) ? 'this server' : taken.get(number)
    if (other !== undefined) problems.push({ path, message: `the number ${number} is taken by ${other}` })
    else taken.set(number, what)
  }
  for (const [name, { number }] of Object.entries(queues)) take(number, ['queues', name, 'number'], `the queue ${name}`)
  for (const user of Object.keys(agents.people)) take(user, ['agents', 'people', user], `the agent ${user}`)
  return problems
}

const checkNames = ({ queues, agents, menu }: Settings): readonly Problem[] => {
  const named = [
    ...Object.entries(queues).flatMap(([name, { overflow }]) =>
      (overflow?.to !== undefined && 'queue' in overflow.to ? [{ path: ['queues', name, 'overflow', 'to', 'queue'], queue: overflow.to.queue }] : [])),
    ...Object.entries(agents.people).flatMap(([user, person]) => Object.keys(person.queues ?? {}).map(queue => ({ path: ['agents', 'people', user, 'queues', queue], queue }))),
    ...Object.entries(menu.keys ?? {}).flatMap(([key, queue]) => (queue === 'operator' ? [] : [{ path: ['menu', 'keys', key], queue }])),
  ]
  return named.filter(({ queue }) => !Object.hasOwn(queues, queue)).map(({ path, queue }) => ({ path, message: `there is no queue ${queue}` }))
}

/** What is wrong between settings that are right by themselves: names that nothing has, numbers taken twice, sounds that aren't there. */
export const checkSettings = (settings: Settings): readonly Problem[] => {
  const problems = [...checkNumbers(settings), ...checkNames(settings)]
  try {
    return [...problems, ...checkSounds(settings, openPrompts(settings.language))]
  } catch (error) {
    return [...problems, { path: ['language'], message: (error as Error).message }]
  }
}
