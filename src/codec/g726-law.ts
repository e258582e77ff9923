import { aLawOf, type CompandingLaw, muLawOf, sampleOfALaw, sampleOfMuLaw } from './g711.js'
import { G726Core } from './g726-core.js'
import type { G726Bits } from './g726-tables.js'

/** Steps of one law's codes in order of amplitude, and the ways between a code and 14-bit PCM. */
interface Law {
  code(signal: number): number
  value(code: number): number
  /** The next code up or down in amplitude; the outermost stays. */
  up(code: number): number
  down(code: number): number
}

const clip16 = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value)

const MU_LAW: Law = {
  // The ITU's compression rounds magnitudes alike on both sides of zero, G.711's takes the one's complement. The magnitude
  // of the lowest number overflows to 0 in the reference's 15 bits.
  code: signal => (signal < 0 ? muLawOf(clip16((-signal & 0x7fff) << 2)) & 0x7f : muLawOf(clip16(signal << 2))),
  value: code => sampleOfMuLaw(code) >> 2,
  up: code => (code & 0x80 ? (code === 0x80 ? code : code - 1) : code === 0x7f ? 0xfe : code + 1),
  down: code => (code & 0x80 ? (code === 0xff ? 0x7e : code + 1) : code === 0 ? code : code - 1),
}

const A_LAW: Law = {
  code: signal => aLawOf(signal === -32768 ? -8 : clip16((signal >> 1) << 3)),
  value: code => sampleOfALaw(code) >> 2,
  up: code => (code & 0x80 ? (code === 0xaa ? code : ((code ^ 0x55) + 1) ^ 0x55) : code === 0x55 ? 0xd5 : ((code ^ 0x55) - 1) ^ 0x55),
  down: code => (code & 0x80 ? (code === 0xd5 ? 0x55 : ((code ^ 0x55) - 1) ^ 0x55) : code === 0x2a ? code : ((code ^ 0x55) + 1) ^ 0x55),
}

/**
 * G.726 between companded PCM streams, as the Recommendation describes it: the decoder's output is adjusted so that coding
 * it again gives the same codes, and chains of G.711 and G.726 add no distortion (block SYNC).
 */
export class G726Law {
  readonly #core: G726Core
  readonly #law: Law
  readonly #sign: number

  constructor(bits: G726Bits, law: CompandingLaw) {
    this.#core = new G726Core(bits)
    this.#law = law === 'mu-law' ? MU_LAW : A_LAW
    this.#sign = 1 << (bits - 1)
  }

  /** Code of one companded byte. */
  encode(companded: number): number {
    const core = this.#core
    core.predict()
    const code = core.quantize(this.#law.value(companded) - core.estimate)
    core.accept(code)
    return code
  }

  /** Companded byte of one code. */
  decode(code: number): number {
    const core = this.#core
    const law = this.#law
    core.predict()
    // Asked before the core adapts: the next coder in the chain is at the same scale now.
    const { estimate, scale } = core
    const companded = law.code(core.accept(code))
    const again = core.quantize(law.value(companded) - estimate, scale)
    if (again === code) return companded
    return (again ^ this.#sign) > (code ^ this.#sign) ? law.down(companded) : law.up(companded)
  }
}
