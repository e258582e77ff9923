import { FAX_ANSWER, FAX_CALLING, PROGRESS_TONES, type ProgressSignal, type ToneCountry } from './call-progress.js'
import { Goertzel } from './goertzel.js'
import { peakOf } from './level.js'
import type { Tone } from './tones.js'

/** Block of the analysis in ms: narrow enough for 20 Hz, short enough for the quickest rhythm. */
const BLOCK_MS = 25
/** Weakest tone in dBm0, all its sines together. */
const WEAKEST_DBM0 = -35
/** Share of the energy that the tone holds. */
const PURITY = 0.7
/** The same of two sines so close that they beat: a block around the beat's null spreads beyond both. */
const BEATING_PURITY = 0.3
/** Of two sines neither may lie further under the other, in power. */
const BALANCE = 0.1
/** How far a period of the rhythm may lie off, as a share and in ms. */
const TOLERANCE = 0.15
const TOLERANCE_MS = 40
/** Sines closer than this run into each other within a block, and their balance cannot be told. */
const RESOLUTION_HZ = 1000 / BLOCK_MS
/** How long a tone without rhythm must last, in ms: longer than any country's ringing. */
const STEADY_MS = 2400

/** Tells in each block whether a set of sines sounds, and nothing else. */
class Presence {
  readonly #sines: readonly Goertzel[]
  readonly #block: number
  readonly #weakest: number
  readonly #balance: number
  readonly #purity: number
  #energy = 0
  #filled = 0
  /** Result of the last whole block. */
  present = false

  constructor(frequencies: readonly number[], sampleRate: number) {
    this.#sines = frequencies.map(frequency => new Goertzel(frequency, sampleRate))
    this.#block = Math.round((BLOCK_MS * sampleRate) / 1000)
    this.#weakest = ((peakOf(WEAKEST_DBM0) ** 2) / 2) * this.#block
    const [first = 0, second = Infinity] = frequencies
    const close = Math.abs(second - first) < RESOLUTION_HZ
    this.#balance = close ? 0 : BALANCE
    this.#purity = close ? BEATING_PURITY : PURITY
  }

  /** @returns true when `sample` completes a block. */
  add(sample: number): boolean {
    for (let at = 0; at < this.#sines.length; at++) this.#sines[at]!.add(sample)
    this.#energy += sample * sample
    if (++this.#filled < this.#block) return false
    this.#judge()
    return true
  }

  #judge(): void {
    let sum = 0
    let least = Infinity
    for (let at = 0; at < this.#sines.length; at++) {
      const power = this.#sines[at]!.power
      sum += power
      least = Math.min(least, power)
      this.#sines[at]!.reset()
    }
    this.present = this.#energy > this.#weakest && (2 * sum) / this.#block > this.#purity * this.#energy && least >= this.#balance * (sum - least)
    this.#energy = 0
    this.#filled = 0
  }
}

/**
 * Finds one tone with its rhythm. `hear` answers true once, when the tone has been recognized: after a whole on and off of a
 * rhythm, or 2.4 seconds of a steady tone.
 */
export class ToneDetector {
  readonly #presence: Presence
  readonly #cadence: readonly number[]
  #present = false
  #lasted = 0
  /** Periods of the rhythm that fitted, in a row; the phase of the next. */
  #fitting = 0
  #phase = 0
  #found = false

  /** @param sampleRate in Hz; @param periods of the rhythm that must fit. */
  constructor(tone: Tone, sampleRate: number, readonly periods = 2) {
    this.#presence = new Presence(tone.frequencies, sampleRate)
    this.#cadence = tone.cadence ?? []
  }

  /** True from the moment of recognition until the tone's rhythm breaks. */
  get found(): boolean {
    return this.#found
  }

  /** Takes the next samples; true when they complete the tone. */
  hear(pcm: Int16Array): boolean {
    let completed = false
    for (let at = 0; at < pcm.length; at++) {
      if (this.#presence.add(pcm[at]!) && this.#block(this.#presence.present)) completed = true
    }
    return completed
  }

  #block(present: boolean): boolean {
    if (present === this.#present) {
      this.#lasted += BLOCK_MS
      return this.#steady()
    }
    const recognized = this.#edge()
    this.#present = present
    this.#lasted = BLOCK_MS
    return recognized
  }

