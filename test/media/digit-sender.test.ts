import t from 'tap'
import { pcmu } from '../../src/codec/g711.js'
import { seededRandom } from '../../src/core/random.js'
import type { Digit } from '../../src/media/leg.js'
import { DigitProgress } from '../../src/media/shared/digit-progress.js'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { DigitSender } from '../../src/media/worker/digit-sender.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import { Sender } from '../../src/media/worker/sender.js'
import { readRtp, RtpHeader } from '../../src/rtp/packet.js'
import type { NegotiatedMedia } from '../../src/sdp/negotiated.js'

interface Sent {
  readonly timestamp: number
  readonly marker: boolean
  readonly payload: Uint8Array
}

const DIGITS: readonly Digit[] = ['1', '1', '9']
const codec = { name: 'PCMU', clockRate: 8000, channels: 1, receive: 0, send: 0 }
const header = new RtpHeader()

/** What is sent when a worker dies after so many ticks, and another goes on 60 ms later. */
const sentAcross = (ticks: number, dtmf: Pick<NegotiatedMedia, 'dtmf'>, duration: number): Sent[] => {
  const sent: Sent[] = []
  const send = (packet: Buffer): void => {
    if (readRtp(packet, header)) sent.push({ timestamp: header.timestamp, marker: header.marker, payload: Uint8Array.prototype.slice.call(packet, header.payloadStart) })
  }
  const slots = new LegSlots(LegSlots.allocate(1))
  const shared = DigitProgress.allocate()
  let finished = false
  let now = 0
  const worker = (): DigitSender => {
    const sender = new Sender({ open: true, send }, new PacketPool(), slots, 0, seededRandom(1), now)
    sender.apply({ remote: { address: '127.0.0.1', port: 9 }, remoteRtcp: undefined, rtcpMux: false, codec, receivable: [codec], ...dtmf, ptime: 20, direction: 'sendrecv' }, pcmu)
    return new DigitSender(sender, pcmu, { digits: DIGITS, duration, gap: 40, progress: new DigitProgress(shared), finished: () => { finished = true } })
  }
  const dying = worker()
  for (let tick = 0; tick < ticks && !finished; tick++, now += 20) dying.tick(now)
  now += 60
  finished = false
  for (const next = worker(); !finished; now += 20) next.tick(now)
  return sent
}

void t.test('RFC 4733 §2.3: whenever another worker takes over, each digit is one press, and whole', async t => {
  // The longer ones outgrow the field of the duration (§2.5.1.3): they have two timestamps, and three.
  for (const [duration, segments] of [[100, 1], [9000, 2], [20_000, 3]] as const) {
    for (let ticks = 0; ticks < (3 * (duration + 60)) / 20; ticks += segments === 1 ? 1 : 41) {
      const sent = sentAcross(ticks, { dtmf: { receive: 101, send: 101 } }, duration)
      const starts = sent.filter(({ marker }) => marker)
      const ends = sent.filter(({ payload }) => payload[1]! > 127)
      t.same(starts.map(({ payload }) => payload[0]), [1, 1, 9], `begun once: ${ticks}`)
      t.same([...new Set(ends.map(({ timestamp }) => timestamp))].map((end, at) => ((end - starts[at]!.timestamp) | 0) / 0xffff), Array<number>(3).fill(segments - 1), 'ended once')
      t.equal(new Set(sent.map(({ timestamp }) => timestamp)).size, 3 * segments)
      t.ok(ends.every(({ payload }) => payload[2]! * 256 + payload[3]! === duration * 8 - (segments - 1) * 0xffff), 'whole')
    }
  }
})

void t.test('a tone that is cut when another worker takes over is not begun again', async t => {
  for (let ticks = 0; ticks < 24; ticks++) {
    const frames = sentAcross(ticks, {}, 100).length
    t.ok(frames > 10 && frames <= 15, `${frames} of 15 frames after ${ticks}`)
  }
})
