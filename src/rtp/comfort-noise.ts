/** Static payload type of comfort noise at 8 kHz (RFC 3389 §4). */
export const COMFORT_NOISE = 13

/** Coefficients used and sent at most; a longer model is cut, as RFC 3389 §3 allows. */
const MAX_ORDER = 12
/** Milliseconds over which a new level is reached. */
const GLIDE_MS = 60

/** Reflection coefficient of its octet (RFC 3389 §3.2). */
const reflectionOf = (octet: number): number => (258 * (Math.min(octet, 254) - 127)) / 32768

/** Octet of a reflection coefficient in (-1, 1). */
const octetOf = (reflection: number): number => Math.max(0, Math.min(254, Math.round((reflection * 32768) / 258) + 127))

/**
 * Makes the background noise that a silent sender described (RFC 3389): white noise through the described all-pole
 * filter, in lattice form, where each coefficient under 1 makes it stable.
 */
export class ComfortNoise {
  readonly #reflections = new Float64Array(MAX_ORDER)
  readonly #state = new Float64Array(MAX_ORDER + 1)
  readonly #glide: number
  #order = 0
  #amplitude = 0
  #wanted = 0
  #seed: number

  /** @param sampleRate in Hz; @param seed of the noise. */
  constructor(readonly sampleRate: number, seed = 0x2545f491) {
    this.#seed = seed | 1
    this.#glide = 1 / ((GLIDE_MS * sampleRate) / 1000)
  }

  /** True once a description has come. */
  get described(): boolean {
    return this.#wanted > 0
  }

  /** Takes a comfort-noise payload; an empty one is ignored. */
  update(payload: Uint8Array, offset: number, length: number): void {
    if (length === 0) return
    this.#order = Math.min(MAX_ORDER, length - 1)
    // The level is that of the whole noise; the filter amplifies its input by 1 / prod(1 - k^2) in power.
    let gain = 1
    for (let at = 0; at < this.#order; at++) {
      const reflection = reflectionOf(payload[offset + 1 + at]!)
      this.#reflections[at] = reflection
      gain *= 1 - reflection * reflection
    }
    // A uniform distribution of +-1 has an RMS of 1 / sqrt(3).
    const rms = 32767 * 10 ** (-(payload[offset]! & 0x7f) / 20)
    this.#wanted = rms * Math.sqrt(3 * gain)
    if (this.#amplitude === 0) this.#amplitude = this.#wanted
  }

  /** Writes `length` samples of noise. Never allocates. */
  read(out: Int16Array, offset: number, length: number): void {
    for (let at = offset; at < offset + length; at++) {
      this.#amplitude += (this.#wanted - this.#amplitude) * this.#glide
      const sample = this.#filtered(this.#white() * this.#amplitude)
      out[at] = sample > 32767 ? 32767 : sample < -32768 ? -32768 : Math.round(sample)
    }
  }

  /** Forgets the description: silence until the next. */
  reset(): void {
    this.#order = 0
    this.#amplitude = 0
    this.#wanted = 0
    this.#state.fill(0)
  }

  /** Uniform in (-1, 1) (xorshift). */
  #white(): number {
    let seed = this.#seed
    seed ^= seed << 13
    seed ^= seed >>> 17
    seed ^= seed << 5
    this.#seed = seed
    return seed / 0x8000_0000
  }

  #filtered(input: number): number {
    const state = this.#state
    let forward = input
    for (let at = this.#order - 1; at >= 0; at--) {
      forward -= this.#reflections[at]! * state[at]!
      state[at + 1] = state[at]! + this.#reflections[at]! * forward
    }
    state[0] = forward
    return forward
  }
}

/**
 * Describes a stretch of background noise for a peer (RFC 3389 §3): level, then `order` reflection coefficients.
 * @returns bytes written into `out` from `offset`.
 */
export const describeNoise = (pcm: Int16Array, order: number, out: Uint8Array, offset = 0): number => {
  const lags = new Float64Array(order + 1)
  for (let lag = 0; lag <= order; lag++)
    for (let at = lag; at < pcm.length; at++) lags[lag]! += pcm[at]! * pcm[at - lag]!
  const rms = Math.sqrt(lags[0]! / pcm.length)
  out[offset] = rms < 1 ? 127 : Math.min(127, Math.round(-20 * Math.log10(rms / 32767)))
  const reflections = levinson(lags)
  for (let at = 0; at < order; at++) out[offset + 1 + at] = octetOf(reflections[at]!)
  return 1 + order
}

/** Reflection coefficients of an autocorrelation (Levinson and Durbin). */
const levinson = (lags: Float64Array): Float64Array => {
  const order = lags.length - 1
  const reflections = new Float64Array(order)
  const predictor = new Float64Array(order + 1)
  // A little white noise keeps the recursion stable on pure tones.
  let error = lags[0]! * 1.0001 + 1e-9
  for (let step = 1; step <= order; step++) {
    let sum = lags[step]!
    for (let at = 1; at < step; at++) sum += predictor[at]! * lags[step - at]!
    const reflection = -sum / error
    const earlier = predictor.slice(0, step)
    for (let at = 1; at < step; at++) predictor[at]! += reflection * earlier[step - at]!
    predictor[step] = reflection
    reflections[step - 1] = reflection
    error *= 1 - reflection * reflection
  }
  return reflections
}
