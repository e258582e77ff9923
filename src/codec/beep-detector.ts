import { Goertzel } from './goertzel.js'
import { peakOf } from './level.js'

/** A beep: one pure tone of any pitch. */
export interface Beep {
  /** In Hz. */
  readonly frequency: number
  /** 0 to 1: how pure and steady it was. */
  readonly confidence: number
}

const BLOCK_MS = 25
/** Blocks that a beep lasts at least: 150 ms, longer than a voice holds one pure pitch. */
const BLOCKS = 6
const LOWEST_HZ = 350
const HIGHEST_HZ = 2600
/** Share of the energy in the one tone. */
const PURITY = 0.85
/** How far the pitch moves from block to block, as a share. */
const STEADINESS = 0.04
const WEAKEST_DBM0 = -35

/**
 * Finds the beep after which an answering machine records. Its frequency is unknown: counted by zero crossings, then its
 * purity is measured there.
 */
export class BeepDetector {
  readonly #block: Int16Array
  readonly #weakest: number
  #filled = 0
  #frequency = 0
  #purity = 0
  #blocks = 0

  /** @param sampleRate in Hz. */
  constructor(readonly sampleRate: number) {
    this.#block = new Int16Array(Math.round((BLOCK_MS * sampleRate) / 1000))
    this.#weakest = ((peakOf(WEAKEST_DBM0) ** 2) / 2) * this.#block.length
  }

  /** Takes the next samples; the beep, once, when it has lasted 150 ms. */
  hear(pcm: Int16Array): Beep | undefined {
    let beep: Beep | undefined
    for (let at = 0; at < pcm.length; at++) {
      this.#block[this.#filled++] = pcm[at]!
      if (this.#filled < this.#block.length) continue
      this.#filled = 0
      beep ??= this.#judge()
    }
    return beep
  }

  #judge(): Beep | undefined {
    const frequency = crossings(this.#block) * this.sampleRate
    const purity = frequency < LOWEST_HZ || frequency > HIGHEST_HZ ? 0 : this.#purityAt(frequency)
    if (purity < PURITY) {
      this.#blocks = 0
      return undefined
    }
    const steady = this.#blocks > 0 && Math.abs(frequency - this.#frequency) < STEADINESS * frequency
    this.#purity = steady ? Math.min(this.#purity, purity) : purity
    this.#blocks = steady ? this.#blocks + 1 : 1
    this.#frequency = frequency
    return this.#blocks === BLOCKS ? { frequency: Math.round(frequency), confidence: 0.5 + ((this.#purity - PURITY) / (1 - PURITY)) * 0.5 } : undefined
  }

  #purityAt(frequency: number): number {
    const tone = new Goertzel(frequency, this.sampleRate)
    let energy = 0
    for (let at = 0; at < this.#block.length; at++) {
      tone.add(this.#block[at]!)
      energy += this.#block[at]! ** 2
    }
    return energy < this.#weakest ? 0 : Math.min(1, (2 * tone.power) / this.#block.length / energy)
  }
}

/** Periods a sample, between the first and the last upward crossing of zero, each placed between its samples. */
const crossings = (pcm: Int16Array): number => {
  let count = 0
  let first = 0
  let last = 0
  for (let at = 1; at < pcm.length; at++) {
    const before = pcm[at - 1]!
    if (before >= 0 || pcm[at]! < 0) continue
    last = at - 1 + before / (before - pcm[at]!)
    if (count++ === 0) first = last
  }
  return count < 2 ? 0 : (count - 1) / (last - first)
}
