import type { Clock } from '../core/clock.js'
import { CordboardError } from '../core/errors.js'
import { deferred } from '../core/scope.js'
import type { Digit } from '../media/leg.js'
import { header } from '../sip/message/headers.js'
import type { SipRequest } from '../sip/message/message.js'
import type { Session } from '../sip/ua/user-agent.js'
import { ALL_DIGITS, type Keypress } from './digit-queue.js'

/** Milliseconds of a press whose body does not say. */
const DEFAULT_DURATION = 100

/** Bodies of INFO that are understood: Accept of a 415. */
export const INFO_BODIES = 'application/dtmf-relay, application/dtmf'

/** The key in an INFO with `application/dtmf-relay` (Signal, Duration) or `application/dtmf` (RFC 6086 leaves both to usage). */
export const infoDigit = (request: SipRequest): Keypress | undefined => {
  if (request.method !== 'INFO') return undefined
  const type = header(request, 'Content-Type')?.split(';', 1)[0]?.trim().toLowerCase()
  const text = Buffer.from(request.body).toString('latin1')
  if (type === 'application/dtmf') return keypress(text.trim(), DEFAULT_DURATION)
  if (type !== 'application/dtmf-relay') return undefined
  const signal = /^\s*Signal\s*=\s*(\S+)/im.exec(text)?.[1]
  const duration = /^\s*Duration\s*=\s*(\d{1,5})/im.exec(text)?.[1]
  return signal === undefined ? undefined : keypress(signal, duration === undefined ? DEFAULT_DURATION : Number(duration))
}

const keypress = (text: string, duration: number): Keypress | undefined => {
  const digit = namedDigit(text.toUpperCase())
  return digit === undefined ? undefined : { digit, duration }
}

// RFC 4733 event numbers are what some phones put in Signal for * and #.
const namedDigit = (text: string): Digit | undefined =>
  text === '10' ? '*' : text === '11' ? '#' : ALL_DIGITS.find(known => known === text)

/** Milliseconds of a press, and between two, as we send them. */
const DURATION = DEFAULT_DURATION
const GAP = 80

/**
 * Sends keys one after the other as INFO with `application/dtmf-relay`, each no sooner than the one before would be over.
 *
 * @throws CordboardError `CALL_STATE` with the status of a peer that refuses.
 */
export const sendByInfo = async (session: Session, digits: readonly Digit[], clock: Clock, signal?: AbortSignal): Promise<void> => {
  for (const digit of digits) {
    if (signal?.aborted === true) return
    const over = deferred<undefined>()
    clock.after(DURATION + GAP, () => over.resolve(undefined))
    const { status } = await session.request('INFO', { body: { type: 'application/dtmf-relay', content: `Signal=${digit}\r\nDuration=${DURATION}\r\n` } })
    if (status >= 300) throw new CordboardError('CALL_STATE', `the peer refuses keys in INFO with ${status}`, { status })
    await over.promise
  }
}
