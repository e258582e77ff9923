import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { writeMessage } from '../../../src/sip/message/writer.js'
import { Holders } from '../../../src/sip/transport/holders.js'
import type { HoldersOptions } from '../../../src/sip/transport/holders.js'
import { isStun, stunAnswer, stunBinding, stunRequest } from '../../../src/sip/transport/stun.js'
import type { Flow } from '../../../src/sip/transport/transport.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { listener, options } from './listener.js'

/** RFC 5769 §2: the transaction of the sample messages. */
const TRANSACTION = 'b7e7a701bc34d686fa87dfae'
const stun = (type: string, attributes = ''): Buffer => Buffer.from(`${type}${(attributes.length / 2).toString(16).padStart(4, '0')}2112a442${TRANSACTION}${attributes}`, 'hex')
const REQUEST = stun('0001')

t.test('RFC 8489 §14.2, RFC 5769 §2.2, §2.3: XOR-MAPPED-ADDRESS of both families', t => {
  t.equal(stunAnswer(REQUEST, '192.0.2.1', 32_853)?.toString('hex'), stun('0101', '002000080001a147e112a643').toString('hex'))
  t.equal(stunAnswer(REQUEST, '2001:db8:1234:5678:11:2233:4455:6677', 32_853)?.subarray(20).toString('hex'), '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9')
  t.equal(stunAnswer(REQUEST, '::1', 32_853)?.length, 44)
  t.end()
})

t.test('RFC 8489 §6.3: unknown attributes get 420, responses, indications and malformed requests nothing', t => {
  const refused = stunAnswer(stun('0001', '0003000400000002'), '192.0.2.1', 1)!
  t.equal(refused.readUInt16BE(0), 0x0111)
  t.match(refused.toString('hex'), /000a00020003/)
  t.equal(stunAnswer(stun('0001', '80220004aaaaaaaa'), '192.0.2.1', 1)?.readUInt16BE(0), 0x0101, 'optional ones are ignored')
  for (const silent of [stun('0011'), stun('0101'), stun('0001', '80220044aaaaaaaa')]) t.equal(stunAnswer(silent, '192.0.2.1', 1), undefined)
  for (const other of [Buffer.from('OPTIONS sip:a@b SIP/2.0\r\n\r\n'), REQUEST.subarray(0, 19), Buffer.concat([REQUEST, Buffer.from('x')])]) t.notOk(isStun(other))
  t.end()
})

t.test('RFC 5626 §4.4.2: a binding request on the SIP port of UDP is answered', async t => {
  const server = await listener(t, { listen: ['udp://127.0.0.1:0'] })
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.send(REQUEST, server.at().port, '127.0.0.1')
  const [answer] = await once(socket, 'message') as [Buffer]
  t.strictSame(answer, stunAnswer(REQUEST, '127.0.0.1', socket.address().port))
  t.equal(server.layer.drops.value('keep-alive'), 1)
})

