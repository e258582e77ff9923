import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { parseCredentials } from '../../../src/sip/auth/challenge.js'
import { contacts, cseq, header, headerValues, to } from '../../../src/sip/message/headers.js'
import type { SipRequest } from '../../../src/sip/message/message.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { InviteOptions } from '../../../src/sip/ua/user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { ANSWER, OFFER } from './two-agents.js'

const PEER = 'sip:raw@10.0.0.9'
const BODY = { type: 'application/sdp', content: ANSWER }

const setUp = async (options: InviteOptions = { sdp: OFFER }) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1) })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2), sessionExpires: 1_800 })
  const peer = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1')
  const invite = agent.invite(PEER, options)
  await clock.settle(0)
  const methods = (): readonly string[] => peer.requests.map(({ method }) => method)
  return { clock, agent, peer, invite, request: peer.requests[0]!, methods }
}

t.test('RFC 3261 §8.1.1: what an INVITE carries', async t => {
  const { request } = await setUp({ sdp: OFFER, from: '"Ann" <sip:ann@here.example>', headers: { Subject: 'tea', 'X-Own': ['1', '2'] } })
  t.match(header(request, 'From'), /^"Ann" <sip:ann@here.example>;tag=/)
  t.equal(contacts(request)[0]?.uri, 'sip:10.0.0.1:5060')
  t.match(header(request, 'Supported'), /timer/)
  t.equal(header(request, 'Session-Expires'), '1800')
  t.equal(header(request, 'Max-Forwards'), '70')
  t.equal(header(request, 'Subject'), 'tea')
  t.equal(request.headers.filter(({ name }) => name === 'X-Own').length, 2)
})

t.test('RFC 3261 §13.2.2.4: each forked 2xx gets its ACK, the surplus BYE; repetitions get the ACK again', async t => {
  const { clock, peer, invite, request, methods, agent } = await setUp()
  peer.respond(request, 180, { toTag: 'one' })
  peer.respond(request, 183, { toTag: 'two' })
  await clock.settle(1)
  t.equal(agent.dialogs, 2)
  peer.respond(request, 200, { toTag: 'one', body: BODY })
  peer.respond(request, 200, { toTag: 'two', body: BODY })
  peer.respond(request, 200, { toTag: 'one', body: BODY })
  await clock.settle(1)
  const outcome = await invite.outcome
  t.equal(outcome.type === 'answered' && outcome.session.remoteTag, 'one')
  t.strictSame(methods(), ['INVITE', 'ACK', 'ACK', 'BYE', 'ACK'])
  const bye = peer.requests.find(({ method }) => method === 'BYE')!
  t.equal(to(bye).tag, 'two')
  peer.respond(bye, 200)
  await clock.settle(1)
  t.equal(agent.sessions, 1)
  t.equal(agent.dialogs, 1)
})

t.test('RFC 3261 §9.1: CANCEL waits for a provisional response; a 2xx that crosses it is acknowledged and ended', async t => {
  const { clock, peer, invite, request, methods } = await setUp()
  invite.cancel()
  await clock.settle(1)
  t.strictSame(await invite.outcome, { type: 'cancelled' })
  t.strictSame(methods(), ['INVITE'])
  peer.respond(request, 100, {})
  await clock.settle(1)
  t.strictSame(methods(), ['INVITE', 'CANCEL'])
  peer.respond(request, 200, { body: BODY })
  await clock.settle(1)
  t.strictSame(methods(), ['INVITE', 'CANCEL', 'ACK', 'BYE'])
})

t.test('RFC 3261 §13.2.1: a delayed offer is answered in the ACK', async t => {
  const { clock, peer, invite, request } = await setUp({ answer: offer => Promise.resolve(offer.replaceAll('10.0.0.1', '10.0.0.7')) })
  t.equal(request.body.length, 0)
  peer.respond(request, 200, { body: { type: 'application/sdp', content: OFFER } })
  await clock.settle(1)
  t.equal((await invite.outcome).type, 'answered')
  const ack = peer.requests.at(-1)!
  t.equal(ack.method, 'ACK')
  t.match(Buffer.from(ack.body).toString(), /10\.0\.0\.7/)
})

