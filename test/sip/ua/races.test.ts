import t from 'tap'
import { cancelFor } from '../../../src/sip/message/build.js'
import { cseq, header } from '../../../src/sip/message/headers.js'
import type { SipRequest } from '../../../src/sip/message/message.js'
import type { OfferReply, Session } from '../../../src/sip/ua/user-agent.js'
import { answeringAgent, SDP } from './answering-agent.js'
import { ANSWER, BOB, OFFER, answerAll, onInvite, twoAgents } from './two-agents.js'

const DESCRIPTION = { type: 'application/sdp', content: ANSWER }

/** The agent has answered an INVITE of the peer's, whose ACK is still to come: the moratorium of RFC 5407 §2. */
const moratorium = async (offer = true) => {
  const set = await answeringAgent()
  const { agent, peer, ask } = set
  let session: Session | undefined
  onInvite(agent, invite => void invite.accept({ sdp: ANSWER }).then(made => { session = made }, () => undefined))
  const invite = peer.request('INVITE', offer ? { body: SDP } : {})
  const ok = (await ask(invite))!
  const within = (method: string, number: number, more = {}): SipRequest => peer.request(method, { cseq: number, to: header(ok, 'To')!, ...more })
  return { ...set, invite, ok, within, session: () => session! }
}

t.test('RFC 5407 §3.1.1: callee gets the INVITE again after its 200: absorbed, one session', async t => {
  const { clock, peer, invite, agent, within } = await moratorium()
  peer.send(invite)
  await clock.settle(100)
  t.strictSame(peer.statuses, [200], 'RFC 6026: absorbed, the 200 has its own timer')
  await clock.settle(500)
  t.strictSame(peer.statuses, [200, 200])
  peer.send(within('ACK', 1))
  await clock.settle(5_000)
  t.equal(peer.statuses.length, 2)
  t.equal(agent.sessions, 1)
})

t.test('RFC 5407 §3.1.2: callee gets CANCEL after its 200: 200 to CANCEL, the session stands', async t => {
  const { clock, peer, invite, ask, within, session } = await moratorium()
  const answer = await ask(cancelFor(invite))
  t.equal(answer?.status, 200)
  t.equal(cseq(answer!).method, 'CANCEL')
  peer.send(within('ACK', 1))
  await clock.settle(1)
  t.equal(session().state, 'confirmed')
})

t.test('RFC 5407 §3.1.3: callee gets the BYE of the early dialog after its 200: 200, the session ends, the 200 to INVITE is not resent', async t => {
  const { clock, peer, ask, within, agent } = await moratorium()
  t.equal((await ask(within('BYE', 2)))?.status, 200)
  await clock.settle(5_000)
  t.strictSame(peer.statuses, [200, 200])
  peer.send(within('ACK', 1))
  await clock.settle(40_000)
  t.equal(agent.dialogs, 0)
  t.strictSame(peer.requests, [], 'and no BYE of ours')
})

t.test('RFC 5407 §3.1.4: callee gets a re-INVITE before the ACK to a 200 with the answer: taken as the proof that the ACK was lost', async t => {
  const { clock, peer, ask, within, session } = await moratorium()
  session().onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
  t.equal((await ask(within('INVITE', 2, { body: SDP })))?.status, 200)
  peer.send(within('ACK', 2))
  await clock.settle(40_000)
  t.equal(peer.statuses.filter(status => status === 200).length, 2, 'neither is resent')
  peer.send(within('ACK', 1))
  await clock.settle(1)
  t.equal(session().state, 'confirmed', 'and the late ACK changes nothing')
})

t.test('RFC 5407 §3.1.5: callee gets a re-INVITE before the ACK that owes the answer: 491', async t => {
  const { clock, peer, ask, within, session } = await moratorium(false)
  const crossed = within('INVITE', 2, { body: SDP })
  t.equal((await ask(crossed))?.status, 491)
  peer.ackFailure(crossed, peer.responses.at(-1)!)
  peer.send(within('ACK', 1, { body: DESCRIPTION }))
  await clock.settle(1)
  t.equal(session().remoteSdp, ANSWER)
})

