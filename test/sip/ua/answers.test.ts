import t from 'tap'
import { cancelFor, withHeader } from '../../../src/sip/message/build.js'
import { cseq, header, headerValues, to, topVia } from '../../../src/sip/message/headers.js'
import type { ServerInvite, Session } from '../../../src/sip/ua/user-agent.js'
import { answeringAgent, SDP } from './answering-agent.js'
import { ANSWER, OFFER, onInvite } from './two-agents.js'

t.test('RFC 3261 §8.2: what needs no application is answered by itself', async t => {
  const { ask, peer, agent } = await answeringAgent()
  const options = await ask(peer.request('OPTIONS'))
  t.equal(options?.status, 200)
  t.match(header(options!, 'Allow'), /INVITE/)
  t.match(header(options!, 'Supported'), /100rel/)
  t.equal(header(options!, 'Accept'), 'application/sdp')
  const invite = peer.request('INVITE')
  t.equal((await ask(invite))?.status, 404, 'nobody took it')
  peer.ackFailure(invite, peer.responses.at(-1)!)
  t.equal((await ask(peer.request('FROBNICATE', { callId: 'x1' })))?.status, 501)
  t.match(header(peer.responses.at(-1)!, 'Allow'), /INVITE/)
  t.equal((await ask(peer.request('PUBLISH', { callId: 'x2' })))?.status, 405)
  t.equal((await ask(peer.request('BYE', { callId: 'x3', to: '<sip:a@b>;tag=unknown' })))?.status, 481)
  const required = await ask(peer.request('OPTIONS', { callId: 'x4', headers: { Require: 'teleport' } }))
  t.equal(required?.status, 420)
  t.equal(header(required!, 'Unsupported'), 'teleport')
  t.equal((await ask(peer.request('OPTIONS', { callId: 'x5', uri: 'gopher:hole' })))?.status, 416)
  agent.onRequest = () => { throw new Error('broken application') }
  t.equal((await ask(peer.request('MESSAGE', { callId: 'x6' })))?.status, 500)
  t.equal((await ask(peer.request('MESSAGE', { callId: 'x7', cseq: 1 })))?.status, 500)
  t.equal((await ask(peer.request('MESSAGE', { callId: 'x7', cseq: 1 })))?.status, 482, 'RFC 3261 §8.2.2.2: merged')
})

t.test('RFC 3261 §18.2.1: a bad request gets 400 with its reason, garbage nothing', async t => {
  const { clock, peer, agent } = await answeringAgent()
  peer.flow.send(Buffer.from('OPTIONS sip:a@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: many\r\n\r\n'))
  await clock.settle(1)
  t.equal(peer.responses[0]?.status, 400)
  t.not(peer.responses[0]?.reason, 'Bad Request')
  peer.flow.send(Buffer.from([1, 2, 3, 255]))
  await clock.settle(1)
  t.equal(peer.arrivals.length, 1)
  t.equal(agent.counters.dropped['not-sip'], 1)
})

t.test('RFC 4475 §3.1.2.1: a request whose Via is malformed is answered where it came from, and is no fault of ours', async t => {
  const { clock, peer, agent } = await answeringAgent()
  let unread = 0
  peer.dropped = () => { unread++ }
  peer.flow.send(Buffer.from('OPTIONS sip:a@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n'))
  await clock.settle(1)
  t.equal(agent.counters.dropped['bad-request'], 1)
  t.equal(unread, 1, 'its own Via comes back')
  t.notOk(agent.transports.traffic.snapshot()['faults'])
})

t.test('a scanner gets no answer and costs no state', async t => {
  const { ask, peer, agent } = await answeringAgent()
  t.equal(await ask(peer.request('OPTIONS', { headers: { 'User-Agent': 'friendly-scanner' } })), undefined)
  t.equal(agent.counters.dropped['scanner'], 1)
  t.equal(agent.layer.size.server, 0)
})

