import { defineMenu } from 'cordboard'
import type { Prompts } from '../prompts.js'
import type { Settings } from '../settings.js'
import type { Handler } from './handler.js'

/** Where a key of the main menu leads: a queue by its name, or `operator`; undefined for a queue that is no more. */
export type MenuTargets = (name: string) => Handler | undefined

/** The usual keys, as far as there are queues for them. */
const usual = { 1: 'sales', 2: 'support', 0: 'operator' } as const

/** 700: the main menu; unless set otherwise 1 sales, 2 support, 0 operator. */
export const menu = (prompts: Prompts, settings: () => Settings['menu'], target: MenuTargets): Handler => async call => {
  await call.answer()
  const { prompt, keys = usual } = settings()
  const choices: Record<string, Handler> = Object.fromEntries(Object.entries(keys).flatMap(([key, name]) => {
    const handler = target(name)
    return handler === undefined ? [] : [[key, handler]]
  }))
  const answer = await call.ask(defineMenu<Handler>({ prompt: prompt.map(sound => prompts.sound(sound)), choices }))
  switch (answer.type) {
    case 'chosen':
      return answer.value(call)
    case 'no-match':
      await call.play([prompts.file('sorry'), prompts.file('goodbye')])
      return
    case 'no-input':
      await call.play(prompts.file('goodbye'))
  }
}
