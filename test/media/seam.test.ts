import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { codecFor } from '../../src/codec/registry.js'
import { seededRandom } from '../../src/core/random.js'
import { SOUND_WORDS } from '../../src/media/shared/leg-slots.js'
import { PayloadMemory } from '../../src/media/worker/payload-memory.js'
import { seamFor } from '../../src/media/worker/seam.js'

const FRAME_MS = 20
/** Frames of the stream that went on elsewhere, before it is joined, and after. */
const BEFORE = 30
const AFTER = 60
/** The old sound is still heard for so long (ms). */
const FADE_MS = 8
const MOMENTS = 12

/** Syllables of a voice: harmonics of a pitch that glides, with some breath, between pauses. */
const voice = (rate: number, samples: number, seed: number): Int16Array => {
  const random = seededRandom(seed)
  const pcm = new Int16Array(samples)
  let phase = 0
  for (let at = 0; at < samples;) {
    const length = Math.min(samples - at, Math.round(rate * (0.08 + 0.15 * random.float())))
    const [from, to, tilt, level] = [90 + 130 * random.float(), 90 + 130 * random.float(), 0.5 + random.float(), 2_000 + 6_000 * random.float()]
    for (let place = 0; place < length; place++) {
      phase += (2 * Math.PI * (from + ((to - from) * place) / length)) / rate
      let sum = 0
      for (let harmonic = 1; harmonic * to < 0.4 * rate && harmonic < 20; harmonic++) sum += Math.sin(harmonic * phase) / harmonic ** tilt
      pcm[at + place] = Math.round(0.4 * level * (sum + 0.1 * (random.float() - random.float())) * Math.sin((Math.PI * place) / length) ** 0.5)
    }
    at += length + Math.min(samples - at - length, Math.round(rate * 0.06 * random.float()))
  }
  return pcm
}

/** Two tones without a pause. */
const tones = (rate: number, samples: number, seed: number): Int16Array => {
  const random = seededRandom(seed)
  const frequencies = [400 + 600 * random.float(), 700 + 800 * random.float()]
  return Int16Array.from({ length: samples }, (_, at) => frequencies.reduce((sum, frequency) => sum + 7_300 * Math.sin((2 * Math.PI * frequency * at) / rate), 0))
}

const encoded = (codec: Codec, sound: typeof voice, seed: number): Uint8Array[] => {
  const samples = (codec.sampleRate * FRAME_MS) / 1000
  const pcm = sound(codec.sampleRate, (BEFORE + AFTER) * samples, seed)
  const encoder = codec.createEncoder()
  return Array.from({ length: BEFORE + AFTER }, (_, frame) => {
    const payload = new Uint8Array(codec.payloadBytes(samples)!)
    encoder.encode(pcm.subarray(frame * samples, (frame + 1) * samples), payload, 0)
    return payload
  })
}

/** A listener of one sound hears another from now on: how far (dB) the differences lie under what it says, and how much louder than that the loudest sample is. */
const join = (codec: Codec, sound: typeof voice, moment: number, joined: boolean): { readonly ratio: number; readonly louder: number } => {
  const [listener, whole] = [codec.createDecoder(), codec.createDecoder()]
  const hear = (decoder: typeof listener, payload: Uint8Array): Int16Array => {
    const pcm = new Int16Array((codec.sampleRate * FRAME_MS) / 1000)
    decoder.decode(payload, 0, payload.length, pcm)
    return pcm
  }
  const seam = seamFor(codec, new Int32Array(SOUND_WORDS))!
  const past = new PayloadMemory(codec)
  for (const payload of encoded(codec, sound, 2 * moment).slice(0, BEFORE)) {
    hear(listener, payload)
    seam.note(payload, 0, payload.length)
  }
  let [signal, difference, loudest, loudestHeard] = [0, 0, 1, 1]
  let bending = joined
  encoded(codec, sound, 2 * moment + 1).forEach((payload, frame) => {
    const said = hear(whole, payload)
    past.note(payload, 0, payload.length)
    if (frame < BEFORE) return
    if (bending) bending = !seam.bend(payload, 0, payload.length, frame === BEFORE ? past : undefined, false)
    seam.note(payload, 0, payload.length)
    const heard = hear(listener, payload)
    for (let at = frame === BEFORE ? (codec.sampleRate * FADE_MS) / 1000 : 0; at < said.length; at++) {
      signal += said[at]! ** 2
      difference += (heard[at]! - said[at]!) ** 2
      loudest = Math.max(loudest, Math.abs(said[at]!))
      loudestHeard = Math.max(loudestHeard, Math.abs(heard[at]!))
    }
  })
  return { ratio: 10 * Math.log10(signal / difference), louder: loudestHeard / loudest }
}

for (const name of ['G722', 'G726-16', 'G726-24', 'G726-32', 'G726-40']) void t.test(`${name}: who comes to a voice in mid-word hears it as those do who have heard it all along`, t => {
  const codec = codecFor(name, 8000)!
  const moments = Array.from({ length: MOMENTS }, (_, moment) => join(codec, voice, moment, true))
  const loose = Array.from({ length: MOMENTS }, (_, moment) => join(codec, voice, moment, false))
  const worst = Math.min(...moments.map(({ ratio }) => ratio))
  const loudest = Math.max(...moments.map(({ louder }) => louder))
  t.comment(`differences at most ${worst.toFixed(1)} dB under the voice, peaks at most ${loudest.toFixed(2)} of its own; as it comes ${Math.min(...loose.map(({ ratio }) => ratio)).toFixed(1)} dB, ${Math.max(...loose.map(({ louder }) => louder)).toFixed(2)}`)
  t.ok(worst > 12, `${worst} dB`)
  t.ok(loudest < 1.4, `${loudest} of the loudest`)
  t.end()
})

for (const name of ['G722', 'G726-32']) void t.test(`${name}: steady tones, to which a decoder may never adapt, get no louder`, t => {
  const codec = codecFor(name, 8000)!
  const louder = Array.from({ length: 4 * MOMENTS }, (_, moment) => join(codec, tones, moment, true).louder)
  t.ok(Math.max(...louder) < 1.2, `${Math.max(...louder)} of the loudest`)
  t.end()
})

void t.test('what is remembered of a stream: the newest, in order, without the newest frame where that is asked for', t => {
  const codec = codecFor('G722', 8000)!
  for (const frames of [0, 1, 5, 12, 13, 30]) {
    const past = new PayloadMemory(codec)
    const said = Uint8Array.from({ length: 160 * frames }, (_, at) => (at * 7) & 0xff)
    for (let frame = 0; frame < frames; frame++) past.note(said, 160 * frame, 160 * (frame + 1))
    t.same([...past.payload], [...said.subarray(-1920)], `${frames} frames`)
    const before: number[] = []
    past.each((bytes, offset, length) => before.push(...bytes.subarray(offset, offset + length)), 160)
    t.same(before, [...said.subarray(-1920).subarray(0, -160)], `${frames} frames without the newest`)
    t.same([...new PayloadMemory(codec, past.words).payload], [...past.payload], 'another worker has it too')
    t.ok(new PayloadMemory(codecFor('G726-32', 8000)!, past.words).noted === 0, 'to another codec it means nothing')
  }
  t.end()
})
