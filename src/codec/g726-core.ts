import { G726_TABLES, type G726Bits, type G726Tables } from './g726-tables.js'

/** Bits of an integer up to its highest one. */
const bitsOf = (magnitude: number): number => 32 - Math.clz32(magnitude)

/** The reference's registers have 16 bits: what overflows them wraps. */
const to16Bits = (value: number): number => (value << 16) >> 16

/** Zero sections of the predictor. */
const ZEROS = 6

/** Product of a coefficient and a signal in the 11-bit floating-point format of the predictor (block FMULT). */
const floatProduct = (coefficient: number, signal: number): number => {
  const magnitude = coefficient > 0 ? coefficient : -coefficient & 0x1fff
  const exponent = bitsOf(magnitude) - 6
  const mantissa = magnitude === 0 ? 32 : exponent >= 0 ? magnitude >> exponent : magnitude << -exponent
  const shift = exponent + ((signal >> 6) & 0x0f) - 13
  const product = (mantissa * (signal & 0x3f) + 0x30) >> 4
  const value = shift >= 0 ? (product << shift) & 0x7fff : product >> -shift
  return (coefficient ^ signal) < 0 ? -value : value
}

/** An integer in that format: four bits of exponent, six of mantissa, sign by an offset of -1024 (blocks FLOATA, FLOATB). */
const floatOf = (magnitude: number, negative: boolean): number => {
  const exponent = bitsOf(magnitude)
  const value = magnitude === 0 ? 0x20 : (exponent << 6) + ((magnitude << 6) >> exponent)
  return negative ? value - 0x400 : value
}

/**
 * The adaptive quantizer and predictor that encoder and decoder of ITU-T G.726 share, in the fixed-point arithmetic of the
 * Recommendation. Signals are 14-bit PCM.
 */
export class G726Core {
  readonly #tables: G726Tables
  /** The bit that makes a code's difference negative. */
  readonly #sign: number
  /** Leak of the zero coefficients: slower at 40 kbit/s. */
  readonly #zeroLeak: number
  /** Quantizer scale: slow (times 64) and fast. */
  #slow = 34_816
  #fast = 544
  /** Averages of the speed function, short and long, and the speed control. */
  #shortSpeed = 0
  #longSpeed = 0
  #speed = 0
  #pole1 = 0
  #pole2 = 0
  readonly #zeros = new Int32Array(ZEROS)
  readonly #differences = new Int32Array(ZEROS).fill(0x20)
  #signal1 = 0x20
  #signal2 = 0x20
  /** Signs of the last two partially reconstructed signals. */
  #partial1 = 0
  #partial2 = 0
  /** A narrow-band signal such as a modem's tone was seen. */
  #tone = false
  #zeroEstimate = 0
  /** Estimate of the signal, and the quantizer scale for its difference. */
  estimate = 0
  scale = 0

  constructor(readonly bits: G726Bits) {
    this.#tables = G726_TABLES[bits]
    this.#sign = 1 << (bits - 1)
    this.#zeroLeak = bits === 5 ? 9 : 8
  }

