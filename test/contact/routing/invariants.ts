import { fits, staffWithin } from '../../../src/contact/routing/availability.js'
import { acceptable, appetite } from '../../../src/contact/routing/demand.js'
import type { RoutingAction } from '../../../src/contact/routing/action.js'
import type { InteractionEntry, RoutingState } from '../../../src/contact/routing/state.js'

const check = (held: boolean, what: string): void => {
  if (!held) throw new Error(what)
}

/** Throws where the state breaks a promise: capacities, one winner, live leases, nobody who waits beside an agent who is free. */
export const checkInvariants = (state: RoutingState): void => {
  for (const agent of state.agents.values()) checkAgent(state, agent.id)
  for (const interaction of state.interactions.values()) {
    const talking = [...interaction.engagements].filter(({ state: at }) => at === 'talking' || at === 'preparing').length
    check(talking === (interaction.state === 'connected' ? 1 : 0), `${interaction.id} is ${interaction.state} with ${talking} agents`)
    if (interaction.state === 'connected') check(interaction.engagements.size === 1, `${interaction.id} still rings elsewhere`)
    else checkWaiting(state, interaction.id)
  }
  for (const queue of state.queues.values()) {
    for (const interaction of queue.waiting) check(state.interactions.get(interaction.id) === interaction, `${interaction.id} is gone but waits`)
  }
}

const checkAgent = (state: RoutingState, id: string): void => {
  const agent = state.agents.get(id)!
  const load = { voice: 0, callback: 0, chat: 0, email: 0 }
  for (const engagement of agent.engagements) {
    load[engagement.channel]++
    check(state.offers.get(engagement.offer) === engagement, `${id} has a reservation that nobody knows`)
    if (engagement.state === 'talking' || engagement.state === 'preparing') continue
    check(engagement.deadline !== undefined && engagement.deadline.due >= state.now, `${id} has a lease without an end`)
    if (engagement.state === 'offered') check(state.interactions.get(engagement.interaction.id)?.state === 'waiting', `${id} is offered a caller who is gone`)
  }
  const capacity = { voice: 1, callback: 1, chat: 0, email: 0, ...agent.settings.capacity }
  for (const channel of ['voice', 'callback', 'chat', 'email'] as const) check(load[channel] === agent.load[channel], `${id} miscounts ${channel}`)
  // Less capacity than is in use comes of a change of settings only.
  check(load.voice + load.callback <= Math.max(2, capacity.voice), `${id} has ${load.voice + load.callback} calls`)
  for (const seat of agent.seats) check(seat.seated === fits(agent, seat.demand.channel), `${id} sits wrongly`)
}

const checkWaiting = (state: RoutingState, id: string): void => {
  const interaction = state.interactions.get(id)!
  check(state.queues.get(interaction.queue.id) === interaction.queue, `${id} waits in a queue that is gone`)
  check(interaction.queue.waiting.rank(interaction) < interaction.queue.waiting.size, `${id} is not in its queue`)
  checkDeadlines(state, interaction)
  if (typeof interaction.queue.settings.strategy === 'function') return
  if (appetite(interaction) <= 0) return
  check(interaction.listed !== undefined, `${id} wants an agent but is not listed`)
  if (interaction.sticky !== undefined) return check(!fits(interaction.sticky, interaction.channel), `${id} waits beside its own agent`)
  for (const seat of interaction.demand!.seats) {
    check(!acceptable(state, seat.agent, interaction), `${id} waits beside ${seat.agent.id}, who is free`)
  }
}

/** Whatever a caller waits for comes in time, once. */
const checkDeadlines = (state: RoutingState, interaction: InteractionEntry): void => {
  const { id, channel, queue: { settings, tiers }, tier, steps, step, sticky, engagements } = interaction
  const due = [...interaction.deadlines].map(({ task }) => task.type)
  check(new Set(due).size === due.length, `${id} waits twice for one thing: ${due.join()}`)
  const live = channel !== 'callback'
  const wanted: readonly (readonly [(typeof due)[number], boolean])[] = [
    ['sticky', sticky !== undefined],
    ['relax', step + 1 < steps.length],
    ['tier', (settings.tierWait ?? 0) > 0 && tier < tiers.length - 1],
    ['progress', settings.strategy === 'progressive' && sticky === undefined && engagements.size > 0],
    ['max-wait', live && settings.maxWait !== undefined],
    ['overflow', live && settings.overflow?.after !== undefined],
    ['announce', live && settings.announce !== undefined],
  ]
  for (const [type, wants] of wanted) if (wants) check(due.includes(type), `${id} waits for ${type}, which never comes`)
  if ((settings.tierWait ?? 0) === 0 || staffWithin(interaction.queue, tiers.length) === 0) return
  check(staffWithin(interaction.queue, tier + 1) > 0, `${id} waits for tiers where nobody is`)
}

/** Throws where one of the actions offers an agent more than it has room for. */
export const checkOffers = (state: RoutingState, actions: readonly RoutingAction[]): void => {
  for (const action of actions) {
    if (action.type !== 'offer') continue
    const agent = state.agents.get(action.agent)
    if (agent === undefined) continue // taken away since
    const capacity = { voice: 1, callback: 1, chat: 0, email: 0, ...agent.settings.capacity }
    check(agent.load[action.channel] <= capacity[action.channel], `${action.agent} is offered ${agent.load[action.channel]} of ${action.channel}`)
    check(action.channel === 'chat' || action.channel === 'email' || agent.load.voice + agent.load.callback <= capacity.voice, `${action.agent} has too many calls`)
  }
}
