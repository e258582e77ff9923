import t from 'tap'
import { Registry } from 'prom-client'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressOf, sameAddress } from '../../src/contact/address.js'
import type { ContactCenter } from '../../src/contact/contact-center.js'
import { EventStream } from '../../src/contact/event-stream.js'
import { AgentFold, teamFigures } from '../../src/contact/figures/agent-figures.js'
import { AgentIntervalFold } from '../../src/contact/figures/agent-intervals.js'
import { IntervalFold } from '../../src/contact/figures/interval-figures.js'
import { addContactMetrics } from '../../src/contact/figures/metrics.js'
import { QueueFold } from '../../src/contact/figures/queue-figures.js'
import type { AgentFigures } from '../../src/contact/figures/agent-figures.js'
import type { Fact } from '../../src/contact/routing/action.js'
import type { ServiceLevelFormula } from '../../src/contact/figures/service-level.js'
import { InteractionLedger } from '../../src/contact/interaction-ledger.js'
import { opennessAt } from '../../src/contact/opening-hours.js'
import type { OpeningHours } from '../../src/contact/opening-hours.js'
import { WaitEstimate } from '../../src/contact/wait-estimate.js'
import { seededRandom } from '../../src/core/random.js'
import { exponential, poissonArrivals } from '../../src/contact/simulation/distribution.js'
import { simulate } from '../../src/contact/simulation/simulate.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { ROOT } from '../root.js'
import { Rig } from './routing/rig.js'

/** An hour of one agent: two answered (one in time), one who gives up early, one late, one who times out. */
const hour = (): Rig => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', maxWait: 300_000 })
  rig.agent('a', { q: {} }, { wrapUp: 10_000, capacity: { voice: 1 } })
  rig.join('one')
  rig.pass(5_000)
  rig.answer('a')
  rig.join('early')
  rig.join('two')
  rig.pass(10_000)
  rig.send({ type: 'left', interaction: 'early', how: { type: 'abandoned' } })
  rig.pass(20_000)
  rig.send({ type: 'ended', interaction: 'one' })
  rig.pass(10_000)
  rig.answer('a')
  rig.join('late')
  rig.join('never')
  rig.pass(60_000)
  rig.send({ type: 'left', interaction: 'late', how: { type: 'abandoned' } })
  rig.pass(240_000)
  rig.send({ type: 'ended', interaction: 'two' })
  rig.send({ type: 'status', agent: 'a', status: { type: 'on-break', reason: 'lunch' } })
  rig.pass(60_000)
  return rig
}

const foldOf = (rig: Rig, formula: ServiceLevelFormula = 'answered-and-abandoned'): QueueFold => {
  const fold = new QueueFold({ formula })
  for (const { fact } of rig.all('log')) fold.note(fact)
  return fold
}

const agentFoldOf = (rig: Rig): AgentFold => {
  const fold = new AgentFold()
  for (const { fact } of rig.all('log')) if ('agent' in fact) fold.note(fact)
  return fold
}

void t.test('queue figures: each counted once', async t => {
  const rig = hour()
  t.same(foldOf(rig).at(rig.now), {
    waiting: 0, longestWait: 0, offered: 5, answered: 2, abandoned: 2, timedOut: 1, overflowed: 0, callbacks: 0, missed: 0,
    serviceLevel: 0.25, averageAnswer: 22_500, averageTalk: 165_000, averageHandling: 175_000, maxWait: 300_000,
  })
  const waiting = new Rig().queue('q')
  waiting.join('one')
  waiting.pass(100)
  waiting.join('two')
  waiting.pass(7)
  t.match(foldOf(waiting).at(waiting.now), { waiting: 2, longestWait: 107, serviceLevel: undefined })
})

void t.test('an agent who is gone before the talk begins has answered nobody: the stay goes on', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} })
  rig.join('one')
  rig.pass(3_000)
  rig.answer('a', true)
  rig.pass(500)
  rig.join('two')
  rig.send({ type: 'dropped', interaction: 'one' })
  t.match(foldOf(rig).at(rig.now), { offered: 2, answered: 0, averageAnswer: 0, waiting: 2, longestWait: 3_500 })
  t.match(agentFoldOf(rig).at(rig.now), { offered: 1, answered: 0, missed: 1, time: { offered: 3_000, preparing: 500, talking: 0 } })
})

