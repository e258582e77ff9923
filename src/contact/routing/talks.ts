import { penalise } from './agents.js'
import { present, withdraw } from './availability.js'
import { install, leave, overflow, unplace } from './callers.js'
import type { Departure, OfferId } from './event.js'
import { endOffer, release } from './offering.js'
import { cancel, log, schedule, touch } from './state.js'
import type { Engagement, InteractionEntry, RoutingState } from './state.js'

/** The first answer wins; whatever else rings for this caller stops. */
export const answer = (state: RoutingState, offer: OfferId, pending: boolean): void => {
  const engagement = state.offers.get(offer)
  if (engagement?.state !== 'offered') {
    state.actions.push({ type: 'too-late', offer })
    return
  }
  const { interaction, agent, queue } = engagement
  interaction.state = 'connected'
  unplace(state, interaction)
  for (const other of interaction.engagements) if (other !== engagement) endOffer(state, other, 'answered-elsewhere')
  cancel(state, engagement.deadline)
  engagement.state = 'preparing'
  engagement.since = state.now
  engagement.deadline = undefined
  touch(state, agent)
  const waited = state.now - interaction.enteredAt
  if (!pending) begin(state, interaction)
  state.actions.push({ type: 'connect', offer, interaction: interaction.id, queue: queue.id, agent: agent.id, waited, pending })
}

/** The engagement of a talk that has not begun. */
const pendingOf = ({ engagements }: InteractionEntry): Engagement | undefined => {
  const [engagement] = engagements
  return engagement?.state === 'preparing' ? engagement : undefined
}

/** The talk begins: the caller is answered. */
export const begin = (state: RoutingState, interaction: InteractionEntry): void => {
  const engagement = pendingOf(interaction)
  if (engagement === undefined) return
  const { agent, queue, channel } = engagement
  withdraw(agent)
  engagement.state = 'talking'
  engagement.since = state.now
  agent.calls++
  agent.failures = undefined
  present(state, agent)
  log(state, { at: state.now, type: 'answered', queue: queue.id, interaction: interaction.id, agent: agent.id, channel, waited: state.now - interaction.enteredAt })
}

/** Ends a talk; the agent wraps up. */
export const finish = (state: RoutingState, interaction: InteractionEntry): void => {
  if (interaction.state !== 'connected') return
  if (pendingOf(interaction) !== undefined) return leave(state, interaction, { type: 'withdrawn' })
  interaction.state = 'gone'
  state.interactions.delete(interaction.id)
  for (const engagement of interaction.engagements) {
    const { agent, queue } = engagement
    const talked = state.now - engagement.since
    const wrapUp = agent.removed ? 0 : agent.settings.wrapUp ?? 0
    withdraw(agent)
    agent.talked += talked
    log(state, { at: state.now, type: 'ended', queue: queue.id, interaction: interaction.id, agent: agent.id, talked })
    if (wrapUp <= 0) {
      release(state, engagement)
      continue
    }
    engagement.state = 'wrap-up'
    engagement.since = state.now
    engagement.deadline = schedule(state, wrapUp, { type: 'wrap-up', engagement })
    present(state, agent)
  }
}

/** The agent is ready again. */
export const endWrapUp = (state: RoutingState, engagement: Engagement): void => {
  const { agent, queue, interaction } = engagement
  log(state, { at: state.now, type: 'wrapped-up', queue: queue.id, interaction: interaction.id, agent: agent.id, took: state.now - engagement.since })
  release(state, engagement)
}

/** The caller's own leaving; in mid-talk a hang-up ends the talk, and a key or an emergency does nothing. */
export const depart = (state: RoutingState, interaction: InteractionEntry, how: Departure): void => {
  if (interaction.state !== 'connected') return leave(state, interaction, how)
  if (how.type === 'closed') return
  if (pendingOf(interaction) !== undefined) return leave(state, interaction, how)
  if (how.type !== 'exited') finish(state, interaction)
}

/** The agent's side was gone before the talk had begun: the caller waits on in the old place. */
export const drop = (state: RoutingState, interaction: InteractionEntry): void => {
  const engagement = pendingOf(interaction)
  if (engagement === undefined) return
  const { agent, queue } = engagement
  interaction.state = 'waiting'
  interaction.lastFailed = agent
  interaction.wanted = 1
  endOffer(state, engagement, 'rejected', true)
  install(state, interaction)
  if (!agent.removed) penalise(state, agent, 'rejected')
  if (queue.removed) overflow(state, interaction)
}

/** Nobody has picked up the call back: it was all that the customer had coming. */
export const miss = (state: RoutingState, interaction: InteractionEntry, deserted: boolean): void => {
  const engagement = pendingOf(interaction)
  if (engagement === undefined) return
  if (deserted) endOffer(state, engagement, 'rejected', true)
  leave(state, interaction, { type: 'missed' })
  if (deserted && !engagement.agent.removed) penalise(state, engagement.agent, 'rejected')
}