t.test('RFC 3261 §15: BYE in a session; then 481', async t => {
  const { ask, established, agent } = await answeringAgent()
  const { within, ends } = await established()
  t.equal((await ask(within('BYE', 2)))?.status, 200)
  t.equal(ends[0]?.type, 'remote-bye')
  t.equal((await ask(within('BYE', 3)))?.status, 481)
  t.equal(agent.dialogs, 0)
})

t.test('RFC 3261 §12.2.2: an older CSeq gets 500', async t => {
  const { ask, established } = await answeringAgent()
  const { within } = await established({ cseq: 10 })
  t.equal((await ask(within('INFO', 12)))?.status, 200)
  t.equal((await ask(within('INFO', 11)))?.status, 500)
})

t.test('RFC 3261 §15: our BYE waits for the ACK to our 2xx', async t => {
  const { clock, agent, peer } = await answeringAgent()
  onInvite(agent, invite => void invite.accept({ sdp: ANSWER }).then(session => session.bye()))
  const invite = peer.request('INVITE', { body: SDP })
  peer.send(invite)
  await clock.settle(700)
  t.strictSame(peer.requests.map(({ method }) => method), [])
  const ok = peer.responses[0]!
  peer.send(peer.request('ACK', { to: header(ok, 'To')! }))
  await clock.settle(1)
  t.strictSame(peer.requests.map(({ method }) => method), ['BYE'])
  t.equal(peer.requests[0]?.uri, 'sip:raw@10.0.0.9:5060')
  peer.respond(peer.requests[0]!, 200)
  await clock.settle(1)
  t.equal(agent.dialogs, 0)
})

t.test('RFC 3261 §13.3.1.4: a delayed offer is answered by the ACK', async t => {
  const { clock, agent, peer } = await answeringAgent()
  let session: Session | undefined
  onInvite(agent, invite => {
    t.equal(invite.offer, undefined)
    void invite.accept({ sdp: OFFER }).then(made => { session = made })
  })
  peer.send(peer.request('INVITE'))
  await clock.settle(1)
  t.equal(session, undefined)
  peer.send(peer.request('ACK', { to: header(peer.responses[0]!, 'To')!, body: { type: 'application/sdp', content: ANSWER } }))
  await clock.settle(1)
  t.equal(session?.remoteSdp, ANSWER)
})

t.test('RFC 3261 §14.2: re-INVITE, with and without SDP, refused, crossed', async t => {
  const { clock, ask, established, peer } = await answeringAgent()
  const { session, within } = await established()
  const refused = within('INVITE', 2, { body: SDP })
  t.equal((await ask(refused))?.status, 488, 'nobody answers offers')
  peer.ackFailure(refused, peer.responses.at(-1)!)
  session.onOffer = offer => Promise.resolve({ type: 'accepted', sdp: offer === undefined ? OFFER : ANSWER })
  let answer: string | undefined
  session.onAnswer = sdp => { answer = sdp }
  const hold = await ask(within('INVITE', 3, { body: SDP, contact: '<sip:moved@10.0.0.9:5060>' }))
  t.equal(hold?.status, 200)
  t.match(Buffer.from(hold!.body).toString(), ANSWER)
  peer.send(within('ACK', 3))
  t.equal((await ask(within('INVITE', 4, { contact: '<sip:moved@10.0.0.9:5060>' })))?.status, 200)
  peer.send(within('ACK', 4, { body: { type: 'application/sdp', content: ANSWER } }))
  await clock.settle(1)
  t.equal(answer, ANSWER)
  const ours = session.reinvite(OFFER)
  await clock.settle(1)
  const reinvite = peer.requests.at(-1)!
  t.equal(reinvite.uri, 'sip:moved@10.0.0.9:5060', 'RFC 3261 §12.2.2: target refreshed')
  const crossed = within('INVITE', 5, { body: SDP })
  t.equal((await ask(crossed))?.status, 491, 'RFC 3261 §14.1: glare')
  peer.ackFailure(crossed, peer.responses.at(-1)!)
  peer.respond(reinvite, 491)
  await clock.settle(2_100)
  const again = peer.requests.findLast(({ method }) => method === 'INVITE')!
  t.not(cseq(again).number, cseq(reinvite).number, 'retried within 2 s: the peer owns the Call-ID')
  peer.respond(again, 200, { body: { type: 'application/sdp', content: ANSWER } })
  await clock.settle(1)
  t.strictSame(await ours, { type: 'accepted', sdp: ANSWER })
  t.equal(peer.requests.at(-1)?.method, 'ACK')
})

