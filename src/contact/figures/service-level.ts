/**
 * Which calls a service level is a share of. The numerator is always the calls answered within the target.
 * - `answered`: all answered. Abandoned calls don't count at all.
 * - `answered-and-abandoned`: all answered or abandoned, however early.
 * - `answered-and-late-abandoned`: all answered, and those abandoned after the target: who gives up in time was not failed.
 * - `offered`: all that entered and have left, whatever became of them.
 */
export type ServiceLevelFormula = 'answered' | 'answered-and-abandoned' | 'answered-and-late-abandoned' | 'offered'

/** What a service level is measured by. */
export interface ServiceLevelOptions {
  /** Milliseconds within which a call should be answered. @default 20000 */
  readonly within?: number
  /** What it is a share of. @default 'answered-and-abandoned' */
  readonly formula?: ServiceLevelFormula
}

/** Counts that every formula can be computed from. */
export interface ServiceLevelCounts {
  readonly inTime: number
  readonly answered: number
  readonly abandoned: number
  readonly abandonedLate: number
  readonly offered: number
}

/** Calls that a formula counts in its denominator. */
export const countedBy = (formula: ServiceLevelFormula, counts: ServiceLevelCounts): number => {
  switch (formula) {
    case 'answered': return counts.answered
    case 'answered-and-abandoned': return counts.answered + counts.abandoned
    case 'answered-and-late-abandoned': return counts.answered + counts.abandonedLate
    case 'offered': return counts.offered
  }
}

/** The share from 0 to 1, or undefined while there is nothing to count. */
export const serviceLevel = (formula: ServiceLevelFormula, counts: ServiceLevelCounts): number | undefined => {
  const counted = countedBy(formula, counts)
  return counted === 0 ? undefined : counts.inTime / counted
}
