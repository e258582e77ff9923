import { setImmediate } from 'node:timers/promises'
import type { Codec } from '../../codec/codec.js'
import { Resampler, ResamplerFilter } from '../../codec/resampler.js'
import type { Track } from '../protocol.js'
import { isStateless } from '../shared/stateless.js'
import type { WavSound } from '../wav.js'

/** Samples decoded, resampled and encoded at a time: less than a millisecond's work. */
const BLOCK = 4800

/** Takes the next samples of the sound, at the codec's rate. */
type Sink = (pcm: Int16Array, at: number) => void

/** The sound as it is sent to legs of that codec, in shared memory; between blocks, whatever else waits has its turn. */
export const trackOf = async (sound: WavSound, codec: Codec): Promise<Track> => {
  const length = Math.ceil((sound.length * codec.sampleRate) / sound.rate)
  if (isStateless(codec) && codec.payloadBytes(1) === 1) {
    const data = new Uint8Array(new SharedArrayBuffer(length))
    const encoder = codec.createEncoder()
    await convert(sound, codec.sampleRate, (pcm, at) => encoder.encode(pcm, data, at))
    return { type: 'encoded', codec: codec.name, clockRate: codec.clockRate, data }
  }
  const data = new Int16Array(new SharedArrayBuffer(length * Int16Array.BYTES_PER_ELEMENT))
  await convert(sound, codec.sampleRate, (pcm, at) => data.set(pcm, at))
  return { type: 'pcm', rate: codec.sampleRate, data }
}

const convert = async (sound: WavSound, rate: number, sink: Sink): Promise<void> => {
  const input = new Int16Array(BLOCK)
  const resampler = sound.rate === rate ? undefined : new Resampler(new ResamplerFilter(sound.rate, rate), BLOCK)
  const output = resampler === undefined ? input : new Int16Array(resampler.outputSamples(BLOCK))
  let written = 0
  const put = (samples: number): void => {
    sink(output.subarray(0, samples), written)
    written += samples
  }
  for (let at = 0; at < sound.length; at += BLOCK) {
    const count = Math.min(BLOCK, sound.length - at)
    sound.read(at, count, input)
    if (at === 0) resampler?.begin(input, count)
    put(resampler?.process(input, output, 0, count) ?? count)
    await setImmediate()
  }
  if (resampler !== undefined && sound.length > 0) put(resampler.end(output))
}
