import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { header, headerValues, maxForwards } from '../../../src/sip/message/headers.js'
import type { SipRequest } from '../../../src/sip/message/message.js'
import { appendHeader, cancelFor, prependHeader, response } from '../../../src/sip/message/build.js'
import { bestResponse } from '../../../src/sip/proxy/best-response.js'
import { forwarded, preprocess } from '../../../src/sip/proxy/forwarding.js'
import { createProxy } from '../../../src/sip/proxy/proxy.js'
import type { ForwardOptions } from '../../../src/sip/proxy/proxy.js'
import type { ForwardOutcome } from '../../../src/sip/proxy/response-context.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { UserAgentCore } from '../../../src/sip/ua/core.js'
import type { ServerInvite } from '../../../src/sip/ua/user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { answerAll, ANSWER, OFFER, onInvite } from '../ua/two-agents.js'

const PROXY = '10.0.0.1'
const PHONES = ['10.0.0.11', '10.0.0.12']
const TARGETS = PHONES.map(host => `sip:bob@${host}`)

const setUp = async (options: ForwardOptions = {}, targets = TARGETS) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  let seed = 2
  const agent = (address: string): Promise<UserAgentCore> =>
    createUserAgent({ transports: [network.factory('udp', address, 5060)], clock, random: seededRandom(seed++), sessionExpires: 0 })
  const server = await agent(PROXY)
  const proxy = createProxy({ recordRoute: true })
  proxy.attach?.(server)
  const outcomes: ForwardOutcome[] = []
  server.onRequest = async request => { outcomes.push(await proxy.forward(request, targets, options)) }
  const caller = await agent('10.0.0.2')
  const phones = [await agent(PHONES[0]!), await agent(PHONES[1]!)] as const
  const all = [server, caller, ...phones]
  const call = () => caller.invite(`sip:bob@${PROXY}`, { sdp: OFFER })
  const idle = (): boolean => all.every(({ dialogs, layer }) => dialogs === 0 && layer.size.client === 0 && layer.size.server === 0)
  return { clock, network, server, proxy, outcomes, caller, phones, call, idle }
}

t.test('RFC 3261 §16.7: one of two forks answers, the other gets CANCEL; BYE passes by Record-Route', async t => {
  const { clock, server, phones, call, outcomes, idle } = await setUp()
  let cancelled = false
  onInvite(phones[0], invite => {
    void invite.provisional(180)
    invite.signal.addEventListener('abort', () => { cancelled = true })
  })
  const sessions: unknown[] = []
  onInvite(phones[1], invite => {
    void invite.provisional(180)
    clock.after(1_000, () => void invite.accept({ sdp: ANSWER }).then(session => sessions.push(session)))
  })
  const invite = call()
  const progress: number[] = []
  invite.on('progress', ({ status }) => progress.push(status))
  await clock.settle(1_100)
  const outcome = await invite.outcome
  if (outcome.type !== 'answered') return t.fail(outcome.type)
  t.strictSame(progress, [180, 180])
  t.ok(cancelled)
  t.strictSame(outcomes, [{ type: 'answered', by: TARGETS[1] }])
  t.equal(server.dialogs, 0)
  const before = server.counters.messages['in BYE'] ?? 0
  const left = outcome.session.bye()
  await clock.settle(50)
  await left
  t.equal(server.counters.messages['in BYE'], before + 1, 'by way of the proxy')
  t.equal(phones[1].sessions, 0)
  await clock.settle(250_000)
  t.ok(idle())
})

t.test('RFC 3261 §16.6, step 4, RFC 5658 §5: where the dialog changes its protocol each side gets a Record-Route of its own, and requests pass once', async t => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  let seed = 2
  const agent = (address: string, ...transports: ('udp' | 'tcp')[]): Promise<UserAgentCore> =>
    createUserAgent({ transports: transports.map(name => network.factory(name, address, 5060)), clock, random: seededRandom(seed++), sessionExpires: 0 })
  const [server, caller, phone] = [await agent(PROXY, 'udp', 'tcp'), await agent('10.0.0.2', 'udp'), await agent('10.0.0.12', 'tcp')]
  const proxy = createProxy({ recordRoute: true })
  proxy.attach?.(server)
  server.onRequest = async request => { await proxy.forward(request, ['sip:bob@10.0.0.12;transport=tcp']) }
  const sessions = answerAll(phone)
  for (const end of ['caller', 'callee'] as const) {
    const { outcome } = caller.invite(`sip:bob@${PROXY}`, { sdp: OFFER })
    await clock.settle(100)
    const answered = await outcome
    if (answered.type !== 'answered') return t.fail(answered.type)
    const before = server.counters.messages['in BYE'] ?? 0
    t.strictSame(headerValues(answered.session.established, 'Record-Route'), [`<sip:${PROXY}:5060;transport=tcp;lr>`, `<sip:${PROXY}:5060;lr>`])
    const left = end === 'caller' ? answered.session.bye() : sessions.at(-1)!.bye()
    await clock.settle(50)
    await left
    t.strictSame([caller.sessions, phone.sessions], [0, 0])
    t.equal(server.counters.messages['in BYE'], before + 1, `BYE of the ${end}: once through the proxy`)
  }
})

