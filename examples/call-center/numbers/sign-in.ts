import type { Call } from 'cordboard'
import type { AgentStatus } from 'cordboard/contact'
import { timingSafeEqual } from 'node:crypto'
import { userOf } from '../admission.js'
import type { Floor } from '../floor.js'
import type { Prompts } from '../prompts.js'
import type { Settings } from '../settings.js'
import type { Handler } from './handler.js'

/** Milliseconds in which an agent must have said all. */
const LIMIT = 60_000

/** Wrong PINs in one call, and in a row over all calls of an agent. The latter bounds guessing; a new start, or a sign-in, forgets them. */
const TRIES = { call: 3, agent: 10 } as const

/** What the PIN is written with: up to `#`. Undefined when the time is over. */
const pinOf = async (digits: AsyncIterator<{ readonly digit: string }>): Promise<string | undefined> => {
  let text = ''
  for (let next = await digits.next(); next.done !== true; next = await digits.next()) {
    if (next.value.digit === '#') return text
    if (text.length < 16) text += next.value.digit
  }
  return undefined
}

const equal = (one: string, other: string): boolean => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

/** What a key says: 1 available, 0 signed out, another the break that the settings give it. */
const statusOf = (key: string, breaks: Settings['agents']['breaks']): AgentStatus | undefined => {
  if (key === '1') return { type: 'available' }
  if (key === '0') return { type: 'logged-out' }
  return Object.hasOwn(breaks, key) ? { type: 'on-break', reason: breaks[key]! } : undefined
}

/** 604: an agent, from its own telephone, gives its PIN and `#`, then one key for its status. The key is said again when it holds. */
export const signIn = (floor: Floor, prompts: Prompts, settings: () => Settings['agents']): Handler => {
  const failures = new Map<string, number>()

  const proven = async (call: Call, user: string, pin: string, digits: AsyncIterator<{ readonly digit: string }>): Promise<boolean> => {
    for (let attempt = 0; attempt < TRIES.call; attempt++) {
      const given = await pinOf(digits)
      const wrong = failures.get(user) ?? 0
      if (given === undefined || wrong >= TRIES.agent) return false
      if (equal(given, pin)) return failures.delete(user) || true
      failures.set(user, wrong + 1)
      await call.play(prompts.file('sorry'))
    }
    return false
  }

  return async call => {
    const user = userOf(call.from)
    const pin = settings().people[user]?.pin
    if (pin === undefined) return call.reject(403)
    await call.answer()
    const signal = AbortSignal.timeout(LIMIT)
    const digits = call.digits({ signal })[Symbol.asyncIterator]()
    try {
      await call.play(prompts.file('beep'))
      if (!await proven(call, user, pin, digits)) return
      await call.play(prompts.file('beep'))
      for (let next = await digits.next(); next.done !== true; next = await digits.next()) {
        const status = statusOf(next.value.digit, settings().breaks)
        if (status === undefined) await call.play(prompts.file('sorry'))
        else {
          floor.setStatus(user, status)
          await call.play([prompts.digit(next.value.digit), prompts.file('goodbye')])
          return
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}
