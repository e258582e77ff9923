import fc from 'fast-check'
import t from 'tap'
import {
  GenericNack, PictureLossIndication, RtcpPacketConverter, type RtcpPacket, RtcpPayloadSpecificFeedback, RtcpRrPacket, RtcpSrPacket, RtcpTransportLayerFeedback,
} from 'werift-rtp'
import { ntpMiddle, ntpOf, readRtcp, roundTripOf, writeRtcp, type ReportBlock } from '../../src/rtp/rtcp.js'
import { type RtcpFeedback, writeFeedback } from '../../src/rtp/rtcp-feedback.js'
import type { ExtendedBlock, VoipMetrics } from '../../src/rtp/rtcp-xr.js'

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

const milliseconds = fc.nat(0xffff)
const share = fc.nat(255).map(units => units / 256)
const mos = fc.option(fc.nat(126).map(tenths => tenths / 10), { nil: undefined })
const voipMetrics: fc.Arbitrary<VoipMetrics> = fc.record({
  type: fc.constant('voip-metrics' as const), ssrc: uint32, lossRate: share, discardRate: share, burstDensity: share, gapDensity: share,
  burstDuration: milliseconds, gapDuration: milliseconds, roundTripDelay: milliseconds, endSystemDelay: milliseconds, gmin: fc.nat(255),
  rating: fc.option(fc.nat(126), { nil: undefined }), listeningMos: mos, conversationalMos: mos,
})
const extendedBlock: fc.Arbitrary<ExtendedBlock> = fc.oneof(
  fc.record({ type: fc.constant('reference-time' as const), ntpSeconds: uint32, ntpFraction: uint32 }),
  fc.record({ type: fc.constant('delay-since-reference' as const), receivers: fc.array(fc.record({ ssrc: uint32, lastReference: uint32, delaySinceLast: uint32 }), { maxLength: 8 }) }),
  voipMetrics,
)

void t.test('RFC 3611 §4.4, §4.5, §4.7: extended reports, what is written is read', t => {
  fc.assert(fc.property(uint32, fc.array(extendedBlock, { minLength: 1, maxLength: 8 }), fc.boolean(), (ssrc, extended, bye) => {
    const bytes = writeRtcp({ ssrc, cname: 'x', reports: [], extended, bye })
    const [, , report, end] = readRtcp(bytes) ?? []
    t.equal(bytes.length % 4, 0)
    t.same(report, { type: 'extended-report', ssrc, blocks: extended })
    t.equal(end?.type, bye ? 'bye' : undefined)
  }), { numRuns: 100 })
  t.end()
})