t.test('RFC 3261 §14.2: a second re-INVITE before the answer to the first gets 500 with Retry-After; CANCEL ends it', async t => {
  const { clock, ask, established, peer } = await answeringAgent()
  const { session, within } = await established()
  session.onOffer = () => new Promise(() => undefined)
  const first = within('INVITE', 2, { body: SDP })
  peer.send(first)
  await clock.settle(1)
  const second = await ask(within('INVITE', 3, { body: SDP }))
  t.equal(second?.status, 500)
  t.ok(header(second!, 'Retry-After'))
  peer.send(cancelFor(first))
  await clock.settle(1)
  t.strictSame(peer.responses.slice(-2).map(({ status }) => status).sort(), [200, 487])
  t.equal(session.state, 'confirmed')
})

t.test('RFC 3261 §15.1.2: BYE during a re-INVITE answers it with 487', async t => {
  const { clock, established, peer, agent } = await answeringAgent()
  const { session, within } = await established()
  session.onOffer = () => new Promise(() => undefined)
  peer.send(within('INVITE', 2, { body: SDP }))
  await clock.settle(1)
  peer.send(within('BYE', 3))
  await clock.settle(1)
  t.strictSame(peer.responses.slice(-2).map(response => `${cseq(response).method} ${response.status}`).sort(), ['BYE 200', 'INVITE 487'])
  t.equal(agent.dialogs, 0)
})

t.test('RFC 3311: UPDATE refreshes, offers, and meets a re-INVITE of ours', async t => {
  const { clock, ask, established } = await answeringAgent()
  const { session, within } = await established()
  t.equal((await ask(within('UPDATE', 2)))?.status, 200)
  session.onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
  const updated = await ask(within('UPDATE', 3, { body: SDP }))
  t.equal(updated?.status, 200)
  t.equal(Buffer.from(updated!.body).toString(), ANSWER)
  void session.reinvite(OFFER).catch(() => undefined)
  await clock.settle(1)
  t.equal((await ask(within('UPDATE', 4, { body: SDP })))?.status, 491)
})

t.test('RFC 3262: a provisional response is sent reliably when the peer requires it, until its PRACK', async t => {
  const { clock, agent, peer, ask } = await answeringAgent()
  let invite: ServerInvite | undefined
  onInvite(agent, taken => { invite = taken })
  peer.send(peer.request('INVITE', { body: SDP, headers: { Require: '100rel' } }))
  await clock.settle(0)
  const rung = invite!.provisional(183, { sdp: ANSWER })
  const accepted = invite!.accept({ sdp: ANSWER })
  await clock.settle(1_600)
  t.strictSame(peer.statuses, [183, 183, 183], 'RFC 3262 §3: repeated after T1 and 2*T1; the 2xx waits')
  const ringing = peer.responses[0]!
  t.equal(header(ringing, 'Require'), '100rel')
  const within = { to: header(ringing, 'To')!, cseq: 2 }
  t.equal((await ask(peer.request('PRACK', { ...within, headers: { RAck: '1 1 INVITE' } })))?.status, 481)
  t.equal((await ask(peer.request('PRACK', { ...within, cseq: 3, headers: { RAck: `${header(ringing, 'RSeq')} 1 INVITE` } })))?.status, 200)
  await rung
  await accepted
  await clock.settle(1)
  const ok = peer.responses.at(-1)!
  t.equal(ok.status, 200)
  t.equal(ok.body.length, 0, 'the answer has been given')
})

t.test('RFC 3262 §3: without PRACK the INVITE is rejected', async t => {
  const { clock, agent, peer } = await answeringAgent()
  onInvite(agent, invite => void invite.provisional(180).catch(() => undefined))
  peer.send(peer.request('INVITE', { body: SDP, headers: { Require: '100rel' } }))
  await clock.settle(33_000)
  t.equal(peer.statuses.filter(status => status >= 200)[0], 504)
})

