import t from 'tap'
import { header, headerValues } from '../../../src/sip/message/headers.js'
import { referralOf } from '../../../src/sip/ua/referral.js'
import type { Referral } from '../../../src/sip/ua/referral.js'
import { withoutUriHeaders } from '../../../src/sip/ua/uri-headers.js'
import { answeringAgent, SDP } from './answering-agent.js'
import { ANSWER, OFFER, onInvite } from './two-agents.js'

const body = { type: 'application/sdp', content: ANSWER }

t.test('RFC 3891 §3: an INVITE with Replaces takes the place of a session, which gets BYE', async t => {
  const { clock, agent, peer, ask, established } = await answeringAgent()
  const { session } = await established()
  const value = `raw-call;to-tag=${session.localTag};from-tag=${session.remoteTag}`
  onInvite(agent, (invite, request) => {
    t.match(request.replaces, { type: 'session' })
    void invite.accept({ sdp: ANSWER })
  })
  t.equal((await ask(peer.request('INVITE', { callId: 'third', from: '<sip:third@raw.example>;tag=t3', body: SDP, headers: { Replaces: value } })))?.status, 200)
  await clock.settle(1)
  t.equal(peer.requests.at(-1)?.method, 'BYE')
  t.equal(header(peer.requests.at(-1)!, 'Call-ID'), 'raw-call')
  t.equal(session.state, 'terminated')
  t.equal(agent.sessions, 1)
})

t.test('RFC 3891 §3: Replaces that names nothing 481, something over 603, an answered one early-only 486, malformed or misplaced 400', async t => {
  const { agent, peer, ask, established } = await answeringAgent()
  const { session } = await established()
  agent.onRequest = () => { throw new Error('not the application\'s to decide') }
  let calls = 0
  const status = async (value: string | readonly string[], method = 'INVITE'): Promise<number | undefined> =>
    (await ask(peer.request(method, { callId: `r${++calls}`, body: SDP, headers: { Replaces: value } })))?.status
  const tags = `to-tag=${session.localTag};from-tag=${session.remoteTag}`
  t.equal(await status(`raw-call;to-tag=unknown;from-tag=${session.remoteTag}`), 481)
  t.equal(await status(`other-call;${tags}`), 481)
  t.equal(await status(`raw-call;${tags};early-only`), 486)
  t.equal(await status('raw-call;to-tag=x'), 400)
  t.equal(await status(`raw-call;${tags}`, 'OPTIONS'), 400)
  void session.bye()
  t.equal(await status(`raw-call;${tags}`), 603, 'its BYE is under way')
})

t.test('RFC 3891 §3: an early dialog is replaced where its INVITE came from: CANCEL; on the called side 481', async t => {
  const { clock, agent, peer, ask } = await answeringAgent()
  const invite = agent.invite('sip:raw@10.0.0.9', { sdp: OFFER })
  await clock.settle(1)
  const ours = peer.requests[0]!
  peer.respond(ours, 180)
  await clock.settle(1)
  const own = /;tag=([^;]+)/.exec(header(ours, 'From')!)![1]!
  onInvite(agent, (taken, request) => {
    t.match(request.replaces, { type: 'ringing' })
    void taken.accept({ sdp: ANSWER })
  })
  t.equal((await ask(peer.request('INVITE', { callId: 'pick-up', body: SDP, headers: { Replaces: `${header(ours, 'Call-ID')};to-tag=${own};from-tag=rawto;early-only` } })))?.status, 200)
  await clock.settle(1)
  t.strictSame(await invite.outcome, { type: 'cancelled' })
  const cancel = peer.requests.find(({ method }) => method === 'CANCEL')
  t.equal(header(cancel!, 'Reason'), 'SIP;cause=200;text="Call completed elsewhere"', 'RFC 3326: nobody has missed a call')
  onInvite(agent, taken => void taken.provisional(180))
  const ringing = (await ask(peer.request('INVITE', { callId: 'ringing', body: SDP })))!
  const tag = /;tag=([^;]+)/.exec(header(ringing, 'To')!)![1]!
  t.equal((await ask(peer.request('INVITE', { callId: 'steal', body: SDP, headers: { Replaces: `ringing;to-tag=${tag};from-tag=rawtag` } })))?.status, 481)
})

t.test('RFC 3261 §19.1.5, RFC 3891 §6.1: headers of the URI called become header fields, those that could forge do not', async t => {
  const { clock, agent, peer } = await answeringAgent()
  agent.invite('<sip:raw@10.0.0.9?Replaces=abc%40host%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=tea&From=x&Route=%3Csip:evil%3E>', { sdp: OFFER })
  await clock.settle(1)
  const invite = peer.requests[0]!
  t.equal(header(invite, 'Replaces'), 'abc@host;to-tag=1;from-tag=2')
  t.equal(header(invite, 'Subject'), 'tea')
  t.equal(invite.uri, 'sip:raw@10.0.0.9')
  t.strictSame(headerValues(invite, 'Route'), [])
  t.strictSame(withoutUriHeaders('sip:a@b?Subject=x%0D%0AFrom:y').headers, {}, 'no line breaks')
})

