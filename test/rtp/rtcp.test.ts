import fc from 'fast-check'
import t from 'tap'
import { RtcpPacketConverter, type RtcpPacket, RtcpSrPacket, RtcpRrPacket } from 'werift-rtp'
import { ntpMiddle, ntpOf, readRtcp, roundTripOf, writeRtcp, type ReportBlock } from '../../src/rtp/rtcp.js'

const uint32 = fc.nat(0xffff_ffff)
const block: fc.Arbitrary<ReportBlock> = fc.record({
  ssrc: uint32, fractionLost: fc.nat(255), lost: fc.integer({ min: -0x80_0000, max: 0x7f_ffff }), highestSequence: uint32,
  jitter: uint32, lastSenderReport: uint32, delaySinceLast: uint32,
})
const sender = fc.record({ ntpSeconds: uint32, ntpFraction: uint32, timestamp: uint32, packets: uint32, bytes: uint32 })

void t.test('RFC 3550 §6.4: what is written is read', t => {
  fc.assert(fc.property(uint32, fc.string({ maxLength: 300 }), fc.option(sender, { nil: undefined }), fc.array(block, { maxLength: 31 }), fc.boolean(),
    (ssrc, cname, info, reports, bye) => {
      const bytes = writeRtcp({ ssrc, cname, reports, bye, ...(info === undefined ? {} : { sender: info }) })
      const packets = readRtcp(bytes)
      t.equal(bytes.length % 4, 0)
      const [report, description, end] = packets ?? []
      t.same(report, info === undefined ? { type: 'receiver-report', ssrc, reports } : { type: 'sender-report', ssrc, sender: info, reports })
      t.equal(description?.type, 'description')
      if (Buffer.byteLength(cname) <= 255) t.same(description, { type: 'description', ssrc, cname: Buffer.from(cname, 'utf8').toString('utf8') })
      t.same(end, bye ? { type: 'bye', ssrcs: [ssrc] } : undefined)
    }), { numRuns: 50 })
  t.end()
})

void t.test('another implementation reads our sender report', t => {
  const reports: ReportBlock[] = [{ ssrc: 7, fractionLost: 25, lost: 12, highestSequence: 70_000, jitter: 33, lastSenderReport: 99, delaySinceLast: 65_536 }]
  const bytes = writeRtcp({ ssrc: 5, cname: 'x', reports, sender: { ntpSeconds: 1, ntpFraction: 2, timestamp: 3, packets: 4, bytes: 6 } })
  const packets: RtcpPacket[] = RtcpPacketConverter.deSerialize(bytes.subarray(0, (bytes.readUInt16BE(2) + 1) * 4))
  const report = packets.find((packet): packet is RtcpSrPacket => packet instanceof RtcpSrPacket)
  t.equal(report?.ssrc, 5)
  t.equal(report?.senderInfo.packetCount, 4)
  t.equal(report?.reports[0]?.packetsLost, 12)
  t.equal(report?.reports[0]?.jitter, 33)
  t.ok(RtcpRrPacket)
  t.end()
})

void t.test('RFC 3550 §6.7: the packet of an application, such as the PING that opens a path, is whole although it says nothing to us', t => {
  const ping = Uint8Array.of(0x80, 204, 0, 3, 1, 2, 3, 4, 0x50, 0x49, 0x4e, 0x47, 0x50, 0x4f, 0x4e, 0x47)
  t.same(readRtcp(ping), [])
  t.equal(readRtcp(ping.subarray(0, 12)), undefined, 'cut')
  t.equal(readRtcp(new Uint8Array(0)), undefined, 'empty')
  t.end()
})

void t.test('random and cut bytes: no throw, nothing believed past a wrong length', t => {
  const whole = writeRtcp({ ssrc: 1, cname: 'cut', reports: [], bye: true })
  for (let length = 1; length < whole.length; length++) {
    const packets = readRtcp(whole.subarray(0, length))
    t.ok(packets === undefined || length % 4 === 0)
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), bytes => {
    bytes[0] = 0x80 | (bytes[0] ?? 0) & 0x3f
    if (bytes.length > 1) bytes[1] = 200 + (bytes[1]! % 5)
    readRtcp(bytes)
  }), { numRuns: 5000 })
  t.end()
})

void t.test('RFC 3550 §6.4.1: round trip is arrival less LSR less DLSR', t => {
  const at = Date.UTC(2026, 0, 1, 12)
  const sent = ntpOf(at)
  const answer: ReportBlock = {
    ssrc: 1, fractionLost: 0, lost: 0, highestSequence: 0, jitter: 0,
    lastSenderReport: ntpMiddle(sent.seconds, sent.fraction), delaySinceLast: 65_536,
  }
  t.ok(Math.abs(roundTripOf(answer, at + 1120)! - 120) < 0.1)
  t.equal(roundTripOf({ ...answer, lastSenderReport: 0 }, at), undefined)
  t.equal(roundTripOf(answer, at), undefined, 'an answer from the future')
  t.end()
})
