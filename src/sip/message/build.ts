import { CordboardError } from '../../core/errors.js'
import { field, rawField, viewOf } from './field.js'
import { headerNameOf } from './header-names.js'
import type { HeaderName } from './header-names.js'
import { header, headerField, readers, to } from './headers.js'
import type { HeaderField, MessageBase, Method, SipRequest, SipResponse } from './message.js'
import { makesDialog } from './methods.js'
import { splitList } from './scanner.js'
import { reasonPhrase } from './status.js'
import { formatVia, stampedVia } from './via.js'

/** Header fields by name, in order; an array gives several of one name. */
export type HeaderInit = Readonly<Record<string, string | readonly string[]>>

/** A body and its Content-Type. */
export interface BodyInit {
  readonly type: string
  readonly content: string | Uint8Array
}

export interface RequestInit {
  readonly method: Method | (string & {})
  readonly uri: string
  readonly via?: string | readonly string[]
  /** @default 70 */
  readonly maxForwards?: number
  readonly route?: readonly string[]
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly contact?: string
  readonly headers?: HeaderInit
  readonly body?: BodyInit
}

export interface ResponseInit {
  /** @default the usual phrase of the status */
  readonly reason?: string | undefined
  /** Tag for To where the request has none (RFC 3261 §8.2.6.2); not used for 100. */
  readonly toTag?: string | undefined
  readonly contact?: string | undefined
  readonly headers?: HeaderInit | undefined
  /** Fields that many responses share, each made once and left out where `headers` has one of its name. */
  readonly shared?: readonly HeaderField[] | undefined
  readonly body?: BodyInit | undefined
}

const EMPTY = new Uint8Array(0)

/** Adds the fields of `init` to `headers`. */
const pushFields = (headers: HeaderField[], init: HeaderInit): void => {
  for (const name in init) {
    const value = init[name]!
    if (typeof value === 'string') headers.push(field(name, value))
    else for (const item of value) headers.push(field(name, item))
  }
}

const contentOf = (body: BodyInit): Uint8Array => typeof body.content === 'string' ? Buffer.from(body.content) : body.content

const startLinePart = (text: string): string => {
  if (/[\r\n]/.test(text)) throw new CordboardError('SIP_BAD_MESSAGE', `line break in a start line: ${JSON.stringify(text)}`)
  return text
}

/**
 * Makes a request with the header fields of RFC 3261 §8.1.1.
 * @throws CordboardError `SIP_BAD_MESSAGE` for a line break in any part
 */
export const request = (init: RequestInit): SipRequest => {
  const headers: HeaderField[] = []
  for (const via of typeof init.via === 'string' ? [init.via] : init.via ?? []) headers.push(field('Via', via))
  headers.push(rawField('Max-Forwards', 'Max-Forwards', String(init.maxForwards ?? 70)))
  for (const route of init.route ?? []) headers.push(field('Route', route))
  headers.push(field('From', init.from), field('To', init.to), field('Call-ID', init.callId))
  headers.push(field('CSeq', `${init.cseq} ${init.method}`))
  if (init.contact !== undefined) headers.push(field('Contact', init.contact))
  if (init.headers !== undefined) pushFields(headers, init.headers)
  if (init.body !== undefined) headers.push(field('Content-Type', init.body.type))
  const body = init.body === undefined ? EMPTY : contentOf(init.body)
  return { type: 'request', method: init.method, uri: startLinePart(init.uri), headers, body }
}

/**
 * Makes a response to `request` (RFC 3261 §8.2.6): Via, From, To, Call-ID, CSeq are copied, To gets a tag where it has none, 100 copies
 * Timestamp, and 101-299 that make a dialog copy Record-Route.
 * @throws CordboardError `SIP_BAD_MESSAGE` for a line break in any part
 */
export const response = (request: SipRequest, status: number, init: ResponseInit = {}): SipResponse => {
  const headers: HeaderField[] = []
  const recorded = status > 100 && status < 300 && makesDialog(request.method)
  for (const item of request.headers) {
    switch (item.id) {
      case 'Via': case 'From': case 'Call-ID': case 'CSeq':
        headers.push(item)
        break
      case 'To':
        headers.push(status === 100 || init.toTag === undefined ? item : taggedTo(item, init.toTag))
        break
      case 'Record-Route':
        if (recorded) headers.push(item)
        break
      case 'Timestamp':
        if (status === 100) headers.push(item)
        break
      default:
    }
  }
  if (init.contact !== undefined) headers.push(field('Contact', init.contact))
  if (init.headers !== undefined) pushFields(headers, init.headers)
  if (init.shared !== undefined) for (const item of init.shared) if (init.headers?.[item.name] === undefined) headers.push(item)
  if (init.body !== undefined) headers.push(field('Content-Type', init.body.type))
  const body = init.body === undefined ? EMPTY : contentOf(init.body)
  return { type: 'response', status, reason: startLinePart(init.reason ?? reasonPhrase(status)), headers, body }
}

const taggedTo = (item: HeaderField, tag: string): HeaderField => {
  const address = viewOf(item, readers.address)
  return address?.tag === undefined ? rawField('To', item.name, `${item.value};tag=${tag}`) : item
}

