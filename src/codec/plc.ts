/** Share of the amplitude lost with each erased block after the first. */
const ATTENUATION = 0.2
/** Blocks after which concealment is silence. */
const MAX_BLOCKS = 6
/** Room after the history, in blocks: it is moved down only when that is full, not with every frame. */
const SLACK_BLOCKS = 13
/** Least energy by which a correlation is normalized, so that silence finds no pitch by chance. */
const MIN_POWER = 250

const clip = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value)

/** Fades from `left` to `right` over `count` samples; the weights are accumulated in double precision, as the vectors were made. */
const crossFade = (
  left: Float64Array | Int16Array, leftAt: number, right: Float64Array | Int16Array, rightAt: number,
  out: Float64Array | Int16Array, outAt: number, count: number,
): void => {
  const step = 1 / count
  let falling = 1 - step
  let rising = step
  for (let at = 0; at < count; at++) {
    out[outAt + at] = clip(falling * left[leftAt + at]! + rising * right[rightAt + at]!)
    falling = falling - step
    rising = rising + step
  }
}

/**
 * Packet-loss concealment of ITU-T G.711 Appendix I: repeats the last pitch period, then two, then three of them, fading
 * out within 60 ms. Works in blocks of 10 ms and delays what it lets through by 3.75 ms, so that the seam to the first
 * concealed block can still be blended. Bit-exact at 8 kHz; other rates use the same times.
 */
export class LossConcealment {
  /** Samples of a block. */
  readonly block: number
  /** Delay that it adds, in samples. */
  readonly delay: number
  readonly #pitchMin: number
  readonly #pitchMax: number
  /** Samples compared to find the pitch, and the step between the lags that are tried first. */
  readonly #window: number
  readonly #stride: number
  readonly #endOverlap: number
  /** The past: the `#kept` samples before `#end`. */
  readonly #history: Int16Array
  readonly #kept: number
  #end: number
  readonly #periods: Float64Array
  /** The last quarter of a period as it was before it was blended. */
  readonly #lastQuarter: Float64Array
  readonly #tail: Int16Array
  #erased = 0
  #pitch = 0
  #overlap = 0
  /** Length of the repeated piece at the end of `#periods`, and the place in it. */
  #length = 0
  #offset = 0

  /** @param sampleRate in Hz, a multiple of 8000. */
  constructor(readonly sampleRate = 8000) {
    const scale = sampleRate / 8000
    this.block = 80 * scale
    this.#pitchMin = 40 * scale
    this.#pitchMax = 120 * scale
    this.delay = this.#pitchMax >> 2
    this.#window = 160 * scale
    this.#stride = 2 * scale
    this.#endOverlap = 32 * scale
    const length = 3 * this.#pitchMax + this.delay
    this.#kept = length
    this.#end = length
    this.#history = new Int16Array(length + SLACK_BLOCKS * this.block)
    this.#periods = new Float64Array(length)
    this.#lastQuarter = new Float64Array(this.delay)
    this.#tail = new Int16Array(this.block)
  }

  /** Samples concealed since the last good one. */
  get erased(): number {
    return this.#erased
  }

  /** Samples that `good` may be given at once. */
  get longest(): number {
    return this.#erased > 0 ? this.block : SLACK_BLOCKS * this.block
  }

