import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { cseq, topVia } from '../../../src/sip/message/headers.js'
import { writeMessage } from '../../../src/sip/message/writer.js'
import { createProxy } from '../../../src/sip/proxy/proxy.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { DnsResolver } from '../../../src/sip/transport/resolver.js'
import type { Dns } from '../../../src/sip/transport/resolver.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { InviteOutcome, RequestOutcome } from '../../../src/sip/ua/user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { answerAll, OFFER } from '../ua/two-agents.js'

const HERE = '10.0.0.1'
/** Tells that it is out of service. */
const BUSY = '10.0.0.11'
/** Never answers. */
const SILENT = '10.0.0.12'
/** Refuses connections: nobody is there. */
const GONE = '10.0.0.13'
const GOOD = '10.0.0.14'

const HOSTS: Readonly<Record<string, string | readonly string[]>> = { busy: BUSY, silent: SILENT, gone: GONE, good: GOOD, dual: ['2001:db8::14', GOOD], six: '2001:db8::14' }

/** One agent of UDP and TCP, and a domain whose servers of both protocols are `hosts`, in that order. */
const setUp = async (hosts: readonly string[]) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  let asked = 0
  const dns: Dns = {
    naptr: () => Promise.resolve([]),
    srv: () => {
      asked++
      return Promise.resolve(hosts.map((name, index) => ({ name, port: 5060, priority: index, weight: 1 })))
    },
    addresses: name => Promise.resolve([HOSTS[name]!].flat()),
  }
  const agent = (address: string, seed: number) => createUserAgent({
    transports: [network.factory('udp', address, 5060), network.factory('tcp', address, 5060)], clock, random: seededRandom(seed), sessionExpires: 0,
    resolver: new DnsResolver({ clock, random: seededRandom(7), dns }),
  })
  const client = await agent(HERE, 2)
  const good = await agent(GOOD, 3)
  answerAll(good)
  const open = (address: string, transport: 'udp' | 'tcp' = 'udp'): Promise<RawPeer> => RawPeer.open(network, clock, address, HERE, transport)
  const [busy, silent] = [await open(BUSY), await open(SILENT)]
  for (const peer of [busy, await open(BUSY, 'tcp')]) peer.onMessage = message => { if (message.type === 'request' && message.method !== 'ACK') peer.respond(message, 503) }
  await open(SILENT, 'tcp')
  const options = async (uri: string): Promise<RequestOutcome> => {
    const outcome = client.request('OPTIONS', uri)
    await clock.settle(40_000)
    return outcome
  }
  const invite = async (uri: string, sdp = OFFER): Promise<InviteOutcome> => {
    const { outcome } = client.invite(uri, { sdp })
    await clock.settle(40_000)
    return outcome
  }
  return { clock, network, client, good, busy, silent, options, invite, asked: () => asked }
}

const URI = 'sip:bob@servers.example;transport=udp'
const BY_TCP = 'sip:bob@servers.example;transport=tcp'

t.test('RFC 3263 §4.3: the next server is tried after 503, after a time-out, and after a connection refused', async t => {
  for (const [hosts, uri] of [[['busy', 'good'], URI], [['silent', 'good'], URI], [['gone', 'good'], BY_TCP], [['silent', 'busy', 'good'], URI], [['gone', 'busy', 'good'], BY_TCP]] as const) {
    const { options } = await setUp(hosts)
    t.match(await options(uri), { type: 'response', response: { status: 200 } }, hosts.join())
    const calls = await setUp(hosts)
    t.equal((await calls.invite(uri)).type, 'answered', `INVITE: ${hosts.join()}`)
  }
  const { options } = await setUp(['silent', 'busy'])
  t.match(await options(URI), { type: 'response', response: { status: 503 } }, 'the last says what it was')
})

t.test('RFC 3263 §4.3: servers that failed stand behind for a minute, and the DNS is not asked again meanwhile', async t => {
  const { options, busy, silent, asked, clock } = await setUp(['busy', 'silent', 'good'])
  await options(URI)
  const first = [busy.requests.length, silent.requests.length]
  t.strictSame(first, [1, 11], 'one answer 503; eleven sent in vain')
  t.equal(asked(), 1)
  await options(URI)
  t.strictSame([busy.requests.length, silent.requests.length], first)
  t.equal(asked(), 1, 'the answer is kept for 60 s, of which 40 have passed')
  await clock.settle(21_000)
  await options(URI)
  t.equal(asked(), 2)
  t.ok(busy.requests.length > first[0]!, 'tried again')
})

t.test('RFC 3263 §4.3, RFC 3261 §16.6, step 7: a proxy goes to the next server too, and then there first', async t => {
  const { client, clock, network, busy } = await setUp(['busy', 'good'])
  const proxy = createProxy({ recordRoute: true })
  proxy.attach?.(client)
  client.onRequest = async request => { await proxy.forward(request, [URI]) }
  const caller = await RawPeer.open(network, clock, '10.0.0.30', HERE)
  for (const callId of ['one', 'two']) {
    caller.send(caller.request('OPTIONS', { callId }))
    await clock.settle(100)
  }
  t.strictSame(caller.statuses, [200, 200])
  t.equal(busy.requests.length, 1)
})

t.test('RFC 3263 §4.2: A and AAAA: addresses of a family that no listener has are passed over', async t => {
  const { options } = await setUp(['six', 'dual'])
  t.match(await options(URI), { type: 'response', response: { status: 200 } })
  const none = await setUp(['six'])
  t.match(await none.options(URI), { type: 'error', error: { code: 'SIP_TRANSPORT', message: /2001:db8::14/ } })
})

