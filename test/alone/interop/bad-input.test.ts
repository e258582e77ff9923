import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { seededRandom, type Random } from '../../../src/core/random.js'
import { request } from '../../../src/sip/message/build.js'
import { writeMessage } from '../../../src/sip/message/writer.js'
import { createScriptedPeer } from '../../../src/testing/scripted-peer.js'
import { CallCenterProcess, eventually } from '../../peers/call-center.js'
import { Inspector } from '../../peers/inspector.js'

t.setTimeout(150_000)

const DATAGRAMS = 10_000
/** Datagrams between two turns of the event loop: more than a socket's buffer holds would be lost before the server sees them. */
const BURST = 20
/** Of the server, so that what strangers leave behind ends soon. */
const T1_MS = 50
/** RFC 3261 §17.2.1: longest life of a transaction that nobody acknowledges (timers H and J are 64 T1; I is T4, 5 s), and a bit. */
const TRANSACTIONS_END_MS = Math.max(64 * T1_MS, 5_000) + 2_000

const randomBytes = (random: Random, length: number): Buffer => Buffer.from(Array.from({ length }, () => random.uint32() & 0xff))

/** A message with some of its bytes changed, doubled, left out or cut off. */
const mutated = (random: Random, message: Buffer): Buffer => {
  let bytes = Buffer.from(message)
  for (let change = random.uint32() % 8; change >= 0; change--) {
    const at = random.uint32() % bytes.length
    const kind = random.uint32() % 4
    if (kind === 0) bytes[at] = random.uint32() & 0xff
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 20))])
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + (random.uint32() % 20))])
    else bytes = bytes.subarray(0, Math.max(1, at))
    if (bytes.length < 2) return bytes
  }
  return bytes
}

const sipSeeds = (server: CallCenterProcess, port: number): Buffer[] => (['INVITE', 'REGISTER', 'OPTIONS', 'BYE', 'CANCEL', 'ACK', 'MESSAGE'] as const).map(method =>
  writeMessage(request({
    method, uri: server.uri('999'), via: `SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKseed${method};rport`, from: '<sip:stranger@127.0.0.1>;tag=1', to: `<${server.uri('999')}>`,
    callId: `seed-${method}@127.0.0.1`, cseq: 1, contact: `<sip:stranger@127.0.0.1:${port}>`, body: { type: 'application/sdp', content: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n' },
  })))

const rtpSeed = (): Buffer => {
  const packet = Buffer.alloc(172, 0xff)
  packet.writeUInt16BE(0x8000, 0)
  return packet
}

/** Sends `count` of them to `port`: a third random, the rest mutations of `seeds`. */
const spray = async (socket: Socket, random: Random, port: number, seeds: readonly Buffer[], count = DATAGRAMS): Promise<void> => {
  for (let n = 0; n < count; n++) {
    const bytes = random.uint32() % 3 === 0 ? randomBytes(random, 1 + (random.uint32() % 600)) : mutated(random, seeds[random.uint32() % seeds.length]!)
    socket.send(bytes, port, '127.0.0.1')
    if (n % BURST === 0) await new Promise(resolve => setTimeout(resolve, 2))
  }
}

t.test(`${DATAGRAMS} random and mutated datagrams to the SIP port and to an open RTP port leave the calls and the memory as they were`, async t => {
  await using server = await CallCenterProcess.start({ rtpPorts: [21_400, 21_598], inspect: true, env: { SIP_T1: String(T1_MS) } })
  await using inspector = await Inspector.connect(await server.child.line(/ws:\/\//))
  await using peer = await createScriptedPeer({ server: server.address, tone: { frequencies: [1_004] } })
  const calls = await Promise.all([1, 2, 3].map(() => peer.call(server.uri('600'))))
  // While its peer says nothing anybody is listened to: the others' sockets are connected to their peers.
  const held = await peer.call(server.uri('600'))
  held.rtp.sendTo(undefined)
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'listening')
  const random = seededRandom(20_261_121)
  const seeds = sipSeeds(server, socket.address().port)
  await spray(socket, random, server.sipPort, seeds.slice(0, 1).map(() => Buffer.from('warm up')))
  const before = await inspector.heapUsed()
  const dropped = { sip: await server.metric('cordboard_sip_dropped_total'), rtp: await server.metric('cordboard_rtp_dropped_total') }

  await spray(socket, random, server.sipPort, seeds)
  await spray(socket, random, calls[0]!.descriptions[0]!.port, [rtpSeed()], DATAGRAMS / 10)
  await spray(socket, random, held.descriptions[0]!.port, [rtpSeed()])

  t.equal((await server.get('/health')).status, 200, 'alive')
  t.ok(await server.metric('cordboard_sip_dropped_total') - dropped.sip > DATAGRAMS / 4, 'counted by reason')
  t.ok(await server.metric('cordboard_rtp_dropped_total') - dropped.rtp > DATAGRAMS / 4, 'counted by reason')
  for (const call of calls) {
    const heard = call.rtp.heard()
    t.ok(heard.hears(1_004), `${heard.level(1_004)} dBm0`)
    t.same(heard.part(500, heard.ms - 200).gaps(1_004, 60), [], 'a call is unharmed')
    t.equal((await call.bye()).status, 200)
  }
  held.rtp.sendTo({ address: '127.0.0.1', port: held.descriptions[0]!.port, payloadType: 0, eventType: undefined })
  const from = held.rtp.heard().ms
  await eventually('the fourth is heard again', async () => held.rtp.heard().part(from, held.rtp.heard().ms).hears(1_004) || undefined)
  t.equal((await held.bye()).status, 200)
  await new Promise(resolve => setTimeout(resolve, TRANSACTIONS_END_MS))
  const growth = await inspector.heapUsed() - before
  t.ok(growth < 2_000_000, `heap grew by ${growth} bytes`)
  t.equal(await server.metric('cordboard_rtp_legs'), 0)
  socket.close()
})
