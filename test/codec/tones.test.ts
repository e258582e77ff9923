import t, { type Test } from 'tap'
import { dbm0Of, dbm0OfPeak, peakOf } from '../../src/codec/level.js'
import type { Codec } from '../../src/codec/codec.js'
import { builtInCodecs } from '../../src/codec/registry.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { Resampler, ResamplerFilter } from '../../src/codec/resampler.js'
import { dtmfTone, ToneGenerator, type Tone } from '../../src/codec/tones.js'


const near = (t: Test, actual: number, expected: number, tolerance: number, name: string): void => {
  t.ok(Math.abs(actual - expected) <= tolerance, `${name}: ${actual.toFixed(3)} within ${tolerance} of ${expected}`)
}

const samplesOf = (tone: Tone, rate: number, frames: number, frame: number): Int16Array => {
  const generator = new ToneGenerator(tone, rate)
  const pcm = new Int16Array(frames * frame)
  for (let at = 0; at < frames; at++) generator.read(pcm, at * frame, frame)
  return pcm
}

t.test('levels in dBm0 (ITU-T G.711 §4: A-law overloads at +3.14 dBm0)', async t => {
  near(t, dbm0OfPeak(32768), 3.14, 1e-9, 'full scale')
  near(t, peakOf(dbm0OfPeak(1234)), 1234, 1e-6, 'round trip')
  near(t, dbm0Of(samplesOf({ frequencies: [1000], dbm0: -10 }, 8000, 50, 160)), -10, 0.05, 'mean level of a sine')
  t.equal(dbm0Of(new Int16Array(160)), -Infinity)
})

t.test('a tone has its level and frequency, and nothing beside them', async t => {
  const pcm = samplesOf({ frequencies: [440, 480], dbm0: [-19, -13] }, 8000, 25, 160)
  near(t, toneLevel(pcm, 440, 8000, 160, 3200), -19, 0.3, '440 Hz')
  near(t, toneLevel(pcm, 480, 8000, 160, 3200), -13, 0.3, '480 Hz')
  t.ok(toneLevel(pcm, 1000, 8000, 160, 3200) < -70, 'nothing at 1 kHz')
})

t.test('phase goes on from frame to frame, whatever the frame size', async t => {
  const tone: Tone = { frequencies: [425, 1004.5], dbm0: -10 }
  t.same(samplesOf(tone, 8000, 10, 160), samplesOf(tone, 8000, 64, 25))
})

t.test('a cadence switches within a sample and fades its edges', async t => {
  const pcm = samplesOf({ frequencies: [425], dbm0: -6, cadence: [50, 30] }, 8000, 20, 160)
  const loud = (from: number, to: number): number => pcm.subarray(from, to).reduce((peak, value) => Math.max(peak, Math.abs(value)), 0)
  t.ok(loud(0, 400) > peakOf(-6) * 0.98)
  t.equal(loud(400, 640), 0)
  t.ok(loud(640, 1040) > peakOf(-6) * 0.98)
  let step = 0
  for (let at = 1; at < pcm.length; at++) step = Math.max(step, Math.abs(pcm[at]! - pcm[at - 1]!))
  t.ok(step <= (2 * Math.PI * 425 * peakOf(-6)) / 8000 + peakOf(-6) / 16, 'no step beyond the tone and its fade')
})

t.test('ITU-T Q.23: each key is its pair', async t => {
  t.same(dtmfTone('1').frequencies, [697, 1209])
  t.same(dtmfTone('0').frequencies, [941, 1336])
  t.same(dtmfTone('#').frequencies, [941, 1477])
  t.same(dtmfTone('D').frequencies, [941, 1633])
})

const RATES = [8000, 16000, 24000, 32000, 44100, 48000]

const largestStep = (pcm: Int16Array): number => pcm.reduce((largest, value, at) => (at === 0 ? 0 : Math.max(largest, Math.abs(value - pcm[at - 1]!))), 0)

/** A second of `frequency` at `from` Hz, resampled frame by frame of 20 ms. */
const resampled = (frequency: number, from: number, to: number): Int16Array => {
  const frame = from / 50
  const resampler = new Resampler(new ResamplerFilter(from, to), frame)
  const input = samplesOf({ frequencies: [frequency], dbm0: 0 }, from, 50, frame)
  const out = new Int16Array(to + 50)
  let written = 0
  for (let at = 0; at < input.length; at += frame) written += resampler.process(input.subarray(at, at + frame), out, written)
  return out.subarray(0, written)
}

t.test('resampling keeps level and count between every two rates', async t => {
  for (const from of RATES)
    for (const to of RATES) {
      if (from === to) continue
      const out = resampled(1000, from, to)
      t.equal(out.length, to, `${from} to ${to}: a second is a second`)
      near(t, toneLevel(out, 1000, to, to / 10, to / 2), 0, 0.02, `${from} to ${to}`)
    }
})

t.test('the pass band reaches 3.3 kHz of an 8 kHz stream within 0.1 dB', async t => {
  for (const [from, to] of [[8000, 16000], [16000, 8000], [48000, 8000], [44100, 8000]] as const) {
    const out = resampled(3300, from, to)
    near(t, toneLevel(out, 3300, to, to / 10, to / 2), 0, 0.1, `${from} to ${to}`)
  }
})

