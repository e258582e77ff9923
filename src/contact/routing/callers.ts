import type { Fact, LeaveOutcome } from './action.js'
import { staffWithin } from './availability.js'
import { leaveDemand, makeDemand, relist, unlist } from './demand.js'
import type { JoinEvent } from './event.js'
import { parseExpression } from './expression.js'
import { endOffer } from './offering.js'
import type { QueueId, RelaxStep } from './settings.js'
import { cancel, log, remove, schedule, scheduleFor, seekAgents } from './state.js'
import type { Deadline, InteractionEntry, ParsedStep, Place, QueueEntry, RoutingState, WaitingTask } from './state.js'

const RETURN_MS = 60_000
const RECHECK_MS = 1_000

/** @throws CordboardError `CONTACT_BAD_EXPRESSION`. */
export const parseSteps = (steps: readonly RelaxStep[] = []): ParsedStep[] => steps
  .map(({ after, requires }) => ({ after, requires: typeof requires === 'string' ? parseExpression(requires) : requires }))
  .sort((a, b) => a.after - b.after)

/** Takes a waiting interaction out of its queue's order and from among the wanting. */
export const unplace = (state: RoutingState, interaction: InteractionEntry): void => {
  unlist(interaction)
  leaveDemand(state, interaction)
  interaction.queue.waiting.delete(interaction)
  for (const deadline of interaction.deadlines) cancel(state, deadline)
  interaction.deadlines.length = 0
}

const setDeadlines = (state: RoutingState, interaction: InteractionEntry): void => {
  const { settings, tiers } = interaction.queue
  const waited = state.now - interaction.enteredAt
  relaxNext(state, interaction)
  if (interaction.sticky !== undefined) scheduleFor(state, interaction, interaction.stickyUntil - state.now, 'sticky')
  if ((settings.tierWait ?? 0) > 0 && interaction.tier < tiers.length - 1) scheduleFor(state, interaction, settings.tierWait! - waited % settings.tierWait!, 'tier')
  // Functions of the application may answer otherwise as time goes by.
  const asked = typeof settings.strategy === 'function' || interaction.steps.some(step => typeof step.requires === 'function')
  if (asked) scheduleFor(state, interaction, RECHECK_MS, 'recheck')
  // Whoever waits for a call back has hung up: nobody gets tired and nobody listens.
  if (interaction.channel === 'callback') return
  if (settings.maxWait !== undefined) scheduleFor(state, interaction, settings.maxWait - waited, 'max-wait')
  if (settings.overflow?.after !== undefined) scheduleFor(state, interaction, settings.overflow.after - waited, 'overflow')
  if (settings.announce === undefined) return
  interaction.announceAt ??= interaction.enteredAt + settings.announce.first
  scheduleFor(state, interaction, interaction.announceAt - state.now, 'announce')
}

const relaxNext = (state: RoutingState, interaction: InteractionEntry): void => {
  const next = interaction.steps[interaction.step + 1]
  if (next !== undefined) scheduleFor(state, interaction, interaction.askedAt + next.after - state.now, 'relax')
}

/** Opens the next tiers at once while the open ones have nobody who is available. */
const skipUnstaffed = (interaction: InteractionEntry): void => {
  const { queue } = interaction
  if (staffWithin(queue, queue.tiers.length) === 0) return
  while (staffWithin(queue, interaction.tier + 1) === 0) interaction.tier++
}

/** Opens one more tier, and passes over those where nobody is available. */
const openNextTier = (interaction: InteractionEntry): void => {
  const { tiers, staffed } = interaction.queue
  const last = tiers.length - 1
  const next = tiers.findIndex((tier, at) => at > interaction.tier && (staffed.get(tier) ?? 0) > 0)
  interaction.tier = next < 0 ? Math.max(interaction.tier, last) : next
}

/** A tier has lost its last available member, or has got its first: who waits for nobody goes on as if it had come now. */
export const openUnstaffed = (state: RoutingState, queue: QueueEntry): void => {
  if ((queue.settings.tierWait ?? 0) === 0 || staffWithin(queue, queue.tiers.length) === 0) return
  for (const interaction of [...queue.waiting]) {
    const before = interaction.tier
    skipUnstaffed(interaction)
    if (interaction.tier !== before) changeDemand(state, interaction)
  }
}

