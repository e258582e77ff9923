import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import type { CordboardError } from '../../../src/core/errors.js'
import { realClock } from '../../../src/core/real-clock.js'
import { seededRandom } from '../../../src/core/random.js'
import { header } from '../../../src/sip/message/headers.js'
import { writeMessage } from '../../../src/sip/message/writer.js'
import { parseListenAddress } from '../../../src/sip/transport/listen-address.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { RouteSource } from '../../../src/sip/transport/route-source.js'
import { subscriberOf } from '../../../src/core/subscriber.js'
import type { TransportLayerOptions } from '../../../src/sip/transport/transport-layer.js'
import type { Target } from '../../../src/sip/transport/transport.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { Authority } from '../certificates.js'
import { type Listener, listener, options } from './listener.js'

const shared = (name: string, open: (t: Test) => Promise<readonly [Listener, Listener]>): void => {
  void t.test(`RFC 3261 §18: ${name} carries requests and their responses`, async t => {
    const [a, b] = await open(t)
    const flow = a.layer.flowTo(b.at())
    flow.send(writeMessage(options()))
    await b.until(() => b.arrived.length === 1)
    const { message, flow: back } = b.arrived[0]!
    t.match(header(message, 'Via'), /received=.*;rport=\d+/, 'RFC 3581: stamped')
    back.send(Buffer.from(writeMessage(options())))
    await a.until(() => a.arrived.length === 1)
    t.equal(a.arrived[0]!.flow.port, b.at().port, 'back by the same way')
    for (let count = 0; count < 50; count++) flow.send(writeMessage(options(flow.reliable ? 20_000 : 900)))
    await b.until(() => b.arrived.length === 51)
    t.ok(b.arrived.every(arrival => arrival.flow.port === back.port), 'one flow')
    flow.send(Buffer.from('\r\n\r\n'))
    flow.send(Buffer.from('OPTIONS sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK2\r\nContent-Length: 0\r\n\r\n'))
    await b.until(() => b.bad.length === 1)
    t.strictSame(b.bad, [400])
    t.ok(b.layer.drops.value('keep-alive') >= 1)
    await b.layer.close()
    if (!flow.reliable) return
    await a.until(() => a.closed.length === 1)
    t.notOk(flow.open)
    const error = await new Promise<Error>(resolve => flow.send(writeMessage(options()), resolve))
    t.equal((error as CordboardError).code, 'SIP_TRANSPORT')
  })
}

const pairOn = (scheme: string, more: Partial<TransportLayerOptions> = {}, host = '127.0.0.1') => async (t: Test) =>
  [await listener(t, { listen: [`${scheme}://${host}:0`], ...more }), await listener(t, { listen: [`${scheme}://${host}:0`], ...more })] as const

shared('UDP', pairOn('udp'))
shared('TCP', pairOn('tcp'))
shared('WebSocket', pairOn('ws'))
const authority = new Authority()
const tls = { ...authority.issue({ ip: ['127.0.0.1', '::1'] }), ca: authority.cert }
shared('TLS', pairOn('tls', { tls }))
shared('secure WebSocket', pairOn('wss', { tls }))
for (const scheme of ['udp', 'tcp', 'tls', 'ws', 'wss']) shared(`${scheme} over IPv6`, pairOn(scheme, { tls }, '[::1]'))
for (const name of ['udp', 'tcp'] as const) {
  shared(`memory ${name}`, async t => {
    const network = new MemoryNetwork({ clock: realClock, random: seededRandom(1) })
    return [await listener(t, { transports: [network.factory(name, '10.0.0.1', 5060)] }), await listener(t, { transports: [network.factory(name, '10.0.0.2', 5060)] })]
  })
}

t.test('RFC 7118: shares an HTTP server and leaves it its other upgrades', async t => {
  const http = createServer((_request, answer) => answer.end('page'))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => http.close())
  const server = await listener(t, { http })
  const client = await listener(t, { listen: ['ws://127.0.0.1:0'] })
  client.layer.flowTo(server.at()).send(writeMessage(options()))
  await server.until(() => server.arrived.length === 1)
  t.equal(server.arrived[0]!.flow.transport, 'ws')
  const { port } = server.at()
  t.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'page')
})

