import t from 'tap'
import type { CordboardError } from '../../../src/core/errors.js'
import { seededRandom } from '../../../src/core/random.js'
import { cancelFor, request, response, withHeader } from '../../../src/sip/message/build.js'
import { cseq, topVia } from '../../../src/sip/message/headers.js'
import type { SipRequest } from '../../../src/sip/message/message.js'
import type { ClientTransaction } from '../../../src/sip/transaction/client-transaction.js'
import { inviteClient } from '../../../src/sip/transaction/invite-client.js'
import { inviteServer } from '../../../src/sip/transaction/invite-server.js'
import { mermaid, transitions } from '../../../src/sip/transaction/machine.js'
import { nonInviteClient } from '../../../src/sip/transaction/non-invite-client.js'
import { nonInviteServer } from '../../../src/sip/transaction/non-invite-server.js'
import { TransactionLayer } from '../../../src/sip/transaction/runner.js'
import type { ServerTransaction } from '../../../src/sip/transaction/server-transaction.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { TransportLayer } from '../../../src/sip/transport/transport-layer.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'

const HERE = '10.0.0.1'
const THERE = '10.0.0.9'
const TARGET = { udp: { transport: 'udp', address: THERE, port: 5060 }, tcp: { transport: 'tcp', address: THERE, port: 5060 } } as const

const setUp = async (transport: 'udp' | 'tcp' = 'udp') => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1) })
  const served: { request: SipRequest; transaction: ServerTransaction }[] = []
  const acks: SipRequest[] = []
  const heard: string[] = []
  const layer = new TransactionLayer({ clock, random: seededRandom(2), nodeId: 'n7' }, {
    incoming: (message, transaction) => served.push({ request: message, transaction }),
    ack: message => acks.push(message),
  })
  layer.transports = await TransportLayer.open({ clock, transports: [network.factory(transport, HERE, 5060)] }, layer)
  const peer = await RawPeer.open(network, clock, THERE, HERE, transport)
  const user = {
    response: ({ status }: { status: number }) => heard.push(String(status)),
    failed: (error: CordboardError) => heard.push(error.code),
    terminated: () => heard.push('terminated'),
  }
  const send = (method: string): ClientTransaction => layer.send(request({
    method, uri: `sip:raw@${THERE}`, from: `<sip:me@${HERE}>;tag=me`, to: `<sip:raw@${THERE}>`, callId: 'ours', cseq: 1,
  }), TARGET[transport], user)
  const answer = ({ request: message, transaction }: { request: SipRequest; transaction: ServerTransaction }, status: number): void =>
    layer.respond(transaction, response(message, status, { toTag: transaction.localTag }))
  return { clock, network, layer, peer, served, acks, heard, send, answer }
}

t.test('each cell is written, each state reached and left', t => {
  for (const [name, machine] of Object.entries({ inviteClient, inviteServer, nonInviteClient, nonInviteServer })) {
    const reached = new Set(transitions(machine).map(({ to }) => to))
    for (const state of Object.keys(machine).slice(1)) t.ok(reached.has(state), `${name}: ${state}`)
    t.match(mermaid(machine), /^stateDiagram-v2\n {2}\[\*\] --> \w+/)
    t.notOk(transitions(machine).some(({ from }) => from === 'terminated'), `${name}: terminated is the end`)
  }
  t.end()
})

t.test('RFC 3261 §17.1.1.2: INVITE is resent on timer A and given up on timer B', async t => {
  const { clock, peer, heard, send, layer } = await setUp()
  send('INVITE')
  clock.advance(31_999)
  t.strictSame(peer.times, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500])
  t.strictSame(heard, [])
  clock.advance(1)
  t.strictSame(heard, ['SIP_TRANSACTION_TIMEOUT', 'terminated'])
  t.strictSame(layer.size, { client: 0, server: 0 })
})

t.test('RFC 3261 §17.1.1.2: a provisional response stops the INVITE; CANCEL then gives it 64*T1', async t => {
  const { clock, peer, heard, send, layer } = await setUp()
  const transaction = send('INVITE')
  clock.advance(0)
  peer.respond(peer.requests[0]!, 180)
  clock.advance(60_000)
  t.strictSame(heard, ['180'])
  t.equal(peer.arrivals.length, 1)
  layer.cancel(transaction, cancelFor(transaction.request), { response: () => undefined, failed: () => undefined })
  clock.advance(0)
  const cancel = peer.requests[1]!
  t.equal(cancel.method, 'CANCEL')
  t.equal(topVia(cancel).branch, topVia(peer.requests[0]!).branch, 'RFC 3261 §9.1: same branch')
  peer.respond(cancel, 200)
  clock.advance(32_000)
  t.strictSame(heard, ['180', 'SIP_TRANSACTION_TIMEOUT', 'terminated'])
})

