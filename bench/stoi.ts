import { Resampler, ResamplerFilter } from '../src/codec/resampler.js'

/** All figures as in Taal, Hendriks, Heusdens and Jensen, "An Algorithm for Intelligibility Prediction of Time-Frequency Weighted Noisy Speech", 2011. */
const RATE = 10_000
const FRAME = 256
const HOP = FRAME / 2
const TRANSFORM = 512
const BANDS = 15
const LOWEST_CENTRE = 150
/** Frames of a segment: 384 ms. */
const SEGMENT = 30
/** Frames of the clean speech this far (dB) under the loudest are silence. */
const DYNAMIC_RANGE = 40
/** Lowest signal-to-distortion ratio (dB) that a unit counts with. */
const CLIP = -15

const HANN = Float64Array.from({ length: FRAME }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 1)) / (FRAME + 1)))

/** Energies of the frames, in dB. */
const frameLevels = (signal: Float64Array): number[] => {
  const levels: number[] = []
  for (let start = 0; start + FRAME <= signal.length; start += HOP) {
    let energy = 0
    for (let at = 0; at < FRAME; at++) energy += (signal[start + at]! * HANN[at]!) ** 2
    levels.push(10 * Math.log10(energy + 1e-20))
  }
  return levels
}

/** What is left of `signal` when only the frames `kept` are overlapped and added. */
const withFrames = (signal: Float64Array, kept: readonly number[]): Float64Array => {
  const out = new Float64Array(kept.length === 0 ? 0 : (kept.length - 1) * HOP + FRAME)
  kept.forEach((frame, place) => {
    for (let at = 0; at < FRAME; at++) out[place * HOP + at]! += signal[frame * HOP + at]! * HANN[at]!
  })
  return out
}

/** Fourier transform in place, radix 2. */
const transform = (real: Float64Array, imaginary: Float64Array): void => {
  const size = real.length
  for (let at = 1, reversed = 0; at < size; at++) {
    let bit = size >> 1
    for (; reversed & bit; bit >>= 1) reversed ^= bit
    reversed ^= bit
    if (at < reversed) {
      ;[real[at], real[reversed]] = [real[reversed]!, real[at]!]
      ;[imaginary[at], imaginary[reversed]] = [imaginary[reversed]!, imaginary[at]!]
    }
  }
  for (let length = 2; length <= size; length *= 2) butterflies(real, imaginary, length)
}

const butterflies = (real: Float64Array, imaginary: Float64Array, length: number): void => {
  const half = length / 2
  for (let k = 0; k < half; k++) {
    const cosine = Math.cos((-2 * Math.PI * k) / length)
    const sine = Math.sin((-2 * Math.PI * k) / length)
    for (let at = k; at < real.length; at += length) {
      const r = real[at + half]! * cosine - imaginary[at + half]! * sine
      const i = real[at + half]! * sine + imaginary[at + half]! * cosine
      real[at + half] = real[at]! - r
      imaginary[at + half] = imaginary[at]! - i
      real[at]! += r
      imaginary[at]! += i
    }
  }
}

/** First and last bin (exclusive) of each third of an octave. */
const bandEdges = (): (readonly [number, number])[] =>
  Array.from({ length: BANDS }, (_, band) => {
    const centre = LOWEST_CENTRE * 2 ** (band / 3)
    const binOf = (frequency: number): number => Math.round((frequency * TRANSFORM) / RATE)
    return [binOf(centre * 2 ** (-1 / 6)), binOf(centre * 2 ** (1 / 6))] as const
  })

/** Magnitudes of the thirds of octaves, frame by frame: `[band][frame]`. */
const thirdOctaves = (signal: Float64Array): Float64Array[] => {
  const frames = Math.max(0, Math.floor((signal.length - FRAME) / HOP) + 1)
  const edges = bandEdges()
  const bands = edges.map(() => new Float64Array(frames))
  const real = new Float64Array(TRANSFORM)
  const imaginary = new Float64Array(TRANSFORM)
  for (let frame = 0; frame < frames; frame++) {
    real.fill(0)
    imaginary.fill(0)
    for (let at = 0; at < FRAME; at++) real[at] = signal[frame * HOP + at]! * HANN[at]!
    transform(real, imaginary)
    edges.forEach(([first, end], band) => {
      let energy = 0
      for (let bin = first; bin < end; bin++) energy += real[bin]! ** 2 + imaginary[bin]! ** 2
      bands[band]![frame] = Math.sqrt(energy)
    })
  }
  return bands
}

