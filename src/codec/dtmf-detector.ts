import { Goertzel } from './goertzel.js'
import { peakOf } from './level.js'
import { DTMF_HIGH, DTMF_LOW, DTMF_PAD, type DtmfKey } from './tones.js'

/** Who is told of keys. */
export interface DtmfSink {
  /** A key's tone has begun. */
  pressed(key: DtmfKey): void
  /** It has ended after `duration` ms. */
  released(key: DtmfKey, duration: number): void
}

/** Window of the analysis in ms: 12.75 ms tell the groups apart and still fit into a 40 ms tone several times. */
const WINDOW_MS = 12.75
/** Windows in a row that must agree: together 32 ms, under the 40 ms that Q.24 says are always a digit. */
const HITS = 4
/** Windows without the tone that end it: shorter drop-outs are bridged (Q.24: 10 ms at least). */
const MISSES = 4
/** Weakest tone in dBm0 (Q.24: -25 to -29 dBm is the usual limit). */
const WEAKEST_DBM0 = -32
/** The high group may be this much stronger or weaker than the low one, in dB (Q.24: 4 and 8, with a margin). */
const TWIST_DB = 6
const REVERSE_TWIST_DB = 10
/** How far the other tones of a group lie under the strongest, in dB. */
const SELECTIVITY_DB = 6
/** Share of the energy that the two tones hold: speech rarely has so little beside them. */
const PURITY = 0.75
/** Second harmonics, in which speech is rich, lie at least this far under their tones, in dB. */
const HARMONIC_DB = 12
/** Frequencies closer than this run into each other within a window. */
const RESOLUTION_HZ = 100
/** A tone's level moves at most this much (dB) from window to window; a voice's moves more. */
const STEADINESS_DB = 3

const ratio = (db: number): number => 10 ** (db / 10)

/** A group's strongest tone. */
class Group {
  readonly #tones: readonly Goertzel[]
  readonly #harmonics: readonly Goertzel[]
  /** Index of the strongest tone, -1 when no tone stands out. */
  strongest = -1
  power = 0

  constructor(frequencies: readonly number[], sampleRate: number) {
    this.#tones = frequencies.map(frequency => new Goertzel(frequency, sampleRate))
    this.#harmonics = frequencies.map(frequency => new Goertzel(2 * frequency, sampleRate))
  }