void t.test('a call back counts as answered once the customer is there, and as missed when it is not', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { wrapUp: 10_000 })
  const callBack = (id: string, ring: number): void => {
    rig.join(id)
    rig.send({ type: 'callback', interaction: id })
    rig.pass(5_000)
    rig.answer('a', true)
    rig.pass(ring)
  }
  callBack('away', 30_000)
  t.match(foldOf(rig).at(rig.now), { answered: 0, waiting: 1, longestWait: 35_000, serviceLevel: undefined })
  rig.send({ type: 'missed', interaction: 'away' })
  callBack('there', 7_000)
  rig.send({ type: 'began', interaction: 'there' })
  rig.pass(60_000)
  rig.send({ type: 'ended', interaction: 'there' })
  rig.pass(20_000)
  t.match(foldOf(rig, 'offered').at(rig.now), {
    offered: 4, callbacks: 2, answered: 1, missed: 1, abandoned: 0, waiting: 0, serviceLevel: 1 / 4,
    averageAnswer: 12_000, averageTalk: 60_000, averageHandling: 70_000, maxWait: 35_000,
  })
  t.equal(foldOf(rig).at(rig.now).serviceLevel, 1, 'the usual formula leaves out those who could not be reached')
  const figures = agentFoldOf(rig).at(rig.now)
  t.match(figures, { offered: 4, answered: 1, missed: 0, averageHandling: 70_000, time: { 'offered': 10_000, 'preparing': 37_000, 'talking': 60_000, 'wrap-up': 10_000 } })
  t.equal(figures.occupancy, (37_000 + 60_000 + 10_000) / rig.now, 'to call in vain is work too')
})

void t.test('service level: four formulas of one day', async t => {
  const rig = hour()
  const levels = (['answered', 'answered-and-abandoned', 'answered-and-late-abandoned', 'offered'] as const).map(formula => foldOf(rig, formula).at(rig.now).serviceLevel)
  t.same(levels, [1 / 2, 1 / 4, 1 / 3, 1 / 5])
})

void t.test("agent figures: the day's time adds up", async t => {
  const rig = hour()
  const figures = agentFoldOf(rig).at(rig.now)
  t.match(figures, {
    time: { 'idle': 0, 'offered': 5_000, 'talking': 330_000, 'wrap-up': 20_000, 'on-break': 50_000, 'logged-out': 0 },
    offered: 2, answered: 2, missed: 0, averageHandling: 175_000,
  })
  t.equal(Object.values(figures.time).reduce((sum, ms) => sum + ms, 0), rig.now)
  t.equal(figures.occupancy, 350 / 355)
  const team = teamFigures([figures, new AgentFold().at(0)])
  t.equal(team.answered, 2)
  t.equal(team.occupancy, figures.occupancy)
})

void t.test('intervals: each event where it happened, a day their sum', async t => {
  const rig = hour()
  const fold = new IntervalFold({ interval: 60_000, keep: 4 })
  for (const { fact } of rig.all('log')) fold.note(fact, fact.at)
  const rows = fold.rows()
  t.same(rows.map(({ at }) => at), [0, 60_000, 300_000])
  t.equal(rows.reduce((sum, { figures }) => sum + figures.offered, 0), 5)
  t.equal(rows.reduce((sum, { figures }) => sum + figures.answered, 0), 2)
  const measured = new IntervalFold({ serviceLevelOf: queue => ({ within: queue === 'q' ? 60_000 : 0, formula: 'answered' }) })
  for (const { fact } of rig.all('log')) measured.note(fact, fact.at)
  t.same([fold, measured].map(intervals => intervals.rows()[0]?.figures.serviceLevel), [1 / 3, 1], 'by what each queue is measured')
  const short = new IntervalFold({ interval: 10, keep: 4 })
  for (let at = 0; at < 100; at += 10) short.note({ type: 'joined', at, queue: 'q', interaction: String(at), channel: 'voice' }, at)
  t.same(short.rows().map(({ at }) => at), [60, 70, 80, 90], 'the oldest go')
})

