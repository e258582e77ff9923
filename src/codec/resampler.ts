/** Taps of the filter per sample of the lower rate: passes 0.42 of it within 0.1 dB, stops from half of it on. */
const TAPS = 64
/** Shape of the Kaiser window for 77 dB of stop-band attenuation. */
const KAISER_BETA = 7.6

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

/** Modified Bessel function of the first kind, order 0. */
const bessel0 = (x: number): number => {
  let sum = 1
  let term = 1
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

/**
 * The filter between two rates, its phases laid out one after the other. Immutable: any number of resamplers between the
 * same rates can share one.
 */
export class ResamplerFilter {
  /** Output samples for each `down` input samples. */
  readonly up: number
  readonly down: number
  /** Taps of each phase, a multiple of 4. */
  readonly taps: number
  /** `up` phases of `taps` coefficients, oldest sample's first. */
  readonly coefficients: Float64Array

  /** @param from and @param to in Hz. */
  constructor(readonly from: number, readonly to: number) {
    const divisor = greatestCommonDivisor(from, to)
    this.up = to / divisor
    this.down = from / divisor
    this.taps = 4 * Math.ceil((TAPS * Math.max(from, to)) / to / 4)
    this.coefficients = new Float64Array(this.up * this.taps)
    this.#design()
  }

  /** A Kaiser-windowed sinc, its cut-off half a transition band under the lower rate's Nyquist frequency. */
  #design(): void {
    const length = this.up * this.taps
    const nyquist = 0.5 * Math.min(1, this.to / this.from)
    // Kaiser's formula: transition = (A - 7.95) / (14.36 * taps) of the input rate.
    const cutoff = nyquist - (77 - 7.95) / (14.36 * this.taps) / 2
    // On a coefficient, so that the delay is a whole number of input samples.
    const middle = length / 2
    const scale = bessel0(KAISER_BETA)
    for (let at = 0; at < length; at++) {
      const time = (at - middle) / this.up
      const sinc = time === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * time) / (Math.PI * time)
      const window = bessel0(KAISER_BETA * Math.sqrt(1 - ((at - middle) / (middle + 0.5)) ** 2)) / scale
      // Coefficient k of phase p weighs the sample taps-1-k before the newest.
      const phase = at % this.up
      const tap = this.taps - 1 - Math.floor(at / this.up)
      this.coefficients[phase * this.taps + tap] = sinc * window
    }
    this.#normalize()
  }

  /** Gives each phase the same gain at 0 Hz, so that a constant stays one. */
  #normalize(): void {
    for (let phase = 0; phase < this.up; phase++) {
      const row = this.coefficients.subarray(phase * this.taps, (phase + 1) * this.taps)
      const gain = row.reduce((sum, value) => sum + value, 0)
      for (let tap = 0; tap < row.length; tap++) row[tap]! /= gain
    }
  }
}

/** Scalar product of `count` numbers (a multiple of 4): four sums, since one would wait for each addition before the next. */
const product = (a: Float64Array, from: number, b: Float64Array, start: number, count: number): number => {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  for (let at = 0; at < count; at += 4) {
    sum0 += a[from + at]! * b[start + at]!
    sum1 += a[from + at + 1]! * b[start + at + 1]!
    sum2 += a[from + at + 2]! * b[start + at + 2]!
    sum3 += a[from + at + 3]! * b[start + at + 3]!
  }
  return sum0 + sum1 + (sum2 + sum3)
}

/**
 * Changes the sampling rate of a stream frame by frame (polyphase FIR; images and aliases under -70 dB). Between any two
 * rates; made for 8, 16, 24, 32, 44.1 and 48 kHz.
 *
 * @example
 * const wider = new Resampler(new ResamplerFilter(8000, 16000), 160)
 * const samples = wider.process(frame, out) // 320
 */
export class Resampler {
  readonly #filter: ResamplerFilter
  /** The last `taps - 1` samples of earlier frames, then the frame. */
  readonly #window: Float64Array
  /** Position of the next output sample, in input samples within the frame, and its phase. */
  #position = 0
  #phase = 0

  /** @param maxInput samples that one call of `process` takes at most. */
  constructor(filter: ResamplerFilter, readonly maxInput: number) {
    this.#filter = filter
    this.#window = new Float64Array(filter.taps - 1 + Math.max(maxInput, filter.taps / 2))
  }

  /** Delay that the filter adds, in milliseconds. */
  get delay(): number {
    return (1000 * this.lookahead) / this.#filter.from
  }

  /** The same delay in samples of the input. */
  get lookahead(): number {
    return this.#filter.taps / 2
  }

  /** Room that `process` needs for `samples` of input. */
  outputSamples(samples: number): number {
    return Math.ceil((samples * this.#filter.up) / this.#filter.down) + 1
  }

  /**
   * A sound begins: from now on the first sample that is written falls on the first that is taken, so that nothing is delayed, but
   * `lookahead` samples of input stay within until `end`. The filter hears the sound turned about its first sample before it, so
   * that the edge keeps value and slope, wherever the sound was cut.
   *
   * @param input its begin, `lookahead` samples of it if there are so many; not taken.
   */
  begin(input: Int16Array, count = input.length): void {
    const { taps } = this.#filter
    this.#window.fill(0)
    this.#position = this.lookahead
    this.#phase = 0
    if (count === 0) return
    const twice = 2 * input[0]!
    for (let back = 1; back < taps; back++) this.#window[taps - 1 - back] = twice - input[Math.min(back, count - 1)]!
  }

  /**
   * The sound that `begin` began has ended: writes what is still within, the sound turned about its last sample behind it.
   * @returns samples written, `outputSamples(lookahead)` at most; with those before them all for which there was time, at the rate
   * of the output, before the input's end: `Math.ceil(samples * to / from)`.
   */
  end(out: Int16Array, offset = 0): number {
    const last = this.#filter.taps - 2
    const twice = 2 * this.#window[last]!
    for (let at = 1; at <= this.lookahead; at++) this.#window[last + at] = twice - this.#window[last - at]!
    return this.#write(out, offset, this.lookahead)
  }

  /**
   * Takes the first `count` samples of `input` (at most `maxInput`) and writes what falls due into `out` from `offset`.
   * @returns samples written; over a whole number of periods exactly `count * to / from`. Never allocates.
   */
  process(input: Int16Array, out: Int16Array, offset = 0, count = input.length): number {
    const past = this.#filter.taps - 1
    for (let at = 0; at < count; at++) this.#window[past + at] = input[at]!
    return this.#write(out, offset, count)
  }

  /** What falls due in the `count` samples of the window that follow those of earlier frames. */
  #write(out: Int16Array, offset: number, count: number): number {
    const { taps, up, down, coefficients } = this.#filter
    const window = this.#window
    let position = this.#position
    let phase = this.#phase
    let written = offset
    while (position < count) {
      const sum = product(window, position, coefficients, phase * taps, taps)
      out[written++] = sum > 32767 ? 32767 : sum < -32768 ? -32768 : Math.round(sum)
      phase += down
      const step = (phase / up) | 0
      position += step
      phase -= step * up
    }
    this.#position = position - count
    this.#phase = phase
    window.copyWithin(0, count, count + taps - 1)
    return written - offset
  }

  /** Forgets the past, as at the start of another stream. */
  reset(): void {
    this.#window.fill(0)
    this.#position = 0
    this.#phase = 0
  }
}
