import t from 'tap'
import { left, offered, Rig } from './rig.js'

void t.test('time and size: callers time out and overflow', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', maxWait: 5_000, maxSize: 2 })
  rig.join('one')
  rig.pass(1_000)
  rig.join('two')
  t.same(left(rig.join('three')), ['three overflowed'])
  t.same(left(rig.pass(4_000)), ['one timed-out'])
  t.same(left(rig.pass(1_000)), ['two timed-out'])
})

void t.test('overflow: into another queue with the old place, from there out', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', overflow: { after: 5_000, to: { queue: 'p' } } })
  rig.queue('p', { strategy: 'longest-idle', overflow: { after: 5_000, to: { queue: 'q' } } })
  rig.join('one')
  rig.pass(4_000)
  rig.join('native', 'p')
  t.match(rig.pass(1_000), [{ type: 'move', interaction: 'one', from: 'q', to: 'p' }])
  t.same(offered(rig.agent('a', { p: {} })), ['a<one'], 'ahead of who came later')
  rig.send({ type: 'status', agent: 'a', status: { type: 'logged-out' } })
  const gone = rig.pass(5_000).filter(action => action.type === 'leave' && action.interaction === 'one')
  t.same(gone, [{ type: 'leave', interaction: 'one', queue: 'p', outcome: { type: 'overflowed' }, waited: 5_000 }], 'never back to where it was, and nobody has it')
})

void t.test('overflow: conditions go along, as far as they are relaxed; or the target has its own', async t => {
  const steps = [{ after: 0, requires: 'english >= 4' }, { after: 8_000, requires: 'english' }]
  const rig = new Rig().queue('p')
  rig.agent('a', { p: {} }, { skills: { english: 2 } })
  rig.agent('b', { p: {} }, { skills: { billing: 1 } })
  rig.queue('q', { strategy: 'longest-idle', overflow: { after: 5_000, to: { queue: 'p' } } })
  rig.join('one', 'q', { requires: steps })
  t.same(offered(rig.pass(7_999)), [])
  t.same(offered(rig.pass(1)), ['a<one'], 'eight seconds of waiting in all')
  rig.queue('q', { strategy: 'longest-idle', overflow: { after: 5_000, to: { queue: 'p', requires: [{ after: 2_000, requires: 'billing' }, { after: 0, requires: 'french' }] } } })
  rig.join('two', 'q', { requires: steps })
  t.same(offered(rig.pass(6_999)), [])
  t.same(offered(rig.pass(1)), ['b<two'])
  const bad = { strategy: 'longest-idle', overflow: { to: { queue: 'p', requires: [{ after: 0, requires: 'english >' }] } } } as const
  t.throws(() => rig.queue('q', bad), { code: 'CONTACT_BAD_EXPRESSION' })
  t.equal(rig.state.queues.get('q')!.settings.overflow?.after, 5_000, 'nothing has changed')
})

void t.test('overflow when nobody is at work', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', overflow: { noAgents: true, to: { uri: 'sip:elsewhere@x' } } })
  t.same(left(rig.join('one')), ['one overflowed'])
  rig.agent('a', { q: {} })
  rig.send({ type: 'elsewhere', agent: 'a', busy: true })
  t.same(left(rig.join('two')), [], 'busy is at work')
  const gone = rig.send({ type: 'status', agent: 'a', status: { type: 'logged-out' } })
  t.match(gone, [{ type: 'leave', outcome: { type: 'overflowed', to: { uri: 'sip:elsewhere@x' } } }])
})

void t.test('skills: only who satisfies the condition; relaxed by steps', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { skills: { english: 2 } })
  rig.agent('b', { q: {} }, { skills: { english: 5, billing: 1 } })
  t.same(offered(rig.join('one', 'q', { requires: [{ after: 0, requires: 'english >= 4 and billing' }] })), ['b<one'])
  rig.answer('b')
  const steps = [{ after: 0, requires: 'english >= 4' }, { after: 3_000, requires: 'english >= 3' }, { after: 6_000 }]
  t.same(offered(rig.join('two', 'q', { requires: steps })), [])
  t.same(offered(rig.pass(5_999)), [])
  t.same(offered(rig.pass(1)), ['a<two'])
  rig.send({ type: 'agent', agent: 'c', settings: { skills: { english: 1 } } })
  rig.send({ type: 'member', queue: 'q', agent: 'c', settings: {} })
  rig.send({ type: 'status', agent: 'c', status: { type: 'available' } })
  rig.join('three', 'q', { requires: [{ after: 0, requires: 'english >= 2' }] })
  t.same(offered(rig.send({ type: 'agent', agent: 'c', settings: { skills: { english: 3 } } })), ['c<three'], 'learnt while somebody waits')
  t.throws(() => rig.join('four', 'q', { requires: [{ after: 0, requires: 'english >=' }] }), { code: 'CONTACT_BAD_EXPRESSION' })
  t.notOk(rig.state.interactions.has('four'))
})

