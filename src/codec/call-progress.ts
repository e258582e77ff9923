import type { Tone } from './tones.js'

/** What a network tells a caller by sound (ITU-T E.180). */
export type ProgressSignal = 'dial' | 'ringing' | 'busy' | 'congestion'

/** Countries whose tones are known, by ISO 3166 code. */
export type ToneCountry = 'us' | 'gb' | 'de' | 'fr' | 'es' | 'it' | 'nl' | 'se' | 'ch' | 'at' | 'au' | 'jp' | 'in' | 'br' | 'cn' | 'za'

type Plan = Readonly<Record<ProgressSignal, Tone>>

const tone = (frequencies: readonly number[], ...cadence: readonly number[]): Tone =>
  cadence.length === 0 ? { frequencies, dbm0: LEVEL } : { frequencies, dbm0: LEVEL, cadence }

/** Each frequency's level in dBm0: within E.180's recommended -10 ± 5 dBm0 with two of them. */
const LEVEL = -14

/** The European plan of 425 Hz, from which most countries differ in rhythm only. */
const european = (ringing: readonly number[], busy: readonly number[], congestion: readonly number[]): Plan => ({
  dial: tone([425]),
  ringing: tone([425], ...ringing),
  busy: tone([425], ...busy),
  congestion: tone([425], ...congestion),
})

/** Tones by country (ITU-T E.180 Supplement 2). */
export const PROGRESS_TONES: Readonly<Record<ToneCountry, Plan>> = {
  us: { dial: tone([350, 440]), ringing: tone([440, 480], 2000, 4000), busy: tone([480, 620], 500, 500), congestion: tone([480, 620], 250, 250) },
  gb: { dial: tone([350, 440]), ringing: tone([400, 450], 400, 200, 400, 2000), busy: tone([400], 375, 375), congestion: tone([400], 400, 350, 225, 525) },
  de: european([1000, 4000], [480, 480], [240, 240]),
  fr: { dial: tone([440]), ringing: tone([440], 1500, 3500), busy: tone([440], 500, 500), congestion: tone([440], 250, 250) },
  es: european([1500, 3000], [200, 200], [200, 200, 200, 600]),
  it: european([1000, 4000], [500, 500], [200, 200]),
  nl: european([1000, 4000], [500, 500], [250, 250]),
  se: european([1000, 5000], [250, 250], [250, 750]),
  ch: european([1000, 4000], [500, 500], [200, 200]),
  at: { dial: tone([420]), ringing: tone([420], 1000, 5000), busy: tone([420], 400, 400), congestion: tone([420], 200, 200) },
  au: { dial: tone([413, 438]), ringing: tone([413, 438], 400, 200, 400, 2000), busy: tone([425], 375, 375), congestion: tone([425], 375, 375) },
  jp: { dial: tone([400]), ringing: tone([384, 416], 1000, 2000), busy: tone([400], 500, 500), congestion: tone([400], 500, 500) },
  in: { dial: tone([375, 425]), ringing: tone([375, 425], 400, 200, 400, 2000), busy: tone([400], 750, 750), congestion: tone([400], 250, 250) },
  br: european([1000, 4000], [250, 250], [250, 250, 750, 250]),
  cn: { dial: tone([450]), ringing: tone([450], 1000, 4000), busy: tone([450], 350, 350), congestion: tone([450], 700, 700) },
  za: { dial: tone([383, 417]), ringing: tone([383, 417], 400, 200, 400, 2000), busy: tone([400], 500, 500), congestion: tone([400], 250, 250) },
}

/** Calling tone of a fax machine (ITU-T T.30 §4.1.3): CNG. */
export const FAX_CALLING: Tone = { frequencies: [1100], dbm0: -12, cadence: [500, 3000] }
/** Answer tone of a fax machine or modem (ITU-T T.30 §4.1.2, V.25): CED. */
export const FAX_ANSWER: Tone = { frequencies: [2100], dbm0: -12, cadence: [3000, 75_000] }