t.test('RFC 3261 §17.1.1.3: a failure is acknowledged each time it comes, for timer D', async t => {
  const { clock, peer, heard, send } = await setUp()
  send('INVITE')
  clock.advance(0)
  const invite = peer.requests[0]!
  peer.respond(invite, 486)
  peer.respond(invite, 486)
  clock.advance(1)
  const [, first, second] = peer.requests
  t.strictSame([first?.method, second?.method], ['ACK', 'ACK'])
  t.equal(topVia(first!).branch, topVia(invite).branch)
  t.equal(cseq(first!).number, cseq(invite).number)
  clock.advance(31_998)
  t.strictSame(heard, ['486'])
  clock.advance(2)
  t.strictSame(heard, ['486', 'terminated'])
})

t.test('RFC 6026 §7.2: every 2xx goes up while Accepted, until timer M', async t => {
  const { clock, peer, heard, send } = await setUp()
  send('INVITE')
  clock.advance(0)
  for (const toTag of ['a', 'a', 'b']) peer.respond(peer.requests[0]!, 200, { toTag })
  clock.advance(31_999)
  t.strictSame(heard, ['200', '200', '200'])
  clock.advance(1)
  t.strictSame(heard, ['200', '200', '200', 'terminated'])
  peer.respond(peer.requests[0]!, 200)
  clock.advance(1)
  t.equal(heard.length, 4, 'RFC 6026 §8.9: a stray 2xx is dropped')
})

t.test('RFC 3261 §17.1.2.2: a request is resent on timer E, at T2 once it is Proceeding, and given up on timer F', async t => {
  const { clock, peer, heard, send } = await setUp()
  send('OPTIONS')
  clock.advance(1_000)
  peer.respond(peer.requests[0]!, 100)
  clock.advance(31_000)
  t.strictSame(peer.times, [0, 500, 1_500, 5_500, 9_500, 13_500, 17_500, 21_500, 25_500, 29_500])
  t.strictSame(heard, ['100', 'SIP_TRANSACTION_TIMEOUT', 'terminated'])
})