t.test('RFC 5407 §3.1.6: callee gets the BYE of the session before the ACK: 200, both sides are done', async t => {
  const { clock, peer, ask, within, session, agent } = await moratorium()
  const ended: string[] = []
  session().on('ended', ({ type }) => ended.push(type))
  t.equal((await ask(within('BYE', 3)))?.status, 200)
  t.strictSame(ended, ['remote-bye'])
  await clock.settle(40_000)
  t.equal(peer.statuses.length, 2)
  t.equal(agent.dialogs, 0)
})

/** The agent has sent BYE and has no answer yet: RFC 5407's mortal state. */
const mortal = async () => {
  const set = await answeringAgent()
  const call = await set.established()
  void call.session.bye()
  await set.clock.settle(1)
  const bye = set.peer.requests.at(-1)!
  return { ...set, ...call, bye }
}

t.test('RFC 5407 §3.2.1: BYEs cross: each gets 200', async t => {
  const { peer, clock, ask, within, bye, agent, ends } = await mortal()
  t.equal((await ask(within('BYE', 2)))?.status, 200)
  peer.respond(bye, 200)
  await clock.settle(1)
  t.equal(agent.dialogs, 0)
  t.strictSame(ends, [{ type: 'local-bye' }], 'told once')
})

t.test('RFC 5407 §3.2.2: a re-INVITE in the mortal state gets 481', async t => {
  const { ask, within, session } = await mortal()
  session.onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
  t.equal((await ask(within('INVITE', 2, { body: SDP })))?.status, 481)
})

t.test('RFC 5407 §3.2.3: the 200 to our re-INVITE in the mortal state still gets its ACK', async t => {
  const { clock, peer, established } = await answeringAgent()
  const { session } = await established()
  void session.reinvite(OFFER).catch(() => undefined)
  await clock.settle(1)
  const reinvite = peer.requests.at(-1)!
  void session.bye()
  await clock.settle(1)
  peer.respond(reinvite, 200, { body: DESCRIPTION })
  await clock.settle(1)
  t.strictSame(peer.requests.map(({ method }) => method), ['INVITE', 'BYE', 'ACK'])
  t.equal(cseq(peer.requests.at(-1)!).number, cseq(reinvite).number)
})

t.test('RFC 5407 §3.2.4: an ACK that comes in the mortal state is taken and does nothing', async t => {
  const { clock, peer, established, agent } = await answeringAgent()
  const { session, within } = await established()
  void session.bye()
  await clock.settle(1)
  const before = peer.arrivals.length
  peer.send(within('ACK', 1))
  peer.respond(peer.requests.at(-1)!, 200)
  await clock.settle(1)
  t.equal(peer.arrivals.length, before)
  t.equal(agent.dialogs, 0)
})

/** Both sides have confirmed one session of alice's INVITE. */
const talking = async (seed = 1) => {
  const set = await twoAgents({ seed })
  const sessions = answerAll(set.bob)
  const outcome = set.alice.invite(BOB, { sdp: OFFER }).outcome
  await set.clock.settle(20)
  const answered = await outcome
  if (answered.type !== 'answered') throw new Error(answered.type)
  const [alice, bob] = [answered.session, sessions[0]!]
  for (const session of [alice, bob]) session.onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
  return { ...set, caller: alice, callee: bob }
}

t.test('RFC 5407 §3.3.1, RFC 3261 §14.1: re-INVITEs cross: 491 to both, the owner of the Call-ID comes back after 2.1-4 s, the other within 2 s', async t => {
  for (let seed = 1; seed <= 20; seed++) {
    const { clock, caller, callee } = await talking(seed)
    const started = clock.now()
    const done: Record<string, number> = {}
    const both = [['caller', caller], ['callee', callee]] as const
    const rounds = both.map(([name, session]) => session.reinvite(OFFER).then(({ type }) => {
      t.equal(type, 'accepted')
      done[name] = clock.now() - started
    }))
    await clock.settle(4_100)
    await Promise.all(rounds)
    t.ok(done['callee']! <= 2_010, `not the owner: ${done['callee']} ms`)
    t.ok(done['caller']! >= 2_100 && done['caller']! <= 4_010, `the owner: ${done['caller']} ms`)
  }
})

