import t from 'tap'
import { losses, type Path, SPEECH_RATE, speech } from '../../bench/load/speech-path.js'
import { savedReports } from '../../bench/report.js'
import { aligned, stoi } from '../../bench/stoi.js'
import { pcmu } from '../../src/codec/g711.js'
import { type Random, seededRandom } from '../../src/core/random.js'
import type { Digit } from '../../src/media/leg.js'
import { DigitProgress } from '../../src/media/shared/digit-progress.js'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { DigitSender } from '../../src/media/worker/digit-sender.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import { KEY_SILENCE_MS, Receiver, SourceNumbers } from '../../src/media/worker/receiver.js'
import { Reception } from '../../src/media/worker/reception.js'
import { Sender } from '../../src/media/worker/sender.js'
import { TICK_MS } from '../../src/media/worker/ticker.js'
import { Playout } from '../../src/rtp/playout.js'
import { keyOfEvent } from '../../src/rtp/telephone-event.js'
import { isInstalled } from '../peers/require-peer.js'

const FRAME = 160
const codec = { name: 'PCMU', clockRate: SPEECH_RATE, channels: 1, receive: 0, send: 0 }
const media = {
  remote: { address: '127.0.0.1', port: 4000 }, remoteRtcp: undefined, rtcpMux: false, codec, receivable: [codec], dtmf: { receive: 101, send: 101 },
  ptime: 20, direction: 'sendrecv',
} as const

/** Loses, delays, reorders (by the delays) and doubles packets. */
class LossyPath {
  readonly #flying: { readonly packet: Buffer; readonly at: number }[] = []
  readonly #isLost: () => boolean
  /** RTP timestamps of all that was sent, and of what was not lost: one for each press. */
  readonly sent = new Set<number>()
  readonly through = new Set<number>()

  constructor(readonly path: Path & { readonly duplicates: number }, readonly random: Random) {
    this.#isLost = losses(path, random)
  }

  send(packet: Buffer, now: number): void {
    const copies = this.#isLost() ? 0 : this.random.float() < this.path.duplicates ? 2 : 1
    const timestamp = packet.readUInt32BE(4)
    this.sent.add(timestamp)
    if (copies > 0) this.through.add(timestamp)
    for (let copy = 0; copy < copies; copy++) this.#flying.push({ packet: Buffer.from(packet), at: now + this.path.jitter * this.random.float() })
  }

  /** What has arrived by `now`, as it arrived. */
  take(now: number): readonly { readonly packet: Buffer; readonly at: number }[] {
    const arrived = this.#flying.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)
    for (const arrival of arrived) this.#flying.splice(this.#flying.indexOf(arrival), 1)
    return arrived
  }
}

/** A leg's sender and another's receiver with a bad network between them, on virtual time. */
class Line {
  now = 0
  readonly keys: Digit[] = []
  readonly sender: Sender
  readonly receiver: Receiver

  constructor(readonly path: LossyPath, seed: number) {
    this.sender = new Sender({ open: true, send: packet => this.path.send(packet, this.now) }, new PacketPool(), new LegSlots(LegSlots.allocate(1)), 0, seededRandom(seed), 0)
    this.sender.apply(media, pcmu)
    this.receiver = new Receiver({
      pressed: () => undefined, released: code => this.keys.push(keyOfEvent(code) as Digit), latched: () => undefined, began: () => undefined, dropped: () => undefined,
    }, new Reception(), new SourceNumbers())
    this.receiver.apply(media)
  }

  /** Lets time go on by one tick; what arrives meanwhile is received. */
  tick(): void {
    for (let step = 0; step < 4; step++) {
      this.now += TICK_MS / 4
      for (const { packet, at } of this.path.take(this.now)) this.receiver.receive(packet, '127.0.0.1', 4000, at)
      if (this.receiver.events.pressed) this.receiver.events.expire(this.now, KEY_SILENCE_MS)
    }
  }
}

