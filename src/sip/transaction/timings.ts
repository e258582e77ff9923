/** Base values of the timers, in milliseconds (RFC 3261 §17.1.1.1). */
export interface Timings {
  /** Estimate of the round trip. @default 500 */
  readonly t1: number
  /** Longest interval between retransmissions. @default 4000 */
  readonly t2: number
  /** Longest life of a message in the network. @default 5000 */
  readonly t4: number
}

/** RFC 3261's own values. */
export const DEFAULT_TIMINGS: Timings = { t1: 500, t2: 4_000, t4: 5_000 }

/** Milliseconds after which an unanswered INVITE is answered with 100 (RFC 3261 §17.2.1). */
export const TRYING_AFTER_MS = 200

/** Timers of RFC 3261 §17 and RFC 6026 by letter; `100`: a 100 is owed; `cancel`: the wait of RFC 3261 §9.1. */
export type TimerName = 'a' | 'b' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm' | '100' | 'cancel'

/** Input of a machine when the timer fires. */
export type TimerInput = `timer-${TimerName}`

const TIMERS: readonly TimerName[] = ['a', 'b', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', '100', 'cancel']

/** Input by timer: constants, so that a step builds no string. */
export const TIMER_INPUTS = Object.fromEntries(TIMERS.map(timer => [timer, `timer-${timer}`])) as Readonly<Record<TimerName, TimerInput>>

/** The timer that an action starts. */
export const STARTS: Readonly<Record<string, TimerName | undefined>> = Object.fromEntries(TIMERS.map(timer => [`start-${timer}`, timer]))

/** The timer that an action stops. */
export const STOPS: Readonly<Record<string, TimerName | undefined>> = Object.fromEntries(TIMERS.map(timer => [`stop-${timer}`, timer]))

/** First duration of a timer in milliseconds; 0: it fires at once; undefined: it isn't started. */
export const durationOf = (timer: TimerName, reliable: boolean, invite: boolean, { t1, t2, t4 }: Timings): number | undefined => {
  switch (timer) {
    case 'a':
    case 'e':
    case 'g':
      return reliable ? undefined : t1
    case 'd':
    case 'j':
      return reliable ? 0 : 64 * t1
    case 'i':
    case 'k':
      return reliable ? 0 : t4
    case '100':
      // RFC 4320 §4.1: to a non-INVITE no 100 before the client's timer E has reached T2.
      return invite ? TRYING_AFTER_MS : untilT2(t1, t2)
    case 'b':
    case 'f':
    case 'h':
    case 'l':
    case 'm':
    case 'cancel':
      return 64 * t1
  }
}

/** Sum of timer E's intervals before it stays at T2. */
const untilT2 = (t1: number, t2: number): number => {
  let sum = 0
  for (let interval = t1; interval < t2; interval *= 2) sum += interval
  return sum
}

/** True for the timers that repeat or announce, of which a transaction has one beside the one that ends its wait. */
export const isRetry = (timer: TimerName): boolean => timer === 'a' || timer === 'e' || timer === 'g' || timer === '100'
