import type { Random } from '../../core/random.js'

/** Draws one value. */
export type Distribution = (random: Random) => number

/** Always the same. */
export const constant = (value: number): Distribution => () => value

/** Memoryless: talk times and patience in Erlang's formulas. */
export const exponential = (mean: number): Distribution => random => -mean * Math.log(1 - random.float())

/** What talk times are in practice (Brown and others, 2005). */
export const logNormal = (mean: number, deviation: number): Distribution => {
  const variance = Math.log(1 + (deviation / mean) ** 2)
  const mu = Math.log(mean) - variance / 2
  return random => Math.exp(mu + Math.sqrt(variance) * normal(random))
}

/** One of the samples, each as likely. */
export const empirical = (samples: readonly number[]): Distribution => random => samples[Math.floor(random.float() * samples.length)]!

/** Box and Muller (1958). */
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float())

/** Calls per hour in each interval of a day; the last one holds on. */
export interface ArrivalProfile {
  /** Milliseconds. */
  readonly interval: number
  readonly callsPerHour: readonly number[]
}

/** Times of arrivals in ms from 0: a Poisson process whose rate follows the profile, until its end. */
export function* poissonArrivals(profile: ArrivalProfile, random: Random): Generator<number> {
  const { interval, callsPerHour } = profile
  for (let index = 0; index < callsPerHour.length; index++) {
    const mean = 3_600_000 / callsPerHour[index]!
    // No memory: each interval may begin anew.
    for (let at = -mean * Math.log(1 - random.float()); at < interval; at -= mean * Math.log(1 - random.float())) yield index * interval + at
  }
}