const BAD = { loss: 0.05, jitter: 60, duplicates: 0.05 }

/** Presses 200 keys at random. @returns those pressed, and those of which at least one packet came through. */
const press = (line: Line, random: Random): { readonly pressed: string; readonly through: string } => {
  const keys = [...'0123456789*#ABCD'] as Digit[]
  const digits = Array.from({ length: 200 }, () => keys[Math.floor(random.float() * keys.length)]!)
  let finished = false
  const sending = new DigitSender(line.sender, pcmu, { digits, duration: 100, gap: 80, progress: new DigitProgress(DigitProgress.allocate()), finished: () => { finished = true } })
  while (!finished) {
    sending.tick(line.now)
    line.tick()
  }
  for (let rest = 0; rest < 20; rest++) line.tick()
  const presses = [...line.path.sent]
  return { pressed: digits.join(''), through: digits.filter((_, at) => line.path.through.has(presses[at]!)).join('') }
}

for (const seed of [1, 2, 3, 4, 5]) {
  void t.test(`5 % loss, 60 ms jitter, reordering, duplicates: each digit is there, once, in order; seed ${seed}`, t => {
    const random = seededRandom(seed)
    const line = new Line(new LossyPath({ ...BAD, burst: 1 }, random), seed)
    const { pressed } = press(line, random)
    t.equal(line.keys.join(''), pressed)
    t.ok(line.receiver.reception.duplicates > 5 && line.receiver.reception.late > 100, 'the path did its worst')
    t.end()
  })
  void t.test(`20 % loss in bursts: each digit of which one packet of eight comes through is there, once, in order; seed ${seed}`, t => {
    const random = seededRandom(seed)
    const line = new Line(new LossyPath({ ...BAD, loss: 0.2, burst: 4 }, random), seed)
    const { pressed, through } = press(line, random)
    t.equal(line.keys.join(''), through)
    t.ok(through.length < pressed.length && through.length > 150, `${through.length} of 200`)
    t.end()
  })
}

void t.test('5 % loss, 60 ms jitter, reordering, duplicates: speech scores what the table of docs/performance.md says', t => {
  if (!isInstalled('espeak-ng')) {
    if (process.env['CI'] === 'true') t.fail('espeak-ng is not installed')
    return void t.end()
  }
  const clean = speech()
  for (const [burst, pattern] of [[1, 'random'], [3, 'bursts of 3']] as const) {
    const line = new Line(new LossyPath({ ...BAD, burst }, seededRandom(4711)), 1)
    const playout = new Playout({ clockRate: SPEECH_RATE, sampleRate: SPEECH_RATE, formats: line.receiver.formats })
    line.receiver.sink = {
      audio: (packet, header, _codec, _source, now) => {
        playout.put(header.sequence, header.timestamp, header.payloadType, packet, header.payloadStart, header.payloadEnd - header.payloadStart, now)
      },
      event: () => undefined,
    }
    const encoder = pcmu.createEncoder()
    const payload = new Uint8Array(FRAME)
    const out = new Int16Array(FRAME)
    const heard = new Int16Array(clean.length + SPEECH_RATE)
    for (let at = 0; at + FRAME <= heard.length; at += FRAME) {
      if (at < clean.length) {
        encoder.encode(clean.subarray(at, at + FRAME), payload, 0)
        line.sender.frame(payload, 0, FRAME, FRAME, line.now)
      }
      line.tick()
      playout.read(line.now, out)
      heard.set(out, at)
    }
    const score = stoi(clean, aligned(clean, heard, SPEECH_RATE, 40), SPEECH_RATE)
    const row = savedReports().find(({ name }) => name === 'voice-quality')!.rows.find(row => row['loss'] === 5 && row['jitter'] === 60 && row['pattern'] === pattern)!
    t.ok(score > Number(row['stoi']) - 0.02, `${pattern}: ${score.toFixed(3)}, the table says ${Number(row['stoi']).toFixed(3)}`)
  }
  t.end()
})