t.test('RFC 5407 §3.3.2: UPDATE and re-INVITE cross: 491 to both', async t => {
  const { clock, caller, callee } = await talking()
  const update = callee.request('UPDATE', { body: DESCRIPTION })
  const reinvite = caller.reinvite(OFFER)
  await clock.settle(5)
  t.equal((await update).status, 491)
  await clock.settle(5_000)
  t.strictSame(await reinvite, { type: 'accepted', sdp: ANSWER }, 'the re-INVITE gets through in its next try')
})

t.test('RFC 5407 §3.3.3: a REFER in the mortal state gets 481', async t => {
  const { ask, within } = await mortal()
  t.equal((await ask(within('REFER', 2, { headers: { 'Refer-To': '<sip:other@10.0.0.9>' } })))?.status, 481)
})

t.test('RFC 5407 A: BYE ends an early dialog: 200, and 487 to the INVITE', async t => {
  const { agent, peer, ask, clock } = await answeringAgent()
  onInvite(agent, invite => void invite.provisional(180))
  const ringing = (await ask(peer.request('INVITE', { body: SDP })))!
  peer.send(peer.request('BYE', { cseq: 2, to: header(ringing, 'To')! }))
  await clock.settle(1)
  t.strictSame(peer.responses.slice(1).map(response => `${cseq(response).method} ${response.status}`), ['BYE 200', 'INVITE 487'])
  t.equal(agent.dialogs, 0)
})

t.test('RFC 6141 §3.3: a refused re-INVITE leaves session and target as they were', async t => {
  const { clock, ask, peer, established } = await answeringAgent()
  const { session, within } = await established()
  session.onOffer = () => Promise.resolve({ type: 'refused', status: 488 })
  const refused = within('INVITE', 2, { body: { type: 'application/sdp', content: OFFER.replace('4000', '4999') }, contact: '<sip:moved@10.0.0.9:5060>' })
  t.equal((await ask(refused))?.status, 488)
  peer.ackFailure(refused, peer.responses.at(-1)!)
  t.equal(session.remoteSdp, OFFER, 'rolled back')
  void session.request('INFO').catch(() => undefined)
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.uri, 'sip:raw@10.0.0.9:5060', 'no target refresh by a request that failed')
})

t.test('RFC 6141 §3.3, §4: what an UPDATE changed while a re-INVITE was pending stands when the re-INVITE fails', async t => {
  const { clock, ask, peer, established } = await answeringAgent()
  const { session, within } = await established()
  let decide: ((reply: OfferReply) => void) | undefined
  session.onOffer = () => new Promise(resolve => { decide = resolve })
  const pending = within('INVITE', 2, { body: SDP })
  peer.send(pending)
  await clock.settle(1)
  t.equal((await ask(within('UPDATE', 3, { contact: '<sip:moved@10.0.0.9:5060>' })))?.status, 200)
  decide!({ type: 'refused', status: 488 })
  await clock.settle(1)
  t.equal(peer.statuses.at(-1), 488)
  peer.ackFailure(pending, peer.responses.at(-1)!)
  void session.request('INFO').catch(() => undefined)
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.uri, 'sip:moved@10.0.0.9:5060')
})

t.test('RFC 6141 §3.4: our re-INVITE is refused: the session goes on as before', async t => {
  const { clock, peer, established } = await answeringAgent()
  const { session } = await established()
  const outcome = session.reinvite(OFFER)
  await clock.settle(1)
  peer.respond(peer.requests.at(-1)!, 488)
  await clock.settle(1)
  t.strictSame(await outcome, { type: 'refused', status: 488 })
  t.equal(session.state, 'confirmed')
  t.equal(session.remoteSdp, OFFER)
})

