import { Fault, faultOf } from './fault.js'
import { rawField, unknownField } from './field.js'
import { canonicalKindAt, headerKindOf } from './header-names.js'
import { LIMITS } from './limits.js'
import type { HeaderField, SipMessage, SipRequest } from './message.js'
import { decodeText } from './octets.js'
import { salvage } from './salvage.js'

/** Why a datagram was dropped without an answer. */
export type DropReason =
  /** No start line of SIP. */
  | 'not-sip'
  /** A malformed response, which nobody may answer. */
  | 'bad-response'
  /** A malformed ACK, which nobody may answer. */
  | 'bad-ack'
  /** A malformed request without the Via that an answer needs. */
  | 'unanswerable'

export type ParseOutcome =
  | { readonly type: 'message'; readonly message: SipMessage }
  /** A malformed request: answer `request`, of which only what could be read is there, with `status` and `reason`. */
  | { readonly type: 'bad'; readonly status: number; readonly reason: string; readonly request: SipRequest }
  /** RFC 5626 §4.4.1: `pong` when the peer wants one (a double CRLF). */
  | { readonly type: 'keep-alive'; readonly pong: boolean }
  | { readonly type: 'drop'; readonly reason: DropReason }

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
const END_OF_HEAD = Buffer.from('\r\n\r\n')
const EMPTY = new Uint8Array(0)

/**
 * Reads one message from a datagram, or from a frame of a stream (RFC 3261 §7, §18.3). Never throws, whatever the bytes.
 *
 * @example
 * const outcome = parseMessage(datagram)
 * if (outcome.type === 'message') console.log(callId(outcome.message))
 */
export const parseMessage = (bytes: Uint8Array): ParseOutcome => {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let start = 0
  // RFC 3261 §7.5: line breaks before the start line are ignored; alone they are a keep-alive. Some telephones send NULs.
  while (start < buffer.length && (buffer[start] === CR || buffer[start] === LF || buffer[start] === 0)) start++
  if (start === buffer.length) return { type: 'keep-alive', pong: buffer.length >= 4 && buffer[0] === CR }
  const result = readMessage(buffer, start)
  return result instanceof Fault ? reject(buffer, start, result) : { type: 'message', message: result }
}

const reject = (buffer: Buffer, start: number, found: Fault): ParseOutcome => {
  const saved = salvage(buffer.subarray(start))
  return typeof saved === 'string' ? { type: 'drop', reason: saved } : { type: 'bad', status: found.status, reason: found.reason, request: saved }
}

const readMessage = (buffer: Buffer, start: number): SipMessage | Fault => {
  if (buffer.length > LIMITS.message) return new Fault(513, 'Message Too Large')
  const headEnd = buffer.indexOf(END_OF_HEAD, start)
  if (headEnd < 0) return new Fault(400, 'Missing End Of Headers')
  const head = decodeText(buffer, start, headEnd + 2)
  const lineEnd = head.indexOf('\r\n')
  if (lineEnd > LIMITS.line) return new Fault(414, 'Request-URI Too Long')
  const fields = readFields(head, lineEnd + 2)
  if (fields instanceof Fault) return fields
  const body = readBody(buffer, headEnd + 4, fields.contentLength)
  if (body instanceof Fault) return body
  const message = readStartLine(head, lineEnd, fields.headers, body)
  if (message instanceof Fault) return message
  return faultOf(message, fields.seen) ?? message
}

interface Fields {
  readonly headers: readonly HeaderField[]
  /** Bits of `HeaderKind`. */
  readonly seen: number
  readonly contentLength: string | undefined
}

