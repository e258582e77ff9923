import t from 'tap'
import { twoServers } from './two-servers.js'

void t.test('RFC 3325: a call within the trust domain brings who calls; a call made for its caller tells it on, with the wish to stay unknown', async t => {
  const { callee, caller, uri } = await twoServers(t, undefined, { trusted: ['127.0.0.0/8'] }, { trusted: ['127.0.0.1'] })
  const seen: unknown[] = []
  callee.handle('sip:phone@*', async ({ request, from }) => { seen.push(['phone', request.identity, request.private, from]) })
  callee.handle('sip:desk@*', async call => {
    seen.push(['desk', call.request.identity, call.request.private])
    await call.dial(uri('phone'), { from: call.from })
  })
  const ann = { identity: 'sip:ann@example.org', from: 'sip:1001@example.org' }
  await caller.dial(uri('desk'), ann)
  await caller.dial(uri('desk'), { ...ann, privacy: 'id' })
  t.strictSame(seen, [
    ['desk', 'sip:ann@example.org', false], ['phone', 'sip:ann@example.org', false, 'sip:1001@example.org'],
    ['desk', 'sip:ann@example.org', true], ['phone', 'sip:ann@example.org', true, 'sip:anonymous@anonymous.invalid'],
  ])
  const stranger = await twoServers(t)
  stranger.callee.handle('sip:phone@*', async ({ request }) => { seen.push(request.identity) })
  await caller.dial(stranger.uri('phone'), ann)
  t.equal(seen.at(-1), undefined, 'whoever belongs to no trust domain believes nobody')
})
