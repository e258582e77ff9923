import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { declineAll } from '../../../src/sdp/declined.js'
import { cseq, header } from '../../../src/sip/message/headers.js'
import type { SipMessage, SipRequest } from '../../../src/sip/message/message.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { InviteOptions, ServerInvite, Session } from '../../../src/sip/ua/user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { answeringAgent, SDP } from './answering-agent.js'
import { ANSWER, OFFER, onInvite } from './two-agents.js'

const sdp = (port: number): string => OFFER.replace('4000', String(port))
const body = (content: string) => ({ type: 'application/sdp', content })
const text = (message: SipMessage): string => Buffer.from(message.body).toString()

/** The agent as caller, the peer as callee. */
const calling = async (options: InviteOptions) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1) })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2), sessionExpires: 0 })
  const peer = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1')
  const invite = agent.invite('sip:raw@10.0.0.9', options)
  await clock.settle(1)
  const respond = async (to: SipRequest, status: number, init = {}): Promise<void> => {
    peer.respond(to, status, init)
    await clock.settle(1)
  }
  const reliable = (rseq: number, content?: string) => ({ headers: { Require: '100rel', RSeq: String(rseq) }, ...(content === undefined ? {} : { body: body(content) }) })
  const within = (method: string, number: number, more = {}): SipRequest =>
    peer.request(method, { cseq: number, from: `${header(peer.requests[0]!, 'To')!};tag=rawto`, to: header(peer.requests[0]!, 'From')!, callId: header(peer.requests[0]!, 'Call-ID')!, ...more })
  const session = async (): Promise<Session> => {
    const outcome = await invite.outcome
    if (outcome.type !== 'answered') throw new Error(outcome.type)
    return outcome.session
  }
  return { clock, peer, invite, request: peer.requests[0]!, respond, reliable, within, session }
}

/** The agent as callee of an INVITE that requires reliable responses. */
const called = async (offer: string | undefined) => {
  const set = await answeringAgent()
  let invite: ServerInvite | undefined
  onInvite(set.agent, taken => { invite = taken })
  set.peer.send(set.peer.request('INVITE', { headers: { Require: '100rel' }, ...(offer === undefined ? {} : { body: body(offer) }) }))
  await set.clock.settle(1)
  let last = 1
  const within = (method: string, more = {}): SipRequest => set.peer.request(method, { cseq: ++last, to: header(set.peer.responses.at(-1)!, 'To')!, ...more })
  const prack = (more = {}): SipRequest => {
    const rseq = header(set.peer.responses.findLast(response => header(response, 'RSeq') !== undefined)!, 'RSeq')!
    return within('PRACK', { headers: { RAck: `${rseq} 1 INVITE` }, ...more })
  }
  return { ...set, invite: invite!, within, prack }
}

t.test('RFC 6337 §2.2, pattern 1, UAC: offer in the INVITE, answer in the 2xx', async t => {
  const { request, respond, session, peer } = await calling({ sdp: OFFER })
  t.equal(text(request), OFFER)
  await respond(request, 200, { body: body(ANSWER) })
  t.equal((await session()).remoteSdp, ANSWER)
  t.equal(text(peer.requests.at(-1)!), '', 'the ACK is bare')
})

t.test('RFC 6337 §2.2, pattern 1, UAS: offer in the INVITE, answer in the 2xx', async t => {
  const { ok, session } = await (await answeringAgent()).established()
  t.equal(text(ok), ANSWER)
  t.equal(session.remoteSdp, OFFER)
})

t.test('RFC 6337 §2.2, pattern 2, UAC: offer in the 2xx, answer in the ACK', async t => {
  const { request, respond, session, peer } = await calling({ answer: offer => Promise.resolve(offer.replace('4000', '4002')) })
  t.equal(text(request), '')
  await respond(request, 200, { body: body(OFFER) })
  t.equal(text(peer.requests.at(-1)!), sdp(4_002))
  t.equal((await session()).remoteSdp, OFFER)
})

