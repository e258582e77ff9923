import { once } from 'node:events'
import t from 'tap'
import { received, twoServers } from './two-servers.js'

void t.test('a peer that vanishes: its silence is told, and after rtpTimeout the call ends; one on hold owes nothing', async t => {
  const { callee, call } = await twoServers(t, undefined, { rtpTimeout: 5_000 })
  const [vanishing, waiting] = [received(callee, 'vanishing', c => c.answer()), received(callee, 'waiting', c => c.answer())]
  const [gone, held] = [await call('vanishing'), await call('waiting')]
  const [peer, onHold] = [await vanishing, await waiting]
  await onHold.hold()
  const silences: number[] = []
  onHold.on('silent', ms => silences.push(ms))
  const told = once(peer, 'silent')
  const ended = once(gone, 'ended')
  const [ms] = await told as [number]
  t.ok(ms >= 5_000 && ms < 13_000, `after ${ms} ms`)
  t.same(peer.endReason, { type: 'timeout' })
  t.same(await ended, [{ type: 'remote-bye' }])
  t.same(silences, [])
  t.equal(onHold.state, 'answered')
  await held.hangup()
})