t.test('RFC 3261 §9.2: CANCEL at every moment', async t => {
  const { clock, agent, peer } = await answeringAgent()
  const invite = peer.request('INVITE', { body: SDP })
  peer.send(invite)
  peer.send(cancelFor(invite))
  await clock.settle(1)
  t.ok(peer.responses.some(({ status }) => status === 404) || peer.responses.some(({ status }) => status === 487), 'before anybody served it')
  const reasons: unknown[] = []
  onInvite(agent, served => {
    served.signal.addEventListener('abort', () => reasons.push(served.signal.reason))
  })
  const second = peer.request('INVITE', { body: SDP, callId: 'second' })
  peer.send(second)
  await clock.settle(1)
  peer.send(cancelFor(second))
  await clock.settle(1)
  t.strictSame(reasons, [{ type: 'cancelled' }])
  t.strictSame(peer.responses.slice(-2).map(({ status }) => status), [200, 487])
  const tags = peer.responses.slice(-2).map(response => to(response).tag)
  t.equal(tags[0], tags[1], 'one tag in both')
  onInvite(agent, served => void served.accept({ sdp: ANSWER }))
  const third = peer.request('INVITE', { body: SDP, callId: 'third' })
  peer.send(third)
  await clock.settle(1)
  peer.send(cancelFor(third))
  await clock.settle(1)
  t.strictSame(peer.responses.slice(-2).map(response => `${cseq(response).method} ${response.status}`), ['INVITE 200', 'CANCEL 200'], 'after the 2xx it changes nothing')
})

t.test('RFC 3261 §13.3.1: an INVITE that nobody answers within its Expires gets 487; one that is answered holds', async t => {
  const { clock, agent, peer } = await answeringAgent()
  const reasons: unknown[] = []
  onInvite(agent, served => {
    void served.provisional(180)
    served.signal.addEventListener('abort', () => reasons.push(served.signal.reason))
  })
  peer.send(peer.request('INVITE', { body: SDP, headers: { Expires: '10' } }))
  await clock.settle(9_990)
  t.strictSame(peer.responses.at(-1)?.status, 180)
  await clock.settle(20)
  t.strictSame(peer.responses.at(-1)?.status, 487)
  t.strictSame(reasons, [{ type: 'cancelled' }])
  onInvite(agent, served => void served.accept({ sdp: ANSWER }).catch(() => undefined))
  const second = peer.request('INVITE', { body: SDP, callId: 'second', headers: { Expires: '1' } })
  peer.send(second)
  await clock.settle(2_000)
  t.notOk(peer.responses.some(response => response.status === 487 && header(response, 'Call-ID') === 'second'))
})

t.test('RFC 3261 §13.3.1.1: a caller who waits is told again each minute what it has been told', async t => {
  const { clock, agent, peer } = await answeringAgent()
  let invite: ServerInvite | undefined
  onInvite(agent, served => {
    invite = served
    void served.provisional(180)
  })
  peer.send(peer.request('INVITE', { body: SDP }))
  await clock.settle(59_000)
  const rung = (): number => peer.responses.filter(({ status }) => status === 180).length
  t.equal(rung(), 1)
  await clock.settle(122_000)
  t.equal(rung(), 4)
  invite!.reject(486)
  await clock.settle(200_000)
  t.equal(rung(), 4, 'and no more after the final response')
})

t.test('RFC 4028: the peer\'s timer is kept; without its refresh the session ends by BYE', async t => {
  const { clock, ask, peer, established } = await answeringAgent()
  const brief = await ask(peer.request('INVITE', { body: SDP, callId: 'brief', headers: { 'Session-Expires': '60', Supported: 'timer' } }))
  t.equal(brief?.status, 404)
  const { ok, ends, within } = await established({ callId: 'raw-call', headers: { 'Session-Expires': '100;refresher=uac', Supported: 'timer' } })
  t.equal(header(ok, 'Session-Expires'), '100;refresher=uac')
  await clock.settle(60_000)
  t.equal((await ask(within('UPDATE', 2, { headers: { 'Session-Expires': '100;refresher=uac', Supported: 'timer' } })))?.status, 200)
  await clock.settle(60_000)
  t.equal(ends.length, 0)
  await clock.settle(10_000)
  t.equal(ends[0]?.type, 'timeout')
})

