import { minSe, sessionExpires, supports } from '../message/headers.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { Clock, Timer } from '../../core/clock.js'
import type { ExtraHeaders } from './user-agent.js'

/** RFC 4028 §4: no interval is shorter. */
export const SMALLEST_INTERVAL_S = 90

/** What both sides agreed: how long a session lives without refresh, and who refreshes. */
export interface SessionInterval {
  /** Seconds. */
  readonly seconds: number
  /** True when we refresh. */
  readonly ours: boolean
  /** Session-Expires of a 2xx that we send. */
  readonly headers: ExtraHeaders
}

/** True when a request asks for a shorter interval than we bear (422, RFC 4028 §9). */
export const isTooBrief = (request: SipRequest): boolean => {
  const asked = sessionExpires(request)
  return asked !== undefined && asked.seconds < SMALLEST_INTERVAL_S && supports(request, 'timer')
}

/** What we answer to a request's Session-Expires (RFC 4028 §9); undefined: no timer. */
export const agreeAsServer = (request: SipRequest): SessionInterval | undefined => {
  const asked = sessionExpires(request)
  if (asked === undefined) return undefined
  const clientCan = supports(request, 'timer')
  const seconds = Math.max(asked.seconds, minSe(request) ?? SMALLEST_INTERVAL_S, SMALLEST_INTERVAL_S)
  const refresher = !clientCan ? 'uas' : (asked.refresher ?? 'uac')
  const headers = { 'Session-Expires': `${seconds};refresher=${refresher}`, ...(refresher === 'uac' ? { Require: 'timer' } : {}) }
  return { seconds, ours: refresher === 'uas', headers }
}

/** What a 2xx to our request agreed to (RFC 4028 §7.2). */
export const agreeAsClient = (response: SipResponse): SessionInterval | undefined => {
  const agreed = sessionExpires(response)
  return agreed === undefined ? undefined : { seconds: agreed.seconds, ours: agreed.refresher !== 'uas', headers: {} }
}

/** Session-Expires of a refresh that we send. */
export const refreshHeaders = ({ seconds, ours }: SessionInterval, asClient: boolean): ExtraHeaders => ({
  Supported: 'timer',
  'Session-Expires': `${seconds};refresher=${ours === asClient ? 'uac' : 'uas'}`,
})

/** Runs one session's interval: refresh at half of it, or the end when the peer's refresh fails to come (RFC 4028 §10). */
export class SessionTimer {
  #timer: Timer | undefined

  constructor(readonly clock: Clock, readonly refresh: () => void, readonly expire: () => void) {}

  /** Starts anew after each refresh; without interval there is no timer any more. */
  start(interval: SessionInterval | undefined): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (interval === undefined) return
    const { seconds, ours } = interval
    // The side that does not refresh ends the session shortly before its time: 32 s, or a third of a short interval.
    const wait = ours ? seconds / 2 : seconds - Math.min(32, seconds / 3)
    this.#timer = this.clock.after(wait * 1_000, ours ? this.refresh : this.expire)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