t.test('RFC 3261 §17.1.2.2: while nobody answers timer E doubles up to T2', async t => {
  const { clock, peer, heard, send } = await setUp()
  send('OPTIONS')
  clock.advance(31_999)
  t.strictSame(peer.times, [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
  t.strictSame(heard, [])
  clock.advance(1)
  t.strictSame(heard, ['SIP_TRANSACTION_TIMEOUT', 'terminated'])
})

t.test('RFC 3261 §17.1.2.2: timer K absorbs repeated responses; on a reliable transport there is none', async t => {
  const udp = await setUp()
  udp.send('OPTIONS')
  udp.clock.advance(0)
  udp.peer.respond(udp.peer.requests[0]!, 200)
  udp.peer.respond(udp.peer.requests[0]!, 200)
  udp.clock.advance(4_999)
  t.strictSame(udp.heard, ['200'])
  udp.clock.advance(1)
  t.strictSame(udp.heard, ['200', 'terminated'])
  const tcp = await setUp('tcp')
  tcp.send('OPTIONS')
  tcp.clock.advance(0)
  t.equal(tcp.peer.requests.length, 1)
  tcp.peer.onMessage = () => undefined
  const server = tcp.served
  t.equal(server.length, 0)
  tcp.clock.advance(31_999)
  t.equal(tcp.peer.requests.length, 1, 'no retransmission over TCP')
})

t.test('RFC 3261 §17.2.1: retransmits the final response on timer G until the ACK, then timer I', async t => {
  const { clock, peer, served, answer, layer } = await setUp()
  const invite = peer.request('INVITE')
  peer.send(invite)
  clock.advance(0)
  answer(served[0]!, 486)
  clock.advance(12_000)
  t.strictSame(peer.times, [0, 500, 1_500, 3_500, 7_500, 11_500])
  peer.ackFailure(invite, peer.responses[0]!)
  clock.advance(4_999)
  t.equal(peer.arrivals.length, 6)
  t.equal(layer.size.server, 1)
  clock.advance(1)
  t.equal(layer.size.server, 0)
})

t.test('RFC 3261 §17.2.1: without ACK timer H gives up; a repeated INVITE gets the response again', async t => {
  const { clock, peer, served, answer, layer } = await setUp()
  const failures: string[] = []
  const invite = peer.request('INVITE')
  peer.send(invite)
  clock.advance(0)
  served[0]!.transaction.user = { failed: error => failures.push(error.code) }
  answer(served[0]!, 600)
  clock.advance(1)
  peer.send(invite)
  clock.advance(1)
  t.strictSame(peer.statuses, [600, 600])
  t.equal(served.length, 1, 'absorbed')
  clock.advance(31_997)
  t.strictSame(failures, [])
  clock.advance(1)
  t.strictSame(failures, ['SIP_TRANSACTION_TIMEOUT'])
  t.equal(layer.size.server, 0)
})

t.test('RFC 3261 §17.2.1: 100 after 200 ms, repeated for a repeated INVITE', async t => {
  const { clock, peer } = await setUp()
  const invite = peer.request('INVITE')
  peer.send(invite)
  clock.advance(199)
  t.strictSame(peer.statuses, [])
  clock.advance(1)
  peer.send(invite)
  clock.advance(1)
  t.strictSame(peer.statuses, [100, 100])
})

t.test('RFC 6026 §7.1: Accepted absorbs INVITEs, sends the core\'s 2xx and passes ACKs up, until timer L', async t => {
  const { clock, peer, served, answer, acks, layer } = await setUp()
  const invite = peer.request('INVITE')
  peer.send(invite)
  clock.advance(0)
  answer(served[0]!, 200)
  clock.advance(0)
  peer.send(invite)
  clock.advance(1)
  t.strictSame(peer.statuses, [200], 'the core alone resends it')
  layer.repeat(served[0]!.transaction)
  clock.advance(0)
  t.strictSame(peer.statuses, [200, 200])
  peer.send(peer.request('ACK', { via: 'SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKother' }))
  peer.send(withHeader(peer.request('ACK'), 'Via', `SIP/2.0/UDP 10.0.0.9:5060;branch=${topVia(invite).branch}`))
  clock.advance(0)
  t.equal(acks.length, 2, 'of its own branch or of the INVITE\'s')
  clock.advance(31_998)
  t.equal(layer.size.server, 1)
  clock.advance(1)
  t.equal(layer.size.server, 0)
})

t.test('RFC 3261 §17.2.2, RFC 4320: the response is repeated until timer J, and 100 comes only when E has reached T2', async t => {
  const { clock, peer, served, answer, layer } = await setUp()
  const options = peer.request('OPTIONS')
  peer.send(options)
  clock.advance(3_499)
  t.strictSame(peer.statuses, [])
  clock.advance(1)
  t.strictSame(peer.statuses, [100])
  answer(served[0]!, 200)
  clock.advance(0)
  peer.send(options)
  clock.advance(1)
  t.strictSame(peer.statuses, [100, 200, 200])
  clock.advance(31_998)
  t.equal(layer.size.server, 1)
  clock.advance(1)
  t.equal(layer.size.server, 0)
})

t.test('RFC 4320 §4.2: after timer F no response is sent', async t => {
  const { clock, peer, served, answer, layer } = await setUp()
  peer.send(peer.request('OPTIONS'))
  clock.advance(32_001)
  t.equal(layer.size.server, 0)
  answer(served[0]!, 200)
  clock.advance(1)
  t.strictSame(peer.statuses, [100])
})

t.test('RFC 3261 §9.2: CANCEL is answered, 481 where there is nothing to cancel', async t => {
  const { clock, peer, served } = await setUp()
  const cancelled: string[] = []
  const invite = peer.request('INVITE')
  peer.send(invite)
  clock.advance(0)
  served[0]!.transaction.user = { cancelled: message => cancelled.push(message.method) }
  peer.send(cancelFor(invite))
  peer.send(cancelFor(peer.request('INVITE')))
  clock.advance(0)
  t.strictSame(cancelled, ['CANCEL'])
  t.strictSame(peer.statuses, [200, 481])
})

t.test('RFC 3261 §17.2.3: branches without the magic cookie are matched as RFC 2543 did', async t => {
  const { clock, peer, served, answer } = await setUp()
  const invite = peer.request('INVITE', { via: 'SIP/2.0/UDP 10.0.0.9:5060;branch=1' })
  peer.send(invite)
  peer.send(invite)
  clock.advance(0)
  t.equal(served.length, 1)
  answer(served[0]!, 486)
  clock.advance(0)
  peer.ackFailure(invite, peer.responses[0]!)
  clock.advance(1_000)
  t.strictSame(peer.statuses, [486], 'the ACK has found it')
  peer.send(withHeader(invite, 'CSeq', '2 INVITE'))
  clock.advance(0)
  t.equal(served.length, 2)
})

t.test('RFC 3261 §8.2.2.2: the same request by another way is merged', async t => {
  const { clock, peer, served, layer } = await setUp()
  peer.send(peer.request('INVITE'))
  peer.send(peer.request('INVITE'))
  clock.advance(0)
  t.strictSame(served.map(({ transaction }) => layer.isMerged(transaction)), [false, true])
})

t.test('RFC 3261 §17.1.4: a connection that dies fails its transactions at once', async t => {
  const { clock, network, heard, send, layer } = await setUp('tcp')
  send('INVITE')
  send('OPTIONS')
  clock.advance(1)
  network.cut(THERE, 5060)
  t.strictSame(heard, ['SIP_TRANSPORT', 'terminated', 'SIP_TRANSPORT', 'terminated'])
  t.strictSame(layer.size, { client: 0, server: 0 })
})

t.test('RFC 3261 table 4: over a reliable transport timers A, E and G never start, and D, I, J and K end their states at once; B, F and H are as ever', async t => {
  const failed = await setUp('tcp')
  failed.send('INVITE')
  failed.clock.advance(0)
  failed.peer.respond(failed.peer.requests[0]!, 486)
  failed.clock.advance(0)
  t.strictSame(failed.peer.requests.map(({ method }) => method), ['INVITE', 'ACK'])
  t.strictSame(failed.heard, ['486', 'terminated'], 'D')
  const options = await setUp('tcp')
  options.send('OPTIONS')
  options.clock.advance(0)
  options.peer.respond(options.peer.requests[0]!, 200)
  options.clock.advance(0)
  t.strictSame(options.heard, ['200', 'terminated'], 'K')
  for (const method of ['INVITE', 'OPTIONS']) {
    const silent = await setUp('tcp')
    silent.send(method)
    silent.clock.advance(31_999)
    t.equal(silent.peer.requests.length, 1, 'A, E')
    t.strictSame(silent.heard, [])
    silent.clock.advance(1)
    t.strictSame(silent.heard, ['SIP_TRANSACTION_TIMEOUT', 'terminated'], 'B, F')
  }
  const served = await setUp('tcp')
  served.peer.send(served.peer.request('OPTIONS'))
  served.clock.advance(0)
  served.answer(served.served[0]!, 200)
  t.equal(served.layer.size.server, 0, 'J')
  const invite = served.peer.request('INVITE')
  served.peer.send(invite)
  served.clock.advance(0)
  served.answer(served.served[1]!, 486)
  served.clock.advance(31_000)
  t.strictSame(served.peer.statuses, [200, 486], 'G')
  served.peer.ackFailure(invite, served.peer.responses[1]!)
  served.clock.advance(0)
  t.equal(served.layer.size.server, 0, 'I')
  served.peer.send(served.peer.request('INVITE', { callId: 'other' }))
  served.clock.advance(0)
  served.answer(served.served[2]!, 486)
  served.clock.advance(31_999)
  t.equal(served.layer.size.server, 1)
  served.clock.advance(1)
  t.equal(served.layer.size.server, 0, 'H')
})

t.test('branches and tags begin with the node id', async t => {
  const { send, clock, peer, layer } = await setUp()
  send('OPTIONS')
  clock.advance(0)
  t.match(topVia(peer.requests[0]!).branch, /^z9hG4bKn7/)
  t.match(layer.token(), /^n7/)
})

t.test('RFC 3261 §9.2: CANCEL of a request other than INVITE gets 200 and changes nothing', async t => {
  const { clock, peer, served, answer } = await setUp()
  const options = peer.request('OPTIONS')
  peer.send(options)
  clock.advance(0)
  const cancelled: string[] = []
  served[0]!.transaction.user = { cancelled: message => cancelled.push(message.method) }
  peer.send(cancelFor(options))
  clock.advance(0)
  t.strictSame(peer.statuses, [200])
  t.strictSame(cancelled, [])
  answer(served[0]!, 204)
  clock.advance(0)
  t.strictSame(peer.statuses, [200, 204])
})
