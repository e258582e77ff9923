import { rawField } from './field.js'
import { headerNameOf } from './header-names.js'
import { LIMITS } from './limits.js'
import type { HeaderField, SipRequest } from './message.js'
import { decodeText } from './octets.js'

const EMPTY = new Uint8Array(0)
/** What an answer needs stands before. */
const SALVAGED_BYTES = 2 * LIMITS.line

/**
 * What can be read of a malformed request, enough to answer it: the header fields up to the first that makes no sense are there as written.
 * @returns why it cannot be answered instead, where it cannot
 */
export const salvage = (bytes: Buffer): SipRequest | 'not-sip' | 'bad-response' | 'bad-ack' | 'unanswerable' => {
  const [first = '', ...lines] = headOf(bytes).replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/, LIMITS.headers)
  if (/^SIP\/\d/i.test(first)) return 'bad-response'
  const line = readRequestLine(first)
  if (line === undefined) return 'not-sip'
  if (line.method === 'ACK') return 'bad-ack'
  const headers = lines.flatMap(readField)
  if (!headers.some(({ id }) => id === 'Via')) return 'unanswerable'
  return { type: 'request', ...line, headers: onlyFirst(headers), body: EMPTY }
}

/** The whole lines before the empty one. */
const headOf = (bytes: Buffer): string => {
  const cut = bytes.length > SALVAGED_BYTES
  const text = decodeText(bytes, 0, cut ? SALVAGED_BYTES : bytes.length)
  const end = text.search(/\n\r?\n/)
  return end >= 0 ? text.slice(0, end).replace(/\r$/, '') : cut ? text.slice(0, text.lastIndexOf('\n') + 1) : text
}

/** A method, anything, and a version: what can be answered as SIP. No pattern here may take more than linear time. */
const readRequestLine = (line: string): { readonly method: string; readonly uri: string } | undefined => {
  const method = /^[\w\-.!%*+`'~]{1,64}(?=[ \t])/.exec(line)?.[0]
  const version = line.toUpperCase().lastIndexOf('SIP/')
  if (method === undefined || version <= method.length || !/^\d{1,9}\.\d{1,9}$/.test(line.slice(version + 4).trim())) return undefined
  return { method, uri: line.slice(method.length, version).trim().slice(0, LIMITS.line) }
}

const readField = (line: string): HeaderField[] => {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(0, colon)).trim()
  const value = line.slice(colon + 1, colon + LIMITS.line).trim()
  return !/^[\w\-.!%*+`'~]+$/.test(name) || value.includes('\r') ? [] : [rawField(headerNameOf(name), name, value)]
}

// Where From, To, Call-ID or CSeq came twice, an answer must carry one.
const onlyFirst = (headers: readonly HeaderField[]): HeaderField[] => {
  const seen = new Set<string>()
  return headers.filter(({ id }) => {
    if (id !== 'From' && id !== 'To' && id !== 'Call-ID' && id !== 'CSeq') return true
    if (seen.has(id)) return false
    seen.add(id)
    return true
  })
}
