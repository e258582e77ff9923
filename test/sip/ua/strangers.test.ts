import { connect } from 'node:net'
import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { header } from '../../../src/sip/message/headers.js'
import { createRegistrar } from '../../../src/sip/registrar/registrar.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { ANSWER, answerAll, OFFER, onInvite } from './two-agents.js'

const LIMIT = 50
const SLOW = 100

t.test('strangers hold no state beyond the bound: 503 without a transaction, while dialogs go on', async t => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2), maxServerTransactions: LIMIT })
  answerAll(agent)
  const caller = await createUserAgent({ transports: [network.factory('udp', '10.0.0.2', 5060)], clock, random: seededRandom(3) })
  const invite = caller.invite('sip:agent@10.0.0.1', { sdp: OFFER })
  await clock.settle(50)
  const outcome = await invite.outcome
  if (outcome.type !== 'answered') return t.fail(outcome.type)
  const stranger = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1')
  for (let count = 0; count < 3 * LIMIT; count++) stranger.send(stranger.request(count % 2 === 0 ? 'INVITE' : 'OPTIONS', { callId: `call-${count}` }))
  await clock.settle(10)
  t.ok(agent.layer.size.server <= LIMIT, `${agent.layer.size.server} transactions`)
  const refused = stranger.responses.filter(({ status }) => status === 503)
  t.ok(refused.length >= 2 * LIMIT, `${refused.length} refused`)
  t.equal(header(refused[0]!, 'Retry-After'), '10')
  t.equal(agent.counters.dropped['too-many-transactions'], refused.length)
  const left = outcome.session.bye()
  await clock.settle(10)
  await left
  t.equal(caller.sessions, 0, 'BYE is served')
  await clock.settle(250_000)
  t.strictSame(agent.layer.size, { client: 0, server: 0 })
})

t.test('scanners, and more requests than one source may send, are dropped without a word and without state', async t => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2), guard: { perSecond: 5, burst: 10 } })
  const [scanner, flood, phone] = [await RawPeer.open(network, clock, '10.0.0.8', '10.0.0.1'), await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1'), await RawPeer.open(network, clock, '10.0.0.10', '10.0.0.1')]
  for (const userAgent of ['friendly-scanner', 'sipvicious']) scanner.send(scanner.request('OPTIONS', { headers: { 'User-Agent': userAgent } }))
  for (let count = 0; count < 100; count++) flood.send(flood.request('OPTIONS', { callId: `flood-${count}` }))
  phone.send(phone.request('OPTIONS'))
  await clock.settle(10)
  t.strictSame(scanner.arrivals, [])
  t.equal(flood.arrivals.length, 10)
  t.strictSame(phone.statuses, [200], 'others are served')
  t.equal(agent.layer.size.server, 11)
  t.strictSame([agent.counters.dropped['scanner'], agent.counters.dropped['rate']], [2, 90])
})

t.test('RFC 3261 §26.3.2.4: a challenge keeps no state and is sent once, whatever address the request forged; its ACK is absorbed, and with credentials the call is made', async t => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2) })
  const registrar = createRegistrar({ domain: '10.0.0.1', password: () => Promise.resolve('secret'), clock, random: seededRandom(3) })
  onInvite(agent, (invite, request) => void registrar.authenticate({ pendingRequest: request }).then(user => {
    if (user !== undefined) void invite.accept({ sdp: ANSWER })
  }))
  const stranger = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1')
  const invites = Array.from({ length: 100 }, (_, index) => stranger.request('INVITE', { callId: `call-${index}` }))
  for (const invite of invites) stranger.send(invite)
  await clock.settle(10)
  t.strictSame(agent.layer.size, { client: 0, server: 0 })
  t.equal(agent.layer.entries, 0)
  stranger.ackFailure(invites[0]!, stranger.responses[0]!)
  await clock.settle(40_000)
  t.equal(stranger.arrivals.length, 100, 'one answer each, none repeated')
  t.equal(agent.layer.counters.value('absorbed'), 1)
  stranger.send(invites[1]!)
  await clock.settle(10)
  t.equal(stranger.statuses.at(-1), 407, 'whose challenge was lost gets another')
  const caller = await createUserAgent({ transports: [network.factory('udp', '10.0.0.2', 5060)], clock, random: seededRandom(4) })
  const { outcome } = caller.invite('sip:agent@10.0.0.1', { sdp: OFFER, from: 'sip:ann@10.0.0.1', credentials: { username: 'ann', password: 'secret' } })
  await clock.settle(1_000)
  t.equal((await outcome).type, 'answered')
  t.equal(agent.layer.counters.value('impossible'), 0)
})

t.test('overload: while the event loop lags, requests outside dialogs get 503 with Retry-After and no transaction; dialogs go on', async t => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  let late = false
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2), overloaded: () => late })
  answerAll(agent)
  const caller = await createUserAgent({ transports: [network.factory('udp', '10.0.0.2', 5060)], clock, random: seededRandom(3) })
  const { outcome } = caller.invite('sip:agent@10.0.0.1', { sdp: OFFER })
  await clock.settle(50)
  const answered = await outcome
  if (answered.type !== 'answered') return t.fail(answered.type)
  late = true
  const before = agent.layer.size.server
  const peer = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1')
  for (const method of ['INVITE', 'REGISTER', 'OPTIONS'] as const) peer.send(peer.request(method, { callId: method }))
  await clock.settle(10)
  t.strictSame(peer.statuses, [503, 503, 503])
  t.ok(peer.responses.every(response => header(response, 'Retry-After') === '10'))
  t.equal(agent.layer.size.server, before)
  t.equal(agent.counters.dropped['overload'], 3)
  const left = answered.session.bye()
  await clock.settle(10)
  await left
  t.equal(agent.sessions, 0, 'BYE is served')
  late = false
  peer.send(peer.request('OPTIONS', { callId: 'again' }))
  await clock.settle(10)
  t.equal(peer.statuses.at(-1), 200)
})

t.test(`${SLOW} slow-loris connections harm nobody and are cut off`, async t => {
  const agent = await createUserAgent({ listen: ['tcp://127.0.0.1:0'], limits: { messageMs: 3_000 } })
  const caller = await createUserAgent({ listen: ['tcp://127.0.0.1:0'] })
  t.teardown(() => Promise.all([caller.close(), agent.close()]))
  answerAll(agent)
  const port = Number(agent.addresses[0]!.split(':').at(-1))
  const text = 'OPTIONS sip:agent@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP a.example;branch=z9hG4bKslow\r\n'
  let cut = 0
  const drips = Array.from({ length: SLOW }, (_, index) => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined).resume()
    let at = 0
    const drip = setInterval(() => socket.write(text[at++ % text.length]!), 20 + index % 10)
    // A connection may be reset as well as closed: `once` of node:events would take the reset for a failure.
    return new Promise<void>(resolve => socket.once('close', () => {
      clearInterval(drip)
      cut++
      resolve()
    }))
  })
  const started = performance.now()
  for (let call = 0; call < 20; call++) {
    const outcome = await caller.invite(`sip:agent@127.0.0.1:${port};transport=tcp`, { sdp: OFFER }).outcome
    if (outcome.type !== 'answered') return t.fail(outcome.type)
    await outcome.session.bye()
  }
  t.ok(cut < SLOW, `20 calls in ${Math.round(performance.now() - started)} ms, ${SLOW - cut} slow ones still there`)
  await Promise.all(drips)
  t.equal(agent.counters.dropped['slow-sender'], SLOW)
})