  /** Predicts the next sample: sets `estimate` and `scale`. */
  predict(): void {
    let zeros = 0
    for (let at = 0; at < ZEROS; at++) zeros += floatProduct(this.#zeros[at]! >> 2, this.#differences[at]!)
    this.#zeroEstimate = to16Bits(zeros) >> 1
    const poles = floatProduct(this.#pole2 >> 2, this.#signal2) + floatProduct(this.#pole1 >> 2, this.#signal1)
    this.estimate = to16Bits(zeros + poles) >> 1
    this.scale = this.#mixedScale()
  }

  /** Code of `difference` at `scale` (blocks LOG, SUBTB, QUAN). */
  quantize(difference: number, scale = this.scale): number {
    const magnitude = Math.abs(difference)
    const exponent = bitsOf(magnitude >> 1)
    const logarithm = (exponent << 7) + (((magnitude << 7) >> exponent) & 0x7f) - (scale >> 2)
    const { decisions } = this.#tables
    let interval = 0
    while (interval < decisions.length && logarithm >= decisions[interval]!) interval++
    const mask = 2 * this.#sign - 1
    if (difference < 0) return mask - interval
    // Where the number of levels is odd, zero has the code of all ones.
    return interval === 0 && this.bits > 2 ? mask : interval
  }

  /**
   * Takes a code in: adapts scale and predictor.
   * @returns the reconstructed signal.
   */
  accept(code: number): number {
    const difference = this.#reconstruct(code)
    const signal = to16Bits(this.estimate + (difference < 0 ? -(difference & 0x7fff) : difference))
    this.#update(code, difference, signal)
    return signal
  }

  /** Block MIX: between the slow scale and the fast one, by the speed control. */
  #mixedScale(): number {
    if (this.#speed >= 256) return this.#fast
    const slow = this.#slow >> 6
    const step = (this.#fast - slow) * (this.#speed >> 2)
    return slow + ((step < 0 ? step + 0x3f : step) >> 6)
  }

  /** Quantized difference in sign and magnitude: negative ones have bit 15 set (blocks RECONST, ADDA, ANTILOG). */
  #reconstruct(code: number): number {
    const negative = (code & this.#sign) !== 0
    const logarithm = this.#tables.levels[code]! + (this.scale >> 2)
    if (logarithm < 0) return negative ? -0x8000 : 0
    const magnitude = ((128 + (logarithm & 127)) << 7) >> (14 - ((logarithm >> 7) & 15))
    return negative ? magnitude - 0x8000 : magnitude
  }

  #update(code: number, difference: number, signal: number): void {
    const magnitude = difference & 0x7fff
    const transition = this.#tone && magnitude > this.#transitionThreshold()
    this.#adaptScale(this.#tables.steps[code]!)
    const partial = to16Bits(signal - this.estimate + this.#zeroEstimate)
    const sign = partial < 0 ? 1 : 0
    let pole2 = 0
    if (transition) {
      this.#pole1 = 0
      this.#zeros.fill(0)
    } else {
      pole2 = this.#adaptPoles(partial, sign)
      this.#adaptZeros(difference, magnitude)
    }
    this.#pole2 = pole2
    for (let at = ZEROS - 1; at > 0; at--) this.#differences[at] = this.#differences[at - 1]!
    this.#differences[0] = floatOf(magnitude, difference < 0)
    this.#signal2 = this.#signal1
    this.#signal1 = floatOf(Math.abs(signal) & 0x7fff, signal < 0)
    this.#partial2 = this.#partial1
    this.#partial1 = sign
    this.#tone = !transition && pole2 < -11_776
    this.#adaptSpeed(this.#tables.speeds[code]!, transition)
  }

  /** Block TRANS: three quarters of the slow scale as a linear number. */
  #transitionThreshold(): number {
    const whole = this.#slow >> 15
    const threshold = whole > 9 ? 31 << 10 : (32 + ((this.#slow >> 10) & 0x1f)) << whole
    return (threshold + (threshold >> 1)) >> 1
  }

  /** Blocks FILTD, LIMB and FILTE. */
  #adaptScale(step: number): void {
    const fast = this.scale + ((step - this.scale) >> 5)
    this.#fast = fast < 544 ? 544 : fast > 5120 ? 5120 : fast
    this.#slow += this.#fast + (-this.#slow >> 6)
  }

  /** Blocks UPA2, LIMC, UPA1 and LIMD; returns the new second coefficient. */
  #adaptPoles(partial: number, sign: number): number {
    const differs1 = sign !== this.#partial1
    let pole2 = this.#pole2 - (this.#pole2 >> 7)
    if (partial !== 0) {
      const turned = differs1 ? this.#pole1 : -this.#pole1
      pole2 += turned < -8191 ? -0x100 : turned > 8191 ? 0xff : turned >> 5
      pole2 += sign !== this.#partial2 ? -0x80 : 0x80
      pole2 = pole2 < -12_288 ? -12_288 : pole2 > 12_288 ? 12_288 : pole2
    }
    let pole1 = this.#pole1 - (this.#pole1 >> 8)
    if (partial !== 0) pole1 += differs1 ? -192 : 192
    const bound = 15_360 - pole2
    this.#pole1 = pole1 < -bound ? -bound : pole1 > bound ? bound : pole1
    return pole2
  }

  /** Blocks XOR and UPB. */
  #adaptZeros(difference: number, magnitude: number): void {
    const zeros = this.#zeros
    for (let at = 0; at < ZEROS; at++) {
      let zero = zeros[at]! - (zeros[at]! >> this.#zeroLeak)
      if (magnitude !== 0) zero += (difference ^ this.#differences[at]!) >= 0 ? 128 : -128
      zeros[at] = to16Bits(zero)
    }
  }

  /** Blocks FILTA, FILTB, SUBTC, FILTC, TRIGA. */
  #adaptSpeed(speed: number, transition: boolean): void {
    this.#shortSpeed += (speed - this.#shortSpeed) >> 5
    this.#longSpeed += ((speed << 2) - this.#longSpeed) >> 7
    if (transition) {
      this.#speed = 256
      return
    }
    const changing = Math.abs((this.#shortSpeed << 2) - this.#longSpeed) >= this.#longSpeed >> 3
    const fast = this.scale < 1536 || this.#tone || changing
    this.#speed += ((fast ? 0x200 : 0) - this.#speed) >> 4
  }
}
