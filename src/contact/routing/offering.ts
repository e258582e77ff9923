import { fits, isAwaited, present, viewAgent, withdraw } from './availability.js'
import { acceptable, appetite, relist } from './demand.js'
import type { OfferEnd } from './action.js'
import type { OrderedSet } from './ordered-set.js'
import type { CustomStrategy } from './settings.js'
import { byUrgency, cancel, log, remove, schedule, scheduleFor, seekAgents } from './state.js'
import type { AgentEntry, Engagement, InteractionEntry, QueueEntry, RoutingState, Seat } from './state.js'

export const DEFAULT_RING_MS = 15_000
export const DEFAULT_PROGRESS_MS = 5_000

/** Leases the agent to the interaction; `member`: as what, in its queue. */
const offer = (state: RoutingState, interaction: InteractionEntry, agent: AgentEntry, member = agent.members.get(interaction.queue.id)): void => {
  const { queue, channel } = interaction
  const ringFor = queue.settings.ringFor ?? DEFAULT_RING_MS
  const engagement: Engagement = { offer: ++state.serial, agent, interaction, queue, channel, state: 'offered', since: state.now, deadline: undefined }
  withdraw(agent)
  engagement.deadline = schedule(state, ringFor, { type: 'lease', engagement })
  if (member !== undefined) member.lastOffered = engagement.offer
  agent.engagements.push(engagement)
  agent.load[channel]++
  interaction.engagements.add(engagement)
  state.offers.set(engagement.offer, engagement)
  present(state, agent)
  relist(interaction)
  state.actions.push({ type: 'offer', offer: engagement.offer, interaction: interaction.id, queue: queue.id, agent: agent.id, channel, expires: state.now + ringFor })
  log(state, { at: state.now, type: 'offered', queue: queue.id, interaction: interaction.id, agent: agent.id })
}

/** Gives the agent's unit of capacity back; an agent that was removed goes with its last one. */
export const release = (state: RoutingState, engagement: Engagement): void => {
  const { agent, interaction } = engagement
  withdraw(agent)
  cancel(state, engagement.deadline)
  remove(agent.engagements, engagement)
  agent.load[engagement.channel]--
  interaction.engagements.delete(engagement)
  state.offers.delete(engagement.offer)
  // A lost offer doesn't cost the agent its turn: only work does.
  if (engagement.state !== 'offered') agent.idleSince = state.now
  if (agent.removed && agent.engagements.length === 0) state.agents.delete(agent.id)
  present(state, agent)
}

/** Ends an offer without an answer. `silent`: the agent's side has ended already. */
export const endOffer = (state: RoutingState, engagement: Engagement, reason: OfferEnd, silent = false): void => {
  const { agent, interaction, queue } = engagement
  release(state, engagement)
  if (!silent) state.actions.push({ type: 'cancel-offer', offer: engagement.offer, agent: agent.id, reason })
  log(state, { at: state.now, type: 'offer-ended', queue: queue.id, interaction: interaction.id, agent: agent.id, reason, rang: state.now - engagement.since })
  if (interaction.state !== 'waiting') return
  if (interaction.sticky === agent) interaction.sticky = undefined
  relist(interaction)
  seekAgents(state, interaction)
}

/** The best free seat for the interaction; another agent than the one who has just failed, if there is one. */
const pick = (state: RoutingState, interaction: InteractionEntry): Seat | undefined => {
  const seats = interaction.demand?.seats
  if (seats === undefined) return undefined
  const first = seats.first()
  if (first === undefined || (first.agent !== interaction.lastFailed && acceptable(state, first.agent, interaction))) return first
  let second: Seat | undefined
  for (const seat of seats) {
    if (!acceptable(state, seat.agent, interaction)) continue
    if (seat.agent !== interaction.lastFailed) return seat
    second ??= seat
  }
  return second
}

/** Offers the interaction to whom the application's function names. */
const placeByFunction = (state: RoutingState, interaction: InteractionEntry, strategy: CustomStrategy): void => {
  const free = new Map<string, AgentEntry>()
  for (const seat of interaction.demand?.seats ?? []) {
    if (acceptable(state, seat.agent, interaction)) free.set(seat.agent.id, seat.agent)
  }
  if (free.size === 0) return
  const views = [...free.values()].map(agent => viewAgent(agent, state.now))
  const chosen = strategy(views, { waited: state.now - interaction.enteredAt, priority: interaction.priority })
  for (const { uri } of chosen) {
    const agent = free.get(uri)
    if (agent === undefined) continue
    free.delete(uri)
    offer(state, interaction, agent)
  }
}

