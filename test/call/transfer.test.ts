import t from 'tap'
import { once } from 'node:events'
import { createUserAgent } from '../../src/sip/ua/create-user-agent.js'
import { ANSWER, onInvite } from '../sip/ua/two-agents.js'
import { received, twoServers } from './two-servers.js'

void t.test('RFC 3515, 3891, 3892: an attended transfer: REFER with Replaces, the far end goes on with the new peer', async t => {
  const { callee, caller, call, uri } = await twoServers(t)
  const first = received(callee, 'first', c => c.answer())
  const second = received(callee, 'second', c => c.answer())
  const [toFirst, toSecond] = [await call('first'), await call('second')]
  const [one, two] = [await first, await second]
  one.on('transfer', request => {
    t.match(request.by, /^sip:/)
    request.accept()
    void callee.dial(request.target).then(outcome => request.notify(outcome.type === 'answered' ? 200 : 486))
  })
  const replaced = once(two, 'replaced')
  t.strictSame(await toFirst.transfer(toSecond), { type: 'transferred' })
  await replaced
  t.equal(two.state, 'answered', 'the same call')
  if (toSecond.state !== 'ended') await once(toSecond, 'ended')
  t.strictSame(toSecond.endReason, { type: 'remote-bye' }, 'the consultation ended by BYE')
  // Sound from the new peer reaches the call that was taken over.
  const dialled = [...callee.calls].find(({ origin }) => origin === 'out')!
  const playing = dialled.play({ tone: '440' }).catch(() => undefined)
  let loud = 0
  for await (const frame of two.audio()) {
    loud = Math.max(loud, ...frame)
    if (loud > 1_000) break
  }
  t.ok(loud > 1_000)
  await dialled.hangup()
  await playing
  if (two.state !== 'ended') await once(two, 'ended')
  t.strictSame(two.endReason, { type: 'remote-bye' }, 'and ends with it')
  t.ok(caller.addresses.length > 0 && uri('x') !== '')
})

void t.test('RFC 3515 §2.4.2: a REFER that nobody listens for is declined', async t => {
  const { callee, call } = await twoServers(t)
  void received(callee, 'plain', c => c.answer())
  const outgoing = await call('plain')
  t.strictSame(await outgoing.transfer('sip:elsewhere@127.0.0.1'), { type: 'refused', status: 603 })
  t.equal(outgoing.state, 'answered')
})

void t.test('RFC 6665 §4.1.2.4, timer N: a transfer that is accepted, and of which no NOTIFY tells within 64*T1, has failed', async t => {
  await using silent = await createUserAgent({ listen: ['udp://127.0.0.1:0'] })
  onInvite(silent, invite => void invite.accept({ sdp: ANSWER.replaceAll('10.0.0.2', '127.0.0.1') }).then(session => session.on('request', request => request.respond(202))))
  const { caller } = await twoServers(t, undefined, {}, { timings: { t1: 5 } })
  const outcome = await caller.dial(`sip:x@${silent.addresses[0]!.replace('udp://', '')}`)
  if (outcome.type !== 'answered') return t.fail(outcome.type)
  const started = performance.now()
  t.strictSame(await outcome.call.transfer('sip:elsewhere@127.0.0.1'), { type: 'refused', status: 408 })
  t.ok(performance.now() - started >= 64 * 5 - 5)
  t.equal(outcome.call.state, 'answered')
  await outcome.call.hangup()
})
