import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { builtInCodecs } from '../../src/codec/registry.js'
import { ToneGenerator } from '../../src/codec/tones.js'

const FRAMES = 30
const samplesOf = (codec: Codec): number => codec.sampleRate / 50

/** Frames of a tone, from an encoder that begins with them. */
const encoded = (codec: Codec, frequency: number): Uint8Array[] => {
  const tone = new ToneGenerator({ frequencies: [frequency], dbm0: -10 }, codec.sampleRate)
  const encoder = codec.createEncoder()
  return Array.from({ length: FRAMES }, () => {
    const pcm = new Int16Array(samplesOf(codec))
    tone.read(pcm)
    const payload = new Uint8Array(codec.payloadBytes(pcm.length)!)
    encoder.encode(pcm, payload, 0)
    return payload
  })
}

const decoded = (codec: Codec, frames: readonly Uint8Array[]): Int16Array => {
  const decoder = codec.createDecoder()
  const pcm = new Int16Array(frames.length * samplesOf(codec))
  frames.forEach((payload, at) => decoder.decode(payload, 0, payload.length, pcm.subarray(at * samplesOf(codec))))
  return pcm
}

const largestStep = (pcm: Int16Array): number => pcm.reduce((largest, value, at) => Math.max(largest, at === 0 ? 0 : Math.abs(value - pcm[at - 1]!)), 0)

for (const codec of builtInCodecs.filter(({ createSplicer }) => createSplicer !== undefined)) {
  void t.test(`${codec.name}: a stream that is joined to another makes no click of it, and goes on by itself`, t => {
    const old = encoded(codec, 800)
    const own = largestStep(decoded(codec, old).subarray(10 * samplesOf(codec)))
    for (const [name, next, before] of [['fresh', encoded(codec, 500), 0], ['running', encoded(codec, 500).slice(10), 5]] as const) {
      const splicer = codec.createSplicer!(false)
      for (const payload of old) splicer.heard(payload, 0, payload.length)
      for (let pass = 0; pass < before; pass++) splicer.precede(next[0]!, 0, next[0]!.length)
      const joined = next.map((payload, at) => {
        const copy = Uint8Array.from(payload)
        if (at < 5) splicer.splice(copy, 0, copy.length)
        return copy
      })
      const heard = decoded(codec, [...old, ...joined]).subarray((FRAMES - 2) * samplesOf(codec))
      const loose = decoded(codec, [...old, ...next]).subarray((FRAMES - 2) * samplesOf(codec))
      const step = largestStep(heard)
      t.comment(`${name}: ${(step / own).toFixed(2)}, ${(largestStep(loose) / own).toFixed(2)} as it is`)
      t.ok(step < 1.05 * own, `${name}: ${step} of ${own}`)
      const level = toneLevel(heard, 500, codec.sampleRate, 4 * samplesOf(codec))
      // Two or three bits a sample leave a tone a little off for a while.
      t.ok(Math.abs(level + 10) < (/-(?:16|24)$/.test(codec.name) ? 1.5 : 0.5), `the new sound at its level: ${level}`)
    }
    const silent = codec.createSplicer!(true)
    for (const payload of old) silent.heard(payload, 0, payload.length)
    const payload = Uint8Array.from(encoded(codec, 500)[0]!)
    silent.splice(payload, 0, payload.length)
    t.ok(decoded(codec, [...old, payload]).subarray(-samplesOf(codec)).subarray(0, samplesOf(codec) / 40).every(value => Math.abs(value) < 7300), 'after a pause it begins from silence')
    t.end()
  })
}