void t.test('intervals of agents: time is divided where they end, and adds up to the day', async t => {
  const rig = hour()
  const fold = new AgentIntervalFold({ interval: 60_000 })
  const day = new AgentFold()
  for (const { fact } of rig.all('log')) {
    fold.note(fact, fact.at)
    if ('agent' in fact) day.note(fact)
  }
  const rows = fold.rows(rig.now)
  t.same(rows.map(({ at }) => at), [0, 60_000, 120_000, 180_000, 240_000, 300_000, 360_000])
  const sum = (of: (figures: AgentFigures) => number): number => rows.reduce((total, { figures }) => total + of(figures), 0)
  const whole = day.at(rig.now)
  for (const activity of Object.keys(whole.time) as (keyof AgentFigures['time'])[]) t.equal(sum(({ time }) => time[activity]), whole.time[activity], activity)
  t.same([sum(({ offered }) => offered), sum(({ answered }) => answered)], [whole.offered, whole.answered])
  for (const { at, figures } of rows.slice(0, -1)) t.equal(Object.values(figures.time).reduce((total, ms) => total + ms, 0), 60_000, `all of the minute from ${at}`)
  t.equal(rows[2]!.figures.occupancy, 1, 'a talk that lasts all of it')
  t.match(teamFigures(rows.map(({ figures }) => figures)), { time: whole.time, answered: 2, occupancy: whole.occupancy })
})

void t.test('intervals of agents: who is not there has none, and the oldest go', async t => {
  const fold = new AgentIntervalFold({ interval: 10, keep: 3 })
  const state = (agent: string, at: number): Fact => ({ type: 'agent', at, agent, status: { type: 'available' }, state: 'idle' })
  fold.note(state('a', 5), 5)
  fold.note({ type: 'agent-removed', at: 12, agent: 'a' }, 12)
  fold.note(state('b', 18), 18)
  t.same(fold.rows(25).map(({ at, agent, figures: { time: { idle } } }) => [at, agent, idle]), [[0, 'a', 5], [10, 'a', 2], [10, 'b', 2], [20, 'b', 5]])
  t.same(fold.rows(1_000_000_004).map(({ at, agent, figures: { time: { idle } } }) => [at, agent, idle]), [[999_999_980, 'b', 10], [999_999_990, 'b', 10], [1_000_000_000, 'b', 4]])
  fold.note(state('a', 1_000_000_007), 1_000_000_007)
  t.same(fold.rows(1_000_000_009).filter(({ agent }) => agent === 'a').map(({ at }) => at), [1_000_000_000])
})

void t.test('estimated wait: learns the pace, knows its error', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} })
  const estimate = new WaitEstimate()
  t.equal(estimate.estimate(1), undefined)
  for (let caller = 0; caller < 60; caller++) rig.join(`c${caller}`)
  for (let caller = 0; caller < 40; caller++) {
    rig.answer('a')
    rig.pass(30_000)
    rig.send({ type: 'ended', interaction: `c${caller}` })
  }
  for (const { fact } of rig.all('log')) estimate.note(fact)
  const told = estimate.estimate(3)!
  t.ok(Math.abs(told - 90_000) < 3_000, `third in line: ${Math.round(told)} ms`)
  rig.actions.length = 0
  rig.join('last')
  for (let caller = 40; caller < 61; caller++) {
    rig.answer('a')
    rig.pass(30_000)
    rig.send({ type: 'ended', interaction: caller === 60 ? 'last' : `c${caller}` })
  }
  for (const { fact } of rig.all('log')) estimate.note(fact)
  t.match(estimate.error, { count: 1 })
  t.ok(estimate.error.meanAbsolute < 60_000)
})

void t.test('estimated wait: the error on simulated days, busy or quiet, patient or not', async t => {
  const day = (agents: number, callsPerHour: number, patience?: number): { mean: number; bias: number; meanAbsolute: number } => {
    const random = seededRandom(42)
    const [talk, giveUp] = [exponential(180_000), exponential(patience ?? 1)]
    const calls = [...poissonArrivals({ interval: 3_600_000, callsPerHour: Array<number>(100).fill(callsPerHour) }, random)]
      .map(at => ({ at, queue: 'q', talk: talk(random), ...(patience === undefined ? {} : { patience: giveUp(random) }) }))
    const floor = Array.from({ length: agents }, (_, index) => ({ id: `a${index}`, queues: { q: {} }, pickUp: 5_000 }))
    const estimate = new WaitEstimate()
    const waits: number[] = []
    for (const { outcome, waited } of simulate({ queues: { q: { strategy: 'longest-idle' } }, agents: floor, calls, onFact: fact => estimate.note(fact) })) {
      if (outcome === 'served' && waited > 5_000) waits.push(waited)
    }
    const { bias, meanAbsolute, count } = estimate.error
    t.ok(count > 0.9 * waits.length && count <= 1.1 * waits.length, `${count} estimates of ${waits.length} who waited for their turn`)
    return { mean: waits.reduce((sum, wait) => sum + wait, 0) / waits.length, bias, meanAbsolute }
  }
  for (const [name, { mean, bias, meanAbsolute }] of Object.entries({ 'quiet': day(2, 20), 'busy': day(10, 180), 'crowded': day(10, 192), 'impatient': day(5, 130, 240_000) })) {
    const seconds = [mean, bias, meanAbsolute].map(ms => (ms / 1_000).toFixed(0))
    t.ok(Math.abs(bias) < 0.25 * mean && meanAbsolute < 0.7 * mean, `${name}: mean wait ${seconds[0]} s, bias ${seconds[1]} s, mean distance ${seconds[2]} s`)
  }
})