t.test('the in-memory network loses, doubles, delays and reorders as its seed says, and connections keep their order', async t => {
  const deliver = async (seed: number, transport: 'udp' | 'tcp') => {
    const clock = new VirtualClock()
    const network = new MemoryNetwork({ clock, random: seededRandom(seed), loss: 0.2, duplication: 0.2, delay: [5, 50] })
    const [to, from] = [await RawPeer.open(network, clock, GOOD, HERE, transport), await RawPeer.open(network, clock, HERE, GOOD, transport)]
    for (let number = 0; number < 500; number++) from.send(from.request('INFO', { cseq: number }))
    clock.advance(100)
    return { numbers: to.requests.map(request => cseq(request).number), late: to.times, lost: network.lost }
  }
  const { numbers, late, lost } = await deliver(1, 'udp')
  const kinds = new Set(numbers).size
  t.ok(lost > 70 && lost < 130 && kinds === 500 - lost, `${lost} lost`)
  t.ok(numbers.length - kinds > 50, `${numbers.length - kinds} came twice`)
  t.ok(numbers.some((number, index) => number < (numbers[index - 1] ?? 0)), 'reordered')
  t.ok(late.at(-1)! > 40)
  t.strictSame(await deliver(1, 'udp'), { numbers, late, lost })
  t.notSame((await deliver(2, 'udp')).numbers, numbers)
  t.strictSame((await deliver(1, 'tcp')).numbers, Array.from({ length: 500 }, (_, number) => number))
})

const LARGE = OFFER + `a=note:${'x'.repeat(1_200)}\r\n`

t.test('RFC 3261 §18.1.1: what exceeds 1300 bytes goes by TCP, the rest by UDP', async t => {
  const { client, clock, network } = await setUp([])
  const udp = await RawPeer.open(network, clock, '10.0.0.40', HERE)
  const tcp = await RawPeer.open(network, clock, '10.0.0.40', HERE, 'tcp')
  for (const sdp of [OFFER, LARGE, LARGE]) client.invite('sip:bob@10.0.0.40', { sdp })
  await clock.settle(100)
  t.strictSame(udp.requests.map(request => topVia(request).transport), ['UDP'])
  t.strictSame(tcp.requests.map(request => topVia(request).transport), ['TCP', 'TCP'])
  t.ok(tcp.requests.every(request => writeMessage(request).length > 1_300))
  await clock.settle(200)
  t.equal(tcp.requests.length, 2, 'no retransmission over a reliable transport')
})

t.test('RFC 3261 §18.1.1: when the connection is refused the large request goes by UDP after all, and can be cancelled', async t => {
  const { client, clock, network } = await setUp([])
  const udp = await RawPeer.open(network, clock, '10.0.0.40', HERE)
  const invite = client.invite('sip:bob@10.0.0.40', { sdp: LARGE })
  await clock.settle(100)
  const [request] = udp.requests
  t.equal(topVia(request!).transport, 'UDP')
  udp.respond(request!, 180)
  await clock.settle(10)
  invite.cancel()
  await clock.settle(10)
  const cancel = udp.requests.find(({ method }) => method === 'CANCEL')
  t.equal(topVia(cancel!).branch, topVia(request!).branch)
  udp.respond(cancel!, 200)
  udp.respond(request!, 487)
  await clock.settle(60_000)
  t.match(await invite.outcome, { type: 'cancelled' })
  t.strictSame(client.layer.size, { client: 0, server: 0 })
  t.equal(client.layer.counters.value('impossible'), 0)
})

t.test('RFC 3261 §18.1.1: an ACK with a large answer goes by TCP, by UDP when the 2xx comes again where that is refused', async t => {
  for (const refused of [false, true]) {
    const { client, clock, network } = await setUp([])
    const udp = await RawPeer.open(network, clock, '10.0.0.40', HERE)
    const tcp = refused ? undefined : await RawPeer.open(network, clock, '10.0.0.40', HERE, 'tcp')
    client.invite('sip:bob@10.0.0.40', { answer: () => Promise.resolve(LARGE) })
    await clock.settle(100)
    const accept = async (): Promise<void> => {
      udp.respond(udp.requests[0]!, 200, { body: { type: 'application/sdp', content: OFFER } })
      await clock.settle(100)
    }
    const acks = (peer: RawPeer | undefined): number => peer?.requests.filter(({ method }) => method === 'ACK').length ?? 0
    await accept()
    t.strictSame([acks(udp), acks(tcp)], [0, refused ? 0 : 1])
    await accept()
    t.strictSame([acks(udp), acks(tcp)], refused ? [1, 0] : [0, 2])
    await accept()
    t.strictSame([acks(udp), acks(tcp)], refused ? [2, 0] : [0, 3])
  }
})

t.test('RFC 3261 §18, §17.1.4, RFC 5923: both directions share one connection; when it dies both sides\' transactions fail at once', async t => {
  const { client, good, clock, network } = await setUp([])
  const ended: string[] = []
  const ask = (from: typeof client, to: string): void => void from.request('INFO', `sip:x@${to};transport=tcp`).then(({ type }) => ended.push(type))
  good.onRequest = request => request.defer()
  client.onRequest = request => request.defer()
  ask(client, GOOD)
  await clock.settle(10)
  ask(good, HERE)
  await clock.settle(10)
  t.strictSame([client.layer.size, good.layer.size], [{ client: 1, server: 1 }, { client: 1, server: 1 }])
  network.cut(GOOD, 5060)
  await clock.settle(0)
  t.strictSame(ended, ['error', 'error'])
  t.strictSame([client.layer.size.client, good.layer.size.client], [0, 0])
})
