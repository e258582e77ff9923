import { dbm0OfPeak } from './level.js'

/**
 * Energy of one frequency in a block of samples (Goertzel 1958): `add` sample by sample, then `peak`, then `reset`.
 * The frequency need not be a multiple of the block's own.
 */
export class Goertzel {
  readonly #factor: number
  #s1 = 0
  #s2 = 0

  /** @param frequency and @param sampleRate in Hz. */
  constructor(readonly frequency: number, sampleRate: number) {
    this.#factor = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate)
  }

  add(sample: number): void {
    const s0 = sample + this.#factor * this.#s1 - this.#s2
    this.#s2 = this.#s1
    this.#s1 = s0
  }

  /** Squared magnitude of the frequency's Fourier sum since `reset`. */
  get power(): number {
    return this.#s1 * this.#s1 + this.#s2 * this.#s2 - this.#factor * this.#s1 * this.#s2
  }

  reset(): void {
    this.#s1 = 0
    this.#s2 = 0
  }
}

/**
 * Level in dBm0 of the sine of `frequency` Hz in `length` samples from `offset`; `-Infinity` in digital silence. The
 * block is weighted by a Hann window: over 50 ms or more, a second tone 80 Hz off reads at least 30 dB under its level.
 */
export const toneLevel = (pcm: Int16Array, frequency: number, sampleRate: number, offset = 0, length = pcm.length - offset): number => {
  const filter = new Goertzel(frequency, sampleRate)
  let weight = 0
  for (let at = 0; at < length; at++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 0.5)) / length)
    weight += window
    filter.add(window * pcm[offset + at]!)
  }
  return dbm0OfPeak((2 * Math.sqrt(Math.max(0, filter.power))) / weight)
}