t.test('RFC 4028: we refresh when it falls to us, and 422 an interval that is too brief', async t => {
  const { clock, peer, established, ask } = await answeringAgent()
  const { within } = await established({ headers: { 'Session-Expires': '200;refresher=uas', Supported: 'timer', Allow: 'INVITE, UPDATE, BYE' } })
  await clock.settle(101_000)
  t.equal(peer.requests.at(-1)?.method, 'UPDATE')
  t.equal(header(peer.requests.at(-1)!, 'Session-Expires'), '200;refresher=uac')
  t.equal((await ask(within('UPDATE', 2, { headers: { 'Session-Expires': '30', Supported: 'timer' } })))?.status, 422)
})

t.test('RFC 3581, §18.2.2: responses follow rport, received and sent-by', async t => {
  const { peer, ask } = await answeringAgent()
  const response = await ask(peer.request('OPTIONS', { via: 'SIP/2.0/UDP nat.example:9999;branch=z9hG4bKn;rport' }))
  t.equal(response?.status, 200)
  t.equal(topVia(response!).rport, 5060)
  t.equal(topVia(response!).received, '10.0.0.9')
  t.equal(await ask(peer.request('OPTIONS', { callId: 'o2', via: 'SIP/2.0/UDP 10.0.0.9:9999;branch=z9hG4bKo' })), undefined, 'goes to port 9999')
})

t.test('RFC 3261 §12.1.1: Record-Route is copied and becomes the route set', async t => {
  const { clock, peer, established, agent } = await answeringAgent()
  const route = ['<sip:10.0.0.9;lr>', '<sip:far.example;lr>']
  const { ok, session } = await established({ headers: { 'Record-Route': route } })
  t.strictSame(headerValues(ok, 'Record-Route'), route)
  void session.bye()
  await clock.settle(1)
  const bye = peer.requests.at(-1)!
  t.strictSame(headerValues(bye, 'Route'), route)
  t.equal(bye.uri, 'sip:raw@10.0.0.9:5060')
  peer.respond(bye, 200)
  await clock.settle(1)
  t.equal(agent.dialogs, 0)
  t.equal(withHeader(bye, 'Max-Forwards', '1').method, 'BYE')
})

t.test('RFC 6086 §4.2.2: an INFO of a package that we have not asked for gets 469 with Recv-Info; one that we have goes to the application', async t => {
  for (const packages of [[], ['nextgen', 'Other']]) {
    const { ask, established, agent, peer } = await answeringAgent({ infoPackages: packages })
    const { session, ok, within } = await established()
    t.equal(header(ok, 'Recv-Info'), packages.length === 0 ? undefined : 'nextgen, Other')
    const taken: string[] = []
    session.on('request', request => {
      taken.push(header(request.message, 'Info-Package') ?? '-')
      request.respond(200)
    })
    const refused = await ask(within('INFO', 2, { headers: { 'Info-Package': 'odd;v=1' } }))
    t.equal(refused?.status, 469)
    t.equal(header(refused!, 'Recv-Info'), packages.join(', '))
    t.equal((await ask(within('INFO', 3, { headers: { 'Info-Package': 'OTHER' } })))?.status, packages.length === 0 ? 469 : 200)
    t.equal((await ask(within('INFO', 4)))?.status, 200, 'a legacy one names none')
    t.strictSame(taken, packages.length === 0 ? ['-'] : ['OTHER', '-'])
    agent.invite(`sip:raw@10.0.0.9`, { sdp: OFFER })
    await ask(within('OPTIONS', 5))
    t.equal(header(peer.requests.at(-1)!, 'Recv-Info'), packages.length === 0 ? undefined : 'nextgen, Other')
  }
})