void t.test('opening hours: week, holidays, time zones', async t => {
  const day = [{ from: 9 * 60, to: 17 * 60 }]
  const hours = { timeZone: 'Europe/Berlin', week: { 1: day, 2: day }, holidays: { '2026-01-06': [], '2026-01-10': [{ from: 600, to: 660 }] } }
  const at = (text: string): string => opennessAt(hours, Date.parse(text))
  t.equal(at('2026-01-05T08:00:00Z'), 'open', 'nine in Berlin')
  t.equal(at('2026-01-05T07:59:00Z'), 'hours')
  t.equal(at('2026-01-05T16:00:00Z'), 'hours', 'the end is outside')
  t.equal(at('2026-01-06T10:00:00Z'), 'holiday')
  t.equal(at('2026-01-10T09:30:00Z'), 'open', 'a Saturday with hours of its own')
  t.equal(at('2026-01-07T10:00:00Z'), 'hours', 'Wednesday')
  t.equal(at('2026-07-06T07:00:00Z'), 'open', 'summer time')
  t.equal(opennessAt({ ...hours, timeZone: 'America/New_York' }, Date.parse('2026-01-06T02:00:00Z')), 'hours', 'where it is Monday evening still')
})

void t.test('opening hours: the nights in which summer time begins and ends', async t => {
  const week = { timeZone: 'Europe/Berlin', week: { 0: [{ from: 60, to: 4 * 60 }] } }
  const open = (hours: OpeningHours, ...times: readonly string[]): string[] => times.map(time => opennessAt(hours, Date.parse(time)))
  t.same(open(week, '2026-03-28T23:59:00Z', '2026-03-29T00:00:00Z', '2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:59:00Z', '2026-03-29T02:00:00Z'),
    ['hours', 'open', 'open', 'open', 'open', 'hours'], 'from one to four is two hours long')
  t.same(open(week, '2026-10-24T22:59:00Z', '2026-10-24T23:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:59:00Z', '2026-10-25T03:00:00Z'),
    ['hours', 'open', 'open', 'open', 'open', 'hours'], 'and four')
  t.same(open({ ...week, holidays: { '2026-03-29': [{ from: 60, to: 24 * 60 }] } }, '2026-03-28T23:30:00Z', '2026-03-29T21:59:00Z', '2026-03-29T22:00:00Z'), ['holiday', 'open', 'hours'], 'a holiday up to its midnight, by the summer clock')
})

void t.test('records: a fold over the log', async t => {
  const clock = new VirtualClock()
  const ledger = new InteractionLedger(clock)
  const rig = new Rig().queue('q', { strategy: 'longest-idle', overflow: { after: 5_000, to: { queue: 'p' } } }).queue('p')
  ledger.open('one', { from: 'sip:ann@x', to: 'sip:701@y' })
  rig.join('one')
  rig.pass(7_000)
  rig.agent('a', { p: {} })
  rig.answer('a')
  for (const { fact } of rig.all('log')) ledger.note(fact)
  ledger.dispose('a', 'sold')
  clock.advance(60_000)
  rig.pass(53_000)
  rig.actions.length = 0
  rig.send({ type: 'ended', interaction: 'one' })
  for (const { fact } of rig.all('log')) ledger.note(fact)
  t.same(ledger.close('one', { recording: 'one.wav' }), {
    id: 'one', channel: 'voice', at: clock.epoch, endedAt: clock.epoch + 60_000, from: 'sip:ann@x', to: 'sip:701@y', queue: 'p', agent: 'a',
    waited: 7_000, talked: 53_000, outcome: 'served', recording: 'one.wav', disposition: 'sold',
  })
  t.equal(ledger.close('one'), undefined, 'once')
})

