import t from 'tap'
import { AgentFold } from '../../../src/contact/figures/agent-figures.js'
import { AgentIntervalFold } from '../../../src/contact/figures/agent-intervals.js'
import { IntervalFold } from '../../../src/contact/figures/interval-figures.js'
import { QueueFold } from '../../../src/contact/figures/queue-figures.js'
import type { Fact, RoutingAction } from '../../../src/contact/routing/action.js'
import { checkInvariants, checkOffers } from './invariants.js'
import { RandomDay } from './random-events.js'

const SEQUENCES = Number(process.env['ROUTING_SEQUENCES'] ?? 10_000)
const STEPS = 60
/** One seed alone, to replay what failed. */
const ONLY = process.env['ROUTING_SEED']

const seeds = ONLY === undefined ? Array.from({ length: SEQUENCES }, (_, index) => index + 1) : [Number(ONLY)]

/** Every fold that there is, of one day. */
class Figures {
  readonly queues = new Map<string, QueueFold>()
  readonly agents = new Map<string, AgentFold>()
  readonly queueIntervals = new IntervalFold({ interval: 60_000, keep: Infinity })
  readonly agentIntervals = new AgentIntervalFold({ interval: 60_000, keep: Infinity })

  note(actions: readonly RoutingAction[]): void {
    for (const action of actions) if (action.type === 'log') this.#note(action.fact)
  }

  #note(fact: Fact): void {
    this.queueIntervals.note(fact, fact.at)
    this.agentIntervals.note(fact, fact.at)
    if ('queue' in fact) take(this.queues, fact.queue, () => new QueueFold()).note(fact)
    if ('agent' in fact) take(this.agents, fact.agent, () => new AgentFold()).note(fact)
  }

  /** Those who wait for the talk to begin are those of routing. */
  checkWaiting({ rig: { state, now } }: RandomDay): void {
    for (const [id, queue] of state.queues) {
      const preparing = [...state.interactions.values()].filter(({ queue: { id: its }, engagements }) => its === id && [...engagements].some(({ state: at }) => at === 'preparing')).length
      const waiting = this.queues.get(id)?.at(now).waiting ?? 0
      if (waiting !== queue.waiting.size + preparing) throw new Error(`${waiting} wait in ${id} by the figures, ${queue.waiting.size + preparing} by routing`)
    }
  }
}

const take = <T>(map: Map<string, T>, key: string, make: () => T): T => {
  const known = map.get(key) ?? make()
  map.set(key, known)
  return known
}

const run = (seed: number): RandomDay => {
  const day = new RandomDay(seed)
  const figures = new Figures()
  figures.note(day.rig.actions)
  for (let step = 0; step < STEPS; step++) {
    const seen = day.rig.actions.length
    const last = day.step()
    figures.note(day.rig.actions.slice(seen))
    // New settings may leave an agent with more than it would be offered under them.
    if (last.type !== 'agent') checkOffers(day.rig.state, day.rig.actions.slice(seen))
    checkInvariants(day.rig.state)
    figures.checkWaiting(day)
  }
  const seen = day.rig.actions.length
  day.close()
  figures.note(day.rig.actions.slice(seen))
  checkInvariants(day.rig.state)
  checkFigures(day, figures)
  return day
}

/** Each caller is accounted for, once. */
const checkLog = (day: RandomDay): void => {
  const { rig } = day
  const answered = rig.facts('answered').map(fact => fact.interaction)
  if (new Set(answered).size !== answered.length) throw new Error('a caller was given to two agents')
  const gone = new Set([...answered, ...rig.facts('left').filter(fact => fact.outcome !== 'callback').map(fact => fact.interaction)])
  for (const caller of day.joined) if (!gone.has(caller)) throw new Error(`${caller} is lost`)
  if (answered.length !== rig.facts('ended').length) throw new Error('a talk never ended')
  if (rig.facts('offered').length !== rig.facts('offer-ended').length + answered.length) throw new Error('an offer never ended')
  if (rig.facts('joined').length !== rig.facts('left').length + answered.length) throw new Error('joined is not left and answered')
}

/** Figures count each thing once, whether they are folded in one or by interval; those who wait are those whom routing knows. */
const checkFigures = (day: RandomDay, whole: Figures): void => {
  const { now, state } = day.rig
  const sums = new Map<string, Record<string, number>>()
  const add = (name: string, figures: object): void => {
    const sum = sums.get(name) ?? {}
    for (const [figure, value] of Object.entries(figures)) if (typeof value === 'number' && value < 0) throw new Error(`${figure} of ${name} is ${value}`)
    for (const [figure, value] of counts(figures)) sum[figure] = (sum[figure] ?? 0) + value
    sums.set(name, sum)
  }
  for (const { queue, figures } of whole.queueIntervals.rows()) add(queue, figures)
  for (const { agent, figures } of whole.agentIntervals.rows(now)) add(agent, figures)
  for (const [name, fold] of [...whole.queues, ...whole.agents]) {
    if (JSON.stringify(Object.fromEntries(counts(fold.at(now)))) !== JSON.stringify(sums.get(name))) throw new Error(`the intervals of ${name} do not add up`)
  }
  for (const [name, fold] of whole.queues) {
    const { offered, answered, abandoned, timedOut, overflowed, callbacks, missed } = fold.at(now)
    const left = day.rig.facts('left').filter(({ queue, outcome }) => queue === name && ['exited', 'withdrawn', 'closed'].includes(outcome)).length
    if (offered !== answered + abandoned + timedOut + overflowed + callbacks + missed + left) throw new Error(`the figures of ${name} do not add up`)
  }
  if (state.interactions.size > 0) throw new Error('somebody is still there')
}

/** Counts and sums of times, which add up over intervals. */
const counts = (figures: object): [string, number][] => {
  const times = 'time' in figures ? Object.entries(figures.time as object).map(([activity, ms]) => [`ms ${activity}`, ms]) : []
  const summed = ['offered', 'answered', 'abandoned', 'timedOut', 'overflowed', 'callbacks', 'missed']
  return [...times, ...Object.entries(figures).filter(([figure]) => summed.includes(figure))] as [string, number][]
}

/** Nothing is left behind when everybody has gone. */
const checkEmpty = (day: RandomDay): void => {
  const { state } = day.rig
  if (state.offers.size > 0) throw new Error('a reservation is stuck')
  if (state.interactions.size > 0) throw new Error('a caller is stuck')
  if (state.deadlines.size > 0) throw new Error(`a ${state.deadlines.first()!.task.type} deadline is stuck`)
  for (const queue of state.queues.values()) if (queue.waiting.size > 0) throw new Error('a queue is not empty')
}

void t.test(`routing: ${seeds.length} random days keep every promise`, { timeout: 600_000 }, async t => {
  const failed: number[] = []
  for (const seed of seeds) {
    try {
      const day = run(seed)
      checkLog(day)
      checkEmpty(day)
    } catch (error) {
      t.fail(`replay with ROUTING_SEED=${seed}`, { error: error as Error })
      failed.push(seed)
      if (process.env['ROUTING_KEEP_GOING'] === undefined) break
    }
  }
  t.same(failed, [], 'no seed breaks one')
})

void t.test('routing: equal seeds and events give equal actions', async t => {
  for (const seed of [1, 2, 3]) t.same(JSON.stringify(run(seed).rig.actions), JSON.stringify(run(seed).rig.actions))
})
