import type { Queue } from 'cordboard/contact'
import type { PromptName, Prompts } from '../prompts.js'
import type { Handler } from './handler.js'

/** 701 and 702: waits for an agent. The queue's own hold music plays between; the talk is recorded by the queue. */
export const enterQueue = (queue: Queue, welcome: PromptName, prompts: Prompts): Handler => async call => {
  if (call.state === 'early') await call.answer()
  await call.play([prompts.file(welcome), prompts.file('please-hold')])
  const outcome = await queue.enter(call)
  if (outcome.type === 'timed-out' || outcome.type === 'overflowed') {
    await call.play([prompts.file('nobody-free'), prompts.file('goodbye')])
  }
}
