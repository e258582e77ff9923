import fc from 'fast-check'
import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import type { Codec } from '../../src/codec/codec.js'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { g722 } from '../../src/codec/g722.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { dbm0Of } from '../../src/codec/level.js'
import { builtInCodecs } from '../../src/codec/registry.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { ComfortNoise, describeNoise } from '../../src/rtp/comfort-noise.js'
import { Playout, type PlayoutFormat, type PlayoutResult } from '../../src/rtp/playout.js'

const FORMATS = new Map<number, PlayoutFormat>([[0, { type: 'audio', codec: pcmu }], [13, { type: 'comfort-noise' }]])
const FRAME = 160

interface Path {
  /** Packets of 20 ms. */
  readonly packets: number
  readonly delay?: (packet: number) => number
  readonly lost?: (packet: number) => boolean
  /** How much faster than ours the sender's clock runs, in parts per million. */
  readonly skew?: number
  readonly sampleRate?: number
}

interface Heard { readonly pcm: Int16Array; readonly results: PlayoutResult[]; readonly delays: number[]; readonly playout: Playout }

/** Sends 440 Hz at -10 dBm0 over a path and reads it every 20 ms. */
const hear = ({ packets, delay = () => 0, lost = () => false, skew = 0, sampleRate = 8000 }: Path): Heard => {
  const playout = new Playout({ clockRate: 8000, sampleRate, formats: FORMATS })
  const tone = new ToneGenerator({ frequencies: [440], dbm0: -10 }, 8000)
  const frame = new Int16Array(FRAME)
  const encoder = pcmu.createEncoder()
  const arrivals: { at: number; packet: number; payload: Uint8Array }[] = []
  // The tone comes round after five frames.
  const payloads = Array.from({ length: 5 }, () => {
    tone.read(frame)
    const payload = new Uint8Array(FRAME)
    encoder.encode(frame, payload, 0)
    return payload
  })
  for (let packet = 0; packet < packets; packet++) {
    const payload = payloads[packet % 5]!
    if (!lost(packet)) arrivals.push({ packet, payload, at: packet * 20 * (1 - skew / 1e6) + delay(packet) })
  }
  arrivals.sort((a, b) => a.at - b.at)
  const out = new Int16Array((FRAME * sampleRate) / 8000)
  const reads = packets - 10
  const pcm = new Int16Array(reads * out.length)
  const results: PlayoutResult[] = []
  const delays: number[] = []
  let next = 0
  for (let read = 0; read < reads; read++) {
    const now = 5 + read * 20
    for (; next < arrivals.length && arrivals[next]!.at <= now; next++) {
      const { packet, payload, at } = arrivals[next]!
      playout.put(packet & 0xffff, packet * FRAME, 0, payload, 0, FRAME, at)
    }
    results.push(playout.read(now, out))
    delays.push(playout.delay)
    pcm.set(out, read * out.length)
  }
  return { pcm, results, delays, playout }
}

const largestStep = (pcm: Int16Array): number => {
  let step = 0
  for (let at = 1; at < pcm.length; at++) step = Math.max(step, Math.abs(pcm[at]! - pcm[at - 1]!))
  return step
}

/** Largest step between two samples of the tone of `hear`, with a tenth for companding. */
const TONE_STEP = 1.1 * ((2 * Math.PI * 440) / 8000) * 7220

t.test('a clean path is heard at its level, whole and without a step', async t => {
  const { pcm, results } = hear({ packets: 300 })
  t.ok(results.filter(result => result === 'early').length <= 3)
  t.ok(results.slice(4).every(result => result === 'speech'))
  t.ok(Math.abs(toneLevel(pcm, 440, 8000, 1600, 40_000) + 10) < 0.1)
  t.ok(largestStep(pcm.subarray(1600)) < TONE_STEP)
})

t.test('the reader may want another rate', async t => {
  const { pcm } = hear({ packets: 200, sampleRate: 16_000 })
  t.ok(Math.abs(toneLevel(pcm, 440, 16_000, 8000, 32_000) + 10) < 0.1)
})