t.test('RFC 6337 §2.2, pattern 2, UAS: offer in the 2xx, answer in the ACK', async t => {
  const { agent, peer, ask, clock } = await answeringAgent()
  let session: Session | undefined
  onInvite(agent, invite => void invite.accept({ sdp: sdp(4_002) }).then(made => { session = made }))
  const ok = (await ask(peer.request('INVITE')))!
  t.equal(text(ok), sdp(4_002))
  peer.send(peer.request('ACK', { to: header(ok, 'To')!, body: body(ANSWER) }))
  await clock.settle(1)
  t.equal(session?.remoteSdp, ANSWER)
})

t.test('RFC 6337 §2.2, pattern 2, UAS: an ACK without the answer that it owes ends the session', async t => {
  const { agent, peer, ask, clock } = await answeringAgent()
  const failed: unknown[] = []
  onInvite(agent, invite => void invite.accept({ sdp: OFFER }).catch((error: { code: string }) => failed.push(error.code)))
  const ok = (await ask(peer.request('INVITE')))!
  peer.send(peer.request('ACK', { to: header(ok, 'To')! }))
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.method, 'BYE')
  t.strictSame(failed, ['SIP_DIALOG_TERMINATED'])
})

t.test('RFC 6337 §2.2, pattern 3, UAC: offer in the INVITE, answer in a reliable response', async t => {
  const { request, respond, reliable, session, peer } = await calling({ sdp: OFFER })
  await respond(request, 183, reliable(1, ANSWER))
  t.equal(peer.requests.at(-1)?.method, 'PRACK')
  t.equal(text(peer.requests.at(-1)!), '')
  await respond(request, 200)
  t.equal((await session()).remoteSdp, ANSWER)
})

t.test('RFC 6337 §2.2, pattern 3, UAS: offer in the INVITE, answer in a reliable response and not again in the 2xx', async t => {
  const { invite, peer, ask, prack, clock } = await called(OFFER)
  void invite.provisional(183, { sdp: ANSWER })
  await clock.settle(1)
  t.equal(text(peer.responses.at(-1)!), ANSWER)
  t.equal((await ask(prack()))?.status, 200)
  const session = await invite.accept({ sdp: ANSWER })
  await clock.settle(1)
  t.equal(text(peer.responses.at(-1)!), '')
  t.equal(session.remoteSdp, OFFER)
})

t.test('RFC 6337 §2.2, pattern 4, UAC: offer in a reliable response, answer in the PRACK and not again in the ACK', async t => {
  const { request, respond, reliable, session, peer } = await calling({ answer: offer => Promise.resolve(offer.replace('4000', '4002')) })
  await respond(request, 183, reliable(1, OFFER))
  const prack = peer.requests.at(-1)!
  t.equal(prack.method, 'PRACK')
  t.equal(text(prack), sdp(4_002))
  await respond(prack, 200)
  await respond(request, 200, { body: body(OFFER) })
  t.equal(peer.requests.at(-1)?.method, 'ACK')
  t.equal(text(peer.requests.at(-1)!), '')
  t.equal((await session()).remoteSdp, OFFER)
})

t.test('RFC 6337 §2.2, pattern 4, UAS: offer in a reliable response, answer in the PRACK', async t => {
  const { invite, peer, ask, prack, clock } = await called(undefined)
  void invite.provisional(183, { sdp: OFFER })
  await clock.settle(1)
  t.equal(text(peer.responses.at(-1)!), OFFER)
  t.equal((await ask(prack({ body: body(ANSWER) })))?.status, 200)
  const session = await invite.accept({ sdp: OFFER })
  t.equal(session.remoteSdp, ANSWER)
})

t.test('RFC 6337 §2.2, pattern 5, RFC 3262 §5, UAS: an offer in the PRACK is answered in its 2xx', async t => {
  const { invite, peer, ask, prack, clock } = await called(OFFER)
  invite.onOffer = offer => Promise.resolve(offer === sdp(4_444) ? { type: 'accepted', sdp: sdp(5_555) } : { type: 'refused', status: 488 })
  void invite.provisional(183, { sdp: ANSWER })
  await clock.settle(1)
  const answered = await ask(prack({ body: body(sdp(4_444)) }))
  t.equal(answered?.status, 200)
  t.equal(text(answered!), sdp(5_555))
  const session = await invite.accept({ sdp: ANSWER })
  await clock.settle(1)
  t.equal(text(peer.responses.at(-1)!), '')
  t.equal(session.remoteSdp, sdp(4_444), 'the later round counts')
})

