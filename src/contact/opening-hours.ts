import { CordboardError } from '../core/errors.js'

/** A span of a day in minutes after midnight; it ends before `to`. */
export interface OpenSpan {
  readonly from: number
  readonly to: number
}

/** Days as in `Date`: 0 is Sunday. */
export type Weekday = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** When a queue is open. */
export interface OpeningHours {
  /** IANA name of the time zone in which days and times are meant. @default the machine's */
  readonly timeZone?: string
  /** Days that are missing are closed. */
  readonly week: Readonly<Partial<Record<Weekday, readonly OpenSpan[]>>>
  /** Days (`2026-12-25`) with hours of their own; none is closed. */
  readonly holidays?: Readonly<Record<string, readonly OpenSpan[]>>
}

/** `hours`: closed at this time of the week. */
export type Openness = 'open' | 'hours' | 'holiday'

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** @throws CordboardError `CONTACT_BAD_OPTION` for a time zone that this machine does not know. */
export const checkHours = ({ timeZone }: OpeningHours): void => {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone })
  } catch (cause) {
    throw new CordboardError('CONTACT_BAD_OPTION', `there is no time zone ${timeZone}`, { cause })
  }
}

/** Whether it is open at `wall` (ms since 1970), or why not. */
export const opennessAt = (hours: OpeningHours, wall: number): Openness => {
  const format = new Intl.DateTimeFormat('en-US', {
    ...(hours.timeZone === undefined ? {} : { timeZone: hours.timeZone }),
    weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(wall).map(({ type, value }) => [type, value]))
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
  const within = (spans: readonly OpenSpan[]): boolean => spans.some(({ from, to }) => minute >= from && minute < to)
  const holiday = hours.holidays?.[`${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`]
  if (holiday !== undefined) return within(holiday) ? 'open' : 'holiday'
  const day = WEEKDAYS.indexOf(parts.get('weekday')!) as Weekday
  return within(hours.week[day] ?? []) ? 'open' : 'hours'
}