t.test('ITU-T G.711 Appendix I: a lost packet of a tone is bridged without a gap', async t => {
  const { pcm, results } = hear({ packets: 300, lost: packet => packet % 20 === 19 })
  t.ok(results.filter(result => result === 'concealed').length >= 13)
  t.ok(Math.abs(toneLevel(pcm, 440, 8000, 1600, 40_000) + 10) < 0.5)
  for (let at = 1600; at < 40_000; at += 160) if (dbm0Of(pcm, at, 160) < -13) t.fail(`gap at ${at}`)
  t.ok(largestStep(pcm.subarray(1600)) < 2 * TONE_STEP)
})

t.test('jitter: the delay grows to cover it, and shrinks when it ends, without a break in the tone', async t => {
  const random = seededRandom(7)
  const { pcm, delays, results, playout } = hear({ packets: 2000, delay: packet => (packet > 300 && packet < 800 ? 80 * random.float() : 0) })
  t.ok(Math.max(...delays.slice(400, 800)) > 60, 'grown')
  t.ok(delays[1900]! < 45, `shrunk to ${delays[1900]!.toFixed(1)} ms`)
  t.ok(results.slice(450, 800).filter(result => result === 'concealed').length <= 12, 'few concealed once learnt')
  t.ok(playout.stretched !== 0)
  t.ok(largestStep(pcm.subarray(1600)) < 2 * TONE_STEP)
  for (let at = 8 * 20 * 1000; at < pcm.length - 160; at += 160) if (dbm0Of(pcm, at, 160) < -11) t.fail(`gap at ${at}`)
})

t.test('clock skew of 200 ppm either way for an hour: no concealment, no drift of the delay', async t => {
  for (const skew of [200, -200]) {
    const { results, delays, playout } = hear({ packets: 180_000, skew })
    // The faster sender has said everything 36 packets before the hour is over.
    t.same([...new Set(results.slice(4, -50))], ['speech'], `${skew} ppm: never a break`)
    const settled = Float64Array.from(delays.slice(50)).sort()
    t.ok(settled.at(-1)! < 60 && settled[0]! >= 0, `${skew} ppm: delay between ${settled[0]!.toFixed(1)} and ${settled.at(-1)!.toFixed(1)} ms`)
    const expected = (-skew / 1e6) * 180_000 * FRAME
    t.ok(Math.abs(playout.stretched - expected) < 400, `${skew} ppm: ${playout.stretched} samples of ${expected}`)
  }
})

t.test('RFC 3389: described noise fills the pause at its level', async t => {
  const source = new Int16Array(8000)
  const random = seededRandom(3)
  for (let at = 1; at < source.length; at++) source[at] = 0.8 * source[at - 1]! + 600 * (random.float() - 0.5)
  const payload = new Uint8Array(9)
  t.equal(describeNoise(source, 8, payload), 9)
  const playout = new Playout({ clockRate: 8000, sampleRate: 8000, formats: FORMATS })
  const speech = new Uint8Array(FRAME).fill(0xff)
  for (let packet = 0; packet < 5; packet++) playout.put(packet, packet * FRAME, 0, speech, 0, FRAME, packet * 20)
  playout.put(5, 5 * FRAME, 13, payload, 0, 9, 100)
  const out = new Int16Array(FRAME)
  const noise = new Int16Array(100 * FRAME)
  const results: PlayoutResult[] = []
  for (let read = 0; read < 120; read++) {
    results.push(playout.read(85 + read * 20, out))
    if (read >= 20) noise.set(out, (read - 20) * FRAME)
  }
  t.equal(results.at(-1), 'noise')
  t.notOk(results.includes('concealed'))
  t.ok(Math.abs(dbm0Of(noise) - dbm0Of(source)) < 1, `${dbm0Of(noise).toFixed(1)} dBm0 for ${dbm0Of(source).toFixed(1)}`)
  const tilt = (pcm: Int16Array): number => {
    let product = 0
    let energy = 0
    for (let at = 1; at < pcm.length; at++) {
      product += pcm[at]! * pcm[at - 1]!
      energy += pcm[at]! ** 2
    }
    return product / energy
  }
  t.ok(Math.abs(tilt(noise) - tilt(source)) < 0.05, 'and has its spectrum')
})