void t.test("the application's own condition is asked again while the caller waits", async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { skills: { french: 1 } })
  rig.join('one', 'q', { requires: [{ after: 0, requires: (agent, waited) => agent.skills['french'] === 9 || waited >= 2_500 }] })
  t.same(offered(rig.pass(2_900)), [])
  t.same(offered(rig.pass(100)), ['a<one'])
})

void t.test('priority: higher first; with ageing a long wait outweighs it', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', ageing: 1 })
  rig.join('old')
  rig.pass(4 * 60_000)
  rig.join('vip', 'q', { priority: 5 })
  rig.join('friend', 'q', { priority: 3 })
  rig.agent('a', { q: {} })
  const order = ['first', 'second', 'third'].map(() => {
    const who = rig.all('offer').at(-1)!.interaction
    rig.answer('a')
    rig.send({ type: 'ended', interaction: who })
    return who
  })
  t.same(order, ['vip', 'old', 'friend'])
})

void t.test('call backs keep their place, and starve nobody: all are served in the order in which they came', async t => {
  const rig = new Rig().queue('q')
  const all = Array.from({ length: 12 }, (_, index) => `c${index}`)
  for (const id of all) {
    rig.join(id)
    rig.pass(10)
  }
  // Every other one asks to be called back, some of them late.
  for (const id of all.filter((_, index) => index % 2 === 1).reverse()) rig.send({ type: 'callback', interaction: id })
  rig.agent('a', { q: {} })
  const order = all.map(() => {
    const who = rig.all('offer').at(-1)!.interaction
    rig.answer('a')
    rig.send({ type: 'ended', interaction: who })
    return who
  })
  t.same(order, all)
})

void t.test('tiers: open one after the other; an unstaffed one is skipped', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', tierWait: 5_000 })
  rig.agent('second', { q: { tier: 2 } })
  rig.agent('third', { q: { tier: 3 } })
  rig.agent('first', { q: { tier: 1 } })
  rig.send({ type: 'elsewhere', agent: 'first', busy: true })
  t.same(offered(rig.join('one')), [])
  t.same(offered(rig.pass(5_000)), ['second<one'])
  rig.answer('second')
  rig.send({ type: 'status', agent: 'first', status: { type: 'logged-out' } })
  rig.join('two')
  t.same(offered(rig.pass(5_000)), ['third<two'], 'the second tier was open from the start')
})

void t.test('tiers: whoever would wait for nobody goes on at once, when agents come, go, or are taken away', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', tierWait: 5_000 })
  for (const [agent, tier] of [['a', 1], ['b', 2], ['c', 3], ['d', 4]] as const) rig.agent(agent, { q: { tier } })
  rig.send({ type: 'elsewhere', agent: 'a', busy: true })
  rig.send({ type: 'agent-removed', agent: 'b' })
  rig.join('one')
  t.same(offered(rig.pass(4_999)), [])
  t.same(offered(rig.pass(1)), ['c<one'], 'the second tier is no more')
  rig.answer('c')
  rig.join('two')
  t.same(offered(rig.send({ type: 'status', agent: 'c', status: { type: 'on-break' } })), [])
  t.same(offered(rig.send({ type: 'status', agent: 'a', status: { type: 'logged-out' } })), ['d<two'], 'the last of the first tier has gone')
  rig.send({ type: 'status', agent: 'd', status: { type: 'logged-out' } })
  t.same(offered(rig.send({ type: 'status', agent: 'd', status: { type: 'available' } })), ['d<two'], 'the only one has come')
})

void t.test('tiers: open in time, however often members change meanwhile', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', tierWait: 5_000 })
  rig.agent('first', { q: { tier: 1 } })
  rig.agent('second', { q: { tier: 2 } })
  rig.send({ type: 'elsewhere', agent: 'first', busy: true })
  rig.join('one')
  for (let change = 0; change < 4; change++) {
    rig.pass(1_000)
    rig.send({ type: 'member', queue: 'q', agent: 'first', settings: { tier: 1, rank: change } })
  }
  t.same(offered(rig.pass(1_000)), ['second<one'])
})