/** Puts an interaction in line where its place is. */
export const install = (state: RoutingState, interaction: InteractionEntry): void => {
  const { queue } = interaction
  const waited = state.now - interaction.enteredAt
  const asked = state.now - interaction.askedAt
  interaction.urgency = interaction.priority - (queue.settings.ageing ?? 0) / 60_000 * interaction.since
  interaction.step = interaction.steps.findLastIndex(step => step.after <= asked)
  const tierWait = queue.settings.tierWait ?? 0
  interaction.tier = 0
  skipUnstaffed(interaction)
  if (tierWait > 0) for (let opened = Math.min(Math.floor(waited / tierWait), queue.tiers.length); opened > 0; opened--) openNextTier(interaction)
  queue.waiting.add(interaction)
  makeDemand(state, interaction)
  relist(interaction)
  setDeadlines(state, interaction)
  seekAgents(state, interaction)
}

/** Joins the demand that it makes by now: a tier opened, a condition was relaxed. */
const changeDemand = (state: RoutingState, interaction: InteractionEntry): void => {
  unlist(interaction)
  leaveDemand(state, interaction)
  makeDemand(state, interaction)
  relist(interaction)
  seekAgents(state, interaction)
}

/** Remembers the place of a customer who hung up: whoever was sent on from one queue to another calls the first again. */
const keepPlace = (state: RoutingState, { queue, customer, since, visited }: InteractionEntry): void => {
  const ms = queue.settings.returnWithin ?? RETURN_MS
  if (customer === undefined || ms <= 0 || queue.removed) return
  const queues = visited.map(id => state.queues.get(id)).filter(known => known !== undefined)
  const place: Place = { customer, queues, since, deadline: schedule(state, ms, { type: 'place', queue, customer }) }
  for (const { places } of queues) {
    forgetPlace(state, places.get(customer))
    places.set(customer, place)
  }
}

/** The place is taken, or nobody has come for it. */
export const forgetPlace = (state: RoutingState, place: Place | undefined): void => {
  if (place === undefined) return
  cancel(state, place.deadline)
  for (const { places } of place.queues) if (places.get(place.customer) === place) places.delete(place.customer)
}

/** Ends the waiting without an agent. */
export const leave = (state: RoutingState, interaction: InteractionEntry, outcome: LeaveOutcome): void => {
  const { queue } = interaction
  interaction.state = 'gone'
  for (const engagement of interaction.engagements) endOffer(state, engagement, 'caller-left')
  unplace(state, interaction)
  state.interactions.delete(interaction.id)
  const waited = state.now - interaction.enteredAt
  log(state, { at: state.now, type: 'left', queue: queue.id, interaction: interaction.id, outcome: outcome.type, waited })
  state.actions.push({ type: 'leave', interaction: interaction.id, queue: queue.id, outcome, waited })
  if (outcome.type === 'abandoned') keepPlace(state, interaction)
}

/** Sends the interaction where its queue lets it overflow to. */
export const overflow = (state: RoutingState, interaction: InteractionEntry): void => {
  const to = interaction.queue.settings.overflow?.to
  const next = to !== undefined && 'queue' in to ? state.queues.get(to.queue) : undefined
  // Each queue is visited once: two that overflow into each other would hand a caller to and fro for ever.
  if (next === undefined || interaction.visited.includes(next.id)) return leave(state, interaction, { type: 'overflowed', ...(to === undefined || 'queue' in to ? {} : { to }) })
  const from = interaction.queue.id
  unplace(state, interaction)
  for (const engagement of interaction.engagements) endOffer(state, engagement, 'withdrawn')
  state.actions.push({ type: 'move', interaction: interaction.id, from, to: next.id })
  log(state, { at: state.now, type: 'left', queue: from, interaction: interaction.id, outcome: 'overflowed', waited: state.now - interaction.enteredAt, to: next.id })
  if (to !== undefined && 'queue' in to && to.requires !== undefined) {
    interaction.steps = parseSteps(to.requires)
    interaction.askedAt = state.now
  }
  admit(state, interaction, next)
}

/** Whether the queue turns new callers away. */
const refuses = (queue: QueueEntry): boolean => {
  const { maxSize = Infinity, overflow: limits } = queue.settings
  if (queue.waiting.size >= Math.min(maxSize, limits?.size ?? Infinity)) return true
  return limits?.noAgents === true && staffWithin(queue, queue.tiers.length) === 0
}

const logJoined = (state: RoutingState, { queue, id, channel, customer }: InteractionEntry): void => {
  const fact: Fact = { at: state.now, type: 'joined', queue: queue.id, interaction: id, channel }
  log(state, customer === undefined ? fact : { ...fact, customer })
}

/** Begins the waiting in `queue`. */
const admit = (state: RoutingState, interaction: InteractionEntry, queue: QueueEntry): void => {
  const full = refuses(queue)
  interaction.queue = queue
  interaction.enteredAt = state.now
  interaction.visited = [...interaction.visited, queue.id]
  interaction.wanted = 1
  interaction.announceAt = undefined
  logJoined(state, interaction)
  install(state, interaction)
  if (full) overflow(state, interaction)
}

