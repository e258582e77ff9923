import t from 'tap'
import { checkInvariants, checkOffers } from './invariants.js'
import { RandomDay } from './random-events.js'

const SEQUENCES = Number(process.env['ROUTING_SEQUENCES'] ?? 10_000)
const STEPS = 60
/** One seed alone, to replay what failed. */
const ONLY = process.env['ROUTING_SEED']

const seeds = ONLY === undefined ? Array.from({ length: SEQUENCES }, (_, index) => index + 1) : [Number(ONLY)]

const run = (seed: number): RandomDay => {
  const day = new RandomDay(seed)
  for (let step = 0; step < STEPS; step++) {
    const seen = day.rig.actions.length
    const last = day.step()
    // New settings may leave an agent with more than it would be offered under them.
    if (last.type !== 'agent') checkOffers(day.rig.state, day.rig.actions.slice(seen))
    checkInvariants(day.rig.state)
  }
  day.close()
  checkInvariants(day.rig.state)
  return day
}

/** Each caller is accounted for, once. */
const checkLog = (day: RandomDay): void => {
  const { rig } = day
  // An answer that was dropped is none.
  const dropped = rig.facts('dropped').map(fact => fact.interaction)
  const answered = rig.facts('answered').map(fact => fact.interaction)
  for (const interaction of dropped) answered.splice(answered.indexOf(interaction), 1)
  if (new Set(answered).size !== answered.length) throw new Error('a caller was given to two agents')
  const gone = new Set([...answered, ...rig.facts('left').filter(fact => fact.outcome !== 'callback').map(fact => fact.interaction)])
  for (const caller of day.joined) if (!gone.has(caller)) throw new Error(`${caller} is lost`)
  if (answered.length !== rig.facts('ended').length) throw new Error('a talk never ended')
  if (rig.facts('offered').length !== rig.facts('offer-ended').length + answered.length + dropped.length) throw new Error('an offer never ended')
  if (rig.facts('joined').length !== rig.facts('left').length + answered.length) throw new Error('joined is not left and answered')
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