const same = (item: HeaderField, name: string, id: HeaderName | undefined): boolean =>
  id === undefined ? item.name.toLowerCase() === name.toLowerCase() : item.id === id

/** `message` without the fields `name`. */
export const withoutHeader = <M extends MessageBase>(message: M, name: HeaderName | (string & {})): M => {
  const id = headerNameOf(name)
  return { ...message, headers: message.headers.filter(item => !same(item, name, id)) }
}

/** `message` with exactly this value of `name`: in the place of the first that it has, else at the end. */
export const withHeader = <M extends MessageBase>(message: M, name: HeaderName | (string & {}), value: string): M => {
  const id = headerNameOf(name)
  const first = message.headers.findIndex(item => same(item, name, id))
  if (first < 0) return appendHeader(message, name, value)
  const headers = message.headers.flatMap((item, at) => at === first ? field(name, value) : same(item, name, id) ? [] : item)
  return { ...message, headers }
}

/** `message` with one more field at the end. */
export const appendHeader = <M extends MessageBase>(message: M, name: HeaderName | (string & {}), value: string): M =>
  ({ ...message, headers: [...message.headers, field(name, value)] })

/** `message` with one more field before all others of its name: at the very top when there is none (Via, Route, Record-Route). */
export const prependHeader = <M extends MessageBase>(message: M, name: HeaderName | (string & {}), value: string): M => {
  const id = headerNameOf(name)
  const first = Math.max(0, message.headers.findIndex(item => same(item, name, id)))
  return { ...message, headers: [...message.headers.slice(0, first), field(name, value), ...message.headers.slice(first)] }
}

/** `message` without the first value of `name`: the topmost Via or Route, taken off its line. */
export const withoutFirst = <M extends MessageBase>(message: M, name: HeaderName): M => {
  const first = message.headers.findIndex(item => item.id === name)
  if (first < 0) return message
  const item = message.headers[first]!
  const rest = splitList(item.value).slice(1).join(', ')
  const kept = rest === '' ? [] : [rawField(name, item.name, rest)]
  return { ...message, headers: [...message.headers.slice(0, first), ...kept, ...message.headers.slice(first + 1)] }
}

/** `message` with another body; Content-Type follows. */
export const withBody = <M extends MessageBase>(message: M, body: BodyInit): M =>
  ({ ...withHeader(message, 'Content-Type', body.type), body: contentOf(body) })

/** `request` as a server takes it in: `received` and `rport` of the topmost Via filled in (RFC 3261 §18.2.1, RFC 3581 §4). */
export const stamped = (request: SipRequest, source: { readonly address: string; readonly port: number }): SipRequest => {
  const first = request.headers.findIndex(item => item.id === 'Via')
  const item = request.headers[first]
  const values = item === undefined ? undefined : viewOf(item, readers.vias)
  if (item === undefined || values === undefined) return request
  const top = stampedVia(values[0]!, source)
  if (top === values[0]) return request
  const rest = values.length === 1 ? [] : splitList(item.value).slice(1)
  const headers = request.headers.slice()
  headers[first] = rawField('Via', item.name, [formatVia(top), ...rest].join(', '), [top, ...values.slice(1)])
  return { ...request, headers }
}

/** ACK for a non-2xx final response to an INVITE (RFC 3261 §17.1.1.3). */
export const ackFor = (invite: SipRequest, final: SipResponse): SipRequest => {
  const via = splitList(header(invite, 'Via') ?? '')[0]
  const headers: HeaderField[] = via === undefined ? [] : [rawField('Via', 'Via', via)]
  for (const item of invite.headers) {
    if (item.id === 'Route' || item.id === 'From' || item.id === 'Call-ID' || item.id === 'Max-Forwards') headers.push(item)
  }
  const answered = headerField(final, 'To')
  if (answered !== undefined) headers.push(answered)
  headers.push(rawField('CSeq', 'CSeq', `${cseqNumber(invite)} ACK`))
  return { type: 'request', method: 'ACK', uri: invite.uri, headers, body: EMPTY }
}

/** CANCEL for a request (RFC 3261 §9.1). */
export const cancelFor = (invite: SipRequest): SipRequest => {
  const via = splitList(header(invite, 'Via') ?? '')[0]
  const headers: HeaderField[] = via === undefined ? [] : [rawField('Via', 'Via', via)]
  for (const item of invite.headers) {
    if (item.id === 'Route' || item.id === 'From' || item.id === 'To' || item.id === 'Call-ID' || item.id === 'Max-Forwards') headers.push(item)
  }
  headers.push(rawField('CSeq', 'CSeq', `${cseqNumber(invite)} CANCEL`))
  return { type: 'request', method: 'CANCEL', uri: invite.uri, headers, body: EMPTY }
}

const cseqNumber = (message: MessageBase): number => readers.cseq(header(message, 'CSeq') ?? '')?.number ?? 0

/** True when To has a tag: a request within a dialog. */
export const isInDialog = (request: SipRequest): boolean => to(request).tag !== undefined