/** A session whose peer may REFER. */
const referred = async () => {
  const set = await answeringAgent()
  const { session, within } = await set.established()
  const referrals: Referral[] = []
  session.on('request', request => {
    const referral = referralOf(session, request)
    if (referral !== undefined) referrals.push(referral)
  })
  const notified = async (): Promise<readonly string[]> => {
    for (const request of set.peer.requests) if (request.method === 'NOTIFY') set.peer.respond(request, 200)
    await set.clock.settle(1)
    return set.peer.requests.filter(({ method }) => method === 'NOTIFY').map(notify =>
      `${header(notify, 'Event')} ${header(notify, 'Subscription-State')} ${Buffer.from(notify.body).toString().trim()}`)
  }
  return { ...set, session, within, referrals, notified }
}

t.test('RFC 3515 §2.4, RFC 3892: REFER is accepted with 202, its progress told by NOTIFY until the final status', async t => {
  const { clock, peer, within, referrals, notified } = await referred()
  peer.send(within('REFER', 2, { headers: { 'Refer-To': '<sip:carol@10.0.0.9>', 'Referred-By': '<sip:raw@raw.example>' } }))
  await clock.settle(1)
  t.match(referrals[0], { target: 'sip:carol@10.0.0.9', by: 'sip:raw@raw.example' })
  referrals[0]!.accept()
  await clock.settle(1)
  t.equal(peer.responses.at(-1)?.status, 202)
  referrals[0]!.notify(180)
  referrals[0]!.notify(200)
  referrals[0]!.notify(486)
  await clock.settle(1)
  t.strictSame(await notified(), [
    'refer active;expires=180 SIP/2.0 100 Trying', 'refer active;expires=180 SIP/2.0 180 Ringing', 'refer terminated;reason=noresource SIP/2.0 200 OK',
  ])
  t.equal(header(peer.requests.at(-1)!, 'Content-Type'), 'message/sipfrag;version=2.0')
  peer.send(within('REFER', 3, { headers: { 'Refer-To': '<sip:dave@10.0.0.9>' } }))
  await clock.settle(1)
  referrals[1]!.accept()
  await clock.settle(1)
  t.match((await notified()).at(-1), /^refer;id=3 /, '§2.4.6: the second says which')
})

t.test('RFC 3515 §2.4.2: no Refer-To, or an unusable one, gets 400; refused, no NOTIFY comes', async t => {
  const { clock, peer, within, referrals, notified } = await referred()
  peer.send(within('REFER', 2))
  peer.send(within('REFER', 3, { headers: { 'Refer-To': '<not a uri>' } }))
  peer.send(within('REFER', 4, { headers: { 'Refer-To': '<sip:carol@10.0.0.9>' } }))
  await clock.settle(1)
  referrals[0]!.refuse(603)
  referrals[0]!.notify(200)
  await clock.settle(1)
  t.strictSame(peer.statuses.slice(-3), [400, 400, 603])
  t.strictSame(await notified(), [])
})

t.test('RFC 4488 §4: Refer-Sub: false is echoed, and no NOTIFY is sent', async t => {
  const { clock, peer, within, referrals, notified } = await referred()
  peer.send(within('REFER', 2, { headers: { 'Refer-To': '<sip:carol@10.0.0.9>', 'Refer-Sub': 'false', Require: 'norefersub' } }))
  await clock.settle(1)
  referrals[0]!.accept()
  referrals[0]!.notify(200)
  await clock.settle(1)
  t.equal(peer.responses.at(-1)?.status, 202)
  t.equal(header(peer.responses.at(-1)!, 'Refer-Sub'), 'false')
  t.strictSame(await notified(), [])
})

t.test('RFC 5057 §4.2: a NOTIFY refused with 481 ends the subscription of the REFER, not the session', async t => {
  const { clock, peer, session, within, referrals } = await referred()
  peer.send(within('REFER', 2, { headers: { 'Refer-To': '<sip:carol@10.0.0.9>' } }))
  await clock.settle(1)
  referrals[0]!.accept()
  await clock.settle(1)
  peer.respond(peer.requests.at(-1)!, 481, { body })
  await clock.settle(1)
  referrals[0]!.notify(200)
  await clock.settle(1)
  t.equal(peer.requests.filter(({ method }) => method === 'NOTIFY').length, 1)
  t.equal(session.state, 'confirmed')
})