t.test('RFC 3389 §3.1: a level alone is white noise; 127 is all but silence', async t => {
  const noise = new ComfortNoise(8000)
  const pcm = new Int16Array(16_000)
  noise.update(Uint8Array.of(40), 0, 1)
  noise.read(pcm, 0, pcm.length)
  // 0 dBov is the power of a full-scale square wave: 6.15 dBm0.
  t.ok(Math.abs(dbm0Of(pcm) - (6.15 - 40)) < 0.5)
  noise.reset()
  t.notOk(noise.described)
  const quiet = new Uint8Array(1)
  describeNoise(new Int16Array(160), 0, quiet)
  t.equal(quiet[0], 127)
})

t.test('a payload type without a format and an endless packet are refused', async t => {
  const playout = new Playout({ clockRate: 8000, sampleRate: 8000, formats: FORMATS })
  t.equal(playout.put(1, 0, 99, new Uint8Array(160), 0, 160, 0), 'strange')
  t.equal(playout.put(1, 0, 0, new Uint8Array(1600), 0, 1600, 0), 'strange')
  t.equal(playout.read(20, new Int16Array(160)), 'early')
})

t.test('after a reset another stream is heard', async t => {
  const { playout } = hear({ packets: 50 })
  playout.reset()
  const out = new Int16Array(FRAME)
  t.equal(playout.read(5000, out), 'early')
  const payload = new Uint8Array(FRAME).fill(0x10)
  for (let packet = 0; packet < 5; packet++) playout.put(9 + packet, 77 + packet * FRAME, 0, payload, 0, FRAME, 6000 + packet * 20)
  t.equal(playout.read(6085, out), 'speech')
})

t.test('a payload of less sound than it says is silence, not what another stream has left', async t => {
  /** Says 20 ms of a tone, or nothing in a packet that should have it. */
  const toneCodec = (peak: number): Codec => ({
    ...pcmu,
    payloadBytes: () => undefined,
    samplesOf: () => FRAME,
    createDecoder: () => {
      let phase = 0
      return {
        decode: (payload, offset, _length, out) => {
          if (payload[offset] === 0) return 0
          for (let at = 0; at < FRAME; at++) out[at] = peak * Math.sin(0.15 * phase++)
          return FRAME
        },
      }
    },
  })
  const streams = [20_000, 700].map(peak => new Playout({ clockRate: 8000, sampleRate: 8000, formats: new Map([[96, { type: 'audio', codec: toneCodec(peak) }]]) }))
  const out = new Int16Array(FRAME)
  let loudest = 0
  for (let packet = 0; packet < 600; packet++) {
    // Jitter at first: something is left over of each frame from then on.
    const late = packet > 20 && packet < 60 ? (packet % 2) * 35 : 0
    streams.forEach((playout, stream) => {
      const empty = stream === 1 && (packet === 300 || packet === 320)
      playout.put(packet, packet * FRAME, 96, Uint8Array.of(empty ? 0 : 1), 0, 1, packet * 20 + late)
      playout.read(packet * 20 + 7, out)
      if (stream === 1) loudest = Math.max(loudest, ...out.map(Math.abs))
    })
  }
  t.ok(streams[1]!.stretched !== 0)
  t.ok(loudest < 1000, `peak ${loudest}`)
})

