import { fits } from '../../../src/contact/routing/availability.js'
import { acceptable, appetite } from '../../../src/contact/routing/demand.js'
import type { RoutingState } from '../../../src/contact/routing/state.js'

const check = (held: boolean, what: string): void => {
  if (!held) throw new Error(what)
}

/** Throws where the state breaks a promise: capacities, one winner, live leases, nobody who waits beside an agent who is free. */
export const checkInvariants = (state: RoutingState): void => {
  for (const agent of state.agents.values()) checkAgent(state, agent.id)
  for (const interaction of state.interactions.values()) {
    const talking = [...interaction.engagements].filter(({ state: at }) => at === 'talking').length
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
    if (engagement.state === 'talking') continue
    check(engagement.deadline !== undefined && engagement.deadline.due >= state.now, `${id} has a lease without an end`)
    if (engagement.state === 'offered') check(state.interactions.get(engagement.interaction.id)?.state === 'waiting', `${id} is offered a caller who is gone`)
  }
  const capacity = { voice: 1, callback: 1, chat: 0, email: 0, ...agent.settings.capacity }
  for (const channel of ['voice', 'callback', 'chat', 'email'] as const) check(load[channel] === agent.load[channel], `${id} miscounts ${channel}`)
  // Less capacity than is in use comes of a change of settings only.
  check(load.voice + load.callback <= Math.max(1, capacity.voice), `${id} has ${load.voice + load.callback} calls`)
  for (const seat of agent.seats) check(seat.seated === fits(agent, seat.demand.channel), `${id} sits wrongly`)
}

const checkWaiting = (state: RoutingState, id: string): void => {
  const interaction = state.interactions.get(id)!
  check(state.queues.get(interaction.queue.id) === interaction.queue, `${id} waits in a queue that is gone`)
  check(interaction.queue.waiting.rank(interaction) < interaction.queue.waiting.size, `${id} is not in its queue`)
  if (typeof interaction.queue.settings.strategy === 'function') return
  if (appetite(interaction) <= 0) return
  check(interaction.listed !== undefined, `${id} wants an agent but is not listed`)
  if (interaction.sticky !== undefined) return check(!fits(interaction.sticky, interaction.channel), `${id} waits beside its own agent`)
  for (const seat of interaction.demand!.seats) {
    check(!acceptable(state, seat.agent, interaction), `${id} waits beside ${seat.agent.id}, who is free`)
  }
}