t.test('what lies above the new Nyquist frequency is gone, in band and folded: under -70 dB', async t => {
  for (const [from, to] of [[16000, 8000], [48000, 8000], [48000, 16000], [44100, 8000], [24000, 16000], [48000, 44100]] as const)
    for (const share of [1.0, 1.03, 1.3, 1.7]) {
      const frequency = (to / 2) * share + 10
      if (frequency >= from / 2) continue
      const out = resampled(frequency, from, to)
      t.ok(dbm0Of(out, to / 10, to / 2) < -70, `${from} to ${to}: ${frequency} Hz`)
    }
})

t.test('images of upsampling are under -70 dB', async t => {
  for (const [from, to] of [[8000, 16000], [8000, 48000], [16000, 48000], [8000, 44100]] as const)
    for (const frequency of [300, 1000, 3300]) {
      const out = resampled(frequency, from, to)
      const image = from - frequency
      if (image < to / 2) t.ok(toneLevel(out, image, to, to / 10, to / 2) < -70, `${from} to ${to}: image of ${frequency} Hz`)
    }
})

t.test('a reset resampler starts anew', async t => {
  const resampler = new Resampler(new ResamplerFilter(8000, 16000), 160)
  const out = new Int16Array(resampler.outputSamples(160))
  resampler.process(new Int16Array(160).fill(12345), out)
  resampler.reset()
  t.equal(resampler.process(new Int16Array(160), out), 320)
  t.ok(out.subarray(0, 320).every(value => value === 0))
  t.ok(resampler.delay > 3 && resampler.delay < 5, 'about 4 ms at 8 kHz')
})

/** All of a sound at another rate, in frames of 20 ms. */
const whole = (input: Int16Array, from: number, to: number): Int16Array => {
  const frame = Math.floor(from / 50)
  const resampler = new Resampler(new ResamplerFilter(from, to), frame)
  const out = new Int16Array(resampler.outputSamples(input.length))
  resampler.begin(input)
  let written = 0
  for (let at = 0; at < input.length; at += frame) written += resampler.process(input.subarray(at, at + frame), out, written)
  written += resampler.end(out, written)
  return out.subarray(0, written)
}

t.test('a sound cut anywhere, its pieces resampled one by one: of exact length, in time, and no step where they meet', async t => {
  for (const from of [11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 192_000]) {
    const input = samplesOf({ frequencies: [437], dbm0: -10 }, from, 1, Math.round(from * 0.1))
    const own = largestStep(whole(input, from, 8000))
    for (let cut = Math.round(from * 0.05); cut % 19 !== 0; cut++) {
      const [first, second] = [whole(input.subarray(0, cut), from, 8000), whole(input.subarray(cut), from, 8000)]
      t.equal(first.length, Math.ceil((cut * 8000) / from), `${from} Hz: length`)
      t.equal(first[0], input[0], `${from} Hz: begins with its first sample`)
      t.equal(second[0], input[cut])
      const step = largestStep(Int16Array.of(...first, ...second))
      t.ok(step <= own * 1.02 + 4, `${from} Hz, cut at ${cut}: step ${step}, the tone's own ${own}`)
    }
  }
})

t.test('a sound shorter than the filter is heard too', async t => {
  for (const length of [1, 2, 5, 100]) t.same([...whole(new Int16Array(length).fill(5000), 48_000, 8000)], Array.from({ length: Math.ceil(length / 6) }, () => 5000), `${length} samples`)
})

/** What `codec` makes of a sound at its own rate, in frames of 20 ms. */
const through = (codec: Codec, pcm: Int16Array): Int16Array => {
  const [encoder, decoder] = [codec.createEncoder(), codec.createDecoder()]
  const frame = codec.sampleRate / 50
  const payload = new Uint8Array(4 * frame)
  const decoded = new Int16Array(2 * frame)
  const out = new Int16Array(pcm.length)
  for (let at = 0; at + frame <= pcm.length; at += frame) {
    const bytes = encoder.encode(pcm.subarray(at, at + frame), payload, 0)
    out.set(decoded.subarray(0, decoder.decode(payload, 0, bytes, decoded)), at)
  }
  return out
}

/** A sound at another rate. */
const converted = (pcm: Int16Array, from: number, to: number): Int16Array => {
  if (from === to) return pcm
  const resampler = new Resampler(new ResamplerFilter(from, to), pcm.length)
  const out = new Int16Array(resampler.outputSamples(pcm.length))
  return out.subarray(0, resampler.process(pcm, out))
}

t.test('transcoding between any two codecs keeps a tone at its level within 0.5 dB', async t => {
  const [hertz, dbm0] = [1_004, -16]
  for (const from of builtInCodecs) {
    const heard = through(from, samplesOf({ frequencies: [hertz], dbm0 }, from.sampleRate, 15, from.sampleRate / 50))
    const levels = builtInCodecs.map(to => {
      const rate = to.sampleRate
      return [to, toneLevel(through(to, converted(heard, from.sampleRate, rate)), hertz, rate, rate / 10, rate / 10)] as const
    })
    const worst = levels.reduce((far, next) => (Math.abs(next[1] - dbm0) > Math.abs(far[1] - dbm0) ? next : far))
    near(t, worst[1], dbm0, 0.5, `${from.name}/${from.clockRate} to all ${builtInCodecs.length}, the worst being ${worst[0].name}/${worst[0].clockRate}`)
  }
})
