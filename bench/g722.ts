import { g722 } from '../src/codec/g722.js'
import { codecFor } from '../src/codec/registry.js'
import { ToneGenerator } from '../src/codec/tones.js'
import { type BenchResult, measure } from './micro.js'

/** Frames of 20 ms of the adaptive codecs. */
export const run = async (): Promise<BenchResult[]> => {
  const pcm = new Int16Array(320)
  new ToneGenerator({ frequencies: [440, 2345], dbm0: -12 }, 16_000).read(pcm)
  const bytes = new Uint8Array(160)
  const out = new Int16Array(320)
  const encoder = g722.createEncoder()
  const decoder = g722.createDecoder()
  const g726 = codecFor('G726-32', 8000)!
  const narrow = pcm.slice(0, 160)
  const adaptive = g726.createEncoder()
  const adapted = g726.createDecoder()
  return [
    await measure('G.722 encode, 20 ms', () => encoder.encode(pcm, bytes, 0), 40),
    await measure('G.722 decode, 20 ms', () => decoder.decode(bytes, 0, 160, out), 40),
    await measure('G.726-32 encode, 20 ms', () => adaptive.encode(narrow, bytes, 0)),
    await measure('G.726-32 decode, 20 ms', () => adapted.decode(bytes, 0, 80, out)),
  ]
}