  /** A tone without rhythm, and a period that outlasts its rhythm. */
  #steady(): boolean {
    if (this.#cadence.length === 0) return this.#present && this.#lasted >= STEADY_MS && this.#recognize()
    if (this.#lasted > Math.max(...this.#cadence) * (1 + TOLERANCE) + TOLERANCE_MS) this.#lose()
    return false
  }

  /** A period ended: it fits the rhythm, starts it, or breaks it. */
  #edge(): boolean {
    if (this.#cadence.length === 0) {
      if (this.#present) this.#lose()
      return false
    }
    if (!this.#fits(this.#phase)) {
      this.#lose()
      // A rhythm starts with any of its on-periods.
      const start = this.#present ? this.#cadence.findIndex((_, phase) => phase % 2 === 0 && this.#fits(phase)) : -1
      if (start < 0) return false
      this.#phase = start
    }
    this.#phase = (this.#phase + 1) % this.#cadence.length
    return ++this.#fitting >= this.periods && this.#recognize()
  }

  #fits(phase: number): boolean {
    const expected = this.#cadence[phase]!
    return (phase % 2 === 0) === this.#present && Math.abs(this.#lasted - expected) <= expected * TOLERANCE + TOLERANCE_MS
  }

  #recognize(): boolean {
    if (this.#found) return false
    this.#found = true
    return true
  }

  #lose(): void {
    this.#found = false
    this.#fitting = 0
    this.#phase = 0
  }
}

/** What a line's far end may be heard to be. */
export type LineSignal = ProgressSignal | 'fax-calling' | 'fax-answer'

/** Least time in ms that a fax machine's tones last: one of them alone is told by its length. */
const FAX_CALLING_MS = 400
const FAX_ANSWER_MS = 1000

/** A tone that is told by how long it lasts, whatever its rhythm. */
class LastingTone {
  readonly #presence: Presence
  #lasted = 0

  constructor(tone: Tone, sampleRate: number, readonly least: number) {
    this.#presence = new Presence(tone.frequencies, sampleRate)
  }

  hear(pcm: Int16Array): boolean {
    let completed = false
    for (let at = 0; at < pcm.length; at++) {
      if (!this.#presence.add(pcm[at]!)) continue
      const before = this.#lasted
      this.#lasted = this.#presence.present ? before + BLOCK_MS : 0
      if (before < this.least && this.#lasted >= this.least) completed = true
    }
    return completed
  }
}

/**
 * Listens for a country's call-progress tones and for fax machines.
 *
 * @example
 * const line = new LineListener('us', 8000)
 * const signal = line.hear(frame) // 'busy' once, when it is recognized
 */
export class LineListener {
  readonly #detectors: readonly (readonly [LineSignal, { hear(pcm: Int16Array): boolean }])[]

  /** @param sampleRate in Hz. */
  constructor(country: ToneCountry, sampleRate: number) {
    const plan = PROGRESS_TONES[country]
    this.#detectors = [
      ['fax-calling', new LastingTone(FAX_CALLING, sampleRate, FAX_CALLING_MS)],
      ['fax-answer', new LastingTone(FAX_ANSWER, sampleRate, FAX_ANSWER_MS)],
      ['dial', new ToneDetector(plan.dial, sampleRate)],
      ['ringing', new ToneDetector(plan.ringing, sampleRate)],
      ['busy', new ToneDetector(plan.busy, sampleRate, 4)],
      ['congestion', new ToneDetector(plan.congestion, sampleRate, 4)],
    ]
  }

  /** Takes the next samples; the signal that they complete, if any. */
  hear(pcm: Int16Array): LineSignal | undefined {
    let found: LineSignal | undefined
    for (let at = 0; at < this.#detectors.length; at++) if (this.#detectors[at]![1].hear(pcm)) found ??= this.#detectors[at]![0]
    return found
  }
}