t.test('RFC 6337 §2.2, pattern 5, RFC 3262 §5, UAC: our PRACK offers again, its 2xx answers', async t => {
  for (const accepted of [true, false]) {
    const { request, respond, reliable, session, peer } = await calling({ sdp: OFFER, offerAfter: answer => Promise.resolve(answer === ANSWER ? sdp(4_444) : undefined) })
    await respond(request, 183, reliable(1, ANSWER))
    const prack = peer.requests.at(-1)!
    t.equal(prack.method, 'PRACK')
    t.equal(header(prack, 'RAck'), `1 ${cseq(request).number} INVITE`)
    t.equal(text(prack), sdp(4_444))
    await respond(prack, accepted ? 200 : 488, accepted ? { body: body(sdp(5_555)) } : {})
    await respond(request, 180, reliable(2))
    t.equal(text(peer.requests.at(-1)!), '', 'once only')
    await respond(request, 200)
    t.equal((await session()).remoteSdp, accepted ? sdp(5_555) : ANSWER)
  }
})

t.test('RFC 6337 §2.2, pattern 6, RFC 3311 §5.2, UAS: UPDATE before the 2xx: 500 before our answer, then answered', async t => {
  const { invite, ask, prack, within, clock } = await called(OFFER)
  invite.onOffer = () => Promise.resolve({ type: 'accepted', sdp: sdp(5_555) })
  void invite.provisional(180)
  await clock.settle(1)
  const early = await ask(within('UPDATE', { body: body(sdp(4_444)) }))
  t.equal(early?.status, 500)
  t.ok(header(early!, 'Retry-After'))
  await ask(prack())
  void invite.provisional(183, { sdp: ANSWER })
  await clock.settle(1)
  await ask(prack())
  const updated = await ask(within('UPDATE', { body: body(sdp(4_444)) }))
  t.equal(updated?.status, 200)
  t.equal(text(updated!), sdp(5_555))
  t.equal((await invite.accept({ sdp: ANSWER })).remoteSdp, sdp(4_444))
})

t.test('RFC 6337 §2.2, pattern 6, RFC 3311 §5.2, UAS: UPDATE while our own early offer has no answer: 491', async t => {
  const { invite, ask, within, clock } = await called(undefined)
  void invite.provisional(183, { sdp: OFFER }).catch(() => undefined)
  await clock.settle(1)
  t.equal((await ask(within('UPDATE', { body: body(sdp(4_444)) })))?.status, 491)
})

t.test('RFC 6337 §2.2, pattern 6, RFC 3311 §5.2, UAC: UPDATE in an early dialog: 491 while our offer is open, then answered', async t => {
  const { request, respond, reliable, within, session, peer, clock } = await calling({ sdp: OFFER, onOffer: () => Promise.resolve({ type: 'accepted', sdp: sdp(5_555) }) })
  await respond(request, 180, { headers: {} })
  const crossed = within('UPDATE', 1, { body: body(sdp(4_444)) })
  peer.send(crossed)
  await clock.settle(1)
  t.equal(peer.responses.at(-1)?.status, 491)
  await respond(request, 183, reliable(1, ANSWER))
  peer.send(within('UPDATE', 2, { body: body(sdp(4_444)) }))
  await clock.settle(1)
  t.equal(peer.responses.at(-1)?.status, 200)
  t.equal(text(peer.responses.at(-1)!), sdp(5_555))
  await respond(request, 200)
  t.equal((await session()).remoteSdp, sdp(4_444))
})

