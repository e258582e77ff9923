import fc from 'fast-check'
import t from 'tap'
import { datagramKind, RtpHeader, readRtp, writeRtp } from '../../src/rtp/packet.js'

const header = new RtpHeader()

void t.test('RFC 3550 §5.1: what is written is read', t => {
  fc.assert(fc.property(
    fc.boolean(), fc.nat(127), fc.nat(0xffff), fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 200 }),
    (marker, payloadType, sequence, timestamp, ssrc, payload) => {
      const packet = new Uint8Array(12 + payload.length)
      writeRtp(packet, 0, marker, payloadType, sequence, timestamp, ssrc)
      packet.set(payload, 12)
      if (!readRtp(packet, header)) return false
      return header.marker === marker && header.payloadType === payloadType && header.sequence === sequence &&
        header.timestamp === timestamp && header.ssrc === ssrc && header.payloadStart === 12 && header.payloadEnd === packet.length
    },
  ))
  t.end()
})

void t.test('RFC 3550 §5.1: CSRC list, extension and padding are stepped over', t => {
  const packet = Buffer.concat([
    Buffer.from([0xb2, 0x80, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]), Buffer.alloc(8, 0xcc),
    Buffer.from([0xbe, 0xde, 0, 1, 1, 2, 3, 4]), Buffer.from('sound'), Buffer.from([0, 0, 3]),
  ])
  t.ok(readRtp(packet, header))
  t.equal(packet.toString('latin1', header.payloadStart, header.payloadEnd), 'sound')
  t.ok(header.marker)
  t.end()
})

void t.test('lengths that go past the end are refused, whatever the bytes', t => {
  const base = Buffer.alloc(20, 0)
  const make = (first: number, change: (packet: Buffer) => void = () => undefined): Buffer => {
    const packet = Buffer.from(base)
    packet[0] = first
    change(packet)
    return packet
  }
  t.notOk(readRtp(make(0x80).subarray(0, 11), header), 'too short')
  t.notOk(readRtp(make(0x40), header), 'version 1')
  t.notOk(readRtp(make(0x8f), header), 'fifteen CSRCs')
  t.notOk(readRtp(make(0x90, packet => packet.writeUInt16BE(0xffff, 14)), header), 'extension of 256 kB')
  t.notOk(readRtp(make(0xa0), header), 'padding of 0')
  t.notOk(readRtp(make(0xa0, packet => { packet[19] = 200 }), header), 'padding longer than the packet')
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
    if (!readRtp(bytes, header)) return true
    return header.payloadStart >= 12 && header.payloadStart <= header.payloadEnd && header.payloadEnd <= bytes.length
  }), { numRuns: 5000 })
  t.end()
})

void t.test('RFC 7983 §7, RFC 5761 §4: the first bytes say what a datagram is', t => {
  const kinds: readonly (readonly [readonly number[], string])[] = [
    [[0x80, 0], 'rtp'], [[0x80, 0x80 | 101], 'rtp'], [[0x80, 200], 'rtcp'], [[0x81, 206], 'rtcp'], [[0, 1], 'stun'], [[22, 254], 'dtls'],
    [[70, 0], 'unknown'], [[0x80], 'unknown'], [[], 'unknown'], [[255, 255], 'unknown'],
  ]
  for (const [bytes, kind] of kinds) t.equal(datagramKind(Uint8Array.from(bytes)), kind)
  t.end()
})