t.test('RFC 6086 §4.2.2, RFC 2976 §2.2: what nobody takes within a dialog: INFO 200, or 415 with a body; NOTIFY 481; REFER and MESSAGE 405', async t => {
  const { ask, established } = await answeringAgent()
  const { within } = await established()
  t.equal((await ask(within('INFO', 2)))?.status, 200)
  const body = await ask(within('INFO', 3, { body: { type: 'application/odd', content: 'x' } }))
  t.equal(body?.status, 415)
  t.equal(header(body!, 'Accept'), '')
  t.equal((await ask(within('NOTIFY', 4, { headers: { Event: 'refer' } })))?.status, 481)
  for (const [number, method] of [[5, 'REFER'], [6, 'MESSAGE']] as const) {
    const refused = await ask(within(method, number))
    t.equal(refused?.status, 405)
    t.notMatch(header(refused!, 'Allow'), new RegExp(method))
  }
})

t.test('RFC 4320 §4.1: no provisional response but 100 to a non-INVITE, whatever the application says', async t => {
  const { agent, peer, ask } = await answeringAgent()
  agent.onRequest = request => {
    for (const status of [180, 183, 199, 100, 200]) request.respond(status)
  }
  await ask(peer.request('OPTIONS'))
  t.strictSame(peer.statuses, [100, 200])
})

t.test('RFC 3261 §8.2.3, §14.2: a re-INVITE or UPDATE whose body is no session description gets 415, and nothing is offered', async t => {
  const { ask, established } = await answeringAgent()
  const { session, within } = await established()
  let asked = 0
  session.onOffer = () => {
    asked++
    return Promise.resolve({ type: 'accepted', sdp: ANSWER })
  }
  for (const [at, method] of ['INVITE', 'UPDATE'].entries()) {
    const refused = await ask(within(method, 2 + at, { body: { type: 'text/plain', content: 'hold the line' } }))
    t.equal(refused?.status, 415, method)
    t.match(header(refused!, 'Accept'), /application\/sdp/)
  }
  const packed = await ask(within('INVITE', 4, { body: SDP, headers: { 'Content-Encoding': 'gzip' } }))
  t.equal(packed?.status, 415)
  t.equal(header(packed!, 'Accept-Encoding'), 'identity')
  t.equal(asked, 0)
})

t.test('RFC 3261 §8.2, §12.2.2: in an early dialog too: 491 or 500 to an INVITE, 420, 501, 500 out of order, OPTIONS and INFO 200', async t => {
  const { agent, peer, ask, clock } = await answeringAgent()
  onInvite(agent, invite => void invite.provisional(180))
  const ringing = (await ask(peer.request('INVITE', { body: SDP })))!
  const within = (method: string, number: number, headers = {}) => ask(peer.request(method, { cseq: number, to: header(ringing, 'To')!, headers }))
  t.match(await within('INVITE', 2), { status: 500 }, 'RFC 3261 §14.2: the first has no final response yet')
  t.match(await within('OPTIONS', 3), { status: 200 })
  t.match(await within('INFO', 4), { status: 200 })
  t.match(await within('UPDATE', 5, { Require: 'odd' }), { status: 420 })
  t.match(await within('ODD', 6), { status: 501 })
  t.match(await within('UPDATE', 3), { status: 500 })
  agent.invite('sip:raw@10.0.0.9', { sdp: OFFER })
  await clock.settle(1)
  const ours = peer.requests.at(-1)!
  peer.respond(ours, 180)
  await clock.settle(1)
  const back = (method: string, number: number) =>
    ask(peer.request(method, { cseq: number, callId: header(ours, 'Call-ID')!, from: `${header(ours, 'To')!};tag=rawto`, to: header(ours, 'From')! }))
  t.match(await back('INVITE', 1), { status: 491 }, 'RFC 3261 §14.2: ours is in progress')
  t.match(await back('OPTIONS', 2), { status: 200 })
  const odd = await back('MESSAGE', 3)
  t.equal(odd?.status, 405)
  t.notMatch(header(odd!, 'Allow'), /MESSAGE/)
})