/** @throws CordboardError `CONTACT_BAD_EXPRESSION`. */
export const join = (state: RoutingState, event: JoinEvent): void => {
  const queue = state.queues.get(event.queue)
  if (queue === undefined || state.interactions.has(event.interaction)) return
  const place = event.customer === undefined ? undefined : queue.places.get(event.customer)
  const interaction: InteractionEntry = {
    id: event.interaction, serial: ++state.serial, customer: event.customer,
    steps: parseSteps(event.requires), askedAt: state.now, visited: [], engagements: new Set(), deadlines: [], unplaced: false,
    queue, channel: event.channel ?? 'voice', priority: event.priority ?? 0, state: 'waiting',
    enteredAt: state.now, since: place?.since ?? state.now, urgency: 0, step: -1, tier: 0,
    sticky: undefined, stickyUntil: state.now, announceAt: undefined, demand: undefined, listed: undefined, wanted: 1, lastFailed: undefined,
  }
  forgetPlace(state, place)
  state.interactions.set(interaction.id, interaction)
  const known = event.sticky === undefined ? undefined : state.agents.get(event.sticky.agent)
  if (known?.status.type === 'available') {
    interaction.sticky = known
    interaction.stickyUntil = state.now + event.sticky!.wait
  }
  admit(state, interaction, queue)
}

/** Turns a waiting call into a call back in the same place. */
export const requestCallback = (state: RoutingState, interaction: InteractionEntry): void => {
  if (interaction.state !== 'waiting' || interaction.channel === 'callback') return
  const { queue, id } = interaction
  const waited = state.now - interaction.enteredAt
  unplace(state, interaction)
  for (const engagement of interaction.engagements) endOffer(state, engagement, 'withdrawn')
  log(state, { at: state.now, type: 'left', queue: queue.id, interaction: id, outcome: 'callback', waited })
  state.actions.push({ type: 'leave', interaction: id, queue: queue.id, outcome: { type: 'callback' }, waited })
  interaction.channel = 'callback'
  interaction.sticky = undefined
  logJoined(state, interaction)
  install(state, interaction)
}

/** Takes the queue's callers out of its order, lets `change` happen, and puts them back under what holds then. */
export const resettle = (state: RoutingState, queue: QueueEntry, change: () => void): void => {
  const callers = [...queue.waiting]
  for (const interaction of callers) unplace(state, interaction)
  change()
  for (const interaction of callers) install(state, interaction)
}

export const setPriority = (state: RoutingState, interaction: InteractionEntry, priority: number): void => {
  if (interaction.state !== 'waiting') return
  interaction.queue.waiting.delete(interaction)
  unlist(interaction)
  interaction.urgency += priority - interaction.priority
  interaction.priority = priority
  interaction.queue.waiting.add(interaction)
  relist(interaction)
}

/** What is due for a waiting interaction. */
export const turnDeadline = (state: RoutingState, deadline: Deadline, { type, interaction }: WaitingTask): void => {
  remove(interaction.deadlines, deadline)
  const { settings, tiers } = interaction.queue
  switch (type) {
    case 'max-wait': return leave(state, interaction, { type: 'timed-out' })
    case 'overflow': return overflow(state, interaction)
    case 'tier':
      openNextTier(interaction)
      if (interaction.tier < tiers.length - 1) scheduleFor(state, interaction, settings.tierWait ?? 0, 'tier')
      return changeDemand(state, interaction)
    case 'relax': {
      interaction.step++
      relaxNext(state, interaction)
      return changeDemand(state, interaction)
    }
    case 'sticky':
      unlist(interaction)
      interaction.sticky = undefined
      break
    case 'progress':
      interaction.wanted = interaction.engagements.size === 0 ? 1 : interaction.wanted + 1
      break
    case 'recheck':
      scheduleFor(state, interaction, RECHECK_MS, 'recheck')
      break
    case 'announce':
      announce(state, interaction.queue.id, interaction)
      if (settings.announce === undefined) return
      interaction.announceAt = state.now + settings.announce.every
      scheduleFor(state, interaction, settings.announce.every, 'announce')
      return
  }
  relist(interaction)
  seekAgents(state, interaction)
}

const announce = (state: RoutingState, queue: QueueId, interaction: InteractionEntry): void => {
  const position = interaction.queue.waiting.rank(interaction) + 1
  state.actions.push({ type: 'announce', interaction: interaction.id, queue, position })
}