t.test('RFC 3261 §13.2.2.4: both answer in the same millisecond: one wins, the loser gets ACK and BYE', async t => {
  const { clock, phones, call, caller, idle } = await setUp()
  for (const phone of phones) answerAll(phone)
  const invite = call()
  await clock.settle(100)
  t.equal((await invite.outcome).type, 'answered')
  t.equal(caller.sessions, 1)
  t.equal(phones[0].sessions + phones[1].sessions, 1)
  const outcome = await invite.outcome
  if (outcome.type === 'answered') void outcome.session.bye()
  await clock.settle(250_000)
  t.ok(idle())
})

t.test('RFC 3261 §16.10: CANCEL from the caller cancels every branch', async t => {
  const { clock, phones, call, outcomes, idle } = await setUp()
  const aborted: number[] = []
  phones.forEach((phone, index) => onInvite(phone, invite => {
    void invite.provisional(180)
    invite.signal.addEventListener('abort', () => aborted.push(index))
  }))
  const invite = call()
  await clock.settle(100)
  invite.cancel()
  await clock.settle(100)
  t.strictSame(aborted, [0, 1])
  t.strictSame(outcomes, [{ type: 'cancelled' }])
  await clock.settle(250_000)
  t.ok(idle())
})

t.test('RFC 3261 §16.6: targets one after the other, each for its time', async t => {
  const { clock, phones, call, outcomes } = await setUp({ fork: 'sequential', timeout: 5_000 })
  const asked: number[] = []
  const serve = (index: number) => (invite: ServerInvite): void => {
    asked.push(index)
    void invite.provisional(180)
    if (index === 1) invite.reject(486)
  }
  phones.forEach((phone, index) => onInvite(phone, serve(index)))
  const invite = call()
  await clock.settle(4_000)
  t.strictSame(asked, [0])
  await clock.settle(2_000)
  t.strictSame(asked, [0, 1])
  t.match(await invite.outcome, { type: 'rejected', status: 486 })
  t.strictSame(outcomes, [{ type: 'failed', status: 486 }])
})

t.test('RFC 3261 §16.7: a 6xx ends the search; a silent target counts as 408, an unreachable one never goes up as 503', async t => {
  const decline = await setUp()
  onInvite(decline.phones[0], invite => invite.reject(603))
  onInvite(decline.phones[1], invite => void invite.provisional(180))
  const declined = decline.call()
  await decline.clock.settle(100)
  t.match(await declined.outcome, { type: 'rejected', status: 603 })
  const silent = await setUp({}, ['sip:nobody@10.0.0.99'])
  const unanswered = silent.call()
  await silent.clock.settle(33_000)
  t.match(await unanswered.outcome, { type: 'rejected', status: 408 })
})

/** A caller and two targets without behaviour of their own, with the proxy between them. */
const rawSetUp = async (options: ForwardOptions = {}) => {
  const targets = ['10.0.0.21', '10.0.0.22']
  const { clock, network, server, outcomes } = await setUp(options, targets.map(host => `sip:bob@${host}`))
  const open = (address: string): Promise<RawPeer> => RawPeer.open(network, clock, address, PROXY)
  const [caller, first, second] = [await open('10.0.0.9'), await open(targets[0]!), await open(targets[1]!)]
  const invite = caller.request('INVITE', { uri: `sip:bob@${PROXY}` })
  caller.send(invite)
  await clock.settle(10)
  /** Without retransmissions. */
  const methods = ({ requests }: RawPeer): readonly string[] => [...new Set(requests.map(({ method }) => method))]
  return { clock, server, outcomes, caller, invite, first, second, methods }
}

