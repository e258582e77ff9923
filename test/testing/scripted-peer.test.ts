import { createHash } from 'node:crypto'
import t from 'tap'
import { response } from '../../src/sip/message/build.js'
import { header } from '../../src/sip/message/headers.js'
import { digestAnswer } from '../../src/testing/digest-answer.js'
import { createScriptedPeer, type ScriptedPeer, type ScriptedPeerOptions } from '../../src/testing/scripted-peer.js'

const pair = async (transport: 'udp' | 'tcp', options: ScriptedPeerOptions = {}): Promise<[caller: ScriptedPeer, called: ScriptedPeer]> => {
  const called = await createScriptedPeer({ transport, user: 'called', tone: { frequencies: [1_500] } })
  const caller = await createScriptedPeer({ transport, user: 'caller', tone: { frequencies: [600] }, server: `127.0.0.1:${called.port}`, ...options })
  return [caller, called]
}

const heardPackets = async (count: number, ...calls: readonly { readonly rtp: { readonly packets: readonly unknown[] } }[]): Promise<void> => {
  while (calls.some(call => call.rtp.packets.length < count)) await new Promise(resolve => setImmediate(resolve))
}

for (const transport of ['udp', 'tcp'] as const)
  t.test(`two peers call each other over ${transport}: tones both ways, keys, hold, BYE`, async t => {
    const [caller, called] = await pair(transport)
    await using _caller = caller
    await using _called = called
    called.answerCalls({ ringFor: 20 })
    const out = await caller.call(`sip:called@127.0.0.1:${called.port}`)
    const into = await called.nextCall()
    t.same(out.progress, [180])
    await heardPackets(15, out, into)
    t.ok(out.rtp.heard().hears(1_500) && !out.rtp.heard().hears(600))
    t.ok(into.rtp.heard().hears(600) && !into.rtp.heard().hears(1_500))
    await out.press('42')
    t.equal(into.rtp.keysHeard(), '42')
    t.equal((await out.reinvite('sendonly')).status, 200)
    t.equal(out.descriptions.at(-1)?.direction, 'recvonly')
    t.equal((await into.bye()).status, 200)
    t.equal(await out.ended, 'remote')
  })

t.test('a busy peer, and a cancelled call', async t => {
  const [caller, called] = await pair('udp')
  await using _caller = caller
  await using _called = called
  called.answerCalls({ status: 486 })
  await t.rejects(caller.call('sip:called@127.0.0.1'), { message: /486 Busy Here/ })
  called.answerCalls({ ringFor: 60_000 })
  await using ringing = await caller.dial('sip:called@127.0.0.1')
  await caller.nextResponse(180)
  t.equal((await ringing.cancel()).status, 200)
  t.match(await ringing.outcome, { type: 'rejected', status: 487 })
})

t.test('RFC 3261 §22.2: a challenge is answered once with the digest, on a new branch and CSeq', async t => {
  const [caller, called] = await pair('udp', { password: 'secret' })
  await using _caller = caller
  await using _called = called
  const done = caller.register()
  called.wire.onRequest = () => undefined
  const first = await called.nextRequest('REGISTER')
  const challenge = 'Digest realm="test", nonce="n1", qop="auth", algorithm=SHA-256'
  called.wire.respond(response(first, 401, { toTag: 'r', headers: { 'WWW-Authenticate': challenge } }))
  const second = await called.nextRequest('REGISTER')
  t.match(header(second, 'Authorization'), /username="caller", realm="test", nonce="n1", .*qop=auth, nc=00000001/)
  t.not(header(second, 'Via'), header(first, 'Via'))
  called.wire.respond(response(second, 403, { toTag: 'r' }))
  t.equal((await done).status, 403)
})

t.test('RFC 7616 §3.9.1: both examples', async t => {
  const parts = { method: 'GET', uri: '/dir/index.html', username: 'Mufasa', password: 'Circle of Life', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' }
  const challenge = (algorithm: string): string => `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
  t.match(digestAnswer({ ...parts, challenge: challenge('MD5') }), /response="8ca523f5e9506fed4657c9700eebdbec"/)
  t.match(digestAnswer({ ...parts, challenge: challenge('SHA-256') }), /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/)
})

t.test('RFC 2617 §3.2.2.1: a challenge without qop', async t => {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  const answer = digestAnswer({ challenge: 'Digest realm="r", nonce="n"', method: 'INVITE', uri: 'sip:a@b', username: 'u', password: 'p', cnonce: 'c' })
  t.match(answer, `response="${md5(`${md5('u:r:p')}:n:${md5('INVITE:sip:a@b')}`)}"`)
})

t.test('what never comes is an error that says what came', async t => {
  const [caller, called] = await pair('udp', { patience: 50 })
  await using _caller = caller
  await using _called = called
  await t.rejects(called.nextRequest('INVITE', 20), { message: /nothing of the kind within 20 ms; unread: nothing/ })
  await t.rejects(called.nextCall(20), { message: 'no call within 20 ms' })
  called.wire.onRequest = () => undefined
  await t.rejects(caller.request('OPTIONS', 'sip:called@127.0.0.1'), { message: /no final response to OPTIONS/ })
})