t.test('RFC 6141 §3.8: CANCEL of a re-INVITE whose change has not been made: 487, the session goes on', async t => {
  const { clock, peer, established } = await answeringAgent()
  const { session, within } = await established()
  session.onOffer = () => new Promise(() => undefined)
  const pending = within('INVITE', 2, { body: SDP })
  peer.send(pending)
  await clock.settle(1)
  peer.send(cancelFor(pending))
  await clock.settle(1)
  t.strictSame(peer.statuses.slice(-2).sort(), [200, 487])
  t.equal(session.remoteSdp, OFFER)
  t.equal(session.state, 'confirmed')
})

t.test('RFC 6141 §4: the target is that of the last request or 2xx that refreshed it, in either direction', async t => {
  const { clock, ask, peer, established } = await answeringAgent()
  const { session, within } = await established()
  session.onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
  t.equal((await ask(within('INVITE', 2, { body: SDP, contact: '<sip:second@10.0.0.9:5060>' })))?.status, 200)
  peer.send(within('ACK', 2))
  await clock.settle(1)
  const ours = session.reinvite(OFFER)
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.uri, 'sip:second@10.0.0.9:5060')
  peer.respond(peer.requests.at(-1)!, 200, { body: DESCRIPTION, contact: '<sip:third@10.0.0.9:5060>' })
  await clock.settle(1)
  await ours
  t.equal(peer.requests.at(-1)?.method, 'ACK')
  t.equal(peer.requests.at(-1)?.uri, 'sip:third@10.0.0.9:5060', 'the ACK too')
})

t.test('RFC 6141 §3.3: a re-INVITE cancelled while it is being answered leaves nothing behind: the old description is offered again', async t => {
  const { clock, peer, established } = await answeringAgent()
  const { session, within } = await established()
  const moved = OFFER.replace('4000', '4999')
  const offered: (string | undefined)[] = []
  let decide: ((reply: OfferReply) => void) | undefined
  session.onOffer = offer => {
    offered.push(offer)
    return new Promise(resolve => { decide = resolve })
  }
  const pending = within('INVITE', 2, { body: { type: 'application/sdp', content: moved } })
  peer.send(pending)
  await clock.settle(1)
  peer.send(cancelFor(pending))
  await clock.settle(1)
  decide!({ type: 'accepted', sdp: ANSWER })
  await clock.settle(1)
  t.strictSame(peer.statuses.slice(-2).sort(), [200, 487], 'and no 2xx after the 487')
  t.equal(session.remoteSdp, OFFER)
  t.strictSame(offered, [moved, OFFER])
})

t.test('RFC 3311 §5.1, §5.2: an offer in an UPDATE of ours: the peer\'s meets it with 491, its answer and Contact count, another of ours must wait', async t => {
  const { clock, peer, established, ask } = await answeringAgent()
  const { session, within } = await established()
  const updated = session.request('UPDATE', { body: DESCRIPTION })
  await clock.settle(1)
  const ours = peer.requests.at(-1)!
  for (const [at, method] of ['UPDATE', 'INVITE'].entries()) t.equal((await ask(within(method, 2 + at, { body: SDP })))?.status, 491, method)
  await t.rejects(session.request('UPDATE', { body: DESCRIPTION }), { code: 'CALL_STATE', status: 491 })
  const answer = OFFER.replace('4000', '4002')
  peer.respond(ours, 200, { body: { type: 'application/sdp', content: answer }, contact: '<sip:moved@10.0.0.9:5060>' })
  await clock.settle(1)
  t.equal((await updated).status, 200)
  t.equal(session.remoteSdp, answer)
  const refused = session.request('UPDATE', { body: DESCRIPTION })
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.uri, 'sip:moved@10.0.0.9:5060', 'the target is refreshed')
  peer.respond(peer.requests.at(-1)!, 488)
  await clock.settle(1)
  t.equal((await refused).status, 488)
  t.equal(session.remoteSdp, answer)
  session.onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
  t.equal((await ask(within('UPDATE', 4, { body: SDP })))?.status, 200, 'nothing is under way any more')
})