/** Its answers to a CANCEL: 200, and 487 to the INVITE. */
const stopRinging = (phone: RawPeer): void => {
  phone.respond(phone.requests.find(({ method }) => method === 'CANCEL')!, 200)
  phone.respond(phone.requests[0]!, 487)
}

t.test('RFC 3261 §16.6, step 11, §16.7, step 2, §16.8, timer C: each 101-199 gives a ringing target 181 s anew, 100 does not; then CANCEL, and 408 to the caller', async t => {
  const { clock, server, outcomes, caller, first, second, methods } = await rawSetUp()
  const [ringing, trying] = [first.requests[0]!, second.requests[0]!]
  first.respond(ringing, 180)
  second.respond(trying, 100)
  await clock.settle(170_000)
  first.respond(ringing, 180)
  second.respond(trying, 100)
  await clock.settle(15_000)
  t.strictSame(methods(first), ['INVITE'], 'spoke again')
  t.strictSame(methods(second), ['INVITE', 'CANCEL'], '100 is nothing to wait for')
  t.equal(header(second.requests[1]!, 'Reason'), 'SIP;cause=408;text="Request Timeout"')
  stopRinging(second)
  await clock.settle(165_000)
  t.strictSame(methods(first), ['INVITE'])
  await clock.settle(2_000)
  t.strictSame(methods(first), ['INVITE', 'CANCEL'])
  t.notOk(caller.statuses.includes(408))
  stopRinging(first)
  await clock.settle(10)
  t.equal(caller.statuses.filter(status => status >= 200)[0], 408)
  t.strictSame(outcomes, [{ type: 'failed', status: 408 }])
  await clock.settle(250_000)
  t.strictSame(server.layer.size, { client: 0, server: 0 })
})

t.test('RFC 3261 §16.8: a target that has never spoken counts as 408 when its time is up: the next is tried, and a late 180 gets CANCEL', async t => {
  const { clock, server, caller, first, second, methods } = await rawSetUp({ fork: 'sequential', timeout: 5_000 })
  t.strictSame(methods(second), [])
  await clock.settle(5_000)
  t.equal(methods(second)[0], 'INVITE')
  first.respond(first.requests[0]!, 180)
  await clock.settle(10)
  t.equal(methods(first).at(-1), 'CANCEL')
  second.respond(second.requests[0]!, 486)
  await clock.settle(10)
  t.equal(caller.statuses.at(-1), 486)
  caller.ackFailure(caller.request('INVITE'), caller.responses.at(-1)!)
  first.respond(first.requests[0]!, 200, { toTag: 'late' })
  await clock.settle(10)
  t.equal(caller.statuses.at(-1), 200, '§16.7, step 5: a 2xx always goes up')
  await clock.settle(250_000)
  t.strictSame(server.layer.size, { client: 0, server: 0 })
  t.equal(server.layer.counters.value('impossible'), 0)
})

t.test('RFC 3326 §2: CANCEL says why: completed elsewhere, declined everywhere, or what the caller\'s own CANCEL says', async t => {
  const reasonOf = async (end: (set: Awaited<ReturnType<typeof rawSetUp>>) => void): Promise<string | undefined> => {
    const set = await rawSetUp()
    for (const phone of [set.first, set.second]) phone.respond(phone.requests[0]!, 180)
    await set.clock.settle(10)
    end(set)
    await set.clock.settle(10)
    t.strictSame(set.methods(set.second).slice(0, 2), ['INVITE', 'CANCEL'])
    return header(set.second.requests[1]!, 'Reason')
  }
  t.equal(await reasonOf(({ first }) => first.respond(first.requests[0]!, 200)), 'SIP;cause=200;text="Call completed elsewhere"')
  t.equal(await reasonOf(({ first }) => first.respond(first.requests[0]!, 603)), 'SIP;cause=603;text="Decline"')
  t.equal(await reasonOf(({ caller, invite }) => caller.send(appendHeader(cancelFor(invite), 'Reason', 'Q.850;cause=16'))), 'Q.850;cause=16')
  t.equal(await reasonOf(({ caller, invite }) => caller.send(cancelFor(invite))), undefined)
})

