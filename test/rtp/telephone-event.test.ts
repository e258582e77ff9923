import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { readRtp, RtpHeader } from '../../src/rtp/packet.js'
import { EVENT_BYTES, EventReceiver, EventSender, eventOfKey, keyOfEvent } from '../../src/rtp/telephone-event.js'
import { caseBytes, withoutCases } from '../codec/cases.js'

interface EventPacket {
  readonly payload: Uint8Array
  readonly timestamp: number
}

/** All packets of one press, as our sender makes them. */
const press = (code: number, duration: number, timestamp: number): EventPacket[] => {
  const sender = new EventSender()
  const packets: EventPacket[] = []
  sender.begin(code, duration)
  while (!sender.done) {
    const payload = new Uint8Array(EVENT_BYTES)
    sender.write(payload, 0, 160)
    packets.push({ payload, timestamp: (timestamp + sender.offset) >>> 0 })
  }
  return packets
}

const receiver = (): { told: [number, number][]; downs: number[]; take: (packets: readonly EventPacket[], now?: number) => void; events: EventReceiver } => {
  const told: [number, number][] = []
  const downs: number[] = []
  const events = new EventReceiver({ pressed: code => downs.push(code), released: (code, duration) => told.push([code, duration]) })
  return { told, downs, events, take: (packets, now = 0) => packets.forEach(({ payload, timestamp }) => events.receive(payload, 0, 4, timestamp, now)) }
}

void t.test('RFC 4733 §2.5.1.4: one press, three ends, one event', t => {
  const { told, downs, take } = receiver()
  take(press(5, 800, 1000))
  t.same(told, [[5, 800]])
  t.same(downs, [5])
  take(press(5, 800, 4000))
  t.same(told, [[5, 800], [5, 800]], 'the same key again is another timestamp')
  t.end()
})

void t.test('RFC 4733 §2.5.2.2: lost ends are made good by the next press or by time', t => {
  const { told, take, events } = receiver()
  take(press(1, 800, 0xffff_ff00).slice(0, 4))
  take(press(2, 800, 2000).slice(0, 4), 100)
  t.same(told, [[1, 640]])
  events.expire(250, 200)
  t.equal(told.length, 1)
  events.expire(300, 200)
  t.same(told, [[1, 640], [2, 640]])
  take(press(2, 800, 2000).slice(4), 400)
  t.equal(told.length, 2, 'ends that come late are no press')
  t.end()
})

void t.test('RFC 4733 §2.5.1.3: a press longer than 0xFFFF units stays one', t => {
  const packets = press(3, 150_000, 500)
  t.equal(new Set(packets.map(({ timestamp }) => timestamp)).size, 3)
  const { told, downs, take } = receiver()
  take(packets)
  t.equal(downs.length, 1)
  t.same(told, [[3, 150_000]])
  t.end()
})

void t.test('any loss, duplication and reordering: each press that is seen at all is told once', t => {
  for (let seed = 0; seed < 300; seed++) {
    const random = seededRandom(seed)
    const { told, take, events } = receiver()
    let seen = 0
    for (let key = 0; key < 6; key++) {
      const kept = press(key, 800, 3000 * key).flatMap(packet => (random.float() < 0.4 ? [] : random.float() < 0.3 ? [packet, packet] : [packet]))
      for (let swap = 1; swap < kept.length; swap++) {
        if (random.float() < 0.3) [kept[swap - 1], kept[swap]] = [kept[swap]!, kept[swap - 1]!]
      }
      if (kept.length > 0) seen++
      take(kept, key)
    }
    events.expire(1e6, 200)
    if (told.length !== seen || new Set(told.map(([key]) => key)).size !== seen) t.fail(`seed ${seed}`)
  }
  t.pass('300 seeds')
  t.end()
})

void t.test('names of keys; what is no event is refused', t => {
  t.equal(keyOfEvent(11), '#')
  t.equal(keyOfEvent(16), undefined)
  t.equal(eventOfKey('D'), 15)
  t.equal(eventOfKey('12'), -1)
  const { told, events } = receiver()
  t.notOk(events.receive(new Uint8Array(3), 0, 3, 0, 0))
  t.ok(events.receive(Uint8Array.of(32, 0, 0, 0), 0, 4, 0, 0), 'a tone, not a key: passed over')
  t.same(told, [])
  t.end()
})

interface CapturedPress {
  readonly pcap: string
  readonly dst_port: number
  readonly payload_type: number
  readonly digits: string
}

/** Bytes before the IP header, by link type of the capture: Ethernet, Linux cooked (SLL) and its second version. */
const LINK_BYTES: Readonly<Record<number, number>> = { 1: 14, 113: 16, 276: 20 }

/** UDP payloads of a capture to `port` (0: any), with their times in ms. */
function* datagrams(pcap: Buffer, port: number): Generator<{ readonly at: number; readonly payload: Buffer }> {
  const link = LINK_BYTES[pcap.readUInt32LE(20)]!
  for (let at = 24; at < pcap.length;) {
    const length = pcap.readUInt32LE(at + 8)
    const time = pcap.readUInt32LE(at) * 1_000 + pcap.readUInt32LE(at + 4) / 1_000
    const ip = pcap.subarray(at + 16 + link, at + 16 + length)
    const udp = ip.subarray((ip[0]! & 0x0f) * 4)
    if (ip[9] === 17 && (port === 0 || udp.readUInt16BE(2) === port)) yield { at: time, payload: udp.subarray(8, udp.readUInt16BE(4)) }
    at += 16 + length
  }
}

/** The keys pressed in a capture, as an application is told of them. */
const keysIn = (pcap: Buffer, port: number, payloadType: number): string => {
  let keys = ''
  const events = new EventReceiver({ pressed: () => undefined, released: code => { keys += keyOfEvent(code) } })
  const header = new RtpHeader()
  for (const { at, payload } of datagrams(pcap, port)) {
    events.expire(at, 200)
    if (readRtp(payload, header) && header.payloadType === payloadType) events.receive(payload, header.payloadStart, header.payloadEnd, header.timestamp, at)
  }
  events.expire(Infinity, 200)
  return keys
}

void t.test('RFC 4733: captures of real telephones: each press once', { skip: withoutCases }, async t => {
  const captures = JSON.parse(caseBytes('dtmf/dtmf-expectations.json').toString()) as readonly CapturedPress[]
  for (const { pcap, dst_port, payload_type, digits } of captures.filter(({ pcap }) => !pcap.startsWith('/')))
    t.equal(keysIn(caseBytes(`dtmf/${pcap}`), dst_port, payload_type), digits, pcap)
})

const SIPP_FOLDER = '/usr/share/sip-tester'

void t.test('RFC 4733: the captures that sipp comes with: each key once', { skip: existsSync(SIPP_FOLDER) || process.env.CI === 'true' ? false : 'sipp is not installed' }, async t => {
  for (const [name, key] of [...Array.from('0123456789', digit => [digit, digit] as const), ['star', '*'], ['pound', '#']] as const)
    t.equal(keysIn(readFileSync(`${SIPP_FOLDER}/dtmf_2833_${name}.pcap`), 0, 101), key, name)
})
