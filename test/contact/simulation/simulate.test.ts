import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { exponential, logNormal, poissonArrivals } from '../../../src/contact/simulation/distribution.js'
import type { Distribution } from '../../../src/contact/simulation/distribution.js'
import { IntervalFold } from '../../../src/contact/figures/interval-figures.js'
import { erlangA, erlangB, erlangC } from '../../../src/contact/simulation/erlang.js'
import type { AgentView, WaitingView } from '../../../src/contact/routing/settings.js'
import { forecast } from '../../../src/contact/simulation/forecast.js'
import { simulate } from '../../../src/contact/simulation/simulate.js'
import type { SimulatedAgent, SimulatedCall, SimulatedStay } from '../../../src/contact/simulation/simulate.js'
import { agentsFor, performanceOf } from '../../../src/contact/simulation/staffing.js'

const agents = (count: number): SimulatedAgent[] => Array.from({ length: count }, (_, index) => ({ id: `a${index}`, queues: { q: {} } }))

/** A day's callers at whole milliseconds, so that sums are exact. */
const dayOf = (callsPerHour: readonly number[], talk: Distribution, seed: number): SimulatedCall[] => {
  const random = seededRandom(seed)
  return [...poissonArrivals({ interval: 3_600_000, callsPerHour }, random)].map(at => ({ at: Math.round(at), queue: 'q', talk: Math.round(talk(random)) }))
}

/** Waits in a first-come-first-served queue: each caller takes the server that is free first (Kiefer and Wolfowitz, 1955). */
const kieferWolfowitz = (calls: readonly SimulatedCall[], servers: number): number[] => {
  const free = new Array<number>(servers).fill(0)
  return calls.map(({ at, talk }) => {
    const first = free.indexOf(Math.min(...free))
    const start = Math.max(at, free[first]!)
    free[first] = start + talk
    return start - at
  })
}

const byIndex = (stays: Iterable<SimulatedStay>): SimulatedStay[] => [...stays].sort((a, b) => a.index - b.index)

void t.test('a day of 10,000 calls: each wait is that of the Kiefer-Wolfowitz recursion', async t => {
  const calls = dayOf([200, 600, 1_400, 1_900, 1_700, 1_500, 1_200, 900, 500, 300], logNormal(180_000, 120_000), 42)
  t.ok(calls.length > 9_900, `${calls.length} calls`)
  const expected = kieferWolfowitz(calls, 70)
  for (const strategy of ['longest-idle', 'round-robin', 'random', 'fewest-calls'] as const) {
    const started = process.cpuUsage()
    const stays = byIndex(simulate({ queues: { q: { strategy } }, agents: agents(70), calls }))
    const { user, system } = process.cpuUsage(started)
    t.comment(`${strategy}: ${Math.round((user + system) / 1_000)} ms of CPU`)
    t.equal(stays.length, calls.length)
    t.equal(stays.filter((stay, index) => stay.waited !== expected[index]).length, 0)
    t.ok(stays.some(stay => stay.waited > 60_000), 'somebody waited')
  }
})

void t.test('long runs agree with Erlang C and Erlang A', async t => {
  const random = seededRandom(7)
  const handling = 100_000
  const waits = (servers: number, load: number, patience?: number): { wait: number; abandoned: number; inTime: number } => {
    const count = 60_000
    const gap = exponential(handling / (servers * load))
    function* calls(): Generator<SimulatedCall> {
      let at = 0
      for (let call = 0; call < count; call++) {
        at += gap(random)
        yield { at, queue: 'q', talk: exponential(handling)(random), ...(patience === undefined ? {} : { patience: exponential(patience)(random) }) }
      }
    }
    let [sum, abandoned, inTime] = [0, 0, 0]
    for (const stay of simulate({ queues: { q: { strategy: 'longest-idle' } }, agents: agents(servers), calls: calls() })) {
      sum += stay.waited
      if (stay.outcome === 'abandoned') abandoned++
      else if (stay.waited <= 20_000) inTime++
    }
    return { wait: sum / count, abandoned: abandoned / count, inTime: inTime / count }
  }
  const near = (found: number, expected: number, share: number, what: string): void => {
    t.ok(Math.abs(found - expected) <= share * expected, `${what}: ${found.toPrecision(4)} beside ${expected.toPrecision(4)}`)
  }
  const c = waits(5, 0.7)
  const ofC = erlangC({ arrivalRate: 5 * 0.7 / handling, handling }, 5)
  near(c.wait, ofC.averageWait, 0.08, 'mean wait of Erlang C')
  near(c.inTime, ofC.serviceLevel(20_000), 0.02, 'service level of Erlang C')
  const a = waits(5, 1.1, 60_000)
  const ofA = erlangA({ arrivalRate: 5 * 1.1 / handling, handling }, 5, 60_000)
  near(a.wait, ofA.averageWait, 0.04, 'mean wait of Erlang A')
  near(a.abandoned, ofA.abandonProbability, 0.04, 'abandoned of Erlang A')
  near(a.inTime, ofA.serviceLevel(20_000), 0.02, 'service level of Erlang A')
})

