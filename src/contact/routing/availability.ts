import { log, touch } from './state.js'
import type { AgentEntry, QueueEntry, RoutingState, Seat } from './state.js'
import type { AgentState, AgentStatus, AgentView, Channel } from './settings.js'

const DEFAULT_CAPACITY: Readonly<Record<Channel, number>> = { voice: 1, callback: 1, chat: 0, email: 0 }

const capacity = (agent: AgentEntry, channel: Channel): number => agent.settings.capacity?.[channel] ?? DEFAULT_CAPACITY[channel]

/** Whether the agent can take one more interaction of this channel. */
export const fits = (agent: AgentEntry, channel: Channel): boolean => {
  if (agent.status.type !== 'available' || agent.rest !== undefined) return false
  if (agent.load[channel] >= capacity(agent, channel)) return false
  if (channel !== 'voice' && channel !== 'callback') return true
  return !agent.elsewhere && agent.load.voice + agent.load.callback < capacity(agent, 'voice')
}

/** The agent as strategies and conditions see it. */
export const viewAgent = (agent: AgentEntry, now: number): AgentView => ({
  uri: agent.id,
  skills: agent.settings.skills ?? {},
  idleFor: agent.engagements.length > 0 ? 0 : now - agent.idleSince,
  callsToday: agent.calls,
})

/** Where a seat stands among those of its tier. */
const seatKey = (state: RoutingState, seat: Seat): number => {
  const { agent, member, demand } = seat
  switch (demand.queue.settings.strategy) {
    case 'round-robin': return member.lastOffered
    case 'top-down': return member.position
    case 'fewest-calls': return agent.calls
    case 'least-talk-time': return agent.talked
    // Exponential races: the earliest of independent exponential times is each one's with a chance in proportion to its rate,
    // and since they have no memory, those who lose keep their times.
    case 'random': return demand.virtual - Math.log(1 - state.random.float())
    case 'weighted': return demand.virtual - Math.log(1 - state.random.float()) / Math.max(member.settings.weight, 1e-9)
    default: return agent.idleSince
  }
}

/** Order of the seats of a demand. */
export const bySeat = (a: Seat, b: Seat): number =>
  a.tier - b.tier || a.key - b.key || a.idleSince - b.idleSince || a.serial - b.serial

/** Takes a seat among those who can be offered something, when there is room. */
export const sit = (state: RoutingState, seat: Seat): void => {
  if (seat.seated || !fits(seat.agent, seat.demand.channel)) return
  seat.key = seatKey(state, seat)
  seat.idleSince = seat.agent.idleSince
  seat.seated = true
  seat.demand.seats.add(seat)
}

export const stand = (seat: Seat): void => {
  if (!seat.seated) return
  seat.demand.seats.delete(seat)
  seat.seated = false
}

/** To be called before anything that an agent's order or fitness rests on is changed; `present` afterwards. */
export const withdraw = (agent: AgentEntry): void => {
  for (const seat of agent.seats) stand(seat)
}

/** Whether somebody waits for this very agent. */
export const isAwaited = ({ loyal }: AgentEntry): boolean => loyal !== undefined && loyal.size > 0

/** Puts the agent among the free ones of each demand that it has room for, and has it looked after. */
export const present = (state: RoutingState, agent: AgentEntry): void => {
  let useful = isAwaited(agent)
  for (const seat of agent.seats) {
    sit(state, seat)
    useful ||= seat.seated
  }
  touch(state, agent)
  if (agent.freed || !useful) return
  agent.freed = true
  state.freed.push(agent)
}

/** Availability of a member changed by `change`. */
export const countStaff = (queue: QueueEntry, tier: number, change: 1 | -1): void => {
  queue.staffed.set(tier, (queue.staffed.get(tier) ?? 0) + change)
}

/** Available members of the first `tiers` tiers, however busy. */
export const staffWithin = (queue: QueueEntry, tiers: number): number => {
  let staff = 0
  for (let at = 0; at < tiers && at < queue.tiers.length; at++) staff += queue.staffed.get(queue.tiers[at]!) ?? 0
  return staff
}

/** What an agent with several interactions is doing is the last of these. */
const ACTIVITIES: readonly AgentState[] = ['wrap-up', 'offered', 'preparing', 'talking']

/** What the agent is doing. */
export const stateOf = (agent: AgentEntry): AgentState => {
  let state: AgentState = agent.elsewhere ? 'elsewhere' : agent.rest !== undefined ? 'resting' : 'idle'
  for (const engagement of agent.engagements) {
    const at = ACTIVITIES.indexOf(engagement.state)
    if (at > ACTIVITIES.indexOf(state)) state = engagement.state
  }
  return state
}

const reasonOf = (status: AgentStatus): string | undefined => (status.type === 'on-break' ? status.reason : undefined)

const sameStatus = (a: AgentStatus, b: AgentStatus | undefined): boolean => a === b || (a.type === b?.type && reasonOf(a) === reasonOf(b))

/** Logs status and state of the agents that this event touched, where they changed. */
export const noteStates = (state: RoutingState): void => {
  const { touched } = state
  state.touched = []
  for (const agent of touched) {
    agent.touched = false
    if (agent.removed && agent.engagements.length === 0) continue
    const now = stateOf(agent)
    if (now === agent.shownState && sameStatus(agent.status, agent.shownStatus)) continue
    agent.shownState = now
    agent.shownStatus = agent.status
    log(state, { at: state.now, type: 'agent', agent: agent.id, status: agent.status, state: now })
  }
}
