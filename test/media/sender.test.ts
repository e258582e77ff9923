import fc from 'fast-check'
import t from 'tap'
import { pcmu } from '../../src/codec/g711.js'
import { seededRandom } from '../../src/core/random.js'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import { PacketBridge } from '../../src/media/worker/packet-bridge.js'
import { Receiver, SourceNumbers } from '../../src/media/worker/receiver.js'
import { Reception } from '../../src/media/worker/reception.js'
import { Sender } from '../../src/media/worker/sender.js'
import { RtpHeader, readRtp, writeRtp } from '../../src/rtp/packet.js'
import type { NegotiatedMedia } from '../../src/sdp/negotiated.js'

interface Sent {
  readonly marker: boolean
  readonly type: number
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly bytes: number
}

const codec = { name: 'PCMU', clockRate: 8000, channels: 1, receive: 0, send: 0 }
const agreement = (overrides: Partial<NegotiatedMedia> = {}): NegotiatedMedia => ({
  remote: { address: '127.0.0.1', port: 9 }, remoteRtcp: undefined, rtcpMux: false, codec, receivable: [codec],
  dtmf: { receive: 101, send: 96 }, ptime: 20, direction: 'sendrecv', ...overrides,
})

const slots = new LegSlots(LegSlots.allocate(1))
const header = new RtpHeader()

/** A sender and what it has sent. */
const bench = (media = agreement(), keepSlot = false): { sender: Sender; sent: Sent[]; relay: (source: number, sequence: number, timestamp: number, now: number, event?: boolean) => boolean } => {
  const sent: Sent[] = []
  const sink = {
    open: true,
    send: (packet: Buffer) => {
      const read = new RtpHeader()
      readRtp(packet, read)
      sent.push({ marker: read.marker, type: read.payloadType, sequence: read.sequence, timestamp: read.timestamp, ssrc: read.ssrc, bytes: packet.length })
    },
  }
  if (!keepSlot) slots.clear(0)
  const sender = new Sender(sink, new PacketPool(), slots, 0, seededRandom(1), 0)
  sender.apply(media, pcmu)
  return {
    sender, sent,
    relay: (source, sequence, timestamp, now, event = false) => {
      const packet = Buffer.alloc(172)
      writeRtp(packet, 0, false, event ? 101 : 0, sequence & 0xffff, timestamp >>> 0, 77)
      readRtp(packet, header)
      return sender.forward(packet, header, source, event, now)
    },
  }
}

void t.test('a packet bridge shifts numbers by one offset: loss, reordering and silence show through', t => {
  fc.assert(fc.property(
    fc.nat(0xffff), fc.nat(0xffff_ffff), fc.array(fc.record({ step: fc.integer({ min: -3, max: 5 }), pause: fc.nat(20) }), { minLength: 2, maxLength: 200 }),
    (firstSequence, firstTimestamp, path) => {
      const { sent, relay } = bench()
      const input: { sequence: number; timestamp: number }[] = []
      let sequence = firstSequence
      let timestamp = firstTimestamp
      let lowest = 0
      let place = 0
      path.forEach(({ step, pause }, at) => {
        // From the first packet on, nothing older than it: what was before the change of source is dropped.
        place += at === 0 ? 0 : step
        if (place < lowest) place = lowest
        lowest = 0
        sequence = firstSequence + place
        timestamp = firstTimestamp + place * 160 + pause * 160
        input.push({ sequence, timestamp })
        relay(1, sequence, timestamp, at * 20)
      })
      return sent.length === input.length && sent.every((packet, at) =>
        ((packet.sequence - input[at]!.sequence) & 0xffff) === ((sent[0]!.sequence - input[0]!.sequence) & 0xffff) &&
        ((packet.timestamp - input[at]!.timestamp) | 0) === ((sent[0]!.timestamp - input[0]!.timestamp) | 0) &&
        packet.ssrc === sent[0]!.ssrc)
    },
  ))
  t.end()
})

