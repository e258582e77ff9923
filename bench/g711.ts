import { pcma, pcmu } from '../src/codec/g711.js'
import { Resampler, ResamplerFilter } from '../src/codec/resampler.js'
import { ToneGenerator } from '../src/codec/tones.js'
import { type BenchResult, measure } from './micro.js'

const SAMPLES = 160

/** Frames of 20 ms: companding both ways, and what a narrow-band leg costs beside it. */
export const run = async (): Promise<BenchResult[]> => {
  const pcm = new Int16Array(SAMPLES)
  new ToneGenerator({ frequencies: [440, 1234], dbm0: -12 }, 8000).read(pcm)
  const bytes = new Uint8Array(SAMPLES)
  const wide = new Int16Array(6 * SAMPLES)
  const up = new Resampler(new ResamplerFilter(8000, 16_000), SAMPLES)
  const down = new Resampler(new ResamplerFilter(48_000, 8000), 6 * SAMPLES)
  const [muEncoder, aEncoder, muDecoder, aDecoder] = [pcmu.createEncoder(), pcma.createEncoder(), pcmu.createDecoder(), pcma.createDecoder()]
  return [
    await measure('G.711 mu-law encode, 160 samples', () => muEncoder.encode(pcm, bytes, 0), 1),
    await measure('G.711 A-law encode, 160 samples', () => aEncoder.encode(pcm, bytes, 0), 1),
    await measure('G.711 mu-law decode, 160 samples', () => muDecoder.decode(bytes, 0, SAMPLES, pcm), 1),
    await measure('G.711 A-law decode, 160 samples', () => aDecoder.decode(bytes, 0, SAMPLES, pcm), 1),
    await measure('resample 20 ms from 8 to 16 kHz', () => up.process(pcm, wide)),
    await measure('resample 20 ms from 48 to 8 kHz', () => down.process(wide, pcm)),
  ]
}