void t.test('event streams: bounded, ended by signal, by close and by return', async t => {
  const over = new AbortController()
  let closed = 0
  const stream = new EventStream<number>(over.signal, () => closed++)
  const waiting = stream.next()
  for (let event = 0; event < 2_000; event++) stream.push(event)
  t.same(await waiting, { done: false, value: 0 })
  t.equal(stream.dropped, 2_000 - 1 - 1_024)
  t.same(await stream.next(), { done: false, value: 976 })
  over.abort()
  stream.push(9_999)
  let last = 0
  for await (const event of stream) last = event
  t.equal(last, 1_999, 'what waits is still read')
  t.equal(closed, 1)
  const left = new EventStream<number>(undefined, () => closed++)
  const pending = left.next()
  await left.return()
  t.equal((await pending).done, true)
  t.equal(closed, 2)
})

void t.test('addresses: who is who', async t => {
  const same = (a: string, b: string): boolean => sameAddress(addressOf(a), addressOf(b))
  t.ok(same('sip:ann@PBX.example', 'sip:ann@pbx.example:5060;transport=tcp'))
  t.notOk(same('sip:ann@10.0.0.1:5070', 'sip:ann@10.0.0.1:5072'), 'two phones of one machine')
  t.notOk(same('sip:ann@x', 'sip:Ann@x'), 'users are told apart by case')
  t.ok(same('sip:ann@[::1]', 'sips:ann@[::1]:5061'))
  t.ok(same('tel:+49', 'tel:+49'))
})

void t.test('Prometheus: counters by the log, gauges at the scrape', async t => {
  const rig = hour()
  const fold = foldOf(rig)
  const queues = new Map([['q', { figures: () => fold.at(rig.now), estimateError: { count: 2, bias: -1_500, meanAbsolute: 2_500 } }]])
  let idle = 4_000
  const figures = () => ({ time: { 'idle': idle, 'talking': 0, 'wrap-up': 500 } })
  const agents = new Map([['a', { uri: 'a', status: { type: 'on-break' }, state: 'idle', figures }], ['b', { uri: 'b', status: { type: 'available' }, state: 'idle', figures }]])
  const center = Object.assign(new EventEmitter(), { queues, agents }) as unknown as ContactCenter
  const registry = new Registry()
  addContactMetrics(center, registry)
  for (const { fact } of rig.all('log')) center.emit('fact', fact)
  const described = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8').match(/`cordboard_\w+`/g)!.map(name => name.slice(1, -1))
  t.same(registry.getMetricsAsArray().map(({ name }) => name).sort(), [...new Set(described)].sort(), 'docs/metrics.md names all of them, and no other')
  const text = await registry.metrics()
  for (const line of [
    'cordboard_queue_offered_total{queue="q",channel="voice"} 5',
    'cordboard_queue_answered_total{queue="q",channel="voice"} 2',
    'cordboard_queue_left_total{queue="q",outcome="abandoned"} 2',
    'cordboard_queue_wait_seconds_sum{queue="q"} 45',
    'cordboard_queue_talk_seconds_count{queue="q"} 2',
    'cordboard_queue_service_level{queue="q"} 0.25',
    'cordboard_agents{state="on-break"} 1',
    'cordboard_agents{state="idle"} 1',
    'cordboard_queue_estimate_error_seconds{queue="q"} 2.5',
    'cordboard_queue_estimate_bias_seconds{queue="q"} -1.5',
    'cordboard_agent_seconds_total{agent="a",state="idle"} 4',
    'cordboard_agent_seconds_total{agent="b",state="wrap-up"} 0.5',
  ]) t.ok(text.includes(`${line}\n`), line)
  idle = 6_000
  center.emit('fact', { type: 'agent-removed', at: 0, agent: 'a' })
  agents.delete('a')
  const later = await registry.metrics()
  for (const agent of ['a', 'b']) t.ok(later.includes(`cordboard_agent_seconds_total{agent="${agent}",state="idle"} 6\n`), `${agent} is counted to the end`)
})
