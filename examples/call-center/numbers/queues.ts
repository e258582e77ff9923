import type { Queue } from 'cordboard/contact'
import type { Journal } from '../journal.js'
import type { PromptName, Prompts } from '../prompts.js'
import type { Handler } from './handler.js'

/** 701 and 702: waits for an agent. Meanwhile the queue says so and plays music; it also records the talk and writes its record. */
export const enterQueue = (queue: Queue, welcome: PromptName, prompts: Prompts, journal: Journal): Handler => async call => {
  if (call.state === 'early') await call.answer()
  await call.play(prompts.file(welcome))
  journal.omit(call)
  const outcome = await queue.enter(call)
  if (outcome.type === 'timed-out' || outcome.type === 'overflowed') {
    await call.play([prompts.file('nobody-free'), prompts.file('goodbye')])
  }
}
