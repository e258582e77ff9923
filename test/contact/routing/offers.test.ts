import t from 'tap'
import { left, offered, Rig } from './rig.js'

void t.test('an offer is a lease: at its end the next agent is tried', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle', ringFor: 10_000 })
  rig.agent('a', { q: {} })
  rig.pass(5)
  rig.agent('b', { q: {} })
  t.same(offered(rig.join('one')), ['a<one'])
  const expired = rig.offerOf('a')
  const next = rig.pass(10_000)
  t.match(next, [{ type: 'cancel-offer', agent: 'a', reason: 'no-answer' }, { type: 'offer', agent: 'b' }])
  t.same(rig.send({ type: 'answered', offer: expired }), [{ type: 'too-late', offer: expired }])
  t.match(rig.answer('b'), [{ type: 'connect', interaction: 'one', agent: 'b', waited: 10_000 }])
})

void t.test('busy, rejected, unreachable and no answer: delays and limits of their own', async t => {
  const failures = { busy: { delay: 1_000 }, rejected: { delay: 2_000 }, unreachable: { delay: 3_000 }, 'no-answer': { delay: 500, limit: 2 } }
  for (const [failure, delay] of [['busy', 1_000], ['rejected', 2_000], ['unreachable', 3_000], ['fault', 1_000]] as const) {
    const rig = new Rig().queue('q')
    rig.agent('a', { q: {} }, { failures })
    rig.join('one')
    t.same(rig.send({ type: 'failed', offer: rig.offerOf('a'), failure }), [])
    t.same(offered(rig.pass(delay - 1)), [])
    t.same(offered(rig.pass(1)), ['a<one'], failure)
  }
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { failures })
  rig.join('one')
  rig.pass(60_000)
  t.equal(rig.facts('offered').length, 2)
  t.same(rig.facts('agent').at(-1)?.status, { type: 'on-break', reason: 'no-answer' })
  t.same(offered(rig.send({ type: 'status', agent: 'a', status: { type: 'available' } })), ['a<one'])
})

void t.test('a caller who hangs up is gone at once', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} })
  rig.join('one')
  rig.join('two')
  const gone = rig.send({ type: 'left', interaction: 'one', how: { type: 'abandoned' } })
  t.match(gone, [{ type: 'cancel-offer', agent: 'a', reason: 'caller-left' }, { type: 'leave', interaction: 'one' }, { type: 'offer', interaction: 'two' }])
})

void t.test('an agent who is gone before the talk begins: the caller keeps place and count', async t => {
  const rig = new Rig().queue('q', { strategy: 'longest-idle' })
  rig.join('one')
  rig.pass(1_000)
  rig.join('two')
  rig.agent('a', { q: {} })
  t.match(rig.answer('a', true), [{ type: 'connect', interaction: 'one', pending: true }])
  t.same(rig.send({ type: 'dropped', interaction: 'one' }), [])
  t.same(offered(rig.agent('b', { q: {} })), ['b<one'])
  rig.answer('b')
  t.equal(rig.state.agents.get('a')?.calls, 0)
  t.same(offered(rig.pass(10_000)), ['a<two'], 'it rests as if it had rejected')
})

void t.test('a caller who leaves before the talk begins was not answered; in mid-talk only a hang-up ends it', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { wrapUp: 10_000 })
  for (const type of ['abandoned', 'exited', 'withdrawn'] as const) {
    rig.join(type)
    rig.answer('a', true)
    t.same(left(rig.send({ type: 'left', interaction: type, how: { type } })), [`${type} ${type}`])
  }
  rig.join('one')
  rig.answer('a', true)
  t.same(rig.send({ type: 'left', interaction: 'one', how: { type: 'closed' } }), [], 'an emergency comes too late')
  rig.send({ type: 'began', interaction: 'one' })
  for (const type of ['exited', 'closed'] as const) t.same(rig.send({ type: 'left', interaction: 'one', how: { type } }), [], type)
  for (const type of ['began', 'dropped', 'missed'] as const) t.same(rig.send({ type, interaction: 'one' }), [], `${type} comes too late`)
  rig.pass(5_000)
  rig.send({ type: 'left', interaction: 'one', how: { type: 'abandoned' } })
  t.same(rig.facts('ended').map(({ interaction, talked }) => [interaction, talked]), [['one', 5_000]])
})

void t.test('a call back whose customer cannot be reached is over, and the agent free at once', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { wrapUp: 10_000 })
  rig.join('one')
  rig.send({ type: 'callback', interaction: 'one' })
  rig.answer('a', true)
  t.equal(rig.facts('agent').at(-1)?.state, 'preparing')
  rig.pass(30_000)
  rig.join('two')
  const over = rig.send({ type: 'missed', interaction: 'one' })
  t.same(left(over), ['one missed'])
  t.same(offered(over), ['a<two'])
})