t.test('RFC 6337 §2.2, pattern 6, RFC 3311 §5.1, UAC: our UPDATE in an early dialog: not before the answer, one at a time', async t => {
  const { invite, request, respond, reliable, within, session, peer, clock } = await calling({ sdp: OFFER })
  await t.rejects(invite.update('rawto', sdp(4_444)), { code: 'SIP_DIALOG_TERMINATED' })
  await respond(request, 180)
  await t.rejects(invite.update('rawto', sdp(4_444)), { code: 'CALL_STATE', status: 491 })
  await respond(request, 183, reliable(1, ANSWER))
  const outcome = invite.update('rawto', sdp(4_444))
  await t.rejects(invite.update('rawto', sdp(4_446)), { code: 'CALL_STATE', status: 491 })
  await clock.settle(1)
  const update = peer.requests.at(-1)!
  t.equal(update.method, 'UPDATE')
  t.equal(text(update), sdp(4_444))
  peer.send(within('UPDATE', 1, { body: body(sdp(4_448)) }))
  await clock.settle(1)
  t.equal(peer.responses.at(-1)?.status, 491, 'the peer\'s crosses it')
  await respond(update, 200, { body: body(sdp(5_555)), contact: '<sip:moved@10.0.0.9:5060>' })
  t.strictSame(await outcome, { type: 'accepted', sdp: sdp(5_555) })
  const refused = invite.update('rawto', sdp(4_450))
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.uri, 'sip:moved@10.0.0.9:5060')
  await respond(peer.requests.at(-1)!, 488)
  t.strictSame(await refused, { type: 'refused', status: 488 })
  await respond(request, 200, { body: body(ANSWER) })
  t.equal((await session()).remoteSdp, sdp(5_555), 'what the 2xx repeats says nothing new')
})

t.test('RFC 6337 §2.2, pattern 6, RFC 3311 §5.1, UAS: our UPDATE before the 2xx waits for the PRACK, the 2xx for its answer', async t => {
  const { invite, peer, prack, clock, ask } = await called(OFFER)
  await t.rejects(invite.update(sdp(4_444)), { code: 'CALL_STATE' })
  void invite.provisional(183, { sdp: ANSWER })
  await clock.settle(1)
  const outcome = invite.update(sdp(4_444))
  await clock.settle(1)
  t.strictSame(peer.requests, [])
  await ask(prack())
  await clock.settle(1)
  const update = peer.requests.at(-1)!
  t.equal(update.method, 'UPDATE')
  t.equal(text(update), sdp(4_444))
  const accepted = invite.accept({ sdp: ANSWER })
  await clock.settle(1)
  t.strictSame(peer.statuses.filter(status => status === 200), [200], 'that to the PRACK')
  peer.respond(update, 200, { body: body(sdp(5_555)) })
  await clock.settle(1)
  t.strictSame(await outcome, { type: 'accepted', sdp: sdp(5_555) })
  t.equal((await accepted).remoteSdp, sdp(5_555))
  await clock.settle(1)
  t.equal(text(peer.responses.at(-1)!), '')
})

t.test('RFC 3261 §13.2.2.4, RFC 3264 §6: an offer in a 2xx that nobody wants, or that cannot be answered, is declined in the ACK before the BYE', async t => {
  const declined = /^v=0\r\no=.*\r\ns=-\r\nc=IN IP4 10\.0\.0\.1\r\nt=0 0\r\nm=audio 0 RTP\/AVP 0\r\n$/
  const late = await calling({ answer: () => Promise.resolve(ANSWER) })
  await late.respond(late.request, 180)
  late.invite.cancel()
  await late.respond(late.request, 200, { body: body(OFFER) })
  const failing = await calling({ answer: () => Promise.reject(new Error('no codec')) })
  await failing.respond(failing.request, 200, { body: body(OFFER) })
  t.match(await failing.invite.outcome, { type: 'error' })
  for (const { peer } of [late, failing]) {
    const [ack, bye] = peer.requests.slice(-2)
    t.strictSame([ack!.method, bye!.method], ['ACK', 'BYE'])
    t.match(text(ack!), declined)
  }
  const early = await calling({ answer: () => Promise.reject(new Error('no codec')) })
  await early.respond(early.request, 183, early.reliable(1, OFFER))
  t.match(text(early.peer.requests.at(-1)!), declined, 'in the PRACK too')
  t.equal(declineAll('v=0\nt=1 2\nm=audio 5 RTP/AVP 0 8\na=x\nm=video 7/2 RTP/AVP 96\n', '::1'), 'v=0\r\no=- 0 0 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\nt=1 2\r\nm=audio 0 RTP/AVP 0 8\r\nm=video 0 RTP/AVP 96\r\n')
})