/** Finds agents for a waiting interaction, as many as it wants. */
const place = (state: RoutingState, interaction: InteractionEntry): void => {
  if (appetite(interaction) > 0) seek(state, interaction)
  const { state: at, sticky, engagements, queue: { settings } } = interaction
  if (settings.strategy !== 'progressive' || at !== 'waiting' || sticky !== undefined || engagements.size === 0 || progresses(interaction)) return
  scheduleFor(state, interaction, settings.progressEvery ?? DEFAULT_PROGRESS_MS, 'progress')
}

const seek = (state: RoutingState, interaction: InteractionEntry): void => {
  const { sticky, queue } = interaction
  if (sticky !== undefined) {
    if (fits(sticky, interaction.channel)) offer(state, interaction, sticky)
    return
  }
  const { strategy } = queue.settings
  if (typeof strategy === 'function') return placeByFunction(state, interaction, strategy)
  while (appetite(interaction) > 0) {
    const seat = pick(state, interaction)
    if (seat === undefined) break
    seat.demand.virtual = strategy === 'random' || strategy === 'weighted' ? seat.key : 0
    offer(state, interaction, seat.agent, seat.member)
  }
}

const progresses = (interaction: InteractionEntry): boolean => {
  for (const deadline of interaction.deadlines) if (deadline.task.type === 'progress') return true
  return false
}

interface Candidate {
  readonly interaction: InteractionEntry
  readonly rank: number
  readonly urgency: number
}

const rankOf = (agent: AgentEntry, queue: QueueEntry): number => agent.members.get(queue.id)?.settings.rank ?? 0

/** Points of priority at this moment, comparable between queues. */
const urgencyNow = (state: RoutingState, interaction: InteractionEntry): number =>
  interaction.urgency + (interaction.queue.settings.ageing ?? 0) / 60_000 * state.now

const better = (a: Candidate, b: Candidate | undefined): boolean => {
  if (b === undefined) return true
  if (a.rank !== b.rank) return a.rank < b.rank
  if (a.interaction.queue === b.interaction.queue) return byUrgency(a.interaction, b.interaction) < 0
  if (a.urgency !== b.urgency) return a.urgency > b.urgency
  return a.interaction.since - b.interaction.since < 0 || (a.interaction.since === b.interaction.since && a.interaction.serial < b.interaction.serial)
}

/** The caller that a free agent should have. `passed`: those who have just declined it. */
const bestFor = (state: RoutingState, agent: AgentEntry, passed: ReadonlySet<InteractionEntry> | undefined): InteractionEntry | undefined => {
  let best: Candidate | undefined
  const consider = (interaction: InteractionEntry): void => {
    const candidate = { interaction, rank: rankOf(agent, interaction.queue), urgency: urgencyNow(state, interaction) }
    if (better(candidate, best)) best = candidate
  }
  for (const seat of agent.seats) {
    if (!seat.seated || seat.demand.waiting.size === 0) continue
    const head = headFor(state, agent, seat.demand.waiting, passed)
    if (head !== undefined) consider(head)
  }
  for (const interaction of agent.loyal ?? []) {
    if (passed?.has(interaction) === true || !fits(agent, interaction.channel)) continue
    consider(interaction)
    break
  }
  return best?.interaction
}

/** The first of those waiting whom the agent may be offered. */
const headFor = (state: RoutingState, agent: AgentEntry, waiting: OrderedSet<InteractionEntry>, passed: ReadonlySet<InteractionEntry> | undefined): InteractionEntry | undefined => {
  const first = waiting.first()
  if (first !== undefined && passed?.has(first) !== true && acceptable(state, agent, first)) return first
  for (const interaction of waiting) if (passed?.has(interaction) !== true && acceptable(state, agent, interaction)) return interaction
  return undefined
}

/** Finds callers for an agent, as many as it has room for. */
const serve = (state: RoutingState, agent: AgentEntry): void => {
  let passed: Set<InteractionEntry> | undefined
  while (agent.seats.length > 0 || isAwaited(agent)) {
    const interaction = bestFor(state, agent, passed)
    if (interaction === undefined) return
    const before = interaction.engagements.size
    place(state, interaction)
    if (interaction.engagements.size === before) (passed ??= new Set()).add(interaction)
  }
}

/** Does all the matching that the current event has made possible. */
export const settle = (state: RoutingState): void => {
  while (state.unplaced.length > 0 || state.freed.length > 0) {
    if (state.unplaced.length > 0) {
      const callers = state.unplaced.sort(byUrgency)
      state.unplaced = []
      for (const interaction of callers) interaction.unplaced = false
      for (const interaction of callers) place(state, interaction)
      continue
    }
    const agents = state.freed
    state.freed = []
    for (const agent of agents) agent.freed = false
    for (const agent of agents) serve(state, agent)
  }
}
