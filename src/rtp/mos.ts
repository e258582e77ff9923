/** What the ear gets of a codec (ITU-T G.113 Appendix I): impairment, and how well its concealment bears loss. */
interface CodecImpairment {
  /** Equipment impairment factor Ie. */
  readonly impairment: number
  /** Packet-loss robustness factor Bpl. */
  readonly robustness: number
}

/** G.711 with the concealment of its Appendix I; the other narrow-band codecs by G.113 table I.4, G.726 by rate. */
const IMPAIRMENTS: Readonly<Record<string, CodecImpairment>> = {
  PCMU: { impairment: 0, robustness: 25.1 },
  PCMA: { impairment: 0, robustness: 25.1 },
  L16: { impairment: 0, robustness: 25.1 },
  'G726-40': { impairment: 2, robustness: 25.1 },
  'G726-32': { impairment: 7, robustness: 25.1 },
  'G726-24': { impairment: 25, robustness: 25.1 },
  'G726-16': { impairment: 50, robustness: 25.1 },
}

/** Wide-band codecs heard on a narrow-band scale: no worse than G.711 (G.107 does not rank them higher). */
const DEFAULT_IMPAIRMENT: CodecImpairment = { impairment: 0, robustness: 16.1 }

/** Transmission rating with all of G.107's parameters at their defaults, less the impairments counted here. */
const DEFAULT_RATING = 93.2

/** What the E-model is told of a call. */
export interface QualityInput {
  /** Encoding name, upper case. */
  readonly codec: string
  /** Share of packets lost or too late, 0 to 1. */
  readonly loss: number
  /** Delay from mouth to ear one way, in ms, jitter buffer included. */
  readonly delay: number
  /** How much burstier the losses are than random ones (G.107 BurstR). @default 1 */
  readonly burstRatio?: number
}

/** Impairment by absolute delay Idd (G.107 §7.4) with echo perfectly cancelled. */
const delayImpairment = (delay: number): number => {
  if (delay <= 100) return 0
  const x = Math.log2(delay / 100)
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
}

/** Transmission rating R of the E-model (ITU-T G.107), 0 to 93.2. */
export const rating = ({ codec, loss, delay, burstRatio = 1 }: QualityInput): number => {
  const { impairment, robustness } = IMPAIRMENTS[codec] ?? DEFAULT_IMPAIRMENT
  const percent = 100 * Math.min(1, Math.max(0, loss))
  const effective = impairment + ((95 - impairment) * percent) / (percent / burstRatio + robustness)
  return Math.max(0, DEFAULT_RATING - delayImpairment(delay) - effective)
}

/** Mean opinion score of a rating (G.107 Annex B), 1 to 4.5. */
export const mosOfRating = (r: number): number =>
  r <= 0 ? 1 : r >= 100 ? 4.5 : Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)

/**
 * Estimated mean opinion score of a call (ITU-T G.107).
 *
 * @example
 * meanOpinionScore({ codec: 'PCMU', loss: 0, delay: 60 }) // 4.4
 */
export const meanOpinionScore = (input: QualityInput): number => mosOfRating(rating(input))
