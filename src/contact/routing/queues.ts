import { overflowUnstaffed, setStatus } from './agents.js'
import { countStaff, present } from './availability.js'
import { forgetPlace, overflow, resettle } from './callers.js'
import { dismiss, dropDemand, enrol } from './demand.js'
import { endOffer, release } from './offering.js'
import { OrderedSet } from './ordered-set.js'
import type { MemberSettings, QueueId, QueueSettings } from './settings.js'
import { byUrgency, log } from './state.js'
import type { AgentEntry, InteractionEntry, Member, QueueEntry, RoutingState } from './state.js'

/** Adds a queue, or gives a present one new settings without losing a caller. */
export const setQueue = (state: RoutingState, id: QueueId, settings: QueueSettings): void => {
  const queue = state.queues.get(id)
  if (queue === undefined) {
    state.queues.set(id, {
      id, settings, members: new Map(), demands: new Map(), waiting: new OrderedSet<InteractionEntry>(byUrgency),
      places: new Map(), tiers: [], staffed: new Map(), removed: false,
    })
    return
  }
  resettle(state, queue, () => {
    // Seats stand in the order of the old strategy.
    for (const demand of [...queue.demands.values()]) {
      for (const seat of [...demand.seats]) seat.seated = false
      dropDemand(state, demand)
    }
    queue.settings = settings
  })
  overflowUnstaffed(state, id)
}

/** Closes a queue: its callers overflow, talks go on. */
export const removeQueue = (state: RoutingState, queue: QueueEntry): void => {
  queue.removed = true
  for (const interaction of [...queue.waiting]) overflow(state, interaction)
  for (const member of [...queue.members.values()]) removeMember(state, member)
  for (const place of [...queue.places.values()]) forgetPlace(state, place)
  state.queues.delete(queue.id)
}

const recountTiers = (queue: QueueEntry): void => {
  queue.tiers = [...new Set([...queue.members.values()].map(member => member.settings.tier))].sort((a, b) => a - b)
}

const countMember = (member: Member, change: 1 | -1): void => {
  if (member.agent.status.type === 'available') countStaff(member.queue, member.settings.tier, change)
}

/** Opened tiers are counted by their place among the tiers: where a change of members changes these, callers are placed anew. */
const changeMembers = (state: RoutingState, queue: QueueEntry, change: () => void): void => {
  const apply = (): void => {
    change()
    recountTiers(queue)
  }
  if ((queue.settings.tierWait ?? 0) > 0) resettle(state, queue, apply)
  else apply()
}

/** Seats an agent in a queue, or gives it another seat. */
export const setMember = (state: RoutingState, queue: QueueEntry, agent: AgentEntry, settings: MemberSettings): void => {
  changeMembers(state, queue, () => {
    const present = queue.members.get(agent.id)
    if (present !== undefined) {
      dismiss(present)
      countMember(present, -1)
    }
    const member: Member = {
      queue, agent, position: present?.position ?? ++state.serial, lastOffered: present?.lastOffered ?? 0,
      settings: { tier: settings.tier ?? 1, rank: settings.rank ?? 0, weight: settings.weight ?? 1 },
    }
    queue.members.set(agent.id, member)
    agent.members.set(queue.id, member)
    countMember(member, 1)
    enrol(state, member)
  })
  present(state, agent)
}

export const removeMember = (state: RoutingState, member: Member): void => {
  const { queue, agent } = member
  changeMembers(state, queue, () => {
    dismiss(member)
    countMember(member, -1)
    queue.members.delete(agent.id)
    agent.members.delete(queue.id)
  })
  for (const engagement of [...agent.engagements]) {
    if (engagement.state === 'offered' && engagement.queue === queue) endOffer(state, engagement, 'withdrawn')
  }
  overflowUnstaffed(state, queue.id)
}

/** Takes an agent away: offers are withdrawn at once, a talk goes on to its end. */
export const removeAgent = (state: RoutingState, agent: AgentEntry): void => {
  setStatus(state, agent, { type: 'logged-out' })
  for (const member of [...agent.members.values()]) removeMember(state, member)
  agent.removed = true
  for (const engagement of [...agent.engagements]) if (engagement.state === 'wrap-up') release(state, engagement)
  if (agent.engagements.length === 0) state.agents.delete(agent.id)
  log(state, { at: state.now, type: 'agent-removed', agent: agent.id })
}
