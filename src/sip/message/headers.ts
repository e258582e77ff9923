import { CordboardError } from '../../core/errors.js'
import { viewOf } from './field.js'
import { isListHeader } from './header-names.js'
import type { HeaderName } from './header-names.js'
import type { HeaderField, MessageBase, Method } from './message.js'
import { scanNameAddr } from './name-addr.js'
import type { NameAddr } from './name-addr.js'
import { NO_PARAMETERS, parameter, parameterText, Scanner, splitList } from './scanner.js'
import type { Parameter } from './scanner.js'
import { scanVia } from './via.js'
import type { Via } from './via.js'

/** Number and method of a CSeq (RFC 3261 §20.16). */
export interface CSeq {
  readonly number: number
  readonly method: Method | (string & {})
}

/** A value with parameters: Content-Type, Event, Accept, … `value` is as written. */
export interface Parameterized {
  readonly value: string
  readonly parameters: readonly Parameter[]
}

/** RFC 3262 §7.2. */
export interface RAck {
  readonly rseq: number
  readonly cseq: number
  readonly method: string
}

/** RFC 4028 §4. */
export interface SessionExpires {
  /** Seconds. */
  readonly seconds: number
  readonly refresher: 'uac' | 'uas' | undefined
}

/** Replaces, Join and Target-Dialog (RFC 3891, 3911, 4538): a dialog named from outside. */
export interface DialogReference {
  readonly callId: string
  readonly toTag: string
  readonly fromTag: string
  readonly earlyOnly: boolean
}

/** The first field `name`; undefined when there is none. */
export const headerField = (message: MessageBase, name: HeaderName): HeaderField | undefined => {
  const { headers } = message
  for (let at = 0; at < headers.length; at++) if (headers[at]!.id === name) return headers[at]
  return undefined
}

/** Value of the first field `name` as written; undefined when there is none. */
export const header = (message: MessageBase, name: HeaderName): string | undefined => headerField(message, name)?.value

/** Value of the first field of a name that this stack does not know, whatever its case. */
export const extensionHeader = (message: MessageBase, name: string): string | undefined => {
  const wanted = name.toLowerCase()
  return message.headers.find(field => field.name.toLowerCase() === wanted)?.value
}

/** All values of `name` in order, lines of a comma-list taken apart. */
export const headerValues = (message: MessageBase, name: HeaderName): readonly string[] => {
  const list = isListHeader(name)
  return message.headers.flatMap(field => field.id !== name ? [] : list ? splitList(field.value) : [field.value])
}

const missing = (name: HeaderName): CordboardError => new CordboardError('SIP_BAD_MESSAGE', `no well-formed ${name}`, { status: 400 })

// Views. One reader for each header, since a field remembers one view.
const one = <T>(message: MessageBase, name: HeaderName, read: (value: string) => T | undefined): T | undefined => {
  const field = headerField(message, name)
  return field === undefined ? undefined : viewOf(field, read)
}

const required = <T>(message: MessageBase, name: HeaderName, read: (value: string) => T | undefined): T => {
  const view = one(message, name, read)
  if (view === undefined) throw missing(name)
  return view
}

const all = <T>(message: MessageBase, name: HeaderName, read: (value: string) => readonly T[] | undefined): readonly T[] => {
  let first: readonly T[] | undefined
  let joined: T[] | undefined
  for (const field of message.headers) {
    if (field.id !== name) continue
    const values = viewOf(field, read)
    if (values === undefined) throw missing(name)
    if (first === undefined) first = values
    else (joined ??= [...first]).push(...values)
  }
  return joined ?? first ?? NONE
}

const NONE: readonly never[] = Object.freeze([])