const readFields = (head: string, from: number): Fields | Fault => {
  const headers: HeaderField[] = []
  let seen = 0
  let contentLength: string | undefined
  let at = from
  while (at < head.length) {
    if (headers.length === LIMITS.headers) return new Fault(513, 'Too Many Header Fields')
    const end = lineEndOf(head, at)
    if (end < 0) return new Fault(400, 'Stray Line Break')
    if (end - at > LIMITS.line) return new Fault(513, 'Header Field Too Long')
    const colon = head.indexOf(':', at)
    if (colon < 0 || colon >= end) return new Fault(400, 'Header Field Without Colon')
    const canonical = canonicalKindAt(head, at, colon)
    const name = canonical === undefined ? trimmed(head, at, colon) : canonical.name
    const kind = canonical ?? headerKindOf(name)
    const value = valueOf(head, colon + 1, end)
    if (kind === undefined) {
      if (!FIELD_NAME.test(name)) return new Fault(400, 'Malformed Header Name')
      headers.push(unknownField(name, value, head.slice(at, end)))
    } else {
      if (kind.single && (seen & kind.bit) !== 0) return new Fault(400, `Multiple ${kind.name}`)
      seen |= kind.bit
      if (kind.name === 'Content-Length') contentLength = value
      headers.push(rawField(kind.name, name, value))
    }
    at = end + 2
  }
  return { headers, seen, contentLength }
}

const FIELD_NAME = /^[\w\-.!%*+`'~]+$/

/** End of the header field that begins at `at`, before its CRLF, folds included; -1 where a CR or LF stands alone. */
const lineEndOf = (head: string, at: number): number => {
  let from = at
  for (;;) {
    const end = head.indexOf('\r', from)
    if (end < 0 || head.indexOf('\n', from) !== end + 1) return -1
    const next = head.charCodeAt(end + 2)
    if (next !== SPACE && next !== TAB) return end
    from = end + 2
  }
}

const isSpace = (code: number): boolean => code === SPACE || code === TAB

const trimmed = (text: string, from: number, to: number): string => {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const valueOf = (head: string, from: number, to: number): string => {
  const value = trimmed(head, from, to)
  return value.includes('\r') ? value.split('\r\n').map(line => line.trim()).join(' ').trim() : value
}

const readBody = (buffer: Buffer, from: number, contentLength: string | undefined): Uint8Array | Fault => {
  const present = buffer.length - from
  if (contentLength === undefined) return present === 0 ? EMPTY : buffer.subarray(from)
  if (!/^\d+$/.test(contentLength)) return new Fault(400, 'Malformed Content-Length')
  const length = Number(contentLength)
  if (length > present) return new Fault(400, 'Content-Length Exceeds Message')
  // RFC 3261 §18.3: octets behind the body of a datagram are discarded.
  return length === 0 ? EMPTY : buffer.subarray(from, from + length)
}

const readStartLine = (head: string, end: number, headers: readonly HeaderField[], body: Uint8Array): SipMessage | Fault => {
  if (isVersion(head, 0)) return readStatusLine(head, end, headers, body)
  const methodEnd = head.indexOf(' ')
  const uriEnd = head.indexOf(' ', methodEnd + 1)
  const method = head.slice(0, methodEnd)
  if (methodEnd < 1 || uriEnd < 0 || uriEnd >= end || !FIELD_NAME.test(method)) return new Fault(400, 'Malformed Request-Line')
  if (end - uriEnd !== 8 || !isVersion(head, uriEnd + 1)) {
    return /^SIP\/\d+\.\d+$/i.test(head.slice(uriEnd + 1, end)) ? new Fault(505, 'Version Not Supported') : new Fault(400, 'Malformed Request-Line')
  }
  return { type: 'request', method, uri: head.slice(methodEnd + 1, uriEnd), headers, body }
}

const isVersion = (head: string, at: number): boolean => head.startsWith('SIP/2.0', at) || head.slice(at, at + 7).toUpperCase() === 'SIP/2.0'

const readStatusLine = (head: string, end: number, headers: readonly HeaderField[], body: Uint8Array): SipMessage | Fault => {
  const line = /^.{7} ([1-6]\d\d)(?: (.*))?$/.exec(head.slice(0, end))
  if (line === null) return new Fault(400, 'Malformed Status-Line')
  return { type: 'response', status: Number(line[1]), reason: line[2] ?? '', headers, body }
}
