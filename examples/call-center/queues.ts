import type { Registrar, Server } from 'cordboard'
import type { Agent, ContactCenter, Queue } from 'cordboard/contact'
import { userOf } from './admission.js'
import type { QueueLabel } from './board.js'
import type { Prompts } from './prompts.js'
import type { Recordings } from './recordings.js'
import type { Settings } from './settings.js'

/** The queues of the demo. */
export interface Queues {
  readonly sales: Queue
  readonly support: Queue
}

/** The queues' names and numbers. */
export const queueLabels = ({ queues }: Settings): readonly QueueLabel[] => [
  { name: 'sales', number: '701', answerWithin: queues.sales.answerWithin * 1_000 },
  { name: 'support', number: '702', answerWithin: queues.support.answerWithin * 1_000 },
]

/** Opens both queues. */
export const openQueues = (center: ContactCenter, settings: Settings, prompts: Prompts, recordings: Recordings): Queues => {
  const open = (name: keyof Queues): Queue => {
    const { ringFor, maxWait } = settings.queues[name]
    return center.queue(name, {
      strategy: 'longest-idle',
      ringFor: ringFor * 1_000,
      maxWait: maxWait * 1_000,
      hold: prompts.file('hold'),
      record: call => recordings.file('talk', call),
    })
  }
  return { sales: open('sales'), support: open('support') }
}

/** Seats the agents (URI by user) in both queues. An agent is available while a telephone of its is registered. */
export const seatAgents = (center: ContactCenter, queues: Queues, registrar: Registrar, uris: ReadonlyMap<string, string>, wrapUp: number): void => {
  const agents = new Map<string, Agent>()
  for (const [user, uri] of uris) {
    const agent = center.agent({ uri, wrapUp: wrapUp * 1_000 })
    queues.sales.add(agent)
    queues.support.add(agent)
    agents.set(user, agent)
  }
  registrar.on('registered', aor => agents.get(userOf(aor))?.setStatus({ type: 'available' }))
  registrar.on('unregistered', aor => agents.get(userOf(aor))?.setStatus({ type: 'logged-out' }))
}