t.test('RFC 3261 §16.7, step 7: the challenges of two forks go up in one 407', async t => {
  const { clock, caller, first, second } = await rawSetUp()
  first.respond(first.requests[0]!, 407, { headers: { 'Proxy-Authenticate': 'Digest realm="a", nonce="1"' } })
  second.respond(second.requests[0]!, 401, { headers: { 'WWW-Authenticate': 'Digest realm="b", nonce="2"' } })
  await clock.settle(10)
  const answer = caller.responses.at(-1)!
  t.ok([401, 407].includes(answer.status))
  t.match(header(answer, 'Proxy-Authenticate'), /realm="a"/)
  t.match(header(answer, 'WWW-Authenticate'), /realm="b"/)
})

t.test('RFC 5393 §5.3: Max-Breadth is divided among the branches; targets beyond it wait; 0 gets 440', async t => {
  const hosts = ['10.0.0.21', '10.0.0.22', '10.0.0.23']
  const { clock, network } = await setUp({}, hosts.map(host => `sip:bob@${host}`))
  const caller = await RawPeer.open(network, clock, '10.0.0.9', PROXY)
  const phones = await Promise.all(hosts.map(host => RawPeer.open(network, clock, host, PROXY)))
  const breadths = (callId: string): readonly (string | undefined)[] =>
    phones.map(phone => phone.requests.find(request => header(request, 'Call-ID') === callId)).map(request => request === undefined ? undefined : header(request, 'Max-Breadth'))
  const invite = async (callId: string, headers: Record<string, string>): Promise<void> => {
    caller.send(caller.request('INVITE', { callId, headers }))
    await clock.settle(10)
  }
  await invite('any', {})
  t.strictSame(breadths('any'), ['20', '20', '20'], 'of 60 where the request does not say')
  await invite('five', { 'Max-Breadth': '5' })
  t.strictSame(breadths('five'), ['2', '2', '1'])
  await invite('two', { 'Max-Breadth': '2' })
  t.strictSame(breadths('two'), ['1', '1', undefined])
  for (const phone of phones.slice(0, 2)) phone.respond(phone.requests.at(-1)!, 486)
  await clock.settle(10)
  t.strictSame(breadths('two'), ['1', '1', '2'], 'the third has its turn, and all the breadth')
  await invite('none', { 'Max-Breadth': '0' })
  t.strictSame(breadths('none'), [undefined, undefined, undefined])
  t.equal(caller.statuses.at(-1), 440)
})

t.test('RFC 3261 §16.3: Max-Forwards 0 gets 483, Proxy-Require 420', async t => {
  const { clock, network } = await setUp()
  const peer = await RawPeer.open(network, clock, '10.0.0.9', PROXY)
  peer.send(peer.request('OPTIONS', { maxForwards: 0 }))
  peer.send(peer.request('OPTIONS', { callId: 'other', headers: { 'Proxy-Require': 'magic' } }))
  await clock.settle(10)
  t.strictSame(peer.statuses, [483, 420])
  t.equal(header(peer.responses[1]!, 'Unsupported'), 'magic')
})

t.test('RFC 3261 §16.3, RFC 5393 §4.2: a request that comes back as it left gets 482, one that spirals goes on', async t => {
  const { clock, network, phones, server, proxy } = await setUp({}, ['sip:bob@10.0.0.9'])
  const peer = await RawPeer.open(network, clock, '10.0.0.9', PROXY)
  const bounce = (uri: (request: SipRequest) => string): void => {
    peer.onMessage = message => {
      if (message.type === 'request') peer.send(prependHeader({ ...message, uri: uri(message) }, 'Via', `SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKback${peer.requests.length}`))
    }
  }
  bounce(() => `sip:bob@${PROXY}`)
  peer.send(peer.request('OPTIONS', { uri: `sip:bob@${PROXY}` }))
  await clock.settle(20)
  t.equal(peer.requests.length, 1)
  t.equal(peer.statuses[0], 482)
  t.equal(peer.responses[0]?.reason, 'Loop Detected')

  // Forwarded to another target the second time, it is none of a loop.
  server.onRequest = async request => { await proxy.forward(request, [request.message.uri.includes('carol') ? TARGETS[0]! : 'sip:bob@10.0.0.9']) }
  bounce(() => `sip:carol@${PROXY}`)
  peer.send(peer.request('OPTIONS', { uri: `sip:bob@${PROXY}`, callId: 'spiral' }))
  await clock.settle(20)
  t.equal(peer.requests.length, 2)
  t.equal(phones[0].counters.messages['in OPTIONS'], 1)
})

