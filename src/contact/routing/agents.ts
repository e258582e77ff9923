import { countStaff, present, withdraw, staffWithin } from './availability.js'
import { openUnstaffed, overflow } from './callers.js'
import { dismiss, enrol, relist, unlist } from './demand.js'
import type { OfferId } from './event.js'
import { endOffer } from './offering.js'
import type { AgentId, AgentSettings, AgentStatus, FailurePolicy, OfferFailure } from './settings.js'
import { cancel, noFailures, schedule, seekAgents } from './state.js'
import type { AgentEntry, Engagement, QueueEntry, RoutingState } from './state.js'

const DEFAULT_FAILURES: Readonly<Record<OfferFailure, FailurePolicy>> = {
  'no-answer': { delay: 5_000 },
  'busy': { delay: 5_000 },
  'rejected': { delay: 10_000 },
  'unreachable': { delay: 30_000 },
  'fault': { delay: 1_000 },
}

const createAgent = (state: RoutingState, id: AgentId, settings: AgentSettings): AgentEntry => ({
  id, serial: ++state.serial, settings, status: { type: 'logged-out' }, elsewhere: false, rest: undefined,
  idleSince: state.now, calls: 0, talked: 0,
  failures: undefined, engagements: [], load: { voice: 0, callback: 0, chat: 0, email: 0 },
  members: new Map(), seats: [], loyal: undefined,
  removed: false, freed: false, touched: false, shownState: undefined, shownStatus: undefined,
})

/** Adds an agent, or gives a present one new settings. */
export const setAgent = (state: RoutingState, id: AgentId, settings: AgentSettings): void => {
  let agent = state.agents.get(id)
  if (agent === undefined) {
    agent = createAgent(state, id, settings)
    state.agents.set(id, agent)
  }
  agent.removed = false
  for (const member of agent.members.values()) dismiss(member)
  agent.settings = settings
  for (const member of agent.members.values()) enrol(state, member)
  present(state, agent)
}

const clearFailures = (state: RoutingState, agent: AgentEntry): void => {
  cancel(state, agent.rest)
  agent.rest = undefined
  agent.failures = undefined
}

/** One more available member of a tier, or one less; the last and the first change what is open. */
const recount = (state: RoutingState, queue: QueueEntry, tier: number, change: 1 | -1): void => {
  countStaff(queue, tier, change)
  if (queue.staffed.get(tier) === (change === 1 ? 1 : 0)) openUnstaffed(state, queue)
}

/** Available: a pause after failed offers is over. Otherwise what rings stops, and nobody waits for this agent any more. */
export const setStatus = (state: RoutingState, agent: AgentEntry, status: AgentStatus): void => {
  const was = agent.status.type === 'available'
  const is = status.type === 'available'
  withdraw(agent)
  agent.status = status
  if (is) clearFailures(state, agent)
  if (is && !was) agent.idleSince = state.now
  if (is !== was) for (const { queue, settings } of agent.members.values()) recount(state, queue, settings.tier, is ? 1 : -1)
  if (!is) {
    for (const engagement of [...agent.engagements]) if (engagement.state === 'offered') endOffer(state, engagement, 'withdrawn')
    for (const interaction of [...agent.loyal ?? []]) {
      unlist(interaction)
      interaction.sticky = undefined
      relist(interaction)
      seekAgents(state, interaction)
    }
  }
  present(state, agent)
  if (was && !is) for (const member of agent.members.values()) overflowUnstaffed(state, member.queue.id)
}

/** Sends callers on whose queue has lost its last available member, where it is set so. */
export const overflowUnstaffed = (state: RoutingState, id: string): void => {
  const queue = state.queues.get(id)
  if (queue?.settings.overflow?.noAgents !== true || staffWithin(queue, queue.tiers.length) > 0) return
  for (const interaction of [...queue.waiting]) if (interaction.channel !== 'callback') overflow(state, interaction)
}

export const setElsewhere = (state: RoutingState, agent: AgentEntry, busy: boolean): void => {
  if (agent.elsewhere === busy) return
  withdraw(agent)
  agent.elsewhere = busy
  if (!busy) agent.idleSince = state.now
  present(state, agent)
}

/** An offer that came to nothing. `silent`: the agent's side has ended already. */
export const failOffer = (state: RoutingState, engagement: Engagement, failure: OfferFailure, silent: boolean): void => {
  const { agent, interaction } = engagement
  interaction.lastFailed = agent
  endOffer(state, engagement, failure, silent)
  penalise(state, agent, failure)
}

/** What follows for the agent from an offer that came to nothing. */
export const penalise = (state: RoutingState, agent: AgentEntry, failure: OfferFailure): void => {
  const { delay, limit = Infinity } = agent.settings.failures?.[failure] ?? DEFAULT_FAILURES[failure]
  agent.failures ??= noFailures()
  if (++agent.failures[failure] >= limit) return setStatus(state, agent, { type: 'on-break', reason: failure })
  if (delay <= 0) return
  withdraw(agent)
  cancel(state, agent.rest)
  agent.rest = schedule(state, delay, { type: 'rest', agent })
  present(state, agent)
}

/** The agent's side reports a failure. */
export const reportFailure = (state: RoutingState, offer: OfferId, failure: OfferFailure): void => {
  const engagement = state.offers.get(offer)
  if (engagement?.state === 'offered') failOffer(state, engagement, failure, true)
}

/** The pause after a failed offer is over. */
export const endRest = (state: RoutingState, agent: AgentEntry): void => {
  withdraw(agent)
  agent.rest = undefined
  present(state, agent)
}

/** Counts that strategies go by begin anew. */
export const beginDay = (state: RoutingState): void => {
  for (const agent of state.agents.values()) {
    withdraw(agent)
    agent.calls = 0
    agent.talked = 0
    present(state, agent)
  }
}
