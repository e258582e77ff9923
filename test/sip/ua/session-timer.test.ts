import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { contacts, header, headerValues } from '../../../src/sip/message/headers.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { refuseInvite } from '../../../src/sip/ua/capabilities.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { answeringAgent, SDP } from './answering-agent.js'
import { ANSWER, OFFER } from './two-agents.js'

const TIMER = { Supported: 'timer' }
const WITH_UPDATE = { ...TIMER, Allow: 'INVITE, ACK, BYE, CANCEL, UPDATE' }

/** A session with a raw peer that has called us and leaves the refreshing to us, every 200 s. */
const refreshedByUs = async (headers: Readonly<Record<string, string>> = WITH_UPDATE) => {
  const called = await answeringAgent()
  const session = await called.established({ headers: { 'Session-Expires': '200;refresher=uas', ...headers } })
  const last = () => called.peer.requests.at(-1)!
  return { ...called, ...session, last }
}

t.test('RFC 4028 §9: an INVITE that asks for too brief an interval gets 422 with Min-SE', async t => {
  const { peer } = await answeringAgent()
  const ask = (headers: Readonly<Record<string, string>>) => refuseInvite(peer.request('INVITE', { body: SDP, headers }))
  t.strictSame(ask({ 'Session-Expires': '89', ...TIMER }), { status: 422, headers: { 'Min-SE': '90' } })
  t.equal(ask({ 'Session-Expires': '90', ...TIMER }), undefined)
  t.equal(ask({ 'Session-Expires': '89' }), undefined, 'who does not know timers does not know 422 either')
})

t.test('RFC 4028 §7.3, §7.4: Min-SE of a 422 to our INVITE is in the next and in every refresh', async t => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1) })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2), sessionExpires: 100 })
  const peer = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1')
  const told = (): (string | undefined)[] => (['Session-Expires', 'Min-SE'] as const).map(name => header(peer.requests.at(-1)!, name))
  const invite = agent.invite('sip:raw@10.0.0.9', { sdp: OFFER })
  await clock.settle(1)
  t.strictSame(told(), ['100', undefined])
  peer.respond(peer.requests.at(-1)!, 422, { headers: { 'Min-SE': '300' } })
  await clock.settle(1)
  t.strictSame(told(), ['300', '300'])
  peer.respond(peer.requests.at(-1)!, 200, { body: { type: 'application/sdp', content: ANSWER }, headers: { 'Session-Expires': '300;refresher=uac', Require: 'timer', Allow: 'INVITE, UPDATE' } })
  await clock.settle(1)
  t.equal((await invite.outcome).type, 'answered')
  await clock.settle(150_000)
  t.equal(peer.requests.at(-1)?.method, 'UPDATE')
  t.strictSame(told(), ['300;refresher=uac', '300'])
})

t.test('RFC 4028 §7.4, §10: a refresh that gets 422 is sent again with the interval asked for', async t => {
  for (const [headers, method] of [[WITH_UPDATE, 'UPDATE'], [TIMER, 'INVITE']] as const) {
    const { clock, peer, last, ends } = await refreshedByUs(headers)
    await clock.settle(100_000)
    t.equal(last().method, method)
    t.match(header(last(), 'Supported'), /timer/)
    peer.respond(last(), 422, { headers: { 'Min-SE': '400' } })
    await clock.settle(1)
    t.equal(last().method, method)
    t.equal(header(last(), 'Session-Expires'), '400;refresher=uac')
    t.equal(header(last(), 'Min-SE'), '400')
    peer.respond(last(), 200, { headers: { 'Session-Expires': '400;refresher=uac' }, ...method === 'INVITE' ? { body: SDP } : {} })
    await clock.settle(190_000)
    t.equal(peer.requests.filter(request => request.method === method).length, 2, 'the new interval counts')
    await clock.settle(10_100)
    t.equal(peer.requests.filter(request => request.method === method).length, 3)
    t.equal(ends.length, 0)
  }
})

t.test('RFC 4028 §10: a refresh that is refused for now is tried again; the session ends when none succeeds in time', async t => {
  const { clock, peer, last, ends } = await refreshedByUs()
  peer.onMessage = message => {
    if (message.type === 'request' && message.method === 'UPDATE') peer.respond(message, 503, { headers: { 'Retry-After': '20' } })
    if (message.type === 'request' && message.method === 'BYE') peer.respond(message, 200)
  }
  await clock.settle(167_000)
  t.equal(peer.requests.filter(({ method }) => method === 'UPDATE').length, 4, 'after 100, 120, 140 and 160 s')
  t.equal(ends.length, 0)
  await clock.settle(2_000)
  t.equal(last().method, 'BYE', '32 s before its time')
  t.equal(ends[0]?.type, 'timeout')
})

t.test('RFC 4028 §7.4: a peer that refuses UPDATE after all is refreshed by re-INVITE', async t => {
  for (const status of [405, 501]) {
    const { clock, peer, last, session } = await refreshedByUs()
    await clock.settle(100_000)
    peer.respond(last(), status)
    await clock.settle(1)
    t.equal(last().method, 'INVITE')
    t.equal(header(last(), 'Session-Expires'), '200;refresher=uac')
    peer.respond(last(), 488)
    await clock.settle(10_001)
    t.equal(last().method, 'INVITE', 'refused, it comes again')
    peer.respond(last(), 200, { body: SDP, headers: { 'Session-Expires': '200;refresher=uac' } })
    await clock.settle(95_000)
    t.equal(session.state, 'confirmed')
    t.equal(last().method, 'ACK')
  }
})

t.test('RFC 4028 §9: a re-INVITE or UPDATE that says nothing of the timer leaves it as it was, and its 2xx says so', async t => {
  for (const method of ['INVITE', 'UPDATE']) {
    const { session, within, ask, clock, ends, peer } = await (async () => {
      const called = await answeringAgent()
      return { ...called, ...await called.established({ headers: { 'Session-Expires': '200;refresher=uac', ...TIMER } }) }
    })()
    session.onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
    const knowing = await ask(within(method, 2, { headers: TIMER, ...method === 'INVITE' ? { body: SDP } : {} }))
    t.equal(header(knowing!, 'Session-Expires'), '200;refresher=uac')
    t.strictSame(headerValues(knowing!, 'Require'), ['timer'])
    if (method === 'INVITE') peer.send(within('ACK', 2, { uri: contacts(knowing!)[0]!.uri }))
    const ignorant = await ask(within('UPDATE', 3))
    t.equal(header(ignorant!, 'Session-Expires'), '200;refresher=uas', 'who does not say that it can refresh need not')
    await clock.settle(101_000)
    t.equal(peer.requests.at(-1)?.method, 'INVITE', 'so we do')
    t.equal(ends.length, 0)
  }
})

t.test('RFC 4028 §7.2: a 2xx to our refresh without Session-Expires ends the timer', async t => {
  const { clock, peer, last, ends } = await refreshedByUs()
  await clock.settle(100_000)
  peer.respond(last(), 200)
  await clock.settle(1_000_000)
  t.equal(ends.length, 0)
  t.equal(peer.requests.filter(({ method }) => method === 'UPDATE').length, 1)
})
