import { appendHeader } from '../message/build.js'
import { headerValues } from '../message/headers.js'
import type { SipResponse } from '../message/message.js'

/** Statuses that tell the caller how to try again are preferred within 4xx (RFC 3261 §16.7, step 6). */
const HELPFUL: ReadonlySet<number> = new Set([401, 407, 415, 420, 484])

const CHALLENGES = ['WWW-Authenticate', 'Proxy-Authenticate'] as const

/** What branches say that we ended ourselves, or that never spoke: any other says more. */
const MUTE: ReadonlySet<number> = new Set([408, 487])

/** 6xx before all, then the lowest class, in 4xx the helpful ones first and the mute ones last. */
const rank = (status: number): number => (status >= 600 ? 0 : Math.floor(status / 100) * 3 + (HELPFUL.has(status) ? 0 : MUTE.has(status) ? 2 : 1))

/** The response that a forked request gets when no branch has a 2xx; undefined when there is none (RFC 3261 §16.7, steps 6 and 7). */
export const bestResponse = (finals: readonly SipResponse[]): SipResponse | undefined => {
  const [first, ...others] = [...finals].sort((a, b) => rank(a.status) - rank(b.status))
  if (first === undefined) return undefined
  // A 503 concerns the next hop only: upstream it would put this proxy out of service.
  if (first.status === 503) return { ...first, status: 500, reason: 'Server Internal Error' }
  if (first.status !== 401 && first.status !== 407) return first
  // Step 7: all challenges go up together.
  return others.filter(({ status }) => status === 401 || status === 407).reduce((best, other) =>
    CHALLENGES.reduce((joined, name) => headerValues(other, name).reduce((message, value) => appendHeader(message, name, value), joined), best), first)
}
