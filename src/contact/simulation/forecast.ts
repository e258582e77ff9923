/** Calls offered in an interval that began at `at` (ms since 1970). */
export interface HistoryEntry {
  readonly at: number
  readonly offered: number
}

/** How a history is read. */
export interface ForecastOptions {
  /** Length of an interval in ms. @default 900000, a quarter of an hour */
  readonly interval?: number
  /** IANA name of the time zone by whose clock people call: nine o'clock stays nine o'clock when summer time begins. @default 'UTC' */
  readonly timeZone?: string
  /** Weight of a week relative to the one after it. @default 0.8 */
  readonly decay?: number
  /** Whether intervals that the history lacks brought no calls, as in the rows of an `IntervalFold`; otherwise nothing is known of them. @default false */
  readonly gapsAreQuiet?: boolean
}

const WEEK = 7 * 24 * 3_600_000

/** Milliseconds since 1970 as a clock of the time zone shows them. */
const clockOf = (timeZone: string): ((at: number) => number) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  })
  return at => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type)!
    return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  }
}

/**
 * Expects of each interval of a week what it brought in the weeks before, recent ones counting more.
 * @returns calls expected in the interval of `at`; undefined where the history has no such interval.
 */
export const forecast = (history: readonly HistoryEntry[], options: ForecastOptions = {}): ((at: number) => number | undefined) => {
  const { interval = 900_000, decay = 0.8, timeZone = 'UTC', gapsAreQuiet = false } = options
  const clock = clockOf(timeZone)
  const slot = (at: number): number => Math.floor((clock(at) % WEEK) / interval)
  const newest = history.reduce((most, { at }) => Math.max(most, at), 0)
  const sums = new Map<number, { calls: number; weight: number }>()
  for (const { at, offered } of history) {
    const weight = decay ** Math.floor((newest - at) / WEEK)
    const sum = sums.get(slot(at)) ?? { calls: 0, weight: 0 }
    sums.set(slot(at), { calls: sum.calls + offered * weight, weight: sum.weight + weight })
  }
  const oldest = history.reduce((least, { at }) => Math.min(least, at), newest)
  let all = 0
  for (let week = Math.floor((newest - oldest) / WEEK); week >= 0; week--) all += decay ** week
  return at => {
    const sum = sums.get(slot(at))
    if (gapsAreQuiet && history.length > 0) return (sum?.calls ?? 0) / all
    return sum === undefined ? undefined : sum.calls / sum.weight
  }
}