void t.test('Erlang formulas: known values', async t => {
  t.equal(erlangB(10, 10).toFixed(4), '0.2146')
  t.equal(erlangC({ arrivalRate: 10, handling: 1 }, 12).waitProbability.toFixed(4), '0.4494')
  t.equal(erlangC({ arrivalRate: 10, handling: 1 }, 10).averageWait, Infinity)
  const patient = erlangA({ arrivalRate: 10, handling: 1 }, 12, 1e6)
  t.ok(Math.abs(patient.waitProbability - 0.4494) < 0.001, 'endless patience is Erlang C')
  t.ok(erlangA({ arrivalRate: 300, handling: 1 }, 200, 1).abandonProbability > 0.3, 'a third of a large overload gives up')
})

void t.test('staffing: 80/20', async t => {
  const goal = { callsPerHour: 100, handling: 180_000, share: 0.8, within: 20_000 }
  const staffing = agentsFor(goal)
  t.equal(staffing.agents, 8)
  t.ok(staffing.serviceLevel(20_000) >= 0.8)
  t.ok(agentsFor({ ...goal, patience: 60_000 }).agents < 8, 'those who give up need nobody')
  t.equal(agentsFor({ ...goal, shrinkage: 0.3 }).scheduled, 12)
  t.ok(agentsFor({ ...goal, maxOccupancy: 0.5 }).agents >= 10)
  for (const callsPerHour of [0, 1, 7, 40, 400, 1_000, 60_000]) {
    for (const patience of [undefined, 90_000]) {
      const asked = { ...goal, callsPerHour, ...(patience === undefined ? {} : { patience }) }
      const { agents } = agentsFor(asked)
      t.ok(performanceOf(asked, agents).serviceLevel(20_000) >= 0.8, `${agents} are enough for ${callsPerHour}`)
      t.ok(agents === 1 || performanceOf(asked, agents - 1).serviceLevel(20_000) < 0.8, 'and one fewer is not')
    }
  }
  for (const wrong of [{ share: 1 }, { share: NaN }, { callsPerHour: -1 }, { handling: 0 }, { shrinkage: 1 }, { maxOccupancy: 0 }, { patience: 0 }, { within: Infinity }]) {
    t.throws(() => agentsFor({ ...goal, ...wrong }), { code: 'CONTACT_BAD_OPTION' }, JSON.stringify(wrong))
  }
})

void t.test('forecast: the same quarter of an hour in the weeks before, recent ones more', async t => {
  const week = 7 * 24 * 3_600_000
  const expected = forecast([{ at: 0, offered: 10 }, { at: week, offered: 20 }, { at: week + 900_000, offered: 3 }], { decay: 0.5 })
  t.equal(expected(2 * week)?.toFixed(2), '16.67')
  t.equal(expected(2 * week + 1_000_000), 3)
  t.equal(expected(2 * week + 1_800_000), undefined)
})

void t.test('forecast: what the history lacks is unknown, or was quiet', async t => {
  const week = 7 * 24 * 3_600_000
  const history = [{ at: 0, offered: 8 }, { at: week, offered: 4 }, { at: week + 900_000, offered: 6 }, { at: 2 * week, offered: 4 }]
  const [known, quiet] = [forecast(history, { decay: 1 }), forecast(history, { decay: 1, gapsAreQuiet: true })]
  t.same([0, 900_000, 1_800_000].map(at => known(3 * week + at)?.toFixed(2)), ['5.33', '6.00', undefined])
  t.same([0, 900_000, 1_800_000].map(at => quiet(3 * week + at)?.toFixed(2)), ['5.33', '2.00', '0.00'])
  t.equal(forecast([], { gapsAreQuiet: true })(0), undefined)
})

