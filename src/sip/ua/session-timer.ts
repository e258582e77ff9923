import { minSe, sessionExpires, supports } from '../message/headers.js'
import type { Refusal } from '../message/refusals.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import type { Clock, Timer } from '../../core/clock.js'
import type { ExtraHeaders } from './user-agent.js'

/** RFC 4028 §4: no interval is shorter. */
const SMALLEST_INTERVAL_S = 90

/** What both sides agreed: how long a session lives without refresh, and who refreshes. */
export interface SessionInterval {
  /** Seconds. */
  readonly seconds: number
  /** True when we refresh. */
  readonly ours: boolean
  /** Session-Expires of a 2xx that we send. */
  readonly headers: ExtraHeaders
}

/** 422 for a request that asks for a shorter interval than we bear (RFC 4028 §9). */
export const refuseInterval = (request: SipRequest): Refusal | undefined => {
  const asked = sessionExpires(request)
  const tooBrief = asked !== undefined && asked.seconds < SMALLEST_INTERVAL_S && supports(request, 'timer')
  return tooBrief ? { status: 422, headers: { 'Min-SE': String(SMALLEST_INTERVAL_S) } } : undefined
}

/**
 * What we answer to a request's Session-Expires (RFC 4028 §9); undefined: no timer. A later request that says nothing goes on with `current`:
 * a 2xx without Session-Expires would end the timer for the peer alone.
 */
export const agreeAsServer = (request: SipRequest, current?: SessionInterval): SessionInterval | undefined => {
  const asked = sessionExpires(request) ?? (current === undefined ? undefined : { seconds: current.seconds, refresher: undefined })
  if (asked === undefined) return undefined
  const clientCan = supports(request, 'timer')
  const seconds = Math.max(asked.seconds, minSe(request) ?? SMALLEST_INTERVAL_S, SMALLEST_INTERVAL_S)
  const refresher = !clientCan ? 'uas' : (asked.refresher ?? (current?.ours === true ? 'uas' : 'uac'))
  const headers = { 'Session-Expires': `${seconds};refresher=${refresher}`, ...(refresher === 'uac' ? { Require: 'timer' } : {}) }
  return { seconds, ours: refresher === 'uas', headers }
}

/** What a 2xx to our request agreed to (RFC 4028 §7.2). */
export const agreeAsClient = (response: SipResponse): SessionInterval | undefined => {
  const agreed = sessionExpires(response)
  return agreed === undefined ? undefined : { seconds: agreed.seconds, ours: agreed.refresher !== 'uas', headers: {} }
}

/** Session-Expires of a refresh that we send, and Min-SE once a 422 has told one (RFC 4028 §7.4). */
export const refreshHeaders = ({ seconds, ours }: SessionInterval, least: number): ExtraHeaders => ({
  'Session-Expires': `${Math.max(seconds, least)};refresher=${ours ? 'uac' : 'uas'}`,
  ...(least === 0 ? {} : { 'Min-SE': String(least) }),
})

/**
 * Runs one session's interval (RFC 4028 §10): the side that refreshes does so at half of it; either ends the session shortly before its time when
 * no refresh has succeeded: 32 s, or a third of a short interval.
 */
export class SessionTimer {
  #timer: Timer | undefined
  #retry: Timer | undefined
  /** When the session ends without refresh. */
  #end = 0

  constructor(readonly clock: Clock, readonly refresh: () => void, readonly expire: () => void) {}

  /** Starts anew after each refresh; without interval there is no timer any more. */
  start(interval: SessionInterval | undefined): void {
    this.stop()
    if (interval === undefined) return
    const { seconds, ours } = interval
    const life = (seconds - Math.min(32, seconds / 3)) * 1_000
    this.#end = this.clock.now() + life
    this.#timer = this.clock.after(ours ? seconds * 500 : life, ours ? () => this.#refresh() : this.expire)
  }

  /** The refresh was refused for now: once more after `ms`, unless that would be too late. */
  again(ms: number): void {
    this.#retry?.cancel()
    this.#retry = this.clock.now() + ms < this.#end ? this.clock.after(ms, this.refresh) : undefined
  }

  stop(): void {
    this.#timer?.cancel()
    this.#retry?.cancel()
    this.#timer = this.#retry = undefined
  }

  #refresh(): void {
    this.#timer = this.clock.after(this.#end - this.clock.now(), this.expire)
    this.refresh()
  }
}