const raw = async (t: Test, { port }: Target): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  t.teardown(() => socket.destroy())
  socket.on('error', () => undefined)
  return socket
}

/** However it comes to that: a reset is no error here. */
const ended = (socket: Socket): Promise<void> => new Promise(resolve => {
  if (socket.closed) resolve()
  else socket.once('close', () => resolve())
})

t.test('TCP: a begun message must be complete in time, a silent connection ends', async t => {
  const server = await listener(t, { listen: ['tcp://127.0.0.1:0'], limits: { messageMs: 60, idleMs: 400 } })
  const slow = await raw(t, server.at())
  slow.write('OPTIONS sip:b')
  await once(slow, 'close')
  t.equal(server.layer.drops.value('slow-sender'), 1)
  const idle = await raw(t, server.at())
  await once(idle, 'close')
  t.equal(server.layer.drops.value('idle'), 1)
})

t.test('TCP: a reader that does not read is cut off; connections are bounded; lost framing is answered and closed', async t => {
  const server = await listener(t, { listen: ['tcp://127.0.0.1:0'], limits: { queuedBytes: 300_000, connections: 2 } })
  const lazy = await raw(t, server.at())
  lazy.pause()
  lazy.write(writeMessage(options()))
  await server.until(() => server.arrived.length === 1)
  const { flow } = server.arrived[0]!
  for (let count = 0; count < 2_000 && flow.open; count++) flow.send(writeMessage(options(50_000)))
  t.notOk(flow.open)
  t.equal(server.layer.drops.value('slow-reader'), 1)
  await raw(t, server.at())
  await raw(t, server.at())
  const surplus = await raw(t, server.at())
  await once(surplus, 'close')
  t.equal(server.layer.drops.value('too-many-connections'), 1)
  const other = await listener(t, { listen: ['tcp://127.0.0.1:0'] })
  const broken = await raw(t, other.at())
  broken.resume()
  broken.write('OPTIONS sip:b@b SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK2\r\nContent-Length: nonsense\r\n\r\n')
  await once(broken, 'close')
  t.equal(other.layer.drops.value('framing'), 1)
  t.strictSame(other.bad, [400])
})

t.test('limits per source: connections of one source, and the bytes of unfinished messages of all, are bounded', async t => {
  t.strictSame(['192.0.2.7', '::ffff:192.0.2.7', '2001:DB8:1:2:3::9', '2001:db8::1', '::1'].map(subscriberOf), ['192.0.2.7', '192.0.2.7', '2001:db8:1:2::/64', '2001:db8::/64', '::/64'])
  const from = async (localAddress: string): Promise<Socket> => {
    const socket = connect({ port: server.at().port, host: '127.0.0.1', localAddress })
    t.teardown(() => socket.destroy())
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    return socket
  }
  const server = await listener(t, { listen: ['tcp://127.0.0.1:0'], limits: { connectionsPerSource: 2, heldBytes: 100_000 } })
  const first = await from('127.0.0.2')
  await from('127.0.0.2')
  await ended(await from('127.0.0.2'))
  t.equal(server.layer.drops.value('too-many-connections'), 1)
  const other = await from('127.0.0.3')
  other.write(writeMessage(options()))
  await server.until(() => server.arrived.length === 1)
  const left = ended(first)
  first.end()
  await left
  await server.until(() => server.closed.length > 0)
  const again = await from('127.0.0.2')
  again.write(writeMessage(options()))
  await server.until(() => server.arrived.length === 2)

  const halves = await Promise.all(['127.0.0.4', '127.0.0.5', '127.0.0.6'].map(from))
  const cut = halves.map(ended)
  for (const half of halves) half.write(writeMessage(options(60_000)).subarray(0, 45_000))
  await Promise.race(cut)
  t.equal(server.layer.drops.value('too-many-bytes'), 1, 'the third is cut off')
  const survivor = halves.find(({ closed }) => !closed)!
  survivor.write(writeMessage(options(60_000)).subarray(45_000))
  await server.until(() => server.arrived.length === 3)
})