  measure(samples: Float64Array, start: number): void {
    let best = 0
    let power = 0
    let others = 0
    for (let at = 0; at < this.#tones.length; at++) {
      const found = powerIn(this.#tones[at]!, samples, start)
      if (found > power) {
        others = Math.max(others, power)
        power = found
        best = at
      } else others = Math.max(others, found)
    }
    this.power = power
    this.strongest = others * ratio(SELECTIVITY_DB) < power ? best : -1
  }

  /** True when the strongest tone has a second harmonic, as a voice has. */
  isVoiced(samples: Float64Array, start: number): boolean {
    return powerIn(this.#harmonics[this.strongest]!, samples, start) * ratio(HARMONIC_DB) > this.power
  }
}

/** Power of a tone over a ring of samples that begins at `start`. */
const powerIn = (tone: Goertzel, samples: Float64Array, start: number): number => {
  tone.reset()
  for (let at = start; at < samples.length; at++) tone.add(samples[at]!)
  for (let at = 0; at < start; at++) tone.add(samples[at]!)
  return tone.power
}

/**
 * Finds the keys of Q.23 in speech (in-band digits), by the limits of Q.24, with protection against voices that sound like
 * keys (talk-off): windows of 12.75 ms overlap by half, and four in a row must hold the same two pure, steady tones.
 *
 * @example
 * const digits = new DtmfDetector(8000, { pressed: key => menu.key(key), released: () => undefined })
 * digits.hear(frame)
 */
export class DtmfDetector {
  readonly #low: Group
  readonly #high: Group
  readonly #sink: DtmfSink
  readonly #window: Float64Array
  readonly #hop: number
  readonly #hopMs: number
  /** Power of a Fourier sum over the window for the weakest tone. */
  readonly #weakest: number
  #filled = 0
  #place = 0
  #candidate = ''
  #candidatePower = 0
  #hits = 0
  #misses = 0
  #key: DtmfKey | undefined
  #hops = 0

  /** @param sampleRate in Hz, 8000 or more. */
  constructor(sampleRate: number, sink: DtmfSink) {
    this.#low = new Group(DTMF_LOW, sampleRate)
    this.#high = new Group(DTMF_HIGH, sampleRate)
    this.#sink = sink
    const length = Math.round((WINDOW_MS * sampleRate) / 1000)
    this.#window = new Float64Array(length)
    this.#hop = length >> 1
    this.#hopMs = (1000 * this.#hop) / sampleRate
    this.#weakest = ((peakOf(WEAKEST_DBM0) * length) / 2) ** 2
  }

  /** Takes the next samples of the stream, frame by frame of any length. */
  hear(pcm: Int16Array): void {
    for (let at = 0; at < pcm.length; at++) {
      this.#window[this.#place] = pcm[at]!
      this.#place = this.#place + 1 === this.#window.length ? 0 : this.#place + 1
      if (++this.#filled < this.#hop) continue
      this.#filled = 0
      this.#judge(this.#analyse())
    }
  }

  /** Key of the window, empty when it holds none. */
  #analyse(): DtmfKey | '' {
    const low = this.#low
    const high = this.#high
    low.measure(this.#window, this.#place)
    if (low.strongest < 0 || low.power < this.#weakest) return ''
    high.measure(this.#window, this.#place)
    if (high.strongest < 0 || high.power < this.#weakest) return ''
    if (high.power > low.power * ratio(TWIST_DB) || low.power > high.power * ratio(REVERSE_TWIST_DB)) return ''
    if (!this.#isPure(low.power + high.power)) return ''
    // Where the low tone's harmonic falls on the high tone it tells nothing.
    const apart = Math.abs(2 * DTMF_LOW[low.strongest]! - DTMF_HIGH[high.strongest]!) > RESOLUTION_HZ
    if ((apart && low.isVoiced(this.#window, this.#place)) || high.isVoiced(this.#window, this.#place)) return ''
    return DTMF_PAD[4 * low.strongest + high.strongest] as DtmfKey
  }

  /** By Parseval a lone sine of Fourier power P over N samples has the energy 2 P / N. */
  #isPure(power: number): boolean {
    let energy = 0
    for (let at = 0; at < this.#window.length; at++) energy += this.#window[at]! * this.#window[at]!
    return (2 * power) / this.#window.length > PURITY * energy
  }

  #judge(found: DtmfKey | ''): void {
    this.#hops++
    if (this.#key !== undefined && found !== this.#key) {
      if (++this.#misses === MISSES) this.#release()
    } else this.#misses = 0
    const power = this.#low.power + this.#high.power
    const steady = power < this.#candidatePower * ratio(STEADINESS_DB) && power * ratio(STEADINESS_DB) > this.#candidatePower
    this.#hits = found === '' ? 0 : found === this.#candidate && (steady || this.#hits < 2) ? this.#hits + 1 : 1
    this.#candidate = found
    this.#candidatePower = power
    if (found !== '' && this.#hits >= HITS && this.#key !== found) this.#press(found)
  }

  #press(key: DtmfKey): void {
    if (this.#key !== undefined) this.#release()
    this.#key = key
    this.#misses = 0
    this.#hops = HITS
    this.#sink.pressed(key)
  }

  #release(): void {
    const key = this.#key!
    this.#key = undefined
    // A window holds twice a hop; the windows that missed it do not belong to the tone.
    this.#sink.released(key, Math.round((this.#hops - this.#misses + 1) * this.#hopMs))
    this.#misses = 0
  }
}