void t.test('several queues: the agent takes its own rank first, then the longest wait', async t => {
  const rig = new Rig().queue('main').queue('other').queue('last')
  rig.join('o', 'other')
  rig.pass(10)
  rig.join('m', 'main')
  rig.join('l', 'last', { priority: 99 })
  rig.agent('a', { main: { rank: 0 }, other: { rank: 0 }, last: { rank: 1 } })
  const served = [1, 2, 3].map(() => {
    const who = rig.all('offer').at(-1)!.interaction
    rig.answer('a')
    rig.send({ type: 'ended', interaction: who })
    return who
  })
  // The memberships came one by one: whoever was first in the agent's first queue was taken at once.
  t.same(served, ['o', 'm', 'l'])
})

void t.test('the agent who knows the customer is waited for, but not for ever', async t => {
  const rig = new Rig().queue('q')
  rig.agent('friend', { q: {} })
  rig.agent('other', { q: {} })
  rig.join('busy')
  rig.answer('friend')
  t.same(offered(rig.join('one', 'q', { sticky: { agent: 'friend', wait: 8_000 } })), [])
  rig.pass(5_000)
  t.same(offered(rig.send({ type: 'ended', interaction: 'busy' })), ['friend<one'])
  rig.answer('friend')
  rig.join('two', 'q', { sticky: { agent: 'friend', wait: 8_000 } })
  t.same(offered(rig.pass(8_000)), ['other<two'])
  rig.answer('other')
  rig.send({ type: 'status', agent: 'friend', status: { type: 'on-break' } })
  rig.agent('third', { q: {} })
  t.same(offered(rig.join('three', 'q', { sticky: { agent: 'friend', wait: 8_000 } })), ['third<three'], 'not when it is not there')
})

void t.test('the agent who knows the customer is waited for no longer, in whatever queue, whatever is configured', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', overflow: { after: 5_000, to: { queue: 'p' } } }).queue('p')
  rig.agent('friend', { q: {} })
  rig.join('busy')
  rig.answer('friend')
  rig.agent('other', { p: {} })
  rig.join('one', 'q', { sticky: { agent: 'friend', wait: 8_000 } })
  t.match(rig.pass(5_000), [{ type: 'move', interaction: 'one', to: 'p' }])
  rig.queue('p', { strategy: 'round-robin' })
  t.same(offered(rig.pass(2_999)), [], 'the friend is waited for in the other queue too')
  t.same(offered(rig.pass(1)), ['other<one'])
})

void t.test('who was sent on to another queue and comes again has the old place', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', overflow: { after: 5_000, to: { queue: 'p' } } }).queue('p')
  rig.join('first', 'q', { customer: 'ann' })
  rig.pass(6_000)
  rig.join('second', 'q', { customer: 'bob' })
  rig.send({ type: 'left', interaction: 'first', how: { type: 'abandoned' } })
  rig.pass(1_000)
  rig.join('again', 'q', { customer: 'ann' })
  t.same(offered(rig.agent('a', { q: {} })), ['a<again'])
  t.equal(rig.state.queues.get('p')!.places.size, 0, 'a place is taken once')
})

void t.test('who comes again within a minute has the old place', async t => {
  const rig = new Rig().queue('q')
  rig.join('first', 'q', { customer: 'ann' })
  rig.pass(10_000)
  rig.join('second', 'q', { customer: 'bob' })
  rig.send({ type: 'left', interaction: 'first', how: { type: 'abandoned' } })
  rig.pass(30_000)
  rig.join('again', 'q', { customer: 'ann' })
  t.same(offered(rig.agent('a', { q: {} })), ['a<again'])
  rig.send({ type: 'left', interaction: 'again', how: { type: 'abandoned' } })
  rig.pass(61_000)
  t.equal(rig.state.queues.get('q')!.places.size, 0, 'after a minute it is forgotten')
})

void t.test('a call back keeps the place', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', maxWait: 20_000 })
  rig.join('one')
  rig.pass(1_000)
  rig.join('two')
  t.same(left(rig.send({ type: 'callback', interaction: 'one' })), ['one callback'])
  rig.pass(15_000)
  t.match(rig.agent('a', { q: {} }), [{ type: 'offer', interaction: 'one', channel: 'callback' }])
})