/** Correlation of a band's envelopes over one segment, the degraded one scaled to the clean one and clipped. */
const segmentCorrelation = (clean: Float64Array, degraded: Float64Array, end: number): number => {
  const x = clean.subarray(end - SEGMENT, end)
  const y = degraded.subarray(end - SEGMENT, end)
  const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  const scale = norm(x) / (norm(y) + 1e-20)
  const clipped = y.map((value, at) => Math.min(value * scale, x[at]! * (1 + 10 ** (-CLIP / 20))))
  const centred = (values: Float64Array): Float64Array => {
    const mean = values.reduce((sum, value) => sum + value, 0) / SEGMENT
    return values.map(value => value - mean)
  }
  const a = centred(x)
  const b = centred(clipped)
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0) / (norm(a) * norm(b) + 1e-20)
}

const toRate = (signal: Int16Array, rate: number): Float64Array => {
  if (rate === RATE) return Float64Array.from(signal)
  const resampler = new Resampler(new ResamplerFilter(rate, RATE), signal.length)
  const out = new Int16Array(resampler.outputSamples(signal.length))
  return Float64Array.from(out.subarray(0, resampler.process(signal, out)))
}

/**
 * Short-time objective intelligibility of `degraded` against `clean`: 1 for the same, about 0 for nothing in common. Both at
 * `rate` Hz and aligned in time; at least half a second of speech.
 */
export const stoi = (clean: Int16Array, degraded: Int16Array, rate: number): number => {
  const x = toRate(clean, rate)
  const y = toRate(degraded, rate)
  const levels = frameLevels(x)
  const loudest = levels.reduce((most, level) => Math.max(most, level), -Infinity)
  const kept = [...levels.keys()].filter(frame => levels[frame]! > loudest - DYNAMIC_RANGE)
  const cleanBands = thirdOctaves(withFrames(x, kept))
  const degradedBands = thirdOctaves(withFrames(y, kept))
  let sum = 0
  let count = 0
  for (let band = 0; band < BANDS; band++)
    for (let end = SEGMENT; end <= cleanBands[band]!.length; end++, count++) sum += segmentCorrelation(cleanBands[band]!, degradedBands[band]!, end)
  return count === 0 ? NaN : sum / count
}

/** Block that is moved as a whole, the stretch by which it is compared, and how far it is looked for, in ms. */
const BLOCK_MS = 60
const COMPARED_MS = 160
const REACH_MS = 60

/**
 * Lays `degraded` over `clean`: playout delays speech by a time that changes, which does not make it less intelligible. Each
 * block of 60 ms is taken from where it resembles the clean one most, near where the block before it was found.
 * @param delay of the first block in ms.
 */
export const aligned = (clean: Int16Array, degraded: Int16Array, rate: number, delay: number): Int16Array => {
  const samples = (ms: number): number => Math.round((ms * rate) / 1000)
  const out = new Int16Array(clean.length)
  let lag = samples(delay)
  for (let start = 0; start < clean.length; start += samples(BLOCK_MS)) {
    const from = Math.max(0, start - samples((COMPARED_MS - BLOCK_MS) / 2))
    lag = bestLag(clean, degraded, from, Math.min(clean.length, from + samples(COMPARED_MS)), lag, samples(REACH_MS))
    for (let at = start; at < Math.min(clean.length, start + samples(BLOCK_MS)); at++) out[at] = degraded[at + lag] ?? 0
  }
  return out
}

/** The lag near `around` at which two stretches correlate best; `around` itself where there is nothing to compare. */
const bestLag = (clean: Int16Array, degraded: Int16Array, from: number, end: number, around: number, reach: number): number => {
  let best = around
  let highest = 0.3
  for (let lag = Math.max(0, around - reach); lag <= around + reach; lag++) {
    let product = 0
    let first = 1e6
    let second = 1e6
    for (let at = from; at < end; at += 2) {
      const a = clean[at]!
      const b = degraded[at + lag] ?? 0
      product += a * b
      first += a * a
      second += b * b
    }
    // A nudge towards where the last block lay settles ties between periods of a vowel.
    const likeness = product / Math.sqrt(first * second) - (0.05 * Math.abs(lag - around)) / reach
    if (likeness > highest) {
      highest = likeness
      best = lag
    }
  }
  return best
}