void t.test('wrap-up: ends by itself, by the agent, or later', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { wrapUp: 10_000 })
  const talk = (id: string): void => {
    rig.join(id)
    rig.answer('a')
    rig.send({ type: 'ended', interaction: id })
  }
  talk('one')
  t.same(offered(rig.join('two')), [])
  t.same(offered(rig.pass(10_000)), ['a<two'])
  rig.answer('a')
  rig.send({ type: 'ended', interaction: 'two' })
  rig.send({ type: 'wrapped-up', agent: 'a' })
  talk('three')
  rig.send({ type: 'wrap-up-extended', agent: 'a', ms: 60_000 })
  rig.join('four')
  t.same(offered(rig.pass(59_999)), [])
  t.same(offered(rig.pass(1)), ['a<four'])
  t.same(rig.facts('wrapped-up').map(({ took }) => took), [10_000, 0, 60_000])
})

void t.test('capacity: by channel; calls and call backs share the line', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { capacity: { chat: 2 } })
  t.same(offered(rig.join('call')), ['a<call'])
  t.same(offered(rig.join('call-2')), [])
  t.same(offered(rig.join('chat-1', 'q', { channel: 'chat' })), ['a<chat-1'])
  t.same(offered(rig.join('chat-2', 'q', { channel: 'chat' })), ['a<chat-2'])
  t.same(offered(rig.join('chat-3', 'q', { channel: 'chat' })), [])
  t.same(offered(rig.join('mail', 'q', { channel: 'email' })), [], 'none unless set')
})

void t.test('an agent who is taken away: offers stop, the talk goes on', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { wrapUp: 5_000, capacity: { chat: 1 } })
  rig.join('talk')
  rig.answer('a')
  rig.join('chat', 'q', { channel: 'chat' })
  t.match(rig.send({ type: 'agent-removed', agent: 'a' }), [{ type: 'cancel-offer', agent: 'a', reason: 'withdrawn' }])
  t.ok(rig.state.agents.has('a'))
  rig.pass(1_000)
  rig.send({ type: 'ended', interaction: 'talk' })
  t.notOk(rig.state.agents.has('a'))
  t.same(rig.facts('ended').map(({ talked }) => talked), [1_000])
})

void t.test('the state log: what agents do, told once', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { wrapUp: 1_000 })
  rig.join('one')
  rig.answer('a')
  rig.send({ type: 'ended', interaction: 'one' })
  rig.pass(1_000)
  rig.send({ type: 'elsewhere', agent: 'a', busy: true })
  t.same(rig.facts('agent').map(({ status, state }) => `${status.type} ${state}`), [
    'logged-out idle', 'available idle', 'available offered', 'available talking', 'available wrap-up', 'available idle', 'available elsewhere',
  ])
})

void t.test('busy, rejected, unreachable and no answer: each kind has its own limit, counted by itself until an answer', async t => {
  const kinds = ['no-answer', 'busy', 'rejected', 'unreachable'] as const
  const failures = Object.fromEntries(kinds.map((kind, index) => [kind, { delay: 1_000, limit: index + 2 }]))
  const fail = (rig: Rig, failure: (typeof kinds)[number]): void => {
    rig.send({ type: 'failed', offer: rig.offerOf('a'), failure })
    rig.pass(1_000)
  }
  const start = (): Rig => {
    const rig = new Rig().queue('q')
    rig.agent('a', { q: {} }, { failures })
    rig.join('one')
    return rig
  }
  for (const [index, kind] of kinds.entries()) {
    const rig = start()
    for (const other of kinds) if (other !== kind) fail(rig, other)
    for (let time = 1; time < index + 2; time++) fail(rig, kind)
    t.same(rig.ringing, ['a'], `${index + 1} of ${kind}`)
    fail(rig, kind)
    t.same(rig.state.agents.get('a')!.status, { type: 'on-break', reason: kind })
  }
  const rig = start()
  fail(rig, 'no-answer')
  rig.answer('a')
  rig.send({ type: 'ended', interaction: 'one' })
  rig.join('two')
  fail(rig, 'no-answer')
  t.same(rig.ringing, ['a'], 'an answer between them')
})

void t.test('capacity: of each channel its own; call backs within that of calls, and none where it is 0', async t => {
  const rig = new Rig().queue('q')
  rig.agent('a', { q: {} }, { capacity: { voice: 3, callback: 1, chat: 1, email: 2 } })
  const all = (['callback', 'voice', 'email', 'chat'] as const).flatMap(channel => [1, 2, 3].map(index => [channel, index] as const))
  for (const [channel, index] of all) rig.join(`${channel}-${index}`, 'q', { channel })
  t.same(rig.all('offer').map(({ interaction }) => interaction), ['callback-1', 'voice-1', 'voice-2', 'email-1', 'email-2', 'chat-1'])
  const none = new Rig().queue('q')
  none.agent('a', { q: {} }, { capacity: { callback: 0 } })
  none.join('later', 'q', { channel: 'callback' })
  t.same(none.ringing, [])
  t.same(offered(none.join('now')), ['a<now'])
})