t.test('RFC 5626 §3.5.1, §4.4.1: a double CRLF on a connection gets a single one', async t => {
  const server = await listener(t, { listen: ['tcp://127.0.0.1:0'] })
  const socket = connect(server.at().port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('\r\n\r\n')
  const [pong] = await once(socket, 'data') as [Buffer]
  t.equal(pong.toString(), '\r\n')
  t.equal(server.layer.drops.value('keep-alive'), 1)
})

/** The clock and what has been done on it. */
const holders = (options: Partial<HoldersOptions> = {}) => {
  const clock = new VirtualClock()
  const pings: number[] = []
  let dead: number | undefined
  const held = new Holders({
    clock, random: seededRandom(4), everyMs: 120_000, pongMs: 10_000, mustAnswer: false, ping: () => pings.push(clock.now()), dead: () => { dead = clock.now() }, ...options,
  })
  return { clock, pings, held, dead: () => dead }
}

t.test('RFC 5626 §4.4.1: pings are 96-120 s apart while somebody holds the connection, and none after', t => {
  const { clock, pings, held } = holders()
  const [first, second] = [held.add(undefined), held.add(undefined)]
  for (let second = 0; second < 3_600; second++) {
    clock.advance(1_000)
    held.heard(false)
  }
  const intervals = pings.map((at, index) => at - (pings[index - 1] ?? 0))
  t.ok(pings.length >= 27 && intervals.every(ms => ms >= 96_000 && ms <= 131_000), intervals.join())
  t.ok(new Set(intervals).size > 20, 'spread, so that not all connections of a server ping at once')
  first()
  t.ok(held.any)
  second()
  t.equal(clock.pending, 0)
  t.notOk(held.any)
  t.end()
})

t.test('RFC 5626 §4.4.1: whoever has answered a ping must answer the next within 10 s; who never did is left in peace; WebSocket (RFC 6455 §5.5.2) must at once', t => {
  const { clock, pings, held, dead } = holders()
  held.add(undefined)
  clock.advance(300_000)
  t.equal(dead(), undefined, 'a peer that does not know RFC 5626')
  clock.advance(120_000)
  const count = pings.length
  while (pings.length === count) clock.advance(1_000)
  held.heard(true)
  while (pings.length === count + 1) clock.advance(1_000)
  clock.advance(9_000)
  t.equal(dead(), undefined)
  clock.advance(1_000)
  t.equal(dead(), pings.at(-1)! + 10_000)
  const strict = holders({ mustAnswer: true })
  strict.held.add(undefined)
  strict.clock.advance(130_000)
  t.equal(strict.dead(), strict.pings[0]! + 10_000)
  t.end()
})

/** Pings come every 108 s: between 96 and 120. */
const midway = { ...seededRandom(1), float: () => 0.5 }
const PING_AFTER_MS = 108_000
const PONG_MS = 10_000

for (const scheme of ['tcp', 'ws'] as const)
  t.test(`RFC 5626 §4.4.1, RFC 7118 §6: ${scheme}: a connection of ours that is held stays open by pings, ends without pongs, and let go it ends for its silence`, async t => {
    const clock = new VirtualClock()
    const client = await listener(t, { listen: [`${scheme}://127.0.0.1:0`], clock, random: midway })
    const server = await listener(t, { listen: [`${scheme}://127.0.0.1:0`], clock: new VirtualClock() })
    const opened = async (): Promise<Flow> => {
      const arrived = server.arrived.length
      const flow = client.layer.flowTo(server.at())
      flow.send(writeMessage(options()))
      await server.until(() => server.arrived.length > arrived)
      return flow
    }
    const pongs = (): number => client.layer.drops.value('keep-alive')
    const flow = await opened()
    let lost: Error | undefined
    flow.hold!(error => { lost = error })
    while (clock.now() < 1_300_000) {
      const before = pongs()
      clock.advance(PING_AFTER_MS)
      // The answer takes its way through real sockets.
      while (pongs() === before) await new Promise(resolve => setImmediate(resolve))
      clock.advance(PONG_MS)
    }
    t.ok(flow.open, 'more than 20 minutes without a message')
    clock.advance(PING_AFTER_MS + PONG_MS)
    t.notOk(flow.open)
    t.equal(client.layer.drops.value('no-pong'), 1)
    t.match(lost?.message, /^connection closed/)
    const other = await opened()
    other.hold!()()
    clock.advance(1_200_000)
    t.notOk(other.open)
    t.equal(client.layer.drops.value('idle'), 1)
  })

t.test('RFC 8489 §14.2: our own requests are understood, and their answers read whatever the family', t => {
  const request = stunRequest(Buffer.from(TRANSACTION, 'hex'))
  t.strictSame(request, REQUEST)
  for (const [address, hex] of [['192.0.2.1', 'c0000201'], ['2001:db8:1234:5678:11:2233:4455:6677', '20010db8123456780011223344556677']] as const)
    t.strictSame(stunBinding(stunAnswer(request, address, 0x1234)!), { transaction: Buffer.from(TRANSACTION, 'hex'), mapped: `1234${hex}` })
  t.match(stunBinding(stunAnswer(stun('0001', '0003000400000002'), '192.0.2.1', 1)!), { mapped: undefined }, 'a refusal')
  for (const other of [request, Buffer.from('OPTIONS sip:a@b SIP/2.0\r\n\r\n')]) t.equal(stunBinding(other), undefined)
  t.end()
})

t.test('RFC 5626 §4.4.2: UDP: the way through a NAT is kept open by STUN on the SIP port, repeated when it is lost; silence, and another address of ours, end it', async t => {
  const clock = new VirtualClock()
  const client = await listener(t, { listen: ['udp://127.0.0.1:0'], clock, random: midway })
  const server = createSocket('udp4').bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const requests: Buffer[] = []
  let mapped = 40_000
  let answers = true
  server.on('message', (bytes, { port }) => {
    requests.push(bytes)
    if (answers) server.send(stunAnswer(bytes, '203.0.113.5', mapped)!, port, '127.0.0.1')
  })
  const hold = (): Promise<Error> => new Promise(lost => client.layer.flowTo({ transport: 'udp', address: '127.0.0.1', port: server.address().port }).hold!(lost))
  /** Until one more request has come, and its answer gone back. */
  const exchanged = async (act: () => void): Promise<void> => {
    const [came, answered] = [requests.length, client.layer.drops.value('keep-alive')]
    act()
    while (requests.length === came || (answers && client.layer.drops.value('keep-alive') === answered)) await new Promise(resolve => setImmediate(resolve))
  }
  const lost = hold()
  for (let round = 0; round < 3; round++) {
    // Midway between 80 % of 29 s and all of it.
    await exchanged(() => clock.advance(26_100))
    clock.advance(500)
  }
  t.ok(requests.every(isStun))
  t.equal(new Set(requests.map(String)).size, 3, 'each with a transaction of its own')
  answers = false
  await exchanged(() => clock.advance(26_100))
  await exchanged(() => clock.advance(500))
  t.strictSame(requests[4], requests[3], 'repeated')
  clock.advance(10_000)
  t.match((await lost).message, /no answer/)
  t.equal(client.layer.drops.value('no-pong'), 1)
  answers = true
  const again = hold()
  await exchanged(() => clock.advance(26_100))
  clock.advance(500)
  mapped++
  await exchanged(() => clock.advance(26_100))
  t.match((await again).message, /another address/)
  t.equal(clock.pending, 0)
})
