/** Shortest and longest period looked for in ms: voices from 67 to 400 Hz. */
const SHORTEST_MS = 2.5
const LONGEST_MS = 15
/** Periods must be this alike for one of them to go, or come, unheard. */
const ALIKE = 0.9
/** The same where time is short. */
const ALIKE_IN_HASTE = 0.5
/** Mean square under which there is nothing to hear: about -54 dBm0. */
const QUIET = 2500
/** Rate in Hz at which periods are first compared. */
const COARSE_RATE = 4000

/**
 * Lengthens or shortens speech by one pitch period without changing its pitch (overlap and add of similar periods, as
 * NetEQ's expand and accelerate do).
 */
export class TimeStretch {
  readonly #shortest: number
  readonly #longest: number
  readonly #stride: number

  /** @param sampleRate in Hz. */
  constructor(sampleRate: number) {
    this.#shortest = Math.round((SHORTEST_MS * sampleRate) / 1000)
    this.#longest = Math.round((LONGEST_MS * sampleRate) / 1000)
    this.#stride = Math.max(1, Math.round(sampleRate / COARSE_RATE))
  }

  /** Samples that are worth waiting for: two of the longest periods. */
  get window(): number {
    return 2 * this.#longest
  }

  /**
   * Takes one period out of `pcm[start..end)`, moving what follows it down.
   * @param haste accepts periods less alike.
   * @returns the new end; `end` when no two periods are alike enough.
   */
  shorten(pcm: Int16Array, start: number, end: number, haste: boolean): number {
    const period = this.#period(pcm, start, end, haste)
    if (period === 0) return end
    crossFade(pcm, start, start + period, pcm, start, period)
    pcm.copyWithin(start + period, start + 2 * period, end)
    return end - period
  }

  /**
   * Puts one more period into `pcm[start..end)`, moving what follows it up; `pcm` must have room for the longest period.
   * @returns the new end; `end` when no two periods are alike enough.
   */
  lengthen(pcm: Int16Array, start: number, end: number, haste: boolean): number {
    const period = this.#period(pcm, start, end, haste)
    if (period === 0 || end + period > pcm.length) return end
    pcm.copyWithin(start + 2 * period, start + period, end)
    // The second period, moved up, fades into the first one; the original second follows.
    crossFade(pcm, start + 2 * period, start, pcm, start + period, period)
    return end + period
  }

  /** The lag at which the stretch from `start` is most like what follows it; 0 when nothing is alike enough. */
  #period(pcm: Int16Array, start: number, end: number, haste: boolean): number {
    const longest = Math.min(this.#longest, (end - start) >> 1)
    if (longest < this.#shortest) return 0
    const stride = this.#stride
    let best = this.#shortest
    let likeness = -1
    for (let lag = this.#shortest; lag <= longest; lag += stride) {
      const found = likenessAt(pcm, start, lag, longest, stride)
      if (found > likeness) {
        likeness = found
        best = lag
      }
    }
    const around = best
    for (let lag = Math.max(this.#shortest, around - stride + 1); lag <= Math.min(longest, around + stride - 1); lag++) {
      const found = likenessAt(pcm, start, lag, longest, 1)
      if (lag === around || found > likeness) {
        likeness = found
        best = lag
      }
    }
    if (likeness >= (haste ? ALIKE_IN_HASTE : ALIKE)) return best
    return isQuiet(pcm, start, 2 * longest) ? longest : 0
  }
}

/** Normalized correlation of `pcm[start..]` with itself `lag` later, over `count` samples as far as the longest lag reaches. */
const likenessAt = (pcm: Int16Array, start: number, lag: number, count: number, stride: number): number => {
  let product = 0
  let first = 1
  let second = 1
  for (let at = start; at < start + count; at += stride) {
    const a = pcm[at]!
    const b = pcm[at + lag]!
    product += a * b
    first += a * a
    second += b * b
  }
  return product / Math.sqrt(first * second)
}

const isQuiet = (pcm: Int16Array, start: number, count: number): boolean => {
  let energy = 0
  for (let at = start; at < start + count; at++) energy += pcm[at]! * pcm[at]!
  return energy < QUIET * count
}

/** Fades from the samples at `from` to those at `to`, writing at `at`; reads each sample before it writes there. */
const crossFade = (pcm: Int16Array, from: number, to: number, out: Int16Array, at: number, count: number): void => {
  for (let n = 0; n < count; n++) {
    const weight = (n + 0.5) / count
    out[at + n] = Math.round((1 - weight) * pcm[from + n]! + weight * pcm[to + n]!)
  }
}
