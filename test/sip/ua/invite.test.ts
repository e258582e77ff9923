import t from 'tap'
import type { SessionEnd } from '../../../src/sip/ua/user-agent.js'
import { answerAll, ANSWER, BOB, OFFER, onInvite, twoAgents } from './two-agents.js'

t.test('RFC 3261 §13: a call is made, talked and ended by either side', async t => {
  for (const transport of ['udp', 'tcp'] as const) {
    const { clock, alice, bob } = await twoAgents({ transport })
    const sessions = answerAll(bob)
    const invite = alice.invite(BOB, { sdp: OFFER })
    await clock.settle(50)
    const outcome = await invite.outcome
    if (outcome.type !== 'answered') return t.fail(outcome.type)
    t.equal(outcome.session.remoteSdp, ANSWER)
    t.equal(sessions[0]?.remoteSdp, OFFER)
    t.equal(alice.sessions + bob.sessions, 2)
    const ends: SessionEnd['type'][] = []
    sessions[0]!.on('ended', end => ends.push(end.type))
    outcome.session.on('ended', end => ends.push(end.type))
    await clock.settle(2_000)
    t.equal(bob.layer.counters.value('retransmitted'), 0, 'the ACK stops the 2xx')
    const left = transport === 'udp' ? outcome.session.bye() : sessions[0]!.bye()
    await clock.settle(50)
    await left
    t.strictSame(ends.sort(), ['local-bye', 'remote-bye'])
    t.equal(alice.dialogs + bob.dialogs, 0)
    await clock.settle(40_000)
    t.strictSame([alice.layer.size, bob.layer.size], [{ client: 0, server: 0 }, { client: 0, server: 0 }])
  }
})

t.test('RFC 3261 §13.3.1.4: the 2xx is resent until the ACK, and without one the session ends with BYE', async t => {
  const { clock, network, alice, bob } = await twoAgents()
  const sessions = answerAll(bob)
  alice.invite(BOB, { sdp: OFFER })
  await clock.settle(1)
  network.loss = 1
  await clock.settle(10_000)
  t.equal(sessions.length, 1)
  t.ok(bob.layer.counters.value('retransmitted') >= 4)
  const ended: SessionEnd[] = []
  sessions[0]!.on('ended', end => ended.push(end))
  await clock.settle(30_000)
  t.equal(ended[0]?.type, 'timeout')
  await clock.settle(70_000)
  t.equal(bob.dialogs, 0)
})

t.test('RFC 3261 §9: CANCEL before the answer gives 487 and an aborted invitation', async t => {
  const { clock, alice, bob } = await twoAgents()
  let aborted: unknown
  onInvite(bob, invite => {
    void invite.provisional(180)
    invite.signal.addEventListener('abort', () => { aborted = invite.signal.reason })
  })
  const invite = alice.invite(BOB, { sdp: OFFER })
  const rang: number[] = []
  invite.on('progress', ({ status }) => rang.push(status))
  await clock.settle(50)
  t.strictSame(rang, [180])
  invite.cancel()
  t.strictSame(await invite.outcome, { type: 'cancelled' })
  await clock.settle(50)
  t.strictSame(aborted, { type: 'cancelled' })
  await clock.settle(40_000)
  t.equal(alice.dialogs + bob.dialogs, 0)
  t.strictSame(bob.layer.size, { client: 0, server: 0 })
})