t.test('RFC 3262 §4: a reliable provisional response gets PRACK, once and in order', async t => {
  const { clock, peer, request, invite } = await setUp()
  const heard: (string | undefined)[] = []
  invite.on('progress', ({ sdp }) => heard.push(sdp))
  const reliable = (rseq: number, body?: typeof BODY) => peer.respond(request, 183, { headers: { Require: '100rel', RSeq: String(rseq) }, ...(body === undefined ? {} : { body }) })
  reliable(7, BODY)
  reliable(7, BODY)
  reliable(9)
  await clock.settle(1)
  const pracks = peer.requests.filter(({ method }) => method === 'PRACK')
  t.strictSame(pracks.map(prack => header(prack, 'RAck')), [`7 ${cseq(request).number} INVITE`])
  t.strictSame(heard, [ANSWER])
  peer.respond(pracks[0]!, 200)
  peer.respond(request, 200)
  await clock.settle(1)
  const outcome = await invite.outcome
  t.equal(outcome.type === 'answered' && outcome.session.remoteSdp, ANSWER, 'the early answer stands')
})

t.test('RFC 3261 §22: 401 and 407 of two realms are answered, with higher CSeq; wrong twice is the end', async t => {
  const { clock, peer, invite, request, methods } = await setUp({ sdp: OFFER, credentials: { username: 'ann', password: 'pw' } })
  peer.respond(request, 407, { headers: { 'Proxy-Authenticate': 'Digest realm="edge", nonce="n1", qop="auth"' } })
  await clock.settle(1)
  const second = peer.requests.at(-1)!
  t.equal(second.method, 'INVITE')
  t.equal(cseq(second).number, cseq(request).number + 1)
  t.equal(header(second, 'Call-ID'), header(request, 'Call-ID'))
  peer.respond(second, 401, { headers: { 'WWW-Authenticate': 'Digest realm="home", nonce="n2", qop="auth", algorithm=SHA-256' } })
  await clock.settle(1)
  const third = peer.requests.at(-1)!
  t.match(header(third, 'Authorization'), /realm="home"/)
  t.match(header(third, 'Proxy-Authorization'), /realm="edge".*nc=00000002/)
  peer.respond(third, 200, { body: BODY })
  await clock.settle(1)
  const ack = peer.requests.at(-1)!
  t.equal(ack.method, 'ACK')
  t.equal(headerValues(ack, 'Authorization').length, 1, 'RFC 3261 §22.1: the ACK carries them too')
  t.equal((await invite.outcome).type, 'answered')
  t.equal(methods().filter(method => method === 'ACK').length, 3)
  const wrong = await setUp({ sdp: OFFER, credentials: { username: 'ann', password: 'no' } })
  for (const nonce of ['a', 'b']) {
    wrong.peer.respond(wrong.peer.requests.findLast(({ method }) => method === 'INVITE')!, 401, { headers: { 'WWW-Authenticate': `Digest realm="home", nonce="${nonce}"` } })
    await wrong.clock.settle(1)
  }
  t.match(await wrong.invite.outcome, { type: 'rejected', status: 401 })
})

t.test('an INVITE ends rejected, timed out, unreachable', async t => {
  const rejected = await setUp()
  rejected.peer.respond(rejected.request, 486)
  await rejected.clock.settle(1)
  t.match(await rejected.invite.outcome, { type: 'rejected', status: 486 })
  const silent = await setUp()
  await silent.clock.settle(32_000)
  t.strictSame(await silent.invite.outcome, { type: 'timeout' })
  const nowhere = silent.agent.invite('mailto:someone@somewhere.example', { sdp: OFFER })
  t.match(await nowhere.outcome, { type: 'error', error: { code: 'SIP_BAD_URI' } })
  const unreachable = silent.agent.invite('sip:a@10.0.0.9;transport=tls', { sdp: OFFER })
  t.match(await unreachable.outcome, { type: 'error', error: { code: 'SIP_TRANSPORT' } })
})

t.test('RFC 4028 §7.3: 422 raises the interval', async t => {
  const { clock, peer, request } = await setUp()
  peer.respond(request, 422, { headers: { 'Min-SE': '3600' } })
  await clock.settle(1)
  t.equal(header(peer.requests.at(-1)!, 'Session-Expires'), '3600')
})

t.test('RFC 5057 §5.1: 481 to a request within the dialog ends the session, a time-out too', async t => {
  for (const status of [481, undefined]) {
    const { clock, peer, invite, request, methods } = await setUp()
    peer.respond(request, 200, { body: BODY })
    await clock.settle(1)
    const outcome = await invite.outcome
    if (outcome.type !== 'answered') return t.fail(outcome.type)
    const ended: string[] = []
    outcome.session.on('ended', ({ type }) => ended.push(type))
    const info = outcome.session.request('INFO').then(({ status: final }) => String(final), (error: Error) => error.name)
    await clock.settle(1)
    if (status === undefined) await clock.settle(33_000)
    else peer.respond(peer.requests.at(-1)!, status)
    await clock.settle(1)
    t.equal(await info, status === undefined ? 'CordboardError' : '481')
    t.strictSame(ended, [status === undefined ? 'timeout' : 'error'])
    t.equal(methods().at(-1), 'BYE')
  }
})

