/**
 * Peak of a sine of 0 dBm0 in 16-bit samples. G.711's A-law overloads at +3.14 dBm0, and that load is full scale here
 * (mu-law's +3.17 dBm0 lies 0.07 dB from it, below what any meter of telephony resolves).
 */
const PEAK_AT_0_DBM0 = 32768 / 10 ** (3.14 / 20)

/** Peak in 16-bit samples of a sine of `dbm0`. */
export const peakOf = (dbm0: number): number => PEAK_AT_0_DBM0 * 10 ** (dbm0 / 20)

/** Level in dBm0 of a sine whose peak is `peak` 16-bit samples; `-Infinity` for 0. */
export const dbm0OfPeak = (peak: number): number => 20 * Math.log10(peak / PEAK_AT_0_DBM0)

/** Mean level in dBm0 of `length` samples from `offset`; `-Infinity` for digital silence. */
export const dbm0Of = (pcm: Int16Array, offset = 0, length = pcm.length - offset): number => {
  let energy = 0
  for (let at = offset; at < offset + length; at++) energy += pcm[at]! * pcm[at]!
  return dbm0OfPeak(Math.sqrt((2 * energy) / length))
}
