import { isIP } from 'node:net'
import { inspect } from 'node:util'
import { PROGRESS_TONES } from '../codec/call-progress.js'
import { CordboardError } from '../core/errors.js'
import type { Direction, NegotiatedMedia } from '../sdp/negotiated.js'
import type { Detection, Digit, DigitsOptions, LegKind, LegOptions, PlayOptions } from './leg.js'

/**
 * What is asked of a leg is checked here, before it is posted: a worker that came upon it later would take all of its calls along, and
 * its successor is asked the same again. Each throws `SERVER_BAD_OPTION`, and names the argument and its value.
 */

const DIGITS: ReadonlySet<unknown> = new Set<Digit>(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'])
const KINDS: ReadonlySet<unknown> = new Set<LegKind>(['rtp', 'srtp', 'webrtc'])
const DIRECTIONS: ReadonlySet<unknown> = new Set<Direction>(['sendrecv', 'sendonly', 'recvonly', 'inactive'])
const DETECTIONS: ReadonlySet<string> = new Set<keyof Detection>(['digits', 'line', 'answerer', 'beep'])
/** Of a press (ms): ITU-T Q.24 hears none that is shorter; RFC 4733 counts in 16 bits. */
const DIGIT_MS = [40, 8_000] as const
const GAP_MS = [0, 8_000] as const
/** A minute of frames. */
const MOST_FRAMES = 3_000
/** What fits into a packet. */
const PTIME_MS = [10, 60] as const

const refuse = (name: string, wanted: string, value: unknown): never => {
  const shown = inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 16, maxStringLength: 64 })
  throw new CordboardError('SERVER_BAD_OPTION', `${name}: not ${wanted}: ${shown}`)
}

const checkObject = (name: string, value: unknown): void => {
  if (typeof value !== 'object' || value === null) refuse(name, 'an object', value)
}

const checkInteger = (name: string, value: unknown, least: number, most: number): void => {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) refuse(name, `an integer from ${least} to ${most}`, value)
}

const checkWithin = (name: string, value: unknown, [least, most]: readonly [number, number]): void => {
  if (typeof value !== 'number' || !(value >= least && value <= most)) refuse(name, `ms from ${least} to ${most}`, value)
}

const checkFlag = (name: string, value: unknown): void => {
  if (value !== undefined && typeof value !== 'boolean') refuse(name, 'true or false', value)
}

const checkDigits = (name: string, digits: unknown): void => {
  if (!Array.isArray(digits) || !digits.every(digit => DIGITS.has(digit))) refuse(name, 'an array of the keys 0-9, *, # and A-D', digits)
}

/** Arguments of `sendDigits`. */
export const checkPresses = (digits: readonly Digit[], options: DigitsOptions): void => {
  checkDigits('digits', digits)
  checkObject('options of sendDigits', options)
  if (options.duration !== undefined) checkWithin('duration', options.duration, DIGIT_MS)
  if (options.gap !== undefined) checkWithin('gap', options.gap, GAP_MS)
}

/** Arguments of `play` that the worker is given as they are. */
export const checkPlay = (options: PlayOptions): void => {
  checkObject('options of play', options)
  if (options.interruptBy !== undefined) checkDigits('interruptBy', options.interruptBy)
  checkFlag('loop', options.loop)
  checkFlag('interruptByVoice', options.interruptByVoice)
}

/** Arguments of `listen`. */
export const checkListen = (options: { readonly rate: number; readonly buffer: number }): void => {
  checkObject('options of listen', options)
  if (options.rate !== 8_000 && options.rate !== 16_000) refuse('rate', '8000 or 16000', options.rate)
  checkInteger('buffer', options.buffer, 1, MOST_FRAMES)
}

export const checkDetection = (detection: Detection): void => {
  checkObject('detection', detection)
  for (const key of Object.keys(detection)) if (!DETECTIONS.has(key)) refuse('detection', `one of ${[...DETECTIONS].join(', ')}`, key)
  for (const key of ['digits', 'answerer', 'beep'] as const) checkFlag(key, detection[key])
  const { line } = detection
  if (line !== undefined && !(typeof line === 'string' && Object.hasOwn(PROGRESS_TONES, line))) refuse('line', `one of ${Object.keys(PROGRESS_TONES).join(', ')}`, line)
}

const checkRemote = (name: string, remote: NegotiatedMedia['remote']): void => {
  if (remote === undefined) return
  checkObject(name, remote)
  if (typeof remote.address !== 'string' || isIP(remote.address) === 0) refuse(`${name}.address`, 'an IP address', remote.address)
  checkInteger(`${name}.port`, remote.port, 1, 65_535)
}

const checkPayloadTypes = (name: string, types: { readonly receive: number; readonly send: number }): void => {
  checkObject(name, types)
  checkInteger(`${name}.receive`, types.receive, 0, 127)
  checkInteger(`${name}.send`, types.send, 0, 127)
}

/** What `apply` is given. Whether its codecs are installed and its keys have the right length the worker knows. */
export const checkMedia = (media: NegotiatedMedia): void => {
  checkObject('media', media)
  checkRemote('remote', media.remote)
  checkRemote('remoteRtcp', media.remoteRtcp)
  if (typeof media.rtcpMux !== 'boolean') refuse('rtcpMux', 'true or false', media.rtcpMux)
  checkPayloadTypes('codec', media.codec)
  if (!Array.isArray(media.receivable)) refuse('receivable', 'an array', media.receivable)
  for (const codec of media.receivable) checkPayloadTypes('receivable', codec)
  if (media.dtmf !== undefined) checkPayloadTypes('dtmf', media.dtmf)
  checkInteger('ptime', media.ptime, ...PTIME_MS)
  if (!DIRECTIONS.has(media.direction)) refuse('direction', `one of ${[...DIRECTIONS].join(', ')}`, media.direction)
}

/** Options of `open`. */
export const checkOpening = (options: LegOptions): void => {
  checkObject('options of open', options)
  const { kind, near, address } = options
  if (!KINDS.has(kind)) refuse('kind', `one of ${[...KINDS].join(', ')}`, kind)
  if (near !== undefined && (typeof near !== 'object' || near === null || !Number.isInteger(near.worker))) refuse('near', 'a leg', near)
  if (address !== undefined && (typeof address !== 'string' || isIP(address) === 0)) refuse('address', 'an IP address', address)
}