/** Readers of the values that every message must have right: for the parser, which calls each once. */
export const readers = {
  vias: (value: string): readonly Via[] | undefined => new Scanner(value).list(scanVia),
  addresses: (value: string): readonly NameAddr[] | undefined => new Scanner(value).list(scanNameAddr),
  address: (value: string): NameAddr | undefined => {
    const scanner = new Scanner(value)
    const address = scanNameAddr(scanner)
    return scanner.atEnd ? address : undefined
  },
  cseq: (value: string): CSeq | undefined => {
    const match = /^(\d+)[ \t]+([\w\-.!%*+`'~]+)$/.exec(value)
    if (match === null) return undefined
    const number = Number(match[1])
    return number <= 0xffff_ffff ? { number, method: match[2]! } : undefined
  },
  contacts: (value: string): readonly NameAddr[] | undefined => value === '*' ? NONE : readers.addresses(value),
} as const

/** Call-ID. @throws CordboardError `SIP_BAD_MESSAGE` (400); never for a message that `parseMessage` returned. */
export const callId = (message: MessageBase): string => {
  const value = header(message, 'Call-ID')
  if (value === undefined) throw missing('Call-ID')
  return value
}

/** CSeq. @throws as `callId` */
export const cseq = (message: MessageBase): CSeq => required(message, 'CSeq', readers.cseq)

/** From. @throws as `callId` */
export const from = (message: MessageBase): NameAddr => required(message, 'From', readers.address)

/** To. @throws as `callId` */
export const to = (message: MessageBase): NameAddr => required(message, 'To', readers.address)

/** All Via values, topmost first. @throws as `callId` when one is malformed */
export const vias = (message: MessageBase): readonly Via[] => all(message, 'Via', readers.vias)

/** Topmost Via. @throws as `callId` */
export const topVia = (message: MessageBase): Via => required(message, 'Via', readers.vias)[0]!

/** Via values of the first field; undefined when it is not there or malformed: for requests that are answered because something in them is wrong. */
export const readableVias = (message: MessageBase): readonly Via[] | undefined => one(message, 'Via', readers.vias)

/** Contact values; none for `Contact: *`. @throws as `callId` when one is malformed */
export const contacts = (message: MessageBase): readonly NameAddr[] => all(message, 'Contact', readers.contacts)

/** True for `Contact: *` (RFC 3261 §10.2.2). */
export const isContactStar = (message: MessageBase): boolean => header(message, 'Contact') === '*'

/** Route values, topmost first. @throws as `callId` when one is malformed */
export const routes = (message: MessageBase): readonly NameAddr[] => all(message, 'Route', readers.addresses)

/** Record-Route values, topmost first. @throws as `callId` when one is malformed */
export const recordRoutes = (message: MessageBase): readonly NameAddr[] => all(message, 'Record-Route', readers.addresses)

/** Path values, topmost first (RFC 3327). @throws as `callId` when one is malformed */
export const paths = (message: MessageBase): readonly NameAddr[] => all(message, 'Path', readers.addresses)

/** P-Asserted-Identity values (RFC 3325). @throws as `callId` when one is malformed */
export const assertedIdentities = (message: MessageBase): readonly NameAddr[] => all(message, 'P-Asserted-Identity', readers.addresses)

const integer = (limit: number) => (value: string): number | undefined => {
  if (!/^\d+$/.test(value)) return undefined
  return Math.min(Number(value), limit)
}

const readInteger = integer(0xffff_ffff)

/** Max-Forwards; undefined when absent (RFC 2543) or not a number from 0 to 255. */
export const maxForwards = (message: MessageBase): number | undefined => {
  const hops = one(message, 'Max-Forwards', readInteger)
  return hops !== undefined && hops <= 255 ? hops : undefined
}

/** Max-Breadth (RFC 5393 §5.3.1); undefined when absent or malformed. */
export const maxBreadth = (message: MessageBase): number | undefined => one(message, 'Max-Breadth', readInteger)

/** Expires in seconds, at most 2^32-1; undefined when absent or malformed. */
export const expires = (message: MessageBase): number | undefined => one(message, 'Expires', readInteger)

/** Min-Expires in seconds (RFC 3261 §20.23). */
export const minExpires = (message: MessageBase): number | undefined => one(message, 'Min-Expires', readInteger)

/** `expires` of a Contact, else Expires of the message, in seconds (RFC 3261 §10.2.1.1); undefined when neither says. */
export const contactExpires = (message: MessageBase, contact: NameAddr): number | undefined => {
  const own = parameterText(contact.parameters, 'expires')
  return (own === undefined ? undefined : readInteger(own)) ?? expires(message)
}

/** Content-Length as written; undefined when absent or malformed. */
export const contentLength = (message: MessageBase): number | undefined => one(message, 'Content-Length', readInteger)

/** RSeq (RFC 3262 §7.1). */
export const rseq = (message: MessageBase): number | undefined => one(message, 'RSeq', readInteger)

/** RAck (RFC 3262 §7.2). */
export const rack = (message: MessageBase): RAck | undefined => one(message, 'RAck', value => {
  const match = /^(\d+)[ \t]+(\d+)[ \t]+([\w\-.!%*+`'~]+)$/.exec(value)
  return match === null ? undefined : { rseq: Number(match[1]), cseq: Number(match[2]), method: match[3]! }
})

const readParameterized = (value: string): Parameterized | undefined => {
  const semicolon = value.indexOf(';')
  if (semicolon < 0) return value === '' ? undefined : { value, parameters: NO_PARAMETERS }
  const scanner = new Scanner(value)
  scanner.at = semicolon
  const parameters = scanner.parameters()
  return parameters === undefined || !scanner.atEnd ? undefined : { value: value.slice(0, semicolon).trim(), parameters }
}

/** Content-Type; `value` is `type/subtype` in lower case. */
export const contentType = (message: MessageBase): Parameterized | undefined => one(message, 'Content-Type', readMediaType)

/** Reads `type/subtype;parameters`; undefined when malformed. */
export const readMediaType = (value: string): Parameterized | undefined => {
  const media = readParameterized(value)
  if (media === undefined || !/^[\w\-.!%*+`'~]+[ \t]*\/[ \t]*[\w\-.!%*+`'~]+$/.test(media.value)) return undefined
  return { value: media.value.replace(/[ \t]/g, '').toLowerCase(), parameters: media.parameters }
}

/** Content-Disposition (RFC 3261 §20.11). */
export const contentDisposition = (message: MessageBase): Parameterized | undefined => one(message, 'Content-Disposition', readParameterized)

/** Event (RFC 6665 §8.2.1). */
export const event = (message: MessageBase): Parameterized | undefined => one(message, 'Event', readParameterized)

/** Subscription-State (RFC 6665 §8.2.3). */
export const subscriptionState = (message: MessageBase): Parameterized | undefined => one(message, 'Subscription-State', readParameterized)

/** Session-Expires (RFC 4028 §4). */
export const sessionExpires = (message: MessageBase): SessionExpires | undefined => one(message, 'Session-Expires', value => {
  const read = readParameterized(value)
  const seconds = read === undefined ? undefined : readInteger(read.value)
  if (read === undefined || seconds === undefined) return undefined
  const refresher = parameterText(read.parameters, 'refresher')?.toLowerCase()
  return { seconds, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined }
})

/** Min-SE in seconds (RFC 4028 §5). */
export const minSe = (message: MessageBase): number | undefined => {
  const read = one(message, 'Min-SE', readParameterized)
  return read === undefined ? undefined : readInteger(read.value)
}

/** Reads the value of Replaces, Join or Target-Dialog; undefined when malformed or a tag is missing. */
export const readDialogReference = (value: string): DialogReference | undefined => {
  const read = readParameterized(value)
  if (read === undefined) return undefined
  const toTag = parameterText(read.parameters, 'to-tag') ?? parameterText(read.parameters, 'remote-tag')
  const fromTag = parameterText(read.parameters, 'from-tag') ?? parameterText(read.parameters, 'local-tag')
  if (toTag === undefined || fromTag === undefined) return undefined
  return { callId: read.value, toTag, fromTag, earlyOnly: parameter(read.parameters, 'early-only') !== undefined }
}

/** Replaces (RFC 3891 §6.1). */
export const replaces = (message: MessageBase): DialogReference | undefined => one(message, 'Replaces', readDialogReference)

/** Refer-To (RFC 3515 §2.1). */
export const referTo = (message: MessageBase): NameAddr | undefined => one(message, 'Refer-To', readers.address)

/** Referred-By (RFC 3892 §2.1). */
export const referredBy = (message: MessageBase): NameAddr | undefined => one(message, 'Referred-By', readers.address)

/** Seconds of Retry-After; undefined when absent or malformed. */
export const retryAfter = (message: MessageBase): number | undefined => {
  const digits = /^\d+/.exec(header(message, 'Retry-After') ?? '')
  return digits === null ? undefined : Math.min(Number(digits[0]), 0xffff_ffff)
}

/** Option tags and the like in lower case: Require, Proxy-Require, Supported, Unsupported, Allow-Events. */
export const tokens = (message: MessageBase, name: 'Require' | 'Proxy-Require' | 'Supported' | 'Unsupported' | 'Allow-Events'): readonly string[] =>
  headerValues(message, name).map(value => value.toLowerCase())

/** True when the peer lists `option` in Supported or Require. */
export const supports = (message: MessageBase, option: string): boolean =>
  tokens(message, 'Supported').includes(option) || tokens(message, 'Require').includes(option)

/** Methods of Allow; undefined when there is no Allow, which says nothing (RFC 3261 §20.5). */
export const allowed = (message: MessageBase): readonly string[] | undefined =>
  headerField(message, 'Allow') === undefined ? undefined : headerValues(message, 'Allow')

/** `q` of a value, 0 to 1. @default 1 */
export const qValue = (parameters: readonly Parameter[]): number => {
  const text = parameterText(parameters, 'q')
  return text !== undefined && /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 1
}

/** Values of a list with `q`, the best first; equals in order of appearance. */
export const byQuality = <T extends { readonly parameters: readonly Parameter[] }>(values: readonly T[]): readonly T[] =>
  [...values].sort((a, b) => qValue(b.parameters) - qValue(a.parameters))
