import type { Codec, Decoder, Encoder } from './codec.js'

/** Companding law of ITU-T G.711. */
export type CompandingLaw = 'mu-law' | 'a-law'

/** Lets the lowest set bit of a magnitude's segment be found: G.711 has eight segments, each twice as coarse as the one below. */
const segmentOf = (magnitude: number, first: number): number => {
  let segment = 0
  while (segment < 7 && magnitude >= first << (segment + 1)) segment++
  return segment
}

/** Character signal of a 14-bit value (G.711 table 2a), all bits inverted as on the line. */
const muLawCode = (value: number): number => {
  const BIAS = 33
  // One's complement for negative values, so that the code of -1 mirrors that of 0.
  const magnitude = Math.min((value < 0 ? ~value : value) + BIAS, 0x1fff)
  const segment = segmentOf(magnitude, 32)
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0f)
  return (value < 0 ? code : code | 0x80) ^ 0x7f
}

/** Character signal of a 12-bit value (G.711 table 1a), even bits inverted. */
const aLawCode = (value: number): number => {
  const magnitude = value < 0 ? ~value : value
  const segment = segmentOf(magnitude, 8)
  const code = (segment << 4) | ((segment === 0 ? magnitude : magnitude >> (segment - 1)) & 0x0f)
  return (value < 0 ? code : code | 0x80) ^ 0x55
}

/** Middle of the interval of a mu-law character signal, as 16-bit PCM. */
const muLawValue = (code: number): number => {
  const segment = (~code >> 4) & 7
  const magnitude = ((((~code & 0x0f) << 1) + 33) << segment) - 33
  return 4 * (code & 0x80 ? magnitude : -magnitude)
}

/** Middle of the interval of an A-law character signal, as 16-bit PCM. */
const aLawValue = (code: number): number => {
  const bits = code ^ 0x55
  const segment = (bits >> 4) & 7
  const step = ((bits & 0x0f) << 1) + 1
  const magnitude = segment === 0 ? step : (step + 32) << (segment - 1)
  return 8 * (bits & 0x80 ? magnitude : -magnitude)
}

/** Two's complement of `bits` bits to a signed number. */
const signed = (pattern: number, bits: number): number => (pattern << (32 - bits)) >> (32 - bits)

const tableOf = (bits: number, code: (value: number) => number): Uint8Array =>
  Uint8Array.from({ length: 1 << bits }, (_, pattern) => code(signed(pattern, bits)))

/** Companded byte of each 14-bit value, indexed by its two's complement: 16-bit PCM loses two bits on the way to mu-law. */
const MU_LAW_ENCODE = tableOf(14, muLawCode)
/** Companded byte of each 12-bit value (13 bits with sign, of which A-law's finest step ignores the last). */
const A_LAW_ENCODE = tableOf(12, aLawCode)
const MU_LAW_DECODE = Int16Array.from({ length: 256 }, (_, code) => muLawValue(code))
const A_LAW_DECODE = Int16Array.from({ length: 256 }, (_, code) => aLawValue(code))

/** Mu-law byte of one 16-bit sample (ITU-T G.711 table 2). */
export const muLawOf = (sample: number): number => MU_LAW_ENCODE[(sample >> 2) & 0x3fff]!

/** A-law byte of one 16-bit sample (ITU-T G.711 table 1). */
export const aLawOf = (sample: number): number => A_LAW_ENCODE[(sample >> 4) & 0xfff]!

/** 16-bit sample of one mu-law byte. */
export const sampleOfMuLaw = (code: number): number => MU_LAW_DECODE[code & 0xff]!

/** 16-bit sample of one A-law byte. */
export const sampleOfALaw = (code: number): number => A_LAW_DECODE[code & 0xff]!

/** The two loops are apart, so that each sees one table of one shape and the JIT keeps its bounds checks cheap. */
const encodeMuLaw: Encoder = {
  encode(pcm, out, offset) {
    const table = MU_LAW_ENCODE
    for (let at = 0; at < pcm.length; at++) out[offset + at] = table[(pcm[at]! >> 2) & 0x3fff]!
    return pcm.length
  },
}

const encodeALaw: Encoder = {
  encode(pcm, out, offset) {
    const table = A_LAW_ENCODE
    for (let at = 0; at < pcm.length; at++) out[offset + at] = table[(pcm[at]! >> 4) & 0xfff]!
    return pcm.length
  },
}

const decoderOf = (table: Int16Array): Decoder => ({
  decode(payload, offset, length, out) {
    for (let at = 0; at < length; at++) out[at] = table[payload[offset + at]!]!
    return length
  },
})

const decodeMuLaw = decoderOf(MU_LAW_DECODE)
const decodeALaw = decoderOf(A_LAW_DECODE)

const g711 = (name: string, payloadType: number, encoder: Encoder, decoder: Decoder): Codec => ({
  name,
  payloadType,
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  payloadBytes: samples => samples,
  // Stateless: one encoder and one decoder serve everybody.
  createEncoder: () => encoder,
  createDecoder: () => decoder,
})

/** G.711 mu-law (RFC 3551 §4.5.14), bit-exact to the ITU-T software tool library. */
export const pcmu: Codec = g711('PCMU', 0, encodeMuLaw, decodeMuLaw)

/** G.711 A-law (RFC 3551 §4.5.14), bit-exact to the ITU-T software tool library. */
export const pcma: Codec = g711('PCMA', 8, encodeALaw, decodeALaw)