t.test('a connection that has ended leaves no timer behind', async t => {
  const clock = new VirtualClock()
  const server = await listener(t, { listen: ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0'], clock })
  for (const text of ['', 'OPTIONS sip:b', 'OPTIONS sip:b@b SIP/2.0\r\nContent-Length: nonsense\r\n\r\n']) {
    const socket = await raw(t, server.at())
    socket.resume().end(text)
    await ended(socket)
  }
  const client = await listener(t, { listen: ['ws://127.0.0.1:0'] })
  client.layer.flowTo(server.layer.addresses[1]!).send(writeMessage(options()))
  await server.until(() => server.arrived.length === 1)
  await client.layer.close()
  await server.until(() => server.closed.length === 4)
  t.equal(clock.pending, 0)
})

t.test('WebSocket: whoever connects must ask for the upgrade in time', async t => {
  const server = await listener(t, { listen: ['ws://127.0.0.1:0'], limits: { connectMs: 60 } })
  const silent = await raw(t, server.at())
  silent.resume().write('GET / HTTP/1.1\r\nHost:')
  await ended(silent)
  t.equal(server.arrived.length, 0)
})

t.test('WebSocket: a begun message must be complete in time, a silent connection ends, and the bytes of unfinished messages are bounded', async t => {
  const server = await listener(t, { listen: ['ws://127.0.0.1:0'], limits: { messageMs: 300, idleMs: 1_500, heldBytes: 100_000 } })
  const upgraded = async (): Promise<Socket> => {
    const socket = await raw(t, server.at())
    const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip'
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n\r\n`)
    t.match(String(await once(socket, 'data')), /^HTTP\/1\.1 101 /)
    return socket.resume()
  }
  /** A text frame whose mask is zero (RFC 6455 §5.2). */
  const frame = (body: Uint8Array): Buffer => Buffer.concat([Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 255, 0, 0, 0, 0]), body])
  const whole = frame(writeMessage(options()))
  const steady = await upgraded()
  const began = performance.now()
  // Each in two parts, for longer than one message may take.
  for (let count = 1; performance.now() - began < 600; count++) {
    steady.write(whole.subarray(0, 20))
    await new Promise(resolve => setTimeout(resolve, 20))
    steady.write(whole.subarray(20))
    await server.until(() => server.arrived.length === count)
  }
  t.equal(server.layer.drops.value('slow-sender'), 0)
  const slow = await upgraded()
  const drip = setInterval(() => slow.write(whole.subarray(0, 1)), 40)
  slow.write(whole.subarray(0, 8))
  await ended(slow)
  clearInterval(drip)
  t.equal(server.layer.drops.value('slow-sender'), 1)
  // Neither a ping between its frames nor a whole message before it lets a begun message wait for ever.
  const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0])
  const fragment = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x4f])
  for (const begin of [fragment, Buffer.concat([whole, whole.subarray(0, 20)])]) {
    const pinging = await upgraded()
    pinging.write(begin)
    const pings = setInterval(() => pinging.write(begin === fragment ? ping : ''), 40)
    const start = performance.now()
    await ended(pinging)
    clearInterval(pings)
    t.ok(performance.now() - start < 1_200, 'before it counts as silent')
  }
  t.equal(server.layer.drops.value('slow-sender'), 3)
  const halves = await Promise.all([upgraded(), upgraded(), upgraded()])
  const cut = halves.map(ended)
  for (const half of halves) half.write(frame(Buffer.alloc(60_000)).subarray(0, 45_000))
  await Promise.race(cut)
  t.equal(server.layer.drops.value('too-many-bytes'), 1, 'the third is cut off')
  await Promise.all([...cut, ended(steady)])
  t.equal(server.layer.drops.value('slow-sender'), 5)
  t.equal(server.layer.drops.value('idle'), 1, 'who had said whole messages and falls silent')
})

t.test('a connection refused fails its messages', async t => {
  const a = await listener(t, { listen: ['tcp://127.0.0.1:0'] })
  const gone = await listener(t, { listen: ['tcp://127.0.0.1:0'] })
  const target = gone.at()
  await gone.layer.close()
  a.layer.flowTo(target).send(writeMessage(options()))
  await a.until(() => a.closed.length === 1)
  t.equal(a.closed[0]?.port, target.port)
})

t.test('RFC 3261 §18.2.1, §18.2.2: several listeners: answers leave by the one that was asked, requests by the one on the way to the peer', async t => {
  const hosts = ['udp://127.0.0.2:0', 'udp://127.0.0.1:0', 'udp://127.0.0.1:0', 'udp://[::1]:0', 'tcp://127.0.0.1:0', 'tcp://[::1]:0']
  const server = await listener(t, { listen: hosts })
  const client = await listener(t, { listen: ['udp://127.0.0.1:0', 'udp://[::1]:0', 'tcp://127.0.0.1:0', 'tcp://[::1]:0'] })
  for (const target of server.layer.addresses) {
    const before = server.arrived.length
    client.layer.flowTo(target).send(writeMessage(options()))
    await server.until(() => server.arrived.length > before)
    const { flow } = server.arrived.at(-1)!
    t.strictSame(flow.local, { host: target.address, port: target.port })
    const back = client.arrived.length
    flow.send(writeMessage(options()))
    await client.until(() => client.arrived.length > back)
    t.match(client.arrived.at(-1)!.flow, { address: target.address, port: target.port }, 'by the listener that was asked')
  }
  const from = (transport: 'udp' | 'tcp', address: string) => server.layer.flowTo({ transport, address, port: 9 }).local
  t.equal(from('udp', '127.0.0.9').host, '127.0.0.1', 'the machine\'s address on the way there')
  t.equal(from('udp', '::1').host, '::1')
  t.throws(() => server.layer.flowTo({ transport: 'tls', address: '127.0.0.1', port: 9 }), { code: 'SIP_TRANSPORT' })
  const chosen = server.arrived[0]!.flow
  t.equal(server.layer.flowTo({ transport: 'udp', address: '127.0.0.9', port: 9, flow: chosen }), chosen, 'a dialog stays with its listener')
})

t.test('listen addresses', t => {
  t.strictSame(parseListenAddress('udp://127.0.0.1:5060'), { transport: 'udp', host: '127.0.0.1', port: 5060 })
  t.strictSame(parseListenAddress('tls://[::1]'), { transport: 'tls', host: '::1', port: 5061 })
  for (const wrong of ['127.0.0.1', 'sctp://a:1', 'udp://a:99999', 'udp://[::1']) t.throws(() => parseListenAddress(wrong), { code: 'SERVER_BAD_OPTION' })
  t.end()
})

t.test('a wildcard listener advertises the route\'s source address, or what it is told', async t => {
  const route = await RouteSource.open()
  t.equal(route.towards('127.0.0.1', 0), '127.0.0.1')
  t.not(route.towards('198.51.100.7', 0), '0.0.0.0')
  const any = await listener(t, { listen: ['udp://0.0.0.0:0'] })
  t.equal(any.layer.flowTo({ transport: 'udp', address: '127.0.0.9', port: 5060 }).local.host, '127.0.0.1')
  const told = await listener(t, { listen: ['udp://0.0.0.0:0'], advertise: 'pbx.example:5080' })
  t.strictSame(told.layer.flowTo({ transport: 'udp', address: '127.0.0.9', port: 5060 }).local, { host: 'pbx.example', port: 5080 })
  t.ok(any.layer.isOurs('127.0.0.1', any.at().port))
  t.notOk(any.layer.isOurs('127.0.0.1', any.at().port + 1))
})