void t.test('80/20 from history to the floor: figures by interval, their forecast, the agents for it, and a day that they serve', async t => {
  const week = 7 * 24 * 3_600_000
  const random = seededRandom(11)
  const [talk, hours] = [exponential(180_000), [20, 60, 140, 100, 60]]
  const day = (from: number): SimulatedCall[] =>
    [...poissonArrivals({ interval: 3_600_000, callsPerHour: hours }, random)].map(at => ({ at: from + at, queue: 'q', talk: talk(random) }))
  const rows = new IntervalFold({ interval: 3_600_000 })
  const history = Array.from({ length: 10 }, (_, weeks) => day(weeks * week)).flat()
  for (const _stay of simulate({ queues: { q: { strategy: 'longest-idle' } }, agents: agents(20), calls: history, onFact: fact => rows.note(fact, fact.at) })) continue
  const expected = forecast(rows.rows().map(({ at, figures }) => ({ at, offered: figures.offered })), { interval: 3_600_000, decay: 1, gapsAreQuiet: true })
  for (const [hour, calls] of hours.entries()) t.ok(Math.abs(expected(10 * week + hour * 3_600_000)! - calls) < 4 * Math.sqrt(calls / 10), `hour ${hour}`)
  t.equal(expected(10 * week + 12 * 3_600_000), 0, 'nobody calls at noon')
  for (const hour of [1, 2, 4]) {
    const callsPerHour = expected(10 * week + hour * 3_600_000)!
    const goal = { callsPerHour, handling: 180_000, share: 0.8, within: 20_000 }
    const { agents: needed } = agentsFor(goal)
    const gap = exponential(3_600_000 / callsPerHour)
    const served = (count: number): number => {
      let at = 0
      const calls = Array.from({ length: 20_000 }, () => ({ at: at += gap(random), queue: 'q', talk: talk(random) }))
      return [...simulate({ queues: { q: { strategy: 'longest-idle' } }, agents: agents(count), calls })].filter(({ waited }) => waited <= 20_000).length / calls.length
    }
    const [enough, short] = [served(needed), served(needed - 1)]
    t.ok(Math.abs(enough - performanceOf(goal, needed).serviceLevel(20_000)) < 0.03 && enough > 0.78, `${needed} agents: ${enough}`)
    t.ok(short < 0.8, `${needed - 1} agents: ${short}`)
  }
})

void t.test('forecast: by the clock on the wall, over the beginning of summer time', async t => {
  const nine = Date.parse('2026-03-27T08:00:00Z') // a Friday in Berlin, nine o'clock
  const history = [{ at: nine, offered: 50 }, { at: nine - 3_600_000, offered: 5 }]
  const after = Date.parse('2026-04-03T07:00:00Z')
  t.equal(forecast(history, { timeZone: 'Europe/Berlin' })(after), 50)
  t.equal(forecast(history)(after), 5)
})

void t.test('a simulation ends where nobody will ever come: announcements and functions that are asked again keep it up for nothing', async t => {
  const calls = [{ at: 0, queue: 'q', talk: 1_000 }, { at: 3_600_000, queue: 'q', talk: 1_000 }]
  const floor: SimulatedAgent[] = [{ id: 'a', queues: { q: {} }, shifts: [[0, 3_000_000]] }]
  for (const strategy of ['longest-idle', (eligible: readonly AgentView[], { waited }: WaitingView) => (waited >= 3_000 ? eligible : [])] as const) {
    const stays = [...simulate({ queues: { q: { strategy, announce: { first: 1_000, every: 5_000 } } }, agents: floor, calls })]
    t.same(stays.map(({ index, waited }) => [index, waited]), [[0, typeof strategy === 'string' ? 0 : 3_000]])
    const impatient = [...simulate({ queues: { q: { strategy, maxWait: 60_000 } }, agents: floor, calls })]
    t.same(impatient.map(({ outcome }) => outcome), ['served', 'timed-out'], 'not before the last has timed out')
  }
})