t.test('any packets at any time: each read is filled, nothing throws, nothing grows without end', async t => {
  const packet = fc.record({
    sequence: fc.integer({ min: 0, max: 0xffff }), timestamp: fc.integer({ min: 0, max: 0xffffffff }), near: fc.boolean(),
    type: fc.constantFrom(0, 0, 0, 13, 77), length: fc.integer({ min: 0, max: 1100 }), wait: fc.integer({ min: 0, max: 90 }),
  })
  fc.assert(fc.property(fc.array(packet, { maxLength: 120 }), fc.constantFrom(8000, 16_000, 48_000), (packets, sampleRate) => {
    const playout = new Playout({ clockRate: 8000, sampleRate, formats: FORMATS, slots: 16 })
    const out = new Int16Array(sampleRate / 50)
    const payload = new Uint8Array(1200).fill(0x31)
    let arrival = 0
    let read = 10
    packets.forEach(({ sequence, timestamp, near, type, length, wait }, at) => {
      arrival += wait
      for (; read < arrival; read += 20) playout.read(read, out)
      // Half of them belong to one stream, give or take a few packets.
      playout.put(near ? at + (sequence % 8) : sequence, near ? (at + (sequence % 8)) * FRAME : timestamp, type, payload, 0, length, arrival)
      if (playout.buffer.size > 16) throw new Error('grown')
    })
    for (const end = read + 12_000; read < end; read += 20) playout.read(read, out)
    if (playout.buffer.size > 0) throw new Error('left behind')
  }), { numRuns: 150, seed: 7 })
  t.pass('150 streams')
})

/** A tone through `codec` in packets of `ptime` ms, read every 20 ms at `sampleRate`; packets whose number `lost` names are missing. */
const through = (codec: Codec, ptime: number, sampleRate: number, lost: (packet: number) => boolean = () => false): { pcm: Int16Array; results: Set<PlayoutResult> } => {
  const playout = new Playout({ clockRate: codec.clockRate, sampleRate, formats: new Map([[96, { type: 'audio', codec }]]) })
  const samples = (codec.sampleRate * ptime) / 1000
  const frame = new Int16Array(samples)
  const payload = new Uint8Array(codec.payloadBytes(samples)!)
  const encoder = codec.createEncoder()
  const tone = new ToneGenerator({ frequencies: [440], dbm0: -15 }, codec.sampleRate)
  const out = new Int16Array(sampleRate / 50)
  const pcm = new Int16Array(4 * sampleRate)
  const results = new Set<PlayoutResult>()
  let packet = 0
  for (let at = 0, now = 3; at < pcm.length; at += out.length, now += 20) {
    for (; (packet + 1) * ptime <= now; packet++) {
      tone.read(frame)
      const length = encoder.encode(frame, payload, 0)
      if (!lost(packet)) playout.put(packet, (packet * ptime * codec.clockRate) / 1000, 96, payload, 0, length, (packet + 1) * ptime)
    }
    const result = playout.read(now, out)
    if (at > sampleRate / 2) results.add(result)
    pcm.set(out, at)
  }
  return { pcm, results }
}

t.test('packet times of 10 to 60 ms are heard without a break', async t => {
  for (const ptime of [10, 20, 30, 40, 60]) {
    const { pcm, results } = through(pcma, ptime, 8000)
    t.same([...results], ['speech'], `${ptime} ms`)
    t.ok(Math.abs(toneLevel(pcm, 440, 8000, 8000, 16_000) + 15) < 0.2, `${ptime} ms`)
  }
})

t.test('every built-in codec is heard at every rate that a mixer may have', async t => {
  for (const codec of builtInCodecs)
    for (const sampleRate of [8000, 16_000, 48_000]) {
      const { pcm, results } = through(codec, 20, sampleRate)
      const level = toneLevel(pcm, 440, sampleRate, sampleRate, 2 * sampleRate)
      // Two bits a sample leave G.726-16 noisy, and its level a little off.
      t.ok(Math.abs(level + 15) < 1 && results.size === 1, `${codec.name}/${codec.clockRate} at ${sampleRate}: ${level.toFixed(2)} dBm0`)
    }
})

t.test('wide-band losses are concealed too', async t => {
  const { pcm, results } = through(g722, 20, 16_000, packet => packet % 25 === 24)
  t.same([...results].sort(), ['concealed', 'speech'])
  for (let at = 16_000; at < 48_000; at += 320) if (dbm0Of(pcm, at, 320) < -18) t.fail(`gap at ${at}`)
})