  /** Lets `length` good samples (at most `longest`) at `pcm[offset..]` through: replaced in place by the delayed output. Never allocates. */
  good(pcm: Int16Array, offset: number, length = this.block): void {
    if (this.#erased > 0) {
      const later = Math.ceil(this.#erased / this.block) - 1
      const overlap = Math.min(length, this.#overlap + later * this.#endOverlap)
      this.#repeat(this.#tail, 0, overlap)
      this.#blendIn(pcm, offset, overlap, Math.max(0, 1 - later * ATTENUATION))
      this.#erased = 0
    }
    this.#save(pcm, offset, length)
  }

  /** Writes `length` samples (at most to the end of the current block) in place of what was lost. Never allocates. */
  conceal(out: Int16Array, offset: number, length = this.block): void {
    const blocks = Math.floor(this.#erased / this.block)
    const begins = this.#erased % this.block === 0
    if (blocks >= MAX_BLOCKS) out.fill(0, offset, offset + length)
    else {
      if (begins && blocks === 0) this.#begin()
      if (begins && (blocks === 1 || blocks === 2)) this.#lengthen(out, offset, length)
      else this.#repeat(out, offset, length)
      if (blocks > 0) this.#attenuate(out, offset, length)
    }
    this.#erased += length
    this.#save(out, offset, length)
  }

  /** Samples that `conceal` may be asked for at once: the rest of the current block. */
  get room(): number {
    return this.block - (this.#erased % this.block)
  }

  /** Forgets the past. */
  reset(): void {
    this.#history.fill(0)
    this.#end = this.#kept
    this.#erased = 0
  }

  #begin(): void {
    const periods = this.#periods
    const end = periods.length
    const past = this.#end - this.#kept
    for (let at = 0; at < end; at++) periods[at] = this.#history[past + at]!
    this.#pitch = this.#findPitch()
    this.#overlap = this.#pitch >> 2
    for (let at = 0; at < this.#overlap; at++) this.#lastQuarter[at] = periods[end - this.#overlap + at]!
    this.#offset = 0
    this.#useLength(this.#pitch)
    for (let at = end - this.#overlap; at < end; at++) this.#history[past + at] = periods[at]!
  }

  /** Repeats `length` samples from now on, their end blended into what precedes their beginning. */
  #useLength(length: number): void {
    const end = this.#periods.length
    this.#length = length
    crossFade(this.#lastQuarter, 0, this.#periods, end - length - this.#overlap, this.#periods, end - this.#overlap, this.#overlap)
  }

  /** Begins a block with one more period in the repeated piece, lest the repetition be heard as a tone. */
  #lengthen(out: Int16Array, offset: number, length: number): void {
    const place = this.#offset
    this.#repeat(this.#tail, 0, this.#overlap)
    this.#offset = place
    while (this.#offset > this.#pitch) this.#offset -= this.#pitch
    this.#useLength(this.#length + this.#pitch)
    this.#repeat(out, offset, length)
    crossFade(this.#tail, 0, out, offset, out, offset, Math.min(this.#overlap, length))
  }

  #repeat(out: Int16Array, offset: number, count: number): void {
    const start = this.#periods.length - this.#length
    for (let at = 0; at < count; at++) {
      out[offset + at] = this.#periods[start + this.#offset]!
      if (++this.#offset === this.#length) this.#offset = 0
    }
  }

  #attenuate(out: Int16Array, offset: number, length: number): void {
    const step = ATTENUATION / this.block
    const into = this.#erased % this.block
    let gain = 1 - (Math.floor(this.#erased / this.block) - 1) * ATTENUATION - into * step
    for (let at = 0; at < length; at++) {
      out[offset + at] = out[offset + at]! * gain
      gain -= step
    }
  }

  /** Fades from the concealment, at the gain it had reached, into the first good samples. */
  #blendIn(pcm: Int16Array, offset: number, count: number, gain: number): void {
    const step = 1 / count
    let falling = (1 - step) * gain
    let rising = step
    for (let at = 0; at < count; at++) {
      pcm[offset + at] = clip(falling * this.#tail[at]! + rising * pcm[offset + at]!)
      falling -= step * gain
      rising += step
    }
  }

  /** Moves the samples into the history and the delayed output into their place. */
  #save(pcm: Int16Array, offset: number, length: number): void {
    const history = this.#history
    if (this.#end + length > history.length) {
      history.copyWithin(0, this.#end - this.#kept, this.#end)
      this.#end = this.#kept
    }
    const start = this.#end
    this.#end += length
    const { delay } = this
    // A frame as it is mostly given: moves of memory, not loops.
    if (length === pcm.length) history.set(pcm, start)
    else for (let at = 0; at < length; at++) history[start + at] = pcm[offset + at]!
    if (length > delay) pcm.copyWithin(offset + delay, offset, offset + length - delay)
    for (let at = Math.min(delay, length) - 1; at >= 0; at--) pcm[offset + at] = history[start - delay + at]!
  }

  /** Lag of the best normalized cross-correlation, searched coarsely, then around the best at every lag. */
  #findPitch(): number {
    const range = this.#pitchMax - this.#pitchMin
    const coarse = this.#bestShift(0, range, this.#stride)
    const around = this.#stride - 1
    return this.#pitchMax - this.#bestShift(Math.max(0, coarse - around), Math.min(range, coarse + around), 1)
  }

  #bestShift(from: number, to: number, stride: number): number {
    const periods = this.#periods
    const window = this.#window
    const recent = periods.length - window
    let start = recent - this.#pitchMax + from
    let energy = 0
    for (let at = 0; at < window; at += stride) energy += periods[start + at]! ** 2
    let best = from
    let bestCorrelation = -Infinity
    for (let shift = from; shift <= to; shift += stride, start += stride) {
      let product = 0
      for (let at = 0; at < window; at += stride) product += periods[start + at]! * periods[recent + at]!
      const correlation = product / Math.sqrt(Math.max(energy, MIN_POWER))
      // Coarsely the longer of equal lags is not to be missed; finely the first stays.
      if (correlation > bestCorrelation || (stride > 1 && correlation === bestCorrelation)) {
        best = shift
        bestCorrelation = correlation
      }
      energy += periods[start + window]! ** 2 - periods[start]! ** 2
    }
    return best
  }
}