t.test('RFC 3261 §14.1, RFC 6337 §2.2, UAC: re-INVITE without SDP: the 2xx offers, the ACK answers', async t => {
  const { clock, peer, established } = await answeringAgent()
  const { session } = await established()
  const outcome = session.reinvite(offer => Promise.resolve(offer.replace('4000', '4002')))
  await clock.settle(1)
  const reinvite = peer.requests.at(-1)!
  t.equal(text(reinvite), '')
  const crossed = peer.request('UPDATE', { cseq: 2, to: header(reinvite, 'From')!, body: body(OFFER) })
  peer.send(crossed)
  await clock.settle(1)
  t.equal(peer.responses.at(-1)?.status, 491, 'an offer that crosses it')
  peer.respond(reinvite, 200, { body: body(OFFER) })
  await clock.settle(1)
  const ack = peer.requests.at(-1)!
  t.equal(ack.method, 'ACK')
  t.equal(cseq(ack).number, cseq(reinvite).number)
  t.equal(text(ack), sdp(4_002))
  t.strictSame(await outcome, { type: 'accepted', sdp: OFFER })
})

t.test('RFC 3261 §14.1, UAC: an offer that cannot be answered ends the session', async t => {
  const { clock, peer, established } = await answeringAgent()
  const { session } = await established()
  const outcome = session.reinvite(() => Promise.reject(new Error('no codec'))).catch((error: { code: string }) => error.code)
  await clock.settle(1)
  peer.respond(peer.requests.at(-1)!, 200, { body: body(OFFER) })
  await clock.settle(1)
  t.strictSame(peer.requests.slice(-2).map(({ method }) => method), ['ACK', 'BYE'])
  t.match(text(peer.requests.at(-2)!), /m=audio 0 RTP/, 'the ACK declines it')
  t.equal(await outcome, 'SIP_DIALOG_TERMINATED')
})

t.test('RFC 3261 §14.2, RFC 6337 §2.2, UAS: re-INVITE without SDP: our 2xx offers, the ACK answers', async t => {
  const { clock, peer, ask, established } = await answeringAgent()
  const { session, within } = await established()
  const answers: string[] = []
  session.onOffer = offer => Promise.resolve(offer === undefined ? { type: 'accepted', sdp: sdp(4_002) } : { type: 'refused', status: 488 })
  session.onAnswer = answer => answers.push(answer)
  t.equal(text((await ask(within('INVITE', 2)))!), sdp(4_002))
  peer.send(within('ACK', 2, { body: SDP }))
  await clock.settle(1)
  t.strictSame(answers, [OFFER])
})

t.test('RFC 3311 §5.1, UAC: an UPDATE of ours in a session carries an offer, its 2xx the answer', async t => {
  const { clock, peer, established } = await answeringAgent()
  const { session } = await established()
  const answered = session.request('UPDATE', { body: body(sdp(4_002)) })
  await clock.settle(1)
  t.equal(text(peer.requests.at(-1)!), sdp(4_002))
  peer.respond(peer.requests.at(-1)!, 200, { body: body(ANSWER) })
  await clock.settle(1)
  t.equal(text(await answered), ANSWER)
})

t.test('RFC 3262 §3: a PRACK that names another response, CSeq or method, none, or the same once more, gets 481', async t => {
  const { invite, peer, ask, prack, clock, within } = await called(OFFER)
  void invite.provisional(183, { sdp: ANSWER })
  await clock.settle(1)
  const rseq = Number(header(peer.responses.at(-1)!, 'RSeq'))
  for (const rack of [`${rseq + 1} 1 INVITE`, `${rseq} 2 INVITE`, `${rseq} 1 BYE`, 'x', undefined])
    t.equal((await ask(within('PRACK', rack === undefined ? {} : { headers: { RAck: rack } })))?.status, 481, rack ?? 'no RAck')
  t.equal((await ask(prack()))?.status, 200)
  t.equal((await ask(prack()))?.status, 481)
})
