/** Calls offered in an interval that began at `at` (ms since 1970). */
export interface HistoryEntry {
  readonly at: number
  readonly offered: number
}

export interface ForecastOptions {
  /** Milliseconds. @default 900000, a quarter of an hour */
  readonly interval?: number
  /** Weight of a week relative to the one after it. @default 0.8 */
  readonly decay?: number
}

const WEEK = 7 * 24 * 3_600_000

/**
 * Expects of each interval of a week what it brought in the weeks before, recent ones counting more.
 * @returns calls expected in the interval of `at`; undefined where the history has no such interval.
 */
export const forecast = (history: readonly HistoryEntry[], options: ForecastOptions = {}): ((at: number) => number | undefined) => {
  const { interval = 900_000, decay = 0.8 } = options
  const slot = (at: number): number => Math.floor((at % WEEK) / interval)
  const newest = Math.max(...history.map(entry => entry.at), 0)
  const sums = new Map<number, { calls: number; weight: number }>()
  for (const { at, offered } of history) {
    const weight = decay ** Math.floor((newest - at) / WEEK)
    const sum = sums.get(slot(at)) ?? { calls: 0, weight: 0 }
    sums.set(slot(at), { calls: sum.calls + offered * weight, weight: sum.weight + weight })
  }
  return at => {
    const sum = sums.get(slot(at))
    return sum === undefined ? undefined : sum.calls / sum.weight
  }
}
