import { unknownLine } from './field.js'
import type { SipMessage } from './message.js'
import { encodeText } from './octets.js'

/**
 * Writes a message for the wire. Content-Length is made right: in its place when the message has one, else at the end.
 * @param allocate gives the buffer, for messages that are kept. @default Node's pool
 */
export const writeMessage = (message: SipMessage, allocate?: (length: number) => Buffer): Buffer => {
  const { body } = message
  const head = headText(message)
  if (body.length === 0) return encodeText(head, 0, allocate)
  const bytes = encodeText(head, body.length, allocate)
  bytes.set(body, bytes.length - body.length)
  return bytes
}

/** The message as text, for logs and tests: the body as UTF-8. */
export const messageText = (message: SipMessage): string =>
  headText(message) + Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength).toString('utf8')

const headText = (message: SipMessage): string => {
  const { headers } = message
  let text = message.type === 'request'
    ? `${message.method} ${message.uri} SIP/2.0\r\n`
    : `SIP/2.0 ${message.status} ${message.reason}\r\n`
  let sized = false
  for (let at = 0; at < headers.length; at++) {
    const field = headers[at]!
    if (field.id === undefined) text += `${unknownLine(field)}\r\n`
    else if (field.id !== 'Content-Length') text += `${field.name}: ${field.value}\r\n`
    else if (!sized) {
      text += `${field.name}: ${message.body.length}\r\n`
      sized = true
    }
  }
  return sized ? `${text}\r\n` : `${text}Content-Length: ${message.body.length}\r\n\r\n`
}
