import t from 'tap'
import type { Digit } from '../../src/index.js'
import { received, twoServers } from './two-servers.js'

void t.test('RFC 6086: keys sent in INFO arrive once each, in order', async t => {
  const { callee, call } = await twoServers(t)
  const incoming = received(callee, 'info', c => c.answer())
  const outgoing = await call('info')
  const peer = await incoming
  const heard: [Digit, number][] = []
  peer.on('digit', (digit, duration) => heard.push([digit, duration]))
  await Promise.all([outgoing.sendDigits(['1', '*'], { by: 'info' }), outgoing.sendDigits(['A', '#'], { by: 'info' })])
  t.same(heard, [['1', 100], ['*', 100], ['A', 100], ['#', 100]])
  const gone = new AbortController()
  const sending = outgoing.sendDigits(['1', '2', '3'], { by: 'info', signal: gone.signal })
  gone.abort()
  await t.rejects(sending, { name: 'AbortError' })
  await outgoing.hangup()
  await t.rejects(outgoing.sendDigits(['1'], { by: 'info' }), { code: 'CALL_ENDED' })
})
