import { formatParameters, parameterText, quote, unquote } from './scanner.js'
import type { Parameter, Scanner } from './scanner.js'

/** Display name, URI and parameters of From, To, Contact, Route, … (RFC 3261 §20.10). */
export interface NameAddr {
  /** Without quotes and escapes; undefined when absent or empty. */
  readonly display: string | undefined
  /** Text of the URI as written: `parseUri` reads it. */
  readonly uri: string
  /** Of the header field, not of the URI. */
  readonly parameters: readonly Parameter[]
  /** `tag` of From and To. */
  readonly tag: string | undefined
}

const LESS = 0x3c
const QUOTE = 0x22
const BARE_DISPLAY = /[\w\-.!%*+`'~ \t\u0080-\uffff]*</y
// In a bare addr-spec, comma, question mark and semicolon end the URI or are errors (RFC 3261 §20).
const BARE_URI = /[A-Za-z][A-Za-z0-9+.-]*:[^\s<>",;?]+/y
const BRACKETED_URI = /[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+>/y

/** Reads one name-addr or addr-spec with its parameters, up to the end or a comma. */
export const scanNameAddr = (scanner: Scanner): NameAddr | undefined => {
  const display = scanDisplay(scanner)
  if (display === undefined) return undefined
  const bracketed = scanner.text.charCodeAt(scanner.at - 1) === LESS
  const uri = match(scanner, bracketed ? BRACKETED_URI : BARE_URI)
  if (uri === undefined) return undefined
  const parameters = scanner.parameters()
  if (parameters === undefined) return undefined
  return { display: display === '' ? undefined : display, uri: bracketed ? uri.slice(0, -1) : uri, parameters, tag: parameterText(parameters, 'tag') }
}

/** The display name, '' when there is none; the scanner then stands behind `<`, or at a bare URI. */
const scanDisplay = (scanner: Scanner): string | undefined => {
  scanner.skipSpace()
  const code = scanner.peek()
  if (code === LESS) {
    scanner.at++
    return ''
  }
  if (code === QUOTE) {
    const quoted = scanner.quoted()
    if (quoted === undefined) return undefined
    scanner.skipSpace()
    if (scanner.peek() !== LESS) return undefined
    scanner.at++
    return unquote(quoted)
  }
  return match(scanner, BARE_DISPLAY)?.slice(0, -1).trim() ?? ''
}

const match = (scanner: Scanner, pattern: RegExp): string | undefined => {
  pattern.lastIndex = scanner.at
  if (!pattern.test(scanner.text)) return undefined
  const text = scanner.text.slice(scanner.at, pattern.lastIndex)
  scanner.at = pattern.lastIndex
  return text
}

/** `"Display" <uri>;parameters` */
export const formatNameAddr = (address: { readonly display?: string | undefined; readonly uri: string; readonly parameters?: readonly Parameter[] }): string => {
  const display = address.display === undefined ? '' : `${quote(address.display)} `
  return `${display}<${address.uri}>${formatParameters(address.parameters ?? [])}`
}
