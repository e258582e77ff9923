import { once } from 'node:events'
import t from 'tap'
import { RtpEndpoint } from '../../src/testing/rtp-endpoint.js'

const joined = async (): Promise<[RtpEndpoint, RtpEndpoint]> => {
  const a = await RtpEndpoint.open({ tone: { frequencies: [600] } })
  const b = await RtpEndpoint.open({ tone: { frequencies: [1_500], dbm0: -10 } })
  for (const [from, to] of [[a, b], [b, a]] as const) from.sendTo({ address: '127.0.0.1', port: to.port, payloadType: 0, eventType: 101 })
  return [a, b]
}

const packetsHeard = async (endpoint: RtpEndpoint, count: number): Promise<void> => {
  while (endpoint.packets.length < count) await new Promise(resolve => setImmediate(resolve))
}

t.test('two endpoints hear each other and not themselves', async t => {
  const [a, b] = await joined()
  await using _a = a
  await using _b = b
  await Promise.all([packetsHeard(a, 30), packetsHeard(b, 30)])
  t.ok(Math.abs(a.heard().level(1_500) + 10) < 0.5)
  t.notOk(a.heard().hears(600))
  t.ok(Math.abs(b.heard().level(600) + 16) < 0.5)
  t.same(b.heard().gaps(600, 10), [])
})

t.test('RFC 4733 §2.5.1: keys are sent as events and heard once each', async t => {
  const [a, b] = await joined()
  await using _a = a
  await using _b = b
  await a.press('15#', 60, 40)
  await packetsHeard(b, a.sent)
  t.equal(b.keysHeard(), '15#')
  const events = b.packets.filter(packet => packet.payloadType === 101)
  t.equal(events.filter(packet => packet.marker).length, 3, 'the marker is on the first packet of each')
  t.equal(events.filter(packet => (packet.payload[1]! & 0x80) !== 0).length, 9, 'three final packets each')
})

t.test('what was lost is silence in its place, and RTCP is not sound', async t => {
  await using listener = await RtpEndpoint.open()
  const { createSocket } = await import('node:dgram')
  const sender = createSocket('udp4')
  const packet = (sequence: number): Buffer => {
    const bytes = Buffer.alloc(172, 0x80)
    bytes.writeUInt16BE(0x8000, 0)
    bytes.writeUInt16BE(sequence, 2)
    bytes.writeUInt32BE((0xffff_ff00 + 160 * sequence) % 2 ** 32, 4)
    return bytes
  }
  for (const sequence of [0, 1, 4]) sender.send(packet(sequence), listener.port, '127.0.0.1')
  const report = Buffer.alloc(28)
  report.writeUInt16BE(0x80c8, 0)
  sender.send(report, listener.port, '127.0.0.1')
  await packetsHeard(listener, 3)
  t.equal(listener.heard().ms, 100)
  t.ok(listener.heard().pcm.subarray(320, 640).every(sample => sample === 0))
  sender.close()
  await once(sender, 'close')
})
