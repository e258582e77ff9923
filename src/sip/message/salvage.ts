import { rawField } from './field.js'
import { headerNameOf } from './header-names.js'
import { LIMITS } from './limits.js'
import type { HeaderField, SipRequest } from './message.js'
import { decodeText } from './octets.js'

const EMPTY = new Uint8Array(0)
// A method or its malformation, anything, and a version: what can be answered as SIP.
const REQUEST_LINE = /^([\w\-.!%*+`'~]{1,64})[ \t]+(.*?)[ \t]*SIP[ \t]*\/[ \t]*\d+\.\d+[ \t]*$/i

/**
 * What can be read of a malformed request, enough to answer it: the header fields up to the first that makes no sense are there as written.
 * @returns why it cannot be answered instead, where it cannot
 */
export const salvage = (bytes: Buffer): SipRequest | 'not-sip' | 'bad-response' | 'bad-ack' | 'unanswerable' => {
  const text = decodeText(bytes, 0, Math.min(bytes.length, LIMITS.message))
  const [first = '', ...lines] = (/^[^]*?(?=\r?\n\r?\n|$)/.exec(text)?.[0] ?? '').replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/, LIMITS.headers)
  if (/^SIP\/\d/i.test(first)) return 'bad-response'
  const line = REQUEST_LINE.exec(first.slice(0, LIMITS.line))
  if (line === null) return 'not-sip'
  const method = line[1]!
  if (method === 'ACK') return 'bad-ack'
  const headers = lines.flatMap(readField)
  if (!headers.some(({ id }) => id === 'Via')) return 'unanswerable'
  return { type: 'request', method, uri: line[2]!, headers: onlyFirst(headers), body: EMPTY }
}

const readField = (line: string): HeaderField[] => {
  const match = /^([\w\-.!%*+`'~]+)[ \t]*:[ \t]*(.*?)[ \t\r]*$/.exec(line.slice(0, LIMITS.line))
  return match === null || match[2]!.includes('\r') ? [] : [rawField(headerNameOf(match[1]!), match[1]!, match[2]!)]
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