void t.test('announcements: position, again and again', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', announce: { first: 1_000, every: 5_000 } })
  rig.join('one')
  rig.pass(500)
  rig.join('two', 'q')
  const said = rig.pass(6_000).map(action => (action.type === 'announce' ? `${action.interaction} ${action.position}` : action.type))
  t.same(said, ['one 1', 'two 2', 'one 1', 'two 2'])
})

void t.test('configuration changes: announcements keep their time, progressive ringing goes on', async t => {
  const settings = { strategy: 'progressive', progressEvery: 4_000, ringFor: 60_000, announce: { first: 3_000, every: 10_000 } } as const
  const rig = new Rig().queue('q', settings)
  for (const agent of ['a', 'b', 'c']) rig.agent(agent, { q: {} })
  rig.join('one')
  const told: number[] = []
  for (let second = 1; second <= 14; second++) {
    rig.pass(999)
    if (second < 4) rig.queue('q', { ...settings, ageing: second })
    for (const { type } of rig.pass(1)) if (type === 'announce') told.push(second)
  }
  t.same(told, [3, 13])
  t.same(rig.ringing, ['a', 'b', 'c'])
})

void t.test('configuration changes while callers wait: none is lost', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle' })
  for (const caller of ['one', 'two', 'three']) rig.join(caller)
  rig.send({ type: 'queue', queue: 'q', settings: { strategy: 'top-down', maxWait: 30_000, tierWait: 1_000 } })
  t.same(offered(rig.agent('a', { q: {} })), ['a<one'])
  rig.send({ type: 'member-removed', queue: 'q', agent: 'a' })
  t.same(rig.ringing, [])
  t.same(offered(rig.agent('b', { q: { tier: 4 } })), ['b<one'])
  t.same(left(rig.send({ type: 'queue-removed', queue: 'q' })).sort(), ['one overflowed', 'three overflowed', 'two overflowed'])
  t.equal(rig.state.interactions.size, 0)
})

void t.test('settings that cannot be are refused, and change nothing: at 0 some would go on for ever in one moment', async t => {
  const rig = new Rig().queue('q', { strategy: 'progressive', maxWait: 5_000 })
  rig.agent('a', { q: {} })
  const queues = [{ ringFor: 0 }, { progressEvery: 0 }, { maxWait: NaN }, { maxSize: -1 }, { announce: { first: 0, every: 0 } }, { overflow: { after: Infinity } }, { overflow: { size: NaN } }]
  for (const wrong of queues) t.throws(() => rig.queue('q', { strategy: 'progressive', ...wrong }), { code: 'CONTACT_BAD_OPTION' }, JSON.stringify(wrong))
  const agents = [{ wrapUp: -1 }, { capacity: { voice: NaN } }, { failures: { busy: { delay: NaN } } }, { failures: { busy: { delay: 1, limit: 0 } } }, { skills: { english: NaN } }]
  for (const settings of agents) t.throws(() => rig.send({ type: 'agent', agent: 'a', settings }), { code: 'CONTACT_BAD_OPTION' }, JSON.stringify(settings))
  for (const settings of [{ weight: -1 }, { rank: NaN }, { tier: Infinity }]) t.throws(() => rig.send({ type: 'member', queue: 'q', agent: 'a', settings }), { code: 'CONTACT_BAD_OPTION' })
  for (const wrong of [{ priority: NaN }, { sticky: { agent: 'a', wait: -1 } }, { requires: [{ after: NaN }] }]) t.throws(() => rig.join('one', 'q', wrong), { code: 'CONTACT_BAD_OPTION' })
  t.equal(rig.state.interactions.size, 0)
  rig.join('one')
  t.throws(() => rig.send({ type: 'priority', interaction: 'one', priority: NaN }), { code: 'CONTACT_BAD_OPTION' })
  t.same(left(rig.pass(5_000)), ['one timed-out'])
})

void t.test('overflow: each kind of it, to each destination', async t => {
  const targets = [undefined, { uri: 'sip:elsewhere@x' }, { mailbox: (id: string) => `${id}.wav` }, { announcement: 'sorry.wav' }, { queue: 'p' }] as const
  const kinds = [{ after: 5_000 }, { size: 1 }, { noAgents: true }] as const
  for (const kind of kinds) {
    for (const to of targets) {
      const rig = new Rig().queue('p').queue('q', { strategy: 'longest-idle', overflow: { ...kind, ...(to === undefined ? {} : { to }) } })
      rig.agent('busy', { q: {} })
      rig.send({ type: 'elsewhere', agent: 'busy', busy: true })
      if ('size' in kind) rig.join('first')
      const before = rig.actions.length
      rig.join('one')
      if ('after' in kind) rig.pass(5_000)
      if ('noAgents' in kind) rig.send({ type: 'status', agent: 'busy', status: { type: 'on-break' } })
      const came = rig.actions.slice(before).filter(({ type }) => type === 'leave' || type === 'move')
      const waited = 'after' in kind ? 5_000 : 0
      const expected = to !== undefined && 'queue' in to
        ? { type: 'move', interaction: 'one', from: 'q', to: 'p' }
        : { type: 'leave', interaction: 'one', queue: 'q', outcome: { type: 'overflowed', ...(to === undefined ? {} : { to }) }, waited }
      t.strictSame(came, [expected], JSON.stringify([kind, to]))
    }
  }
})

