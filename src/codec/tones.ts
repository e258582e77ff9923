import { peakOf } from './level.js'

/** One or more sines at once, in a rhythm. */
export interface Tone {
  /** In Hz. */
  readonly frequencies: readonly number[]
  /** Level of each sine: one for all, or one for each. @default -16 */
  readonly dbm0?: number | readonly number[]
  /** Milliseconds on, off, on, off, …, repeated; continuous when absent. */
  readonly cadence?: readonly number[]
}

/** The sixteen keys of Q.23. */
export type DtmfKey = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D'

/** Low group of Q.23 in Hz, row by row. */
export const DTMF_LOW = [697, 770, 852, 941] as const
/** High group of Q.23 in Hz, column by column. */
export const DTMF_HIGH = [1209, 1336, 1477, 1633] as const
/** The keys as they lie on the pad: row by row of the low group, columns of the high group. */
export const DTMF_PAD = '123A456B789C*0#D'

/** Milliseconds in which a tone fades in and out at its cadence's edges, so that switching does not click. */
const FADE_MS = 2
const DEFAULT_DBM0 = -16

/** The pair of a DTMF key: low group at -9 dBm0, high group 2 dB above (Q.23, Q.24 allow up to 4 dB of twist that way). */
export const dtmfTone = (key: DtmfKey): Tone => {
  const place = DTMF_PAD.indexOf(key)
  return { frequencies: [DTMF_LOW[place >> 2]!, DTMF_HIGH[place & 3]!], dbm0: [-9, -7] }
}

/**
 * Makes a tone frame by frame with continuous phase.
 *
 * Each sine is the recurrence `y[n] = 2 cos(w) y[n-1] - y[n-2]`: one multiplication a sample, and in double precision
 * its amplitude stays within a millionth for days.
 */
export class ToneGenerator {
  readonly #omega: readonly number[]
  readonly #peaks: readonly number[]
  readonly #factor: Float64Array
  readonly #previous: Float64Array
  readonly #beforePrevious: Float64Array
  /** Samples since the begin. */
  #position = 0
  /** Lengths in samples of on, off, on, off, …; empty when continuous. */
  readonly #cadence: readonly number[]
  readonly #fade: number
  #phase = 0
  #elapsed = 0

  /** @param sampleRate in Hz. */
  constructor(tone: Tone, readonly sampleRate: number) {
    this.#omega = tone.frequencies.map(frequency => (2 * Math.PI * frequency) / sampleRate)
    this.#peaks = tone.frequencies.map((_, at) => peakOf(levelOf(tone, at)))
    this.#factor = Float64Array.from(this.#omega, w => 2 * Math.cos(w))
    this.#previous = new Float64Array(this.#omega.length)
    this.#beforePrevious = new Float64Array(this.#omega.length)
    this.#turn()
    this.#cadence = (tone.cadence ?? []).map(ms => Math.round((ms * sampleRate) / 1000))
    if (!this.#cadence.some(samples => samples > 0)) this.#cadence = []
    this.#fade = Math.round((FADE_MS * sampleRate) / 1000)
  }

  /** Has the next sample of each sine be the one of this position. */
  #turn(): void {
    this.#omega.forEach((w, at) => {
      this.#previous[at] = this.#peaks[at]! * Math.sin(w * (this.#position - 1))
      this.#beforePrevious[at] = this.#peaks[at]! * Math.sin(w * (this.#position - 2))
    })
  }

  /** Passes over `length` samples, in no time however many they are. */
  skip(length: number): void {
    this.#position += length
    this.#turn()
    const cadence = this.#cadence
    if (cadence.length === 0) {
      this.#elapsed = Math.min(this.#fade, this.#elapsed + length)
      return
    }
    this.#elapsed += length % cadence.reduce((sum, samples) => sum + samples)
    while (this.#elapsed >= cadence[this.#phase]!) {
      this.#elapsed -= cadence[this.#phase]!
      this.#phase = (this.#phase + 1) % cadence.length
    }
  }

  /** Writes the next `length` samples into `out` from `offset`. Never allocates. */
  read(out: Int16Array, offset = 0, length = out.length - offset): void {
    this.#position += length
    for (let at = offset; at < offset + length; at++) {
      const sample = this.#sum() * this.#gain()
      out[at] = sample > 32767 ? 32767 : sample < -32768 ? -32768 : Math.round(sample)
    }
  }

  #sum(): number {
    let sum = 0
    for (let at = 0; at < this.#factor.length; at++) {
      const next = this.#factor[at]! * this.#previous[at]! - this.#beforePrevious[at]!
      this.#beforePrevious[at] = this.#previous[at]!
      this.#previous[at] = next
      sum += next
    }
    return sum
  }

  /** Where the cadence stands: 0 while off, 1 while on, between in a fade. Moves on by a sample. */
  #gain(): number {
    const cadence = this.#cadence
    if (cadence.length === 0) return this.#elapsed < this.#fade ? ++this.#elapsed / this.#fade : 1
    while (this.#elapsed >= cadence[this.#phase]!) {
      this.#elapsed = 0
      this.#phase = (this.#phase + 1) % cadence.length
    }
    const left = cadence[this.#phase]! - this.#elapsed
    const since = this.#elapsed++
    if ((this.#phase & 1) === 1) return 0
    return Math.min(1, (since + 1) / this.#fade, left / this.#fade)
  }
}

const levelOf = (tone: Tone, at: number): number =>
  typeof tone.dbm0 === 'object' ? (tone.dbm0[at] ?? DEFAULT_DBM0) : (tone.dbm0 ?? DEFAULT_DBM0)
