import type { Codec, Decoder, Encoder, Splicer } from './codec.js'
import {
  HIGH_BITS, HIGH_INVERSE, HIGH_LEVEL, HIGH_STEP, INVERSE_16, INVERSE_32, INVERSE_64, LOG_TO_LINEAR, LOW_DECISIONS, LOW_LEVEL, LOW_NEGATIVE, LOW_POSITIVE, LOW_STEP,
} from './g722-tables.js'
import { type AdaptiveBand, BandSplicer } from './band-splicer.js'

/** Bits of the low band in a code: 64, 56 or 48 kbit/s; the others carry auxiliary data (G.722 §1.2). */
export type G722Mode = 64 | 56 | 48

const saturate = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value)
/** The bands are 15 bits wide before and after the filter bank. */
const limit = (value: number): number => (value > 16383 ? 16383 : value < -16384 ? -16384 : value)

/** Coefficients of the sixth-order zero section. */
const ZEROS = 6

/** One sub-band's adaptive predictor and scale factor (G.722 blocks 3 and 4), in the integer arithmetic of the Recommendation. */
class SubBand {
  /** Estimate of the next sample. */
  estimate = 0
  /** Quantizer scale factor. */
  scale: number
  #logScale = 0
  #zeroEstimate = 0
  #pole1 = 0
  #pole2 = 0
  #reconstructed1 = 0
  #reconstructed2 = 0
  #partial1 = 0
  #partial2 = 0
  readonly #zeros = new Int32Array(ZEROS)
  /** Earlier quantized differences, twice each, the newest first. */
  readonly #doubled = new Int32Array(ZEROS)

  constructor(initialScale: number, readonly maxLogScale: number, readonly scaleShift: number) {
    this.scale = initialScale
  }

