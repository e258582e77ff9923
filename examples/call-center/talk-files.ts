import type { Call, Server } from 'cordboard'
import type { Agent, ContactCenter, Fact } from 'cordboard/contact'
import type { Recordings } from './recordings.js'
import type { UnfinishedCalls } from './unfinished.js'

/** Names the file for the talk of a queue's caller with an agent, when it begins. */
export type TalkFile = (call: Call, agent: Agent) => string

export interface TalkFileParts {
  readonly center: ContactCenter
  readonly recordings: Recordings
  readonly unfinished: UnfinishedCalls
  readonly clock: Server['clock']
}

/** Files for the talks of a contact centre, each noted with what its event log says of the interaction. */
export const nameTalks = ({ center, recordings, unfinished, clock }: TalkFileParts): TalkFile => {
  /** By agent, who has one telephone. */
  const answers = new Map<string, Extract<Fact, { type: 'answered' }>>()
  center.on('fact', fact => {
    if (fact.type === 'answered' && (fact.channel === 'voice' || fact.channel === 'callback')) answers.set(fact.agent, fact)
    if (fact.type === 'ended' && answers.get(fact.agent)?.interaction === fact.interaction) answers.delete(fact.agent)
  })
  return (call, agent) => {
    const { interaction = call.id, channel = 'voice', queue = null, waited = 0 } = answers.get(agent.uri) ?? {}
    return unfinished.begin(recordings.file('talk', call.id), {
      id: interaction, channel, at: clock.wall() - waited, from: call.from, to: call.to, queue, agent: agent.uri, waited: Math.round(waited),
    })
  }
}
