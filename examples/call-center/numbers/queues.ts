import type { Call } from 'cordboard'
import type { QueueOutcome } from 'cordboard/contact'
import type { Acquaintances } from '../acquaintances.js'
import type { OpenQueue } from '../floor.js'
import type { Journal } from '../journal.js'
import type { Prompts } from '../prompts.js'
import { relaxSteps } from '../queue-options.js'
import type { ConfiguredQueue } from '../queue-settings.js'
import { priorityOf } from '../customer-settings.js'
import type { Settings } from '../settings.js'
import type { Handler } from './handler.js'

/** What a queue's number is made of. */
export interface QueueNumberParts {
  readonly prompts: Prompts
  readonly journal: Journal
  readonly acquaintances: Acquaintances
  /** As they are now. */
  readonly settings: () => Settings
  /** What another number does. */
  readonly handlerOf: (number: string) => Handler | undefined
}

/** Waits in a queue for an agent. Meanwhile the queue says so and plays music; it also records the talk and writes its record. */
export const enterQueue = ({ queue, settings }: OpenQueue, parts: QueueNumberParts): Handler => async call => {
  const { prompts, journal, acquaintances } = parts
  if (call.state === 'early') await call.answer()
  if (settings.welcome !== undefined) await call.play(prompts.sound(settings.welcome))
  journal.omit(call)
  const agent = settings.sticky > 0 ? acquaintances.agentOf(call.from) : undefined
  const outcome = await queue.enter(call, {
    priority: settings.priority + priorityOf(parts.settings().customers, call.from),
    requires: relaxSteps(settings.requires),
    ...(agent === undefined ? {} : { prefer: { agent, wait: settings.sticky * 1_000 } }),
  })
  await takeLeave(call, outcome, settings, parts)
}

/** What a caller hears, or where it goes, whom no agent has served. */
const takeLeave = async (call: Call, outcome: QueueOutcome, settings: ConfiguredQueue, { prompts, handlerOf }: QueueNumberParts): Promise<unknown> => {
  switch (outcome.type) {
    case 'served':
    case 'abandoned': return
    case 'overflowed': return outcome.taken ? undefined : call.play([prompts.file('nobody-free'), prompts.file('goodbye')])
    case 'timed-out': return call.play([prompts.file('nobody-free'), prompts.file('goodbye')])
    case 'callback': return call.play([prompts.file('callback-kept'), prompts.file('goodbye')])
    case 'closed': return outcome.reason === 'emergency' ? undefined : call.play([prompts.sound(settings.closed), prompts.file('goodbye')])
    case 'exited': {
      const next = settings.exit?.number === undefined ? undefined : handlerOf(settings.exit.number)
      return next === undefined ? call.play(prompts.file('goodbye')) : next(call)
    }
  }
}