t.test('RFC 3261 §15: BYE from either side while a re-INVITE is under way, while its ACK is owed, and when it is late', async t => {
  const asked = await answeringAgent()
  const ours = await asked.established()
  const outcome = t.rejects(ours.session.reinvite(OFFER), { code: 'SIP_DIALOG_TERMINATED' })
  await asked.clock.settle(1)
  const reinvite = asked.peer.requests.at(-1)!
  asked.peer.respond(reinvite, 100)
  await asked.clock.settle(1)
  t.equal((await asked.ask(ours.within('BYE', 2)))?.status, 200)
  await outcome
  t.strictSame(ours.ends.map(({ type }) => type), ['remote-bye'])
  t.equal(asked.peer.requests.at(-1)?.method, 'CANCEL', 'nobody wants its answer any more')
  asked.peer.respond(asked.peer.requests.at(-1)!, 200)
  asked.peer.respond(reinvite, 487)
  await asked.clock.settle(40_000)
  t.equal(asked.peer.requests.at(-1)?.method, 'ACK')
  t.strictSame([asked.agent.dialogs, asked.agent.layer.entries], [0, 0])

  const owed = await answeringAgent()
  const theirs = await owed.established()
  theirs.session.onOffer = () => Promise.resolve({ type: 'accepted', sdp: ANSWER })
  t.equal((await owed.ask(theirs.within('INVITE', 2, { body: SDP })))?.status, 200)
  const left = theirs.session.bye()
  await owed.clock.settle(100)
  t.strictSame(owed.peer.requests, [], 'not before the ACK')
  owed.peer.send(theirs.within('ACK', 2))
  await owed.clock.settle(1)
  t.equal(owed.peer.requests.at(-1)?.method, 'BYE')
  owed.peer.respond(owed.peer.requests.at(-1)!, 200)
  await owed.clock.settle(1)
  await left

  const late = await answeringAgent()
  const { session, within } = await late.established()
  t.equal((await late.ask(within('UPDATE', 5)))?.status, 200)
  t.equal((await late.ask(within('BYE', 4)))?.status, 500, 'RFC 3261 §12.2.2: older than what came before')
  t.equal(session.state, 'confirmed')
  t.equal((await late.ask(within('BYE', 6)))?.status, 200)
  t.equal(session.state, 'terminated')
})

t.test('RFC 3261 §9.2: CANCEL before anybody has taken the INVITE, and while a reliable response waits for its PRACK', async t => {
  const slow = await answeringAgent()
  const failed: string[] = []
  slow.agent.onRequest = async request => {
    await new Promise<void>(resolve => { slow.clock.after(500, resolve) })
    await slow.agent.serve(request).accept({ sdp: ANSWER }).catch((error: { code: string }) => failed.push(error.code))
  }
  const early = slow.peer.request('INVITE', { body: SDP })
  slow.peer.send(early)
  await slow.clock.settle(300)
  slow.peer.send(cancelFor(early))
  await slow.clock.settle(1)
  t.strictSame(slow.peer.responses.map(response => `${cseq(response).method} ${response.status}`), ['INVITE 100', 'CANCEL 200', 'INVITE 487'])
  slow.peer.ackFailure(early, slow.peer.responses.at(-1)!)
  await slow.clock.settle(40_000)
  t.strictSame(failed, ['SIP_DIALOG_TERMINATED'])
  t.notOk(slow.peer.statuses.slice(3).includes(200), 'no 2xx after it')

  const reliable = await answeringAgent()
  onInvite(reliable.agent, invite => void invite.provisional(183, { sdp: ANSWER }).catch((error: { code: string }) => failed.push(error.code)))
  const waiting = reliable.peer.request('INVITE', { body: SDP, headers: { Require: '100rel' } })
  reliable.peer.send(waiting)
  await reliable.clock.settle(1)
  reliable.peer.send(cancelFor(waiting))
  await reliable.clock.settle(1)
  t.strictSame(reliable.peer.responses.map(response => `${cseq(response).method} ${response.status}`), ['INVITE 183', 'CANCEL 200', 'INVITE 487'])
  reliable.peer.ackFailure(waiting, reliable.peer.responses.at(-1)!)
  await reliable.clock.settle(40_000)
  t.equal(reliable.peer.statuses.length, 3, 'the 183 is not repeated')
  t.equal(failed.length, 2)
  t.strictSame([reliable.agent.dialogs, reliable.agent.layer.entries], [0, 0])
})
