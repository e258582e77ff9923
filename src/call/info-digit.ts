import type { Digit } from '../media/leg.js'
import { header } from '../sip/message/headers.js'
import type { SipRequest } from '../sip/message/message.js'
import { ALL_DIGITS, type Keypress } from './digit-queue.js'

/** Milliseconds of a press whose body does not say. */
const DEFAULT_DURATION = 100

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
