import type { OpeningHours, OpenSpan } from 'cordboard/contact'
import { z } from 'zod'

const SPAN = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/
const MEANT = 'must be times such as 9:00-17:00, or 9:00-12:00, 13:00-17:00, or closed'

/** Minutes after midnight. */
const parseSpan = (text: string): OpenSpan | undefined => {
  const [from, fromMinute, to, toMinute] = (SPAN.exec(text.trim()) ?? []).slice(1).map(Number)
  if (from === undefined || fromMinute! > 59 || toMinute! > 59) return undefined
  const span = { from: from * 60 + fromMinute!, to: to! * 60 + toMinute! }
  return span.from < span.to && span.to <= 24 * 60 ? span : undefined
}

/** `9:00-12:00, 13:00-17:00` as spans; `closed` as none. */
const spans = z.string(MEANT).transform((text, context): OpenSpan[] => {
  if (text.trim() === 'closed') return []
  const parsed = text.split(',').map(parseSpan)
  if (parsed.includes(undefined)) context.addIssue({ code: 'custom', message: MEANT })
  return parsed.filter(span => span !== undefined)
})

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** When a queue is open: days that are missing are closed. */
export const openingTimes = z
  .strictObject({
    timeZone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin').optional(),
    sun: spans.optional(), mon: spans.optional(), tue: spans.optional(), wed: spans.optional(), thu: spans.optional(), fri: spans.optional(), sat: spans.optional(),
    /** Days with times of their own. */
    holidays: z.record(z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day such as 2026-12-25'), spans).prefault({}),
  })
  .transform(({ timeZone, holidays, sun = [], mon = [], tue = [], wed = [], thu = [], fri = [], sat = [] }): OpeningHours => ({
    ...(timeZone === undefined ? {} : { timeZone }),
    week: { 0: sun, 1: mon, 2: tue, 3: wed, 4: thu, 5: fri, 6: sat },
    holidays,
  }))
