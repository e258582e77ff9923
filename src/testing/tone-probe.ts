import { toneLevel } from '../codec/goertzel.js'
import { dbm0Of, peakOf } from '../codec/level.js'

/** A stretch of sound in which a tone is missing. */
export interface ToneGap {
  /** Milliseconds from the start of the sound. */
  readonly at: number
  readonly ms: number
}

/** A place where the sound jumps further from one sample to the next than its tones can. */
export interface SampleStep {
  /** Milliseconds from the start of the sound. */
  readonly at: number
  /** Difference of the two samples, in 16-bit steps. */
  readonly size: number
}

/** A sine that the sound is known to hold. */
export interface KnownTone {
  /** In Hz. */
  readonly frequency: number
  readonly dbm0: number
}

/** A block at this much under the tone's own level no longer counts as the tone. */
const GAP_DEPTH_DB = 6
/** Loudest thing that still counts as silence, in dBm0: G.711's idle noise lies under it. */
const SILENCE_DBM0 = -60
/** Share of the peak by which companding displaces two neighbouring samples at most (mu-law and A-law: half a step of 1/16 each). */
const COMPANDING_SHARE = 1 / 16

/**
 * Says which tones a sound holds, at what level, where they are missing and where the sound clicks: give each party of
 * a call a tone of its own and the probe says who hears whom.
 *
 * @example
 * const heard = new ToneProbe(call.rtp.heard(), 8000)
 * heard.hears(1004) // true
 * heard.gaps(1004, 40) // []
 */
export class ToneProbe {
  /** @param pcm mono 16-bit samples at `sampleRate` Hz. */
  constructor(readonly pcm: Int16Array, readonly sampleRate = 8000) {}

  /** Length in milliseconds. */
  get ms(): number {
    return (this.pcm.length * 1000) / this.sampleRate
  }

  /** The part between two times in milliseconds. */
  part(from: number, to = this.ms): ToneProbe {
    const sample = (ms: number): number => Math.round((ms * this.sampleRate) / 1000)
    return new ToneProbe(this.pcm.subarray(sample(from), sample(to)), this.sampleRate)
  }

  /** Without the silence before the first sound and after the last. */
  trimmed(): ToneProbe {
    const block = this.#samples(20)
    const loud = (at: number): boolean => dbm0Of(this.pcm, at, block) > SILENCE_DBM0
    let from = 0
    while (from + block <= this.pcm.length && !loud(from)) from += block
    let to = this.pcm.length
    while (to - block >= from && !loud(to - block)) to -= block
    return new ToneProbe(this.pcm.subarray(from, to), this.sampleRate)
  }

  /** Level in dBm0 of the sine of `frequency` Hz in each whole block of `blockMs`. */
  levels(frequency: number, blockMs = 20): number[] {
    const block = this.#samples(blockMs)
    const count = Math.floor(this.pcm.length / block)
    return Array.from({ length: count }, (_, index) => toneLevel(this.pcm, frequency, this.sampleRate, index * block, block))
  }

  /** Median level in dBm0 of the tone over all blocks of 20 ms; `-Infinity` for no sound. */
  level(frequency: number): number {
    const sorted = this.levels(frequency).sort((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? -Infinity
  }

  /** True when the tone is there for at least half the time, at `atLeast` dBm0 or more. */
  hears(frequency: number, atLeast = -40): boolean {
    return this.level(frequency) >= atLeast
  }

  /** Stretches longer than `longerThan` ms in which the tone is over 6 dB under its median level, to 5 ms. */
  gaps(frequency: number, longerThan: number): ToneGap[] {
    // Overlapping blocks, so that an edge is found to within one step whatever its phase.
    const block = this.#samples(10)
    const step = this.#samples(5)
    const floor = this.level(frequency) - GAP_DEPTH_DB
    const gaps: ToneGap[] = []
    let missing = 0
    for (let at = 0; at + block <= this.pcm.length; at += step) {
      if (toneLevel(this.pcm, frequency, this.sampleRate, at, block) < floor) missing++
      else missing = this.#close(gaps, missing, at, step, longerThan)
    }
    this.#close(gaps, missing, this.pcm.length, step, longerThan)
    return gaps
  }

  /** Frequency in Hz, to 1 Hz, of the strongest sine between 50 Hz and half the sampling rate in the loudest 100 ms; undefined for silence. */
  dominant(): number | undefined {
    const block = Math.min(this.#samples(100), this.pcm.length)
    let loudest = SILENCE_DBM0
    let sound: Int16Array | undefined
    for (let at = 0; block > 0 && at + block <= this.pcm.length; at += block) {
      const level = dbm0Of(this.pcm, at, block)
      if (level > loudest) [loudest, sound] = [level, this.pcm.subarray(at, at + block)]
    }
    if (sound === undefined) return undefined
    const coarse = strongest(sound, this.sampleRate, 50, this.sampleRate / 2 - 10, 10)
    return strongest(sound, this.sampleRate, coarse - 10, coarse + 10, 0.5)
  }

  /**
   * Clicks: neighbouring samples further apart than `tones` explain, companding's own error allowed for.
   * A sine of peak A and frequency f moves at most 2 A sin(pi f / rate) in one sample.
   */
  steps(tones: readonly KnownTone[]): SampleStep[] {
    let allowed = 16
    for (const { frequency, dbm0 } of tones)
      allowed += peakOf(dbm0) * (2 * Math.sin((Math.PI * frequency) / this.sampleRate) + COMPANDING_SHARE)
    const found: SampleStep[] = []
    for (let at = 1; at < this.pcm.length; at++) {
      const size = Math.abs(this.pcm[at]! - this.pcm[at - 1]!)
      if (size > allowed) found.push({ at: (at * 1000) / this.sampleRate, size })
    }
    return found
  }

  #samples(ms: number): number {
    return Math.round((ms * this.sampleRate) / 1000)
  }

  /** Ends a run of `missing` steps that reaches up to sample `end`. */
  #close(gaps: ToneGap[], missing: number, end: number, step: number, longerThan: number): 0 {
    const ms = (missing * step * 1000) / this.sampleRate
    if (missing > 0 && ms > longerThan) gaps.push({ at: ((end - missing * step) * 1000) / this.sampleRate, ms })
    return 0
  }
}

const strongest = (pcm: Int16Array, sampleRate: number, from: number, to: number, step: number): number => {
  let best = from
  let level = -Infinity
  for (let frequency = from; frequency <= to; frequency += step) {
    const found = toneLevel(pcm, frequency, sampleRate)
    if (found > level) [best, level] = [frequency, found]
  }
  return best
}
