import t from 'tap'
import type { RoutingAction } from '../../../src/contact/routing/action.js'
import type { QueueSettings } from '../../../src/contact/routing/settings.js'
import { Rig } from './rig.js'

const offered = (actions: readonly RoutingAction[]): string[] => actions.flatMap(action => (action.type === 'offer' ? [action.agent] : []))

/** Three agents, a idle longest, and a queue of one strategy. */
const floor = (settings: QueueSettings, seed = 1): Rig => {
  const rig = new Rig(seed).queue('q', settings)
  for (const agent of ['a', 'b', 'c']) {
    rig.agent(agent, { q: {} })
    rig.pass(1_000)
  }
  return rig
}

/** Serves callers one after the other, each talking for `talk` ms; who had them. */
const serve = (rig: Rig, callers: number, talk: (caller: number) => number): string[] => Array.from({ length: callers }, (_, caller) => {
  const id = `c${rig.state.serial}`
  const [agent] = offered(rig.join(id))
  rig.answer(agent!)
  rig.pass(talk(caller))
  rig.send({ type: 'ended', interaction: id })
  rig.pass(1)
  return agent!
})

void t.test('longest-idle: who has been free for longest', async t => {
  t.same(serve(floor({ strategy: 'longest-idle' }), 5, () => 10), ['a', 'b', 'c', 'a', 'b'])
})

void t.test('round-robin: in turn, whatever the talks take', async t => {
  const rig = floor({ strategy: 'round-robin' })
  t.same(serve(rig, 4, caller => (caller === 1 ? 60_000 : 10)), ['a', 'b', 'c', 'a'])
  rig.send({ type: 'status', agent: 'b', status: { type: 'on-break' } })
  t.same(serve(rig, 2, () => 10), ['c', 'a'])
})

void t.test('top-down: the first in the list who is free', async t => {
  const rig = floor({ strategy: 'top-down' })
  t.same(serve(rig, 3, () => 10), ['a', 'a', 'a'])
  rig.send({ type: 'elsewhere', agent: 'a', busy: true })
  t.same(serve(rig, 1, () => 10), ['b'])
})

void t.test('fewest-calls and least-talk-time: since the day began', async t => {
  t.same(serve(floor({ strategy: 'fewest-calls' }), 4, () => 10), ['a', 'b', 'c', 'a'])
  const rig = floor({ strategy: 'least-talk-time' })
  t.same(serve(rig, 5, caller => (caller === 0 ? 50 : 20)), ['a', 'b', 'c', 'b', 'c'])
  rig.send({ type: 'day-began' })
  t.same(serve(rig, 1, () => 20), ['a'], 'a has been free for longest')
})

void t.test('ties go to who has been free for longest, then to who was added first', async t => {
  for (const strategy of ['longest-idle', 'round-robin', 'fewest-calls', 'least-talk-time'] as const) {
    const rig = new Rig().queue('q', { strategy })
    // All since the same moment, but for d, who is free for longer.
    rig.agent('d', { q: {} })
    rig.pass(5_000)
    for (const agent of ['a', 'b', 'c']) rig.agent(agent, { q: {} })
    rig.pass(1_000)
    t.same(serve(rig, 4, () => 100), ['d', 'a', 'b', 'c'], strategy)
  }
})

void t.test('fewest-calls and least-talk-time: of all queues, since the day began', async t => {
  for (const strategy of ['fewest-calls', 'least-talk-time'] as const) {
    const rig = floor({ strategy }).queue('other')
    rig.send({ type: 'member', queue: 'other', agent: 'a', settings: {} })
    rig.join('there', 'other')
    rig.answer('a')
    rig.pass(1_000)
    rig.send({ type: 'ended', interaction: 'there' })
    rig.pass(60_000)
    t.same(serve(rig, 2, () => 10), ['b', 'c'], strategy)
  }
})

void t.test('round-robin: an offer that came to nothing was a turn', async t => {
  const rig = floor({ strategy: 'round-robin' })
  rig.join('one')
  rig.send({ type: 'failed', offer: rig.offerOf('a'), failure: 'busy' })
  t.same(rig.ringing, ['b'])
  rig.answer('b')
  rig.pass(60_000)
  rig.send({ type: 'ended', interaction: 'one' })
  t.same(serve(rig, 2, () => 10), ['c', 'a'])
})

void t.test('random and weighted: shares as set', async t => {
  const rig = floor({ strategy: 'random' })
  const even = serve(rig, 3_000, () => 10)
  for (const agent of ['a', 'b', 'c']) t.ok(Math.abs(even.filter(who => who === agent).length - 1_000) < 100, `${agent} has a third`)
  const weighted = floor({ strategy: 'weighted' })
  weighted.send({ type: 'member', queue: 'q', agent: 'c', settings: { weight: 2 } })
  const chosen = serve(weighted, 4_000, () => 10)
  t.ok(Math.abs(chosen.filter(who => who === 'c').length - 2_000) < 120, 'c has twice the share of another')
})

void t.test('ring-all: everybody rings, the first answer wins, a second is too late', async t => {
  const rig = floor({ strategy: 'ring-all' })
  t.same(offered(rig.join('one')), ['a', 'b', 'c'])
  const late = rig.offerOf('c')
  const won = rig.answer('b')
  t.same(won.map(action => action.type).sort(), ['cancel-offer', 'cancel-offer', 'connect'])
  t.same(rig.send({ type: 'answered', offer: late }), [{ type: 'too-late', offer: late }])
  t.same(offered(rig.join('two')), ['a', 'c'], 'those who were let go ring for the next')
  rig.send({ type: 'ended', interaction: 'one' })
  t.same(rig.ringing.sort(), ['a', 'b', 'c'], 'who becomes free rings too')
})

void t.test('progressive: one more every step', async t => {
  const rig = floor({ strategy: 'progressive', progressEvery: 4_000, ringFor: 30_000 })
  t.same(offered(rig.join('one')), ['a'])
  t.same(offered(rig.pass(4_000)), ['b'])
  t.same(rig.ringing, ['a', 'b'])
  t.same(offered(rig.pass(4_000)), ['c'])
  t.same(offered(rig.pass(10_000)), [], 'nobody is left')
  rig.answer('c')
  t.same(rig.ringing, [])
})

void t.test("the application's own function: whom it names, all at a time", async t => {
  const asked: string[][] = []
  const rig = floor({
    strategy: (eligible, { waited }) => {
      asked.push(eligible.map(agent => agent.uri))
      return waited < 1_000 ? eligible.slice(0, 2) : []
    },
  })
  t.same(offered(rig.join('one')), ['a', 'b'])
  rig.answer('b')
  t.same(asked, [['a', 'b', 'c']])
  rig.pass(2_000)
  rig.send({ type: 'elsewhere', agent: 'a', busy: true })
  rig.send({ type: 'elsewhere', agent: 'c', busy: true })
  rig.join('two')
  rig.pass(2_000)
  rig.send({ type: 'elsewhere', agent: 'a', busy: false })
  t.same(rig.ringing, [], 'it may name nobody')

  const patient = floor({ strategy: (eligible, { waited }) => (waited >= 3_000 ? eligible.slice(-1) : []) })
  patient.join('one')
  t.same(offered(patient.pass(2_999)), [])
  t.same(offered(patient.pass(1)), ['c'], 'it is asked again as time goes by')
})