t.test('RFC 7616 §3.5: whoever answers without knowing the password is acknowledged and ended; a request fails', async t => {
  const challenge = { 'WWW-Authenticate': 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"' }
  const impostor = (request: SipRequest) => {
    const { cnonce } = parseCredentials(header(request, 'Authorization')!)!
    return { 'Authentication-Info': `qop=auth, rspauth="00000000000000000000000000000000", cnonce="${cnonce}", nc=00000001` }
  }
  const { clock, agent, peer, invite, request, methods } = await setUp({ sdp: OFFER, credentials: { username: 'ann', password: 'secret' } })
  peer.respond(request, 401, { headers: challenge })
  await clock.settle(1)
  const again = peer.requests.at(-1)!
  peer.respond(again, 200, { body: BODY, headers: impostor(again) })
  await clock.settle(1)
  t.match(await invite.outcome, { type: 'error', error: { code: 'SIP_TRANSPORT', message: /password/ } })
  t.strictSame(methods(), ['INVITE', 'ACK', 'INVITE', 'ACK', 'BYE'])
  peer.respond(peer.requests.at(-1)!, 200)
  await clock.settle(1)
  t.equal(agent.dialogs, 0)
  const asked = agent.request('OPTIONS', PEER, { credentials: { username: 'ann', password: 'secret' } })
  await clock.settle(1)
  peer.respond(peer.requests.at(-1)!, 401, { headers: challenge })
  await clock.settle(1)
  const options = peer.requests.at(-1)!
  peer.respond(options, 200, { headers: impostor(options) })
  await clock.settle(1)
  t.match(await asked, { type: 'error', error: { code: 'SIP_TRANSPORT' } })
})

t.test('RFC 3326, RFC 3261 §9.1: the Reason of our CANCEL is that of the BYE when a 2xx crosses it', async t => {
  const { clock, peer, invite, request, methods } = await setUp()
  const reason = 'SIP;cause=200;text="Call completed elsewhere"'
  peer.respond(request, 180)
  await clock.settle(1)
  invite.cancel(reason)
  await clock.settle(1)
  peer.respond(request, 200, { body: BODY })
  await clock.settle(1)
  t.strictSame(methods(), ['INVITE', 'CANCEL', 'ACK', 'BYE'])
  t.strictSame(peer.requests.map(sent => header(sent, 'Reason')), [undefined, reason, undefined, reason])
  const unsaid = await setUp()
  unsaid.peer.respond(unsaid.request, 180)
  await unsaid.clock.settle(1)
  unsaid.invite.cancel()
  unsaid.peer.respond(unsaid.request, 200, { body: BODY })
  await unsaid.clock.settle(2)
  t.strictSame(unsaid.methods(), ['INVITE', 'CANCEL', 'ACK', 'BYE'])
  t.ok(unsaid.peer.requests.every(sent => header(sent, 'Reason') === undefined))
})

t.test('RFC 3261 §22: PRACK carries the credentials of its INVITE, and is sent again when it is challenged itself', async t => {
  const { clock, peer, request } = await setUp({ sdp: OFFER, credentials: { username: 'ann', password: 'pw' } })
  const challenge = (nonce: string) => ({ headers: { 'Proxy-Authenticate': `Digest realm="edge", nonce="${nonce}", qop="auth", stale=true` } })
  const credentials = () => parseCredentials(header(peer.requests.at(-1)!, 'Proxy-Authorization')!)
  peer.respond(request, 407, challenge('n1'))
  await clock.settle(1)
  const invite = peer.requests.at(-1)!
  peer.respond(invite, 183, { headers: { Require: '100rel', RSeq: '1' }, body: BODY })
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.method, 'PRACK')
  t.match(credentials(), { nonce: 'n1', nc: '00000002' })
  peer.respond(peer.requests.at(-1)!, 407, challenge('n2'))
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.method, 'PRACK')
  t.match(credentials(), { nonce: 'n2', nc: '00000001' })
  t.equal(header(peer.requests.at(-1)!, 'RAck'), `1 ${cseq(invite).number} INVITE`)
  t.equal(cseq(peer.requests.at(-1)!).number, cseq(invite).number + 2)
})
