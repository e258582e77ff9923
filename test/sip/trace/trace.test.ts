import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addressBytes, ipDatagram } from '../../../src/sip/trace/datagram.js'
import { HepSender, hepPacket } from '../../../src/sip/trace/hep.js'
import { Ladder } from '../../../src/sip/trace/ladder.js'
import { PcapFile, pcapRecord } from '../../../src/sip/trace/pcap.js'
import { traceMessages, type TracedMessage } from '../../../src/sip/trace/traced-message.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'

const message = (direction: 'in' | 'out', text: string, at = 0): TracedMessage => ({
  direction, transport: 'udp', local: { address: '127.0.0.1', port: 5060 }, remote: { address: '192.0.2.7', port: 40_000 },
  text: text.replaceAll('\n', '\r\n'), at: Date.UTC(2026, 0, 1) + at,
})

const INVITE = message('in', 'INVITE sip:600@127.0.0.1 SIP/2.0\nCall-ID: one\nCSeq: 1 INVITE\nContent-Type: application/sdp\n\nv=0\n')
const RINGING = message('out', 'SIP/2.0 180 Ringing\nCall-ID: one\nCSeq: 1 INVITE\n\n', 12)
const OTHER = message('out', 'SIP/2.0 200 OK\nCall-ID: two\nCSeq: 9 OPTIONS\n\n', 20)

void t.test('addresses as bytes: IPv4, IPv6 in every notation', async t => {
  t.same([...addressBytes('192.0.2.7')], [192, 0, 2, 7])
  t.equal(addressBytes('::1').toString('hex'), '00000000000000000000000000000001')
  t.equal(addressBytes('2001:db8::7:0:1%eth0').toString('hex'), '20010db8000000000000000700000001')
  t.equal(addressBytes('::ffff:192.0.2.7').toString('hex'), '00000000000000000000ffffc0000207')
  t.equal(addressBytes('fe80:1:2:3:4:5:6:7').toString('hex'), 'fe800001000200030004000500060007')
})

void t.test('RFC 791 §3.1: the header of a captured datagram has the right lengths and checksum', async t => {
  const packet = ipDatagram({ address: '127.0.0.1', port: 5060 }, { address: '192.0.2.7', port: 40_000 }, Buffer.from('hello'))
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += packet.readUInt16BE(at)
  t.equal((sum & 0xffff) + (sum >>> 16), 0xffff, 'the words of the header and their checksum sum to all ones')
  t.equal(packet.readUInt16BE(2), 33)
  t.equal(packet.readUInt16BE(24), 13)
  t.equal(packet.subarray(28).toString(), 'hello')
})

void t.test('a capture holds each message in order, and tshark reads it', async t => {
  const file = join(t.testdir(), 'call.pcap')
  await using capture = new PcapFile(file)
  for (const one of [INVITE, RINGING]) capture.write(one)
  await capture.close()
  const bytes = await readFile(file)
  t.equal(bytes.readUInt32LE(0), 0xa1b2c3d4)
  t.equal(bytes.readUInt32LE(20), 101)
  t.same(bytes.subarray(24), Buffer.concat([pcapRecord(INVITE), pcapRecord(RINGING)]))
  t.equal(capture.dropped, 0)
  capture.write(OTHER)
  t.equal(capture.dropped, 1, 'after the close a message is counted, not thrown')
  if (spawnSync('tshark', ['--version']).status === 0) {
    const read = execFileSync('tshark', ['-r', file, '-T', 'fields', '-e', 'sip.Call-ID', '-e', 'sip.Status-Code'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    t.equal(read, 'one\t\none\t180\n')
  }
})

void t.test('a folder that is not there is an error of close, not of write', async t => {
  const capture = new PcapFile('/nonexistent/x.pcap')
  capture.write(INVITE)
  await t.rejects(capture.close(), { code: 'ENOENT' })
})

void t.test('HEP 3: chunks with their types, and a collector that gets them', async t => {
  const packet = hepPacket(RINGING, { captureId: 2001, password: 'secret' })
  t.equal(packet.toString('latin1', 0, 4), 'HEP3')
  t.equal(packet.readUInt16BE(4), packet.length)
  const chunks = new Map<number, Buffer>()
  for (let at = 6; at < packet.length; at += packet.readUInt16BE(at + 4)) {
    t.equal(packet.readUInt16BE(at), 0, 'vendor')
    chunks.set(packet.readUInt16BE(at + 2), packet.subarray(at + 6, at + packet.readUInt16BE(at + 4)))
  }
  t.same([...chunks.get(1)!], [2])
  t.same([...chunks.get(3)!], [127, 0, 0, 1], 'an outgoing message comes from our address')
  t.same([...chunks.get(4)!], [192, 0, 2, 7])
  t.equal(chunks.get(7)!.readUInt16BE(), 5060)
  t.equal(chunks.get(9)!.readUInt32BE(), RINGING.at / 1_000 | 0)
  t.equal(chunks.get(10)!.readUInt32BE(), 12_000)
  t.same([...chunks.get(11)!], [1], 'SIP')
  t.equal(chunks.get(12)!.readUInt32BE(), 2001)
  t.equal(chunks.get(14)!.toString(), 'secret')
  t.equal(chunks.get(15)!.toString(), RINGING.text)

  const collector = createSocket('udp4').bind(0, '127.0.0.1')
  await once(collector, 'listening')
  await using sender = new HepSender({ address: '127.0.0.1', port: collector.address().port })
  const received = once(collector, 'message')
  sender.send(INVITE)
  t.same((await received)[0], hepPacket(INVITE))
  sender.send(message('out', 'x'.repeat(70_000)))
  t.equal(sender.failed, 1, 'what no datagram can hold is counted')
  collector.close()
})

void t.test('a ladder shows one call between its parties', async t => {
  const ladder = new Ladder('one')
  for (const one of [INVITE, RINGING, OTHER]) ladder.add(one)
  t.equal(ladder.text(), [
    '          192.0.2.7:40000             127.0.0.1:5060',
    '          |                           |',
    '   0.000s |------- INVITE SDP ------->|',
    '          |                           |',
    '   0.012s |<-- 180 Ringing (INVITE) --|',
    '',
  ].join('\n'))
  const svg = ladder.svg()
  t.match(svg, /INVITE SDP/)
  t.match(svg, /180 Ringing \(INVITE\)/)
  t.notMatch(svg, /OPTIONS/)
  const strange = new Ladder()
  strange.add(message('in', 'INVITE sip:a SIP/2.0\nCSeq: 1 <b>&"\n\n'))
  t.notMatch(strange.svg(), /<b>/)
})

for (const scheme of ['udp', 'tcp', 'ws'] as const)
  void t.test(`everything on the wire is told while somebody listens, and nothing after: ${scheme}`, async t => {
    const heard: TracedMessage[] = []
    const stop = traceMessages(one => heard.push(one))
    await using server = await createUserAgent({ listen: [`${scheme}://127.0.0.1:0`] })
    await using client = await createUserAgent({ listen: [`${scheme}://127.0.0.1:0`] })
    const uri = `sip:${server.addresses[0]!.replace(`${scheme}://`, '')};transport=${scheme}`
    t.match(await client.request('OPTIONS', uri), { type: 'response', response: { status: 200 } })
    t.same(heard.map(({ direction, text }) => `${direction} ${text.slice(0, 7)}`).sort(), ['in OPTIONS', 'in SIP/2.0', 'out OPTIONS', 'out SIP/2.0'])
    t.ok(heard.every(({ transport }) => transport === scheme))
    stop()
    await client.request('OPTIONS', uri)
    t.equal(heard.length, 4)
  })
