import type { RoutingAction } from './action.js'
import { beginDay, endRest, failOffer, reportFailure, setAgent, setElsewhere, setStatus } from './agents.js'
import { noteStates } from './availability.js'
import { forgetPlace, join, requestCallback, setPriority, turnDeadline } from './callers.js'
import { checkAgent, checkJoin, checkMember, checkPriority, checkQueue } from './checks.js'
import type { RoutingEvent } from './event.js'
import { settle } from './offering.js'
import { removeAgent, removeMember, removeQueue, setMember, setQueue } from './queues.js'
import type { AgentId } from './settings.js'
import { cancel, schedule } from './state.js'
import type { AgentEntry, Deadline, RoutingState } from './state.js'
import { answer, begin, depart, drop, endWrapUp, finish, miss } from './talks.js'

/**
 * Distribution as a state machine: what happened goes in, what is to be done comes out. It reads no clock, draws on no
 * outside randomness and does nothing itself, so equal sequences of events and times give equal actions, and a log of
 * events replays a day.
 *
 * For speed the state is changed in place: the one returned is the one given, and the old one is gone. What an event
 * names that is no more (an offer just withdrawn, a caller just gone) is ignored: such races are in the nature of telephones.
 *
 * Each event costs O(log n) in agents and callers, times the number of distinct demands an agent satisfies; changes of
 * configuration and the application's own functions cost what they look at.
 * @param now milliseconds, never going back.
 * @throws CordboardError from an event that cannot be: `CONTACT_BAD_EXPRESSION` for a condition that cannot be read, `CONTACT_BAD_OPTION` for a number
 * out of bounds; nothing has happened then.
 */
export const route = (state: RoutingState, event: RoutingEvent, now: number): readonly [RoutingState, readonly RoutingAction[]] => {
  checkEvent(event)
  state.now = Math.max(state.now, now)
  state.actions = []
  runDeadlines(state)
  apply(state, event)
  settle(state)
  noteStates(state)
  const wake = state.deadlines.first()?.due
  if (wake !== state.wakeAt) {
    state.wakeAt = wake
    state.actions.push({ type: 'wake', at: wake })
  }
  return [state, state.actions]
}

const checkEvent = (event: RoutingEvent): void => {
  switch (event.type) {
    case 'queue': return checkQueue(event.settings)
    case 'agent': return checkAgent(event.settings)
    case 'member': return checkMember(event.settings)
    case 'joined': return checkJoin(event)
    case 'priority': return checkPriority(event.priority)
    default:
  }
}

const runDeadlines = (state: RoutingState): void => {
  for (let next = state.deadlines.first(); next !== undefined && next.due <= state.now; next = state.deadlines.first()) {
    cancel(state, next)
    runDeadline(state, next)
    settle(state)
  }
}

const runDeadline = (state: RoutingState, deadline: Deadline): void => {
  const { task } = deadline
  switch (task.type) {
    case 'lease': return failOffer(state, task.engagement, 'no-answer', false)
    case 'wrap-up': return endWrapUp(state, task.engagement)
    case 'rest': return endRest(state, task.agent)
    case 'place': return forgetPlace(state, task.queue.places.get(task.customer))
    default: return turnDeadline(state, deadline, task)
  }
}

const withAgent = (state: RoutingState, id: AgentId, act: (agent: AgentEntry) => void): void => {
  const agent = state.agents.get(id)
  if (agent !== undefined && !agent.removed) act(agent)
}

const apply = (state: RoutingState, event: RoutingEvent): void => {
  switch (event.type) {
    case 'time': return
    case 'day-began': return beginDay(state)
    case 'queue': return setQueue(state, event.queue, event.settings)
    case 'queue-removed':
    case 'member':
    case 'member-removed': return applyToQueue(state, event)
    case 'agent': return setAgent(state, event.agent, event.settings)
    case 'agent-removed': return withAgent(state, event.agent, agent => removeAgent(state, agent))
    case 'status': return withAgent(state, event.agent, agent => setStatus(state, agent, event.status))
    case 'elsewhere': return withAgent(state, event.agent, agent => setElsewhere(state, agent, event.busy))
    case 'wrapped-up': return withAgent(state, event.agent, agent => wrapUps(agent).forEach(engagement => endWrapUp(state, engagement)))
    case 'wrap-up-extended': return withAgent(state, event.agent, agent => extendWrapUp(state, agent, event.ms))
    case 'joined': return join(state, event)
    case 'answered': return answer(state, event.offer, event.pending === true)
    case 'failed': return reportFailure(state, event.offer, event.failure)
    case 'left':
    case 'callback':
    case 'priority':
    case 'began':
    case 'dropped':
    case 'missed':
    case 'ended': return applyToInteraction(state, event)
  }
}

type QueueEvent = Extract<RoutingEvent, { type: 'queue-removed' | 'member' | 'member-removed' }>

const applyToQueue = (state: RoutingState, event: QueueEvent): void => {
  const queue = state.queues.get(event.queue)
  if (queue === undefined) return
  if (event.type === 'queue-removed') return removeQueue(state, queue)
  withAgent(state, event.agent, agent => {
    if (event.type === 'member') return setMember(state, queue, agent, event.settings)
    const member = queue.members.get(agent.id)
    if (member !== undefined) removeMember(state, member)
  })
}

type InteractionEvent = Extract<RoutingEvent, { type: 'left' | 'callback' | 'priority' | 'began' | 'dropped' | 'missed' | 'ended' }>

const applyToInteraction = (state: RoutingState, event: InteractionEvent): void => {
  const interaction = state.interactions.get(event.interaction)
  if (interaction === undefined) return
  switch (event.type) {
    case 'left': return depart(state, interaction, event.how)
    case 'callback': return requestCallback(state, interaction)
    case 'priority': return setPriority(state, interaction, event.priority)
    case 'began': return begin(state, interaction)
    case 'dropped': return drop(state, interaction)
    case 'missed': return miss(state, interaction, event.deserted === true)
    case 'ended': return finish(state, interaction)
  }
}

const wrapUps = (agent: AgentEntry) => agent.engagements.filter(engagement => engagement.state === 'wrap-up')

const extendWrapUp = (state: RoutingState, agent: AgentEntry, ms: number): void => {
  for (const engagement of wrapUps(agent)) {
    cancel(state, engagement.deadline)
    engagement.deadline = schedule(state, ms, { type: 'wrap-up', engagement })
  }
}