void t.test('RFC 3611 §3, §4: VoIP metrics byte by byte; unknown blocks are stepped over, wrong lengths believed in nothing', t => {
  const metrics: VoipMetrics = {
    type: 'voip-metrics', ssrc: 0x01020304, lossRate: 0.25, discardRate: 0, burstDensity: 0.5, gapDensity: 0, burstDuration: 80, gapDuration: 1000,
    roundTripDelay: 258, endSystemDelay: 60, gmin: 16, rating: 93, listeningMos: undefined, conversationalMos: 4.2,
  }
  const whole = writeRtcp({ ssrc: 9, cname: '', reports: [], extended: [metrics] })
  const block = whole.subarray(whole.length - 36)
  t.equal(block.toString('hex'), '07000008' + '01020304' + '40008000' + '005003e8' + '0102003c' + '7f7f7f10' + '5d7f7f2a' + '00000000' + '00000000')
  const packet = (...words: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(4 * words.length + 8)
    bytes.writeUInt32BE(0x80cf0000 + words.length + 1, 0)
    bytes.writeUInt32BE(7, 4)
    words.forEach((word, at) => bytes.writeUInt32BE(word, 8 + at * 4))
    return bytes
  }
  t.same(readRtcp(packet(0x01000002, 1, 2, 0x04000002, 3, 4)), [{ type: 'extended-report', ssrc: 7, blocks: [{ type: 'reference-time', ntpSeconds: 3, ntpFraction: 4 }] }], 'loss RLE is no business of ours')
  t.same(readRtcp(packet()), [{ type: 'extended-report', ssrc: 7, blocks: [] }])
  t.equal(readRtcp(packet(0x04000001, 3)), undefined, 'a reference time too short')
  t.equal(readRtcp(packet(0x05000002, 3, 4)), undefined, 'a third of an answer cut')
  t.equal(readRtcp(packet(0x07000002, 3, 4)), undefined, 'metrics too short')
  t.equal(readRtcp(packet(0x01000009, 3)), undefined, 'longer than the packet')
  t.equal(readRtcp(Buffer.from('80cf0000', 'hex')), undefined, 'without a source')
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

void t.test('RFC 4585 §6.2.1, §6.3.1, RFC 5104 §4.3.1: feedback that is written is read, here and elsewhere', t => {
  const [ssrc, media] = [0x8000_0001, 0xffff_fffe]
  const feedback = [
    { type: 'nack', ssrc, media, missing: [{ packet: 65_535, mask: 0x8001 }, { packet: 3, mask: 0 }] },
    { type: 'picture-loss', ssrc, media },
    { type: 'full-intra', ssrc, requests: [{ ssrc: media, sequence: 255 }] },
  ] as const
  const bytes = Buffer.concat([writeRtcp({ ssrc, cname: 'x', reports: [] }), ...feedback.map(writeFeedback)])
  t.same(readRtcp(bytes)?.slice(2), feedback)
  t.equal(bytes.subarray(-20).toString('hex'), '84ce00048000000100000000fffffffeff000000', 'RFC 5104 §4.3.1.1: no media source in the head')
  const elsewhere = [writeFeedback({ ...feedback[0], missing: [{ packet: 1000, mask: 0x8001 }, { packet: 3, mask: 0 }] }), writeFeedback(feedback[1])]
    .flatMap(packet => RtcpPacketConverter.deSerialize(packet))
  const [nack, loss] = elsewhere.map(packet => packet instanceof RtcpTransportLayerFeedback || packet instanceof RtcpPayloadSpecificFeedback ? packet.feedback : undefined)
  t.ok(nack instanceof GenericNack && loss instanceof PictureLossIndication)
  t.match(nack, { senderSsrc: ssrc, mediaSourceSsrc: media, lost: [1000, 1001, 1016, 3] })
  t.match(loss, { senderSsrc: ssrc, mediaSsrc: media })
  const remb = writeFeedback({ type: 'picture-loss', ssrc, media })
  remb[0] = 0x80 | 15
  t.same(readRtcp(remb), [{ type: 'other-feedback', ssrc, media }] satisfies RtcpFeedback[], 'of other formats only whose it is')
  const cut = writeFeedback({ type: 'picture-loss', ssrc, media }).subarray(0, 8)
  cut.writeUInt16BE(1, 2)
  t.equal(readRtcp(cut), undefined, 'without a media source')
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
    if (bytes.length > 1) bytes[1] = 200 + (bytes[1]! % 8)
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
  t.ok(Math.abs(roundTripOf(answer.lastSenderReport, answer.delaySinceLast, at + 1120)! - 120) < 0.1)
  t.equal(roundTripOf(0, 65_536, at), undefined)
  t.equal(roundTripOf(answer.lastSenderReport, answer.delaySinceLast, at), undefined, 'an answer from the future')
  t.ok(Math.abs(roundTripOf(answer.lastSenderReport, answer.delaySinceLast, at + 1120, 10)! - 110) < 0.1, 'it waited to be seen')
  t.equal(roundTripOf(answer.lastSenderReport, answer.delaySinceLast, at + 1005, 10), 0, 'but not for longer than it took')
  t.end()
})
