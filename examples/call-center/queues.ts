import type { Registrar } from 'cordboard'
import type { Agent, ContactCenter, Queue } from 'cordboard/contact'
import { userOf } from './admission.js'
import type { Prompts } from './prompts.js'
import type { Recordings } from './recordings.js'
import type { Settings } from './settings.js'

/** The queues of the demo. */
export interface Queues {
  readonly sales: Queue
  readonly support: Queue
}

/** Opens both queues. */
export const openQueues = (center: ContactCenter, settings: Settings, prompts: Prompts, recordings: Recordings): Queues => {
  const open = (name: keyof Queues): Queue => {
    const { ringFor, maxWait, answerWithin } = settings.queues[name]
    return center.queue(name, {
      strategy: 'longest-idle',
      ringFor: ringFor * 1_000,
      maxWait: maxWait * 1_000,
      serviceLevel: { within: answerWithin * 1_000 },
      hold: [prompts.file('please-hold'), prompts.file('hold')],
      record: call => recordings.file('talk', call),
    })
  }
  return { sales: open('sales'), support: open('support') }
}

/** Seats an agent for each user in both queues. */
export const seatAgents = (center: ContactCenter, { sales, support }: Queues, aors: ReadonlyMap<string, string>, wrapUp: number): ReadonlyMap<string, Agent> =>
  new Map([...aors].map(([user, uri]) => {
    const agent = center.agent({ uri, wrapUp: wrapUp * 1_000 })
    sales.add(agent)
    support.add(agent)
    return [user, agent]
  }))

/** An agent is available while a telephone of its is registered. */
export const followRegistrations = (registrar: Registrar, agents: ReadonlyMap<string, Agent>): void => {
  registrar.on('registered', aor => agents.get(userOf(aor))?.setStatus({ type: 'available' }))
  registrar.on('unregistered', aor => agents.get(userOf(aor))?.setStatus({ type: 'logged-out' }))
}
