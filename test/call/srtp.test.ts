import t from 'tap'
import { loudest } from './loudest.js'
import { received, twoServers } from './two-servers.js'

for (const [callers, callees] of [['required', 'required'], ['optional', 'optional'], ['optional', 'off'], ['required', 'optional']] as const) {
  void t.test(`a tone arrives, before and after a hold: caller ${callers}, callee ${callees}`, async t => {
    const { callee, call } = await twoServers(t, undefined, { srtp: callees }, { srtp: callers })
    const incoming = received(callee, 'secure', c => c.answer())
    const outgoing = await call('secure')
    const peer = await incoming
    const playing = outgoing.play({ tone: '1004@-10' }).catch(() => undefined)
    const before = await loudest(peer, 6_800)
    t.ok(before > 6_800 && before < 7_800, `peak ${before}`)
    await outgoing.hold()
    await outgoing.resume()
    const after = await loudest(peer, 6_800)
    t.ok(after > 6_800 && after < 7_800, `peak ${after}`)
    await outgoing.hangup()
    await playing
  })
}

void t.test('required and absent: 488', async t => {
  const { callee, caller, uri } = await twoServers(t, [], { srtp: 'required' })
  callee.handle('sip:x@*', call => call.answer())
  t.same(await caller.dial(uri('x')), { type: 'rejected', status: 488 })
})
