import { bySeat, sit, stand, viewAgent } from './availability.js'
import type { Expression } from './expression.js'
import { OrderedSet } from './ordered-set.js'
import type { AgentPredicate, Channel } from './settings.js'
import { byUrgency } from './state.js'
import type { AgentEntry, Demand, InteractionEntry, Member, QueueEntry, RoutingState, Seat } from './state.js'

/** Demands that nobody makes any more are kept for the next caller, up to this many a queue. */
const KEPT = 64

const requirementKey = (state: RoutingState, requires: Expression | AgentPredicate | undefined): string => {
  if (requires === undefined) return ''
  if (typeof requires !== 'function') return requires.text
  let number = state.predicates.get(requires)
  if (number === undefined) {
    number = ++state.serial
    state.predicates.set(requires, number)
  }
  return `#${number}`
}

const satisfies = (member: Member, demand: Demand): boolean =>
  member.settings.tier <= demand.tier
  && (typeof demand.requires !== 'object' || demand.requires.matches(member.agent.settings.skills ?? {}))

const enrolIn = (state: RoutingState, member: Member, demand: Demand): void => {
  if (!satisfies(member, demand)) return
  const { agent, settings: { tier } } = member
  const seat: Seat = { agent, member, demand, seated: false, key: 0, idleSince: 0, tier, serial: agent.serial }
  agent.seats = [...agent.seats, seat]
  sit(state, seat)
}

/** Gives a member its seats in all present demands of the queue. */
export const enrol = (state: RoutingState, member: Member): void => {
  for (const demand of member.queue.demands.values()) enrolIn(state, member, demand)
}

/** Takes a member's seats in the queue away. */
export const dismiss = (member: Member): void => {
  const { agent } = member
  for (const seat of agent.seats) if (seat.member === member) stand(seat)
  agent.seats = agent.seats.filter(seat => seat.member !== member)
}

/** The highest tier open to a caller. */
const openTier = (queue: QueueEntry, interaction: InteractionEntry): number =>
  (queue.settings.tierWait ?? 0) === 0 ? Infinity : queue.tiers[interaction.tier] ?? Infinity

const createDemand = (state: RoutingState, queue: QueueEntry, key: string, channel: Channel, tier: number, requires: Demand['requires']): Demand => {
  const demand: Demand = {
    key, queue, channel, tier, requires,
    seats: new OrderedSet<Seat>(bySeat),
    waiting: new OrderedSet<InteractionEntry>(byUrgency),
    callers: 0,
    virtual: 0,
  }
  queue.demands.set(key, demand)
  for (const member of queue.members.values()) enrolIn(state, member, demand)
  return demand
}

/** Joins the demand that the interaction makes at this moment. */
export const makeDemand = (state: RoutingState, interaction: InteractionEntry): void => {
  const { queue, channel } = interaction
  const requires = interaction.steps[interaction.step]?.requires
  const tier = openTier(queue, interaction)
  const key = `${channel} ${tier} ${requirementKey(state, requires)}`
  const demand = queue.demands.get(key) ?? createDemand(state, queue, key, channel, tier, requires)
  demand.callers++
  interaction.demand = demand
}

/** Forgets a demand with all its seats. */
export const dropDemand = (state: RoutingState, demand: Demand): void => {
  demand.queue.demands.delete(demand.key)
  if (typeof demand.requires === 'function') state.predicates.delete(demand.requires)
  for (const member of demand.queue.members.values()) {
    member.agent.seats = member.agent.seats.filter(seat => seat.demand !== demand)
  }
}

/** Gives the demand up; the last caller to do so may end it. */
export const leaveDemand = (state: RoutingState, interaction: InteractionEntry): void => {
  const { demand } = interaction
  if (demand === undefined) return
  interaction.demand = undefined
  demand.callers--
  if (demand.callers > 0) return
  if (typeof demand.requires === 'function' || demand.queue.demands.size > KEPT) dropDemand(state, demand)
}

/** Offers that the interaction still wants at this moment. */
export const appetite = (interaction: InteractionEntry): number => {
  if (interaction.state !== 'waiting') return 0
  const { strategy } = interaction.queue.settings
  if (interaction.sticky === undefined) {
    if (strategy === 'ring-all') return Infinity
    if (strategy === 'progressive') return interaction.wanted - interaction.engagements.size
  }
  return interaction.engagements.size === 0 ? 1 : 0
}

/** Takes the interaction out of the set in which agents find it. */
export const unlist = (interaction: InteractionEntry): void => {
  interaction.listed?.delete(interaction)
  interaction.listed = undefined
}

/** Shows the interaction to agents while it wants an offer, and only then. */
export const relist = (interaction: InteractionEntry): void => {
  unlist(interaction)
  if (appetite(interaction) <= 0) return
  const { sticky } = interaction
  const listed = sticky === undefined ? interaction.demand?.waiting : sticky.loyal ??= new OrderedSet<InteractionEntry>(byUrgency)
  listed?.add(interaction)
  interaction.listed = listed
}

/** Whether the agent may be offered this very interaction, beyond what its demand asks. */
export const acceptable = (state: RoutingState, agent: AgentEntry, interaction: InteractionEntry): boolean => {
  // The agent's few, not the interaction's: that may ring everybody.
  if (agent.engagements.some(engagement => engagement.interaction === interaction)) return false
  const requires = interaction.sticky === undefined ? interaction.demand?.requires : undefined
  return typeof requires !== 'function' || requires(viewAgent(agent, state.now), state.now - interaction.askedAt)
}