  /** Adapts the scale factor by a step of the logarithm (blocks LOGSCL, LOGSCH, SCALEL, SCALEH). */
  adaptScale(step: number): void {
    const log = Math.max(0, Math.min(this.maxLogScale, ((this.#logScale * 127) >> 7) + step))
    this.#logScale = log
    const mantissa = LOG_TO_LINEAR[(log >> 6) & 31]!
    const shift = this.scaleShift - (log >> 11)
    this.scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2
  }

  /** Takes the quantized difference in and makes the next estimate (block 4). */
  adaptPredictor(difference: number): void {
    const reconstructed = saturate(this.estimate + difference)
    const partial = saturate(this.#zeroEstimate + difference)
    this.#adaptPoles(partial)
    this.#adaptZeros(difference)
    this.#partial2 = this.#partial1
    this.#partial1 = partial
    this.#reconstructed2 = this.#reconstructed1
    this.#reconstructed1 = reconstructed
    const poles = saturate(
      ((this.#pole1 * saturate(2 * this.#reconstructed1)) >> 15) + ((this.#pole2 * saturate(2 * this.#reconstructed2)) >> 15))
    this.estimate = saturate(poles + this.#zeroEstimate)
  }

  /** Blocks UPPOL2 and UPPOL1. */
  #adaptPoles(partial: number): void {
    const same1 = (partial ^ this.#partial1) >= 0
    const same2 = (partial ^ this.#partial2) >= 0
    const four = saturate(4 * this.#pole1)
    const turned = same1 ? saturate(-four) : four
    const second = (turned >> 7) + (same2 ? 128 : -128) + ((this.#pole2 * 32512) >> 15)
    const pole2 = second > 12288 ? 12288 : second < -12288 ? -12288 : second
    const first = (same1 ? 192 : -192) + ((this.#pole1 * 32640) >> 15)
    const bound = 15360 - pole2
    this.#pole1 = first > bound ? bound : first < -bound ? -bound : first
    this.#pole2 = pole2
  }

  /**
   * Blocks UPZERO, DELAYA and FILTEZ in one pass, from the oldest difference to the newest. Differences are kept doubled, as
   * FILTEZ wants them; a coefficient leaks by 1/256 before its step of 128 at most, so it never overflows.
   */
  #adaptZeros(difference: number): void {
    const zeros = this.#zeros
    const doubled = this.#doubled
    const newest = saturate(2 * difference)
    const gain = difference === 0 ? 0 : 128
    let sum = 0
    for (let at = ZEROS - 1; at > 0; at--) {
      const zero = ((doubled[at]! ^ difference) >= 0 ? gain : -gain) + ((zeros[at]! * 32640) >> 15)
      const next = doubled[at - 1]!
      zeros[at] = zero
      doubled[at] = next
      sum = saturate(sum + ((zero * next) >> 15))
    }
    const zero = ((doubled[0]! ^ difference) >= 0 ? gain : -gain) + ((zeros[0]! * 32640) >> 15)
    zeros[0] = zero
    doubled[0] = newest
    this.#zeroEstimate = saturate(sum + ((zero * newest) >> 15))
  }
}

const lowBand = (): SubBand => new SubBand(32, 18432, 8)
const highBand = (): SubBand => new SubBand(8, 22528, 10)

/** Six-bit code of a low-band difference (block QUANTL): the decision values are searched by halves. */
const quantizeLow = (difference: number, scale: number): number => {
  const magnitude = difference >= 0 ? difference : ~difference
  let low = 1
  let high = LOW_DECISIONS.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (magnitude < (LOW_DECISIONS[middle]! * scale) >> 12) high = middle
    else low = middle + 1
  }
  return difference < 0 ? LOW_NEGATIVE[low]! : LOW_POSITIVE[low]!
}

/** Two-bit code of a high-band difference (block QUANTH). */
const quantizeHigh = (difference: number, scale: number): number => {
  const magnitude = difference >= 0 ? difference : ~difference
  const outer = magnitude >= (564 * scale) >> 12
  if (difference < 0) return outer ? 0 : 1
  return outer ? 2 : 3
}

/** Code of the next low-band sample. */
const codeLow = (band: SubBand, sample: number): number => {
  const code = quantizeLow(saturate(sample - band.estimate), band.scale)
  adaptLow(band, code >> 2)
  return code
}

const codeHigh = (band: SubBand, sample: number): number => {
  const code = quantizeHigh(saturate(sample - band.estimate), band.scale)
  adaptHigh(band, code)
  return code
}

/** The predictor follows the four-bit code, which all three rates share. */
const adaptLow = (band: SubBand, coarse: number): void => {
  const difference = (band.scale * INVERSE_16[coarse]!) >> 15
  band.adaptScale(LOW_STEP[LOW_LEVEL[coarse]!]!)
  band.adaptPredictor(difference)
}

const adaptHigh = (band: SubBand, code: number): void => {
  const difference = (band.scale * HIGH_INVERSE[code]!) >> 15
  band.adaptScale(HIGH_STEP[HIGH_LEVEL[code]!]!)
  band.adaptPredictor(difference)
}

/** The low-band sample that a code stands for. */
const sampleLow = (band: SubBand, code: number, inverse: Int16Array, unused: number): number => {
  const sample = limit(band.estimate + ((band.scale * inverse[code >> unused]!) >> 15))
  adaptLow(band, code >> 2)
  return sample
}

const sampleHigh = (band: SubBand, code: number): number => {
  const sample = limit(band.estimate + ((band.scale * HIGH_INVERSE[code]!) >> 15))
  adaptHigh(band, code)
  return sample
}

/** Samples that the filter bank looks back on, beside the pair at hand. */
const PAST = 22
/** Pairs between two moves of the delay line's end to its beginning. */
const PAIRS = 80

/** One polyphase branch of the symmetric 24-tap quadrature mirror filter (table 11); written out, it costs half of a loop. */
const oddTaps = (line: Int32Array, at: number): number =>
  (3 * line[at]! - 11 * line[at + 2]! + 12 * line[at + 4]! + 32 * line[at + 6]! - 210 * line[at + 8]! + 951 * line[at + 10]! +
    3876 * line[at + 12]! - 805 * line[at + 14]! + 362 * line[at + 16]! - 156 * line[at + 18]! + 53 * line[at + 20]! - 11 * line[at + 22]!) | 0

/** The other branch: the same taps backwards, over the samples between. */
const evenTaps = (line: Int32Array, at: number): number =>
  (-11 * line[at + 1]! + 53 * line[at + 3]! - 156 * line[at + 5]! + 362 * line[at + 7]! - 805 * line[at + 9]! + 3876 * line[at + 11]! +
    951 * line[at + 13]! - 210 * line[at + 15]! + 32 * line[at + 17]! + 12 * line[at + 19]! - 11 * line[at + 21]! + 3 * line[at + 23]!) | 0

class G722Encoder implements Encoder {
  readonly #low = lowBand()
  readonly #high = highBand()
  readonly #line = new Int32Array(PAST + 2 * PAIRS)
  #at = 0

  encode(pcm: Int16Array, out: Uint8Array, offset: number): number {
    const bytes = pcm.length >> 1
    for (let at = 0; at < bytes; at++) out[offset + at] = this.#pair(pcm[2 * at]!, pcm[2 * at + 1]!)
    return bytes
  }

  /** Two samples through the transmit filter bank, then each band through its quantizer. */
  #pair(first: number, second: number): number {
    const line = this.#line
    let at = this.#at
    line[at + PAST] = first
    line[at + PAST + 1] = second
    const odd = oddTaps(line, at)
    const even = evenTaps(line, at)
    at += 2
    if (at === 2 * PAIRS) {
      line.copyWithin(0, at)
      at = 0
    }
    this.#at = at
    return (codeHigh(this.#high, limit((even - odd) >> 14)) << 6) | codeLow(this.#low, limit((even + odd) >> 14))
  }
}

class G722Decoder implements Decoder {
  readonly #low = lowBand()
  readonly #high = highBand()
  readonly #line = new Int32Array(PAST + 2 * PAIRS)
  readonly #inverse: Int16Array
  readonly #unused: number
  #at = 0

  constructor(mode: G722Mode) {
    this.#inverse = mode === 64 ? INVERSE_64 : mode === 56 ? INVERSE_32 : INVERSE_16
    this.#unused = mode === 64 ? 0 : mode === 56 ? 1 : 2
  }

  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array): number {
    for (let at = 0; at < length; at++) this.#pair(payload[offset + at]!, out, 2 * at)
    return 2 * length
  }

  /** A code through both bands, then through the receive filter bank: two samples. */
  #pair(code: number, out: Int16Array, place: number): void {
    const low = sampleLow(this.#low, code & 0x3f, this.#inverse, this.#unused)
    const high = sampleHigh(this.#high, code >> (8 - HIGH_BITS))
    const line = this.#line
    let at = this.#at
    line[at + PAST] = low + high
    line[at + PAST + 1] = low - high
    const second = oddTaps(line, at)
    const first = evenTaps(line, at)
    at += 2
    if (at === 2 * PAIRS) {
      line.copyWithin(0, at)
      at = 0
    }
    this.#at = at
    out[place] = saturate(first >> 11)
    out[place + 1] = saturate(second >> 11)
  }
}

/** Both bands are joined before the filter bank, which has no part in the adaption. */
class G722Splicer implements Splicer {
  readonly #low: BandSplicer
  readonly #high: BandSplicer

  constructor(silent: boolean) {
    const low = (): AdaptiveBand => {
      const band = lowBand()
      return { estimate: () => band.estimate, decode: code => sampleLow(band, code, INVERSE_64, 0), encode: sample => codeLow(band, limit(sample)) }
    }
    const high = (): AdaptiveBand => {
      const band = highBand()
      return { estimate: () => band.estimate, decode: code => sampleHigh(band, code), encode: sample => codeHigh(band, limit(sample)) }
    }
    this.#low = new BandSplicer(low(), low(), silent)
    this.#high = new BandSplicer(high(), high(), silent)
  }

  heard(payload: Uint8Array, offset: number, length: number): void {
    for (let at = offset; at < offset + length; at++) {
      this.#low.heard(payload[at]! & 0x3f)
      this.#high.heard(payload[at]! >> 6)
    }
  }

  precede(payload: Uint8Array, offset: number, length: number): void {
    for (let at = offset; at < offset + length; at++) {
      this.#low.precede(payload[at]! & 0x3f)
      this.#high.precede(payload[at]! >> 6)
    }
  }

  splice(payload: Uint8Array, offset: number, length: number): void {
    for (let at = offset; at < offset + length; at++) {
      const code = payload[at]!
      payload[at] = (this.#high.splice(code >> 6) << 6) | this.#low.splice(code & 0x3f)
    }
  }
}

/** A G.722 decoder for `mode` kbit/s; RTP always carries 64 (RFC 3551 §4.5.2). */
export const createG722Decoder = (mode: G722Mode = 64): Decoder => new G722Decoder(mode)

/**
 * ITU-T G.722: 7 kHz audio in 64 kbit/s, bit-exact. Samples at 16 kHz, but its RTP clock runs at 8 kHz by a historical
 * error (RFC 3551 §4.5.2).
 */
export const g722: Codec = {
  name: 'G722',
  payloadType: 9,
  clockRate: 8000,
  sampleRate: 16_000,
  channels: 1,
  payloadBytes: samples => samples >> 1,
  createEncoder: () => new G722Encoder(),
  createDecoder: () => new G722Decoder(64),
  createSplicer: silent => new G722Splicer(silent),
}
