import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { FAX_CALLING, PROGRESS_TONES } from '../../src/codec/call-progress.js'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { g722 } from '../../src/codec/g722.js'
import { dtmfTone, type Tone, ToneGenerator } from '../../src/codec/tones.js'
import type { DtmfKey } from '../../src/codec/tones.js'
import type { Detected, Detection } from '../../src/media/leg.js'
import { DetectionTap } from '../../src/media/worker/detection-tap.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { RtpHeader } from '../../src/rtp/packet.js'

/** What a tap makes of a stream of packets. */
class Line {
  readonly keys: string[] = []
  readonly heard: Detected[] = []
  readonly tap: DetectionTap
  readonly #header = new RtpHeader()
  readonly #encoder: ReturnType<Codec['createEncoder']>
  timestamp = 0xffff_ff00
  source = 1
  packets = 0
  lose: (packet: number) => boolean = () => false

  constructor(detection: Detection, readonly codec: Codec = pcmu) {
    this.#encoder = codec.createEncoder()
    this.tap = new DetectionTap(detection, new ResamplerFilters(), {
      pressed: () => undefined,
      released: (key, duration) => this.keys.push(`${key} ${duration >= 60 && duration <= 125}`),
      detected: what => this.heard.push(what),
    })
  }

  /** `ms` of a tone, or of nothing. */
  say(tone: Tone | undefined, ms: number): this {
    const { codec } = this
    const generator = tone === undefined ? undefined : new ToneGenerator(tone, codec.sampleRate)
    const pcm = new Int16Array(codec.sampleRate / 50)
    const packet = Buffer.alloc(400)
    for (let at = 0; at < ms; at += 20) {
      generator?.read(pcm)
      const bytes = this.#encoder.encode(pcm, packet, 12)
      Object.assign(this.#header, { timestamp: this.timestamp, payloadStart: 12, payloadEnd: 12 + bytes })
      if (!this.lose(this.packets++)) this.tap.audio(packet, this.#header, codec, this.source)
      this.timestamp = (this.timestamp + codec.clockRate / 50) >>> 0
    }
    return this
  }

  /** Nothing is sent for so long. */
  pause(ms: number): this {
    this.timestamp = (this.timestamp + (this.codec.clockRate * ms) / 1000) >>> 0
    return this
  }

  dial(keys: string): this {
    for (const key of keys) this.say(dtmfTone(key as DtmfKey), 100).say(undefined, 80)
    return this
  }
}

t.test('ITU-T Q.24: keys are heard once each in any codec, through the wrap of the timestamp', async t => {
  for (const codec of [pcmu, pcma, g722]) t.same(new Line({ digits: true }, codec).dial('14#0D').keys, ['1 true', '4 true', '# true', '0 true', 'D true'], codec.name)
})

t.test('a key that loses a packet is one key; two presses with a pause in which nothing is sent are two', async t => {
  const line = new Line({ digits: true })
  line.lose = packet => packet % 9 === 2
  t.same(line.dial('55').keys.map(key => key[0]), ['5', '5'])
  const quiet = new Line({ digits: true })
  quiet.say(dtmfTone('7'), 100).pause(400).say(dtmfTone('7'), 100).pause(400).say(undefined, 20)
  t.same(quiet.keys.map(key => key[0]), ['7', '7'])
})

t.test('a peer that sends events as well is not heard twice', async t => {
  const line = new Line({ digits: true })
  line.say(dtmfTone('3'), 60)
  line.tap.event()
  line.say(dtmfTone('3'), 60).say(undefined, 100)
  t.same(line.keys, [])
})

t.test('ITU-T E.180, T.30: busy tones in their rhythm although pauses are not sent, and a fax machine', async t => {
  const { busy } = PROGRESS_TONES.de
  const line = new Line({ line: 'de' })
  for (let cycle = 0; cycle < 6; cycle++) line.say({ ...busy, cadence: [] }, 480).pause(480)
  line.say(undefined, 100)
  t.same(line.heard[0], { type: 'line', signal: 'busy' })
  t.same(new Line({ line: 'de' }).say({ ...FAX_CALLING, cadence: [] }, 600).heard, [{ type: 'line', signal: 'fax-calling' }])
  t.same(new Line({ digits: true }).say({ ...FAX_CALLING, cadence: [] }, 600).heard, [], 'nothing that was not asked for')
})

t.test('a beep is told with its pitch, and nobody who speaks after four seconds', async t => {
  const [beep] = new Line({ beep: true }).say(undefined, 200).say({ frequencies: [1000], dbm0: -15 }, 400).heard
  t.match(beep, { type: 'beep' })
  t.ok(beep?.type === 'beep' && Math.abs(beep.frequency - 1000) < 20 && beep.confidence > 0.5)
  t.same(new Line({ answerer: true }).say(undefined, 6000).heard, [{ type: 'answerer', is: 'silence', confidence: 0.8, after: 4000 }])
})

t.test('RFC 3550 §8.2: another source begins anew; an oversized packet and one out of order are let go by', async t => {
  const line = new Line({ digits: true }).dial('1')
  line.source = 2
  line.timestamp = 77
  line.dial('2')
  line.timestamp -= 800
  line.say(dtmfTone('9'), 100)
  const huge = new RtpHeader()
  Object.assign(huge, { timestamp: line.timestamp, payloadStart: 0, payloadEnd: 2000 })
  line.tap.audio(Buffer.alloc(2000), huge, pcmu, 2)
  t.same(line.keys.map(key => key[0]), ['1', '2'])
})