t.test('RFC 3261 §9.2, §16.10: a CANCEL that matches no INVITE gets 481: whatever this proxy forwards it knows', async t => {
  const { clock, network } = await setUp()
  const peer = await RawPeer.open(network, clock, '10.0.0.9', PROXY)
  peer.send(peer.request('CANCEL', { uri: `sip:bob@${PROXY}` }))
  await clock.settle(10)
  t.strictSame(peer.statuses, [481])
})

t.test('RFC 3261 §16.4, §16.6: loose and strict routes', t => {
  const base: SipRequest = { type: 'request', method: 'BYE', uri: 'sip:bob@10.0.0.5', headers: [], body: new Uint8Array(0) }
  const withRoutes = (uri: string, ...values: string[]): SipRequest =>
    ({ ...base, uri, headers: values.map(value => ({ id: 'Route' as const, name: 'Route', value })) })
  const ours = (uri: string): boolean => uri.includes(PROXY)
  const loose = preprocess(withRoutes('sip:bob@10.0.0.5', `<sip:${PROXY};lr>`, '<sip:next;lr>'), ours)
  t.ok(loose.routed)
  t.strictSame(headerValues(loose.request, 'Route'), ['<sip:next;lr>'])
  const strict = preprocess(withRoutes(`sip:${PROXY};lr`, '<sip:next;lr>', '<sip:bob@10.0.0.5>'), ours)
  t.equal(strict.request.uri, 'sip:bob@10.0.0.5')
  t.strictSame(headerValues(strict.request, 'Route'), ['<sip:next;lr>'])
  const towardsStrict = forwarded(withRoutes('sip:bob@10.0.0.5', '<sip:strict>'), 'sip:bob@10.0.0.5', [])
  t.equal(towardsStrict.request.uri, 'sip:strict')
  t.strictSame(headerValues(towardsStrict.request, 'Route'), ['<sip:bob@10.0.0.5>'])
  t.equal(maxForwards(towardsStrict.request), 70)
  const path = forwarded(base, 'sip:bob@10.0.0.5', ['sip:edge;lr', 'sip:inner;lr'])
  t.strictSame(headerValues(path.request, 'Route'), ['<sip:edge;lr>', '<sip:inner;lr>'])
  t.equal(path.nextHop, 'sip:edge;lr')
  t.end()
})

t.test('RFC 3261 §16.7, steps 6 and 7: the best response, all challenges together', t => {
  const request: SipRequest = { type: 'request', method: 'INVITE', uri: 'sip:a@b', headers: [], body: new Uint8Array(0) }
  const final = (status: number, challenge?: string) => response(request, status, challenge === undefined ? {} : { headers: { 'WWW-Authenticate': challenge } })
  const best = (...statuses: number[]): number | undefined => bestResponse(statuses.map(status => final(status)))?.status
  t.equal(best(486, 404, 603), 603)
  t.equal(best(500, 486), 486)
  t.equal(best(486, 484), 484)
  t.equal(best(302, 404), 302)
  t.equal(best(503), 500)
  t.equal(best(), undefined)
  t.equal(headerValues(bestResponse([final(401, 'Digest realm="a", nonce="1"'), final(401, 'Digest realm="b", nonce="2"')])!, 'WWW-Authenticate').length, 2)
  t.end()
})

t.test('RFC 4320 §4: a proxy passes on no provisional response to a non-INVITE, and no 408, its own or a target\'s', async t => {
  const { clock, network } = await setUp({}, ['sip:bob@10.0.0.21'])
  const caller = await RawPeer.open(network, clock, '10.0.0.9', PROXY)
  const target = await RawPeer.open(network, clock, '10.0.0.21', PROXY)
  const ask = async (callId: string, ...statuses: readonly number[]): Promise<readonly number[]> => {
    const [before, asked] = [caller.responses.length, target.requests.length]
    caller.send(caller.request('MESSAGE', { uri: `sip:bob@${PROXY}`, callId }))
    await clock.settle(5)
    for (const status of statuses) target.respond(target.requests[asked]!, status)
    await clock.settle(40_000)
    return caller.statuses.slice(before)
  }
  t.strictSame(await ask('answered', 180, 183, 200), [200])
  t.strictSame((await ask('late', 408)).filter(status => status !== 100), [])
  t.strictSame((await ask('silent')).filter(status => status !== 100), [], 'timer F of ours: the caller\'s is over too')
})