void t.test('priority: an earlier caller overtakes a higher priority in the very minute that ageing says', async t => {
  for (const [minutes, first] of [[4.9, 'vip'], [5.1, 'old']] as const) {
    const rig = new Rig().queue('q', { strategy: 'longest-idle', ageing: 2 })
    rig.join('old')
    rig.pass(minutes * 60_000)
    rig.join('vip', 'q', { priority: 10 })
    rig.pass(3_600_000)
    t.same(offered(rig.agent('a', { q: {} })), [`a<${first}`], `${minutes} minutes at 2 points outweigh 10, however long both wait`)
  }
})

void t.test('several queues: within one rank the higher priority, then the longer wait; ageing is that of each queue', async t => {
  const rig = new Rig().queue('slow').queue('fast', { strategy: 'longest-idle', ageing: 5 }).queue('late')
  rig.agent('a', { slow: { rank: 1 }, fast: { rank: 1 }, late: { rank: 2 } })
  rig.send({ type: 'elsewhere', agent: 'a', busy: true })
  rig.join('slow-1', 'slow', { priority: 8 })
  rig.pass(1_000)
  rig.join('late-1', 'late', { priority: 99 })
  rig.join('fast-1', 'fast')
  rig.join('slow-2', 'slow')
  rig.pass(120_000)
  rig.send({ type: 'elsewhere', agent: 'a', busy: false })
  const order = ['1', '2', '3', '4'].map(() => {
    const who = rig.all('offer').at(-1)!.interaction
    rig.answer('a')
    rig.send({ type: 'ended', interaction: who })
    return who
  })
  t.same(order, ['fast-1', 'slow-1', 'slow-2', 'late-1'])
})

void t.test('tiers: each opens when its time has come, and of the open ones the lowest is first', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', tierWait: 10_000 })
  for (const [agent, tier] of [['c', 30], ['b', 20], ['a', 10]] as const) rig.agent(agent, { q: { tier } })
  for (const agent of ['a', 'b', 'c']) rig.send({ type: 'elsewhere', agent, busy: true })
  rig.join('one')
  rig.pass(15_000)
  t.same(offered(rig.send({ type: 'elsewhere', agent: 'c', busy: false })), [], 'the third is not open')
  t.same(offered(rig.pass(4_999)), [])
  t.same(offered(rig.pass(1)), ['c<one'], 'after twice the time')
  rig.answer('c')
  rig.join('two')
  rig.pass(25_000)
  for (const agent of ['a', 'b']) rig.send({ type: 'elsewhere', agent, busy: false })
  rig.send({ type: 'failed', offer: rig.offerOf('a'), failure: 'busy' })
  t.same(rig.ringing, ['b'])
  const open = new Rig().queue('q')
  for (const [agent, tier] of [['c', 3], ['a', 1], ['b', 2]] as const) open.agent(agent, { q: { tier } })
  t.same(['one', 'two', 'three'].flatMap(caller => offered(open.join(caller))), ['a<one', 'b<two', 'c<three'], 'without times all are open, the lowest first')
})

void t.test('the agent who knows the customer is rung alone, and once it does not answer everybody is', async t => {
  const rig = new Rig().queue('q', { strategy: 'ring-all', ringFor: 10_000 })
  for (const agent of ['friend', 'other', 'third']) rig.agent(agent, { q: {} })
  rig.join('one', 'q', { sticky: { agent: 'friend', wait: 30_000 } })
  t.same(rig.ringing, ['friend'])
  t.same(offered(rig.pass(10_000)), ['other<one', 'third<one'])
  t.same(offered(rig.join('stranger', 'q', { sticky: { agent: 'nobody', wait: 30_000 } })), [], 'an agent who is unknown is not waited for')
  t.equal(rig.state.interactions.get('stranger')!.sticky, undefined)
})