void t.test('changes of source: one SSRC, sequence by one, timestamp by the clock, marker on the first packet', t => {
  const { sender, sent, relay } = bench()
  const frame = new Uint8Array(160)
  relay(1, 65_535, 0xffff_ffff, 0)
  relay(1, 0, 159, 20)
  relay(2, 500, 7000, 140)
  sender.frame(frame, 0, 160, 160, 200)
  sender.frame(frame, 0, 160, 160, 220)
  relay(2, 503, 7480, 240)
  t.same(sent.map(packet => (packet.sequence - sent[0]!.sequence) & 0xffff), [0, 1, 2, 3, 4, 5])
  t.same(sent.map(packet => (packet.timestamp - sent[0]!.timestamp) | 0), [0, 160, 1120, 1600, 1760, 1920])
  t.same(sent.map(packet => packet.marker), [true, false, true, true, false, true])
  t.equal(new Set(sent.map(packet => packet.ssrc)).size, 1)
  t.notOk(relay(2, 502, 7320, 245), 'older than the change: its number is taken')
  t.end()
})

void t.test('RFC 4733: events are renumbered with the audio, and dropped where they were not agreed', t => {
  const { sent, relay } = bench()
  relay(1, 10, 1000, 0)
  relay(1, 11, 1160, 20, true)
  relay(1, 12, 1160, 40, true)
  relay(1, 13, 1480, 60)
  t.same(sent.map(packet => packet.type), [0, 96, 96, 0])
  t.same(sent.map(packet => (packet.timestamp - sent[0]!.timestamp) | 0), [0, 160, 160, 480])
  const { dtmf, ...without } = agreement()
  t.ok(dtmf)
  const mute = bench(without)
  t.notOk(mute.relay(1, 10, 1000, 0, true))
  t.end()
})

void t.test('packet times of 10 to 60 ms are cut from and gathered into 20 ms frames', t => {
  for (const ptime of [10, 20, 30, 40, 60]) {
    const { sender, sent } = bench(agreement({ ptime }))
    for (let at = 0; at < 12; at++) sender.frame(new Uint8Array(160), 0, 160, 160, at * 20)
    t.equal(sent.length, 240 / ptime, `${ptime} ms`)
    t.ok(sent.every((packet, at) => packet.bytes === 12 + ptime * 8 && ((packet.timestamp - sent[0]!.timestamp) | 0) === at * ptime * 8))
  }
  t.end()
})

void t.test('a successor goes on where the slot says', t => {
  const first = bench()
  first.sender.frame(new Uint8Array(160), 0, 160, 160, 0)
  const second = bench(agreement(), true)
  second.sender.frame(new Uint8Array(160), 0, 160, 160, 300)
  const [before, after] = [first.sent[0]!, second.sent[0]!]
  t.equal(after.ssrc, before.ssrc)
  t.equal((after.sequence - before.sequence) & 0xffff, 1)
  t.equal((after.timestamp - before.timestamp) | 0, 2400)
  t.end()
})

void t.test('RFC 3550 A.1: a source that begins its numbers anew goes on in the one timeline of a packet bridge', t => {
  const nothing = (): void => undefined
  for (const later of [20, 2000]) {
    for (const step of [-20_000, -3000, -200, 20_000]) {
      const { sender, sent } = bench()
      const receiver = new Receiver({ pressed: nothing, released: nothing, latched: nothing, began: nothing, dropped: nothing }, new Reception(), new SourceNumbers())
      receiver.apply(agreement())
      receiver.sink = new PacketBridge(sender)
      for (let at = 0; at < later + 100; at++) {
        const packet = Buffer.alloc(172)
        const begun = at < later ? 0 : step
        writeRtp(packet, 0, false, 0, (30_000 + at + begun) & 0xffff, (900_000 + (at + begun) * 160) >>> 0, 77)
        receiver.receive(packet, '127.0.0.1', 9, at * 20)
      }
      t.equal(sent.length, later + 99, `${step} after ${later}: the first packet alone is not believed`)
      t.ok(sent.every(({ sequence }, at) => at === 0 || sequence === ((sent[at - 1]!.sequence + 1) & 0xffff)), 'numbers by one')
      t.ok(sent.every(({ timestamp }, at) => at === 0 || [160, 320].includes((timestamp - sent[at - 1]!.timestamp) >>> 0)), 'the timestamp by the clock')
    }
  }
  t.end()
})
