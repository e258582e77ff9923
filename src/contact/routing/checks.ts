import { CordboardError } from '../../core/errors.js'
import type { JoinEvent } from './event.js'
import { parseExpression } from './expression.js'
import type { AgentSettings, MemberSettings, QueueSettings, RelaxStep } from './settings.js'

/** Of what comes again and again: at 0 it would do so without end at one and the same moment. */
const SHORTEST_MS = 1

/** @throws CordboardError `CONTACT_BAD_OPTION` for a number below `least`, an infinite one, and none at all. */
const check = (name: string, value: number | undefined, least = 0): void => {
  if (value === undefined || (Number.isFinite(value) && value >= least)) return
  throw new CordboardError('CONTACT_BAD_OPTION', `${name} is ${value}, but must be a number${least === -Infinity ? '' : ` of ${least} or more`}`)
}

/** @throws CordboardError `CONTACT_BAD_EXPRESSION`. */
export const checkConditions = (steps: readonly RelaxStep[] = []): void => {
  for (const { requires } of steps) if (typeof requires === 'string') parseExpression(requires)
}

const checkSteps = (steps: readonly RelaxStep[] = []): void => {
  for (const { after } of steps) check('after of a condition', after)
}

/** @throws CordboardError `CONTACT_BAD_EXPRESSION`, `CONTACT_BAD_OPTION`. */
export const checkQueue = (settings: QueueSettings): void => {
  const { overflow, announce } = settings
  for (const name of ['maxWait', 'maxSize', 'tierWait', 'ageing', 'returnWithin'] as const) check(name, settings[name])
  for (const name of ['ringFor', 'progressEvery'] as const) check(name, settings[name], SHORTEST_MS)
  check('announce.first', announce?.first)
  check('announce.every', announce?.every, SHORTEST_MS)
  check('overflow.after', overflow?.after)
  check('overflow.size', overflow?.size)
  const to = overflow?.to
  if (to === undefined || !('queue' in to)) return
  checkSteps(to.requires)
  checkConditions(to.requires)
}

/** @throws CordboardError `CONTACT_BAD_OPTION`. */
export const checkAgent = ({ skills = {}, wrapUp, capacity = {}, failures = {} }: AgentSettings): void => {
  for (const [skill, level] of Object.entries(skills)) check(`skill ${skill}`, level, -Infinity)
  check('wrapUp', wrapUp)
  for (const [channel, units] of Object.entries(capacity)) check(`capacity.${channel}`, units)
  for (const [failure, policy] of Object.entries(failures)) {
    check(`failures.${failure}.delay`, policy.delay)
    check(`failures.${failure}.limit`, policy.limit, 1)
  }
}

/** @throws CordboardError `CONTACT_BAD_OPTION`. */
export const checkMember = ({ tier, rank, weight }: MemberSettings): void => {
  check('tier', tier, -Infinity)
  check('rank', rank, -Infinity)
  check('weight', weight)
}

/** @throws CordboardError `CONTACT_BAD_OPTION`. */
export const checkPriority = (priority: number | undefined): void => check('priority', priority, -Infinity)

/** Conditions apart. @throws CordboardError `CONTACT_BAD_OPTION`. */
export const checkJoin = ({ priority, requires, sticky }: Pick<JoinEvent, 'priority' | 'requires' | 'sticky'>): void => {
  checkPriority(priority)
  check('wait for an agent', sticky?.wait)
  checkSteps(requires)
}
