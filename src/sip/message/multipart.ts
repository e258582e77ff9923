import { contentType, readMediaType } from './headers.js'
import type { MessageBase } from './message.js'
import { parameterText } from './scanner.js'

/** One part of a multipart body (RFC 2046 §5.1, RFC 5621). */
export interface BodyPart {
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  /** `type/subtype`, lower case. @default 'text/plain' */
  readonly type: string
  /** Byte for byte. */
  readonly content: Uint8Array
}

const MAX_PARTS = 64

/** Parts of a multipart body; undefined when the message has none or it is malformed. Parts are views, not copies. */
export const parts = (message: MessageBase): readonly BodyPart[] | undefined => {
  const media = contentType(message)
  if (media === undefined || !media.value.startsWith('multipart/')) return undefined
  const boundary = parameterText(media.parameters, 'boundary')
  return boundary === undefined || boundary === '' || boundary.length > 70 ? undefined : split(message.body, boundary)
}

/** The first part of `type`, or the whole body when that is its type: how SDP is found (RFC 5621 §3.1). */
export const bodyOfType = (message: MessageBase, type: string): Uint8Array | undefined => {
  if (message.body.length === 0) return undefined
  const media = contentType(message)
  if (media?.value === type) return message.body
  return parts(message)?.find(part => part.type === type)?.content
}

const split = (body: Uint8Array, boundary: string): readonly BodyPart[] | undefined => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const delimiter = `--${boundary}`
  let at = bytes.indexOf(delimiter)
  // The delimiter begins a line.
  if (at > 0 && bytes.toString('latin1', at - 2, at) !== '\r\n') at = -1
  const list: BodyPart[] = []
  while (at >= 0 && list.length < MAX_PARTS) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (bytes.toString('latin1', at + delimiter.length, at + delimiter.length + 2) === '--') return list
    const end = bytes.indexOf(`\r\n${delimiter}`, lineEnd)
    if (lineEnd < 0 || end < 0) return undefined
    const part = readPart(bytes.subarray(lineEnd + 2, Math.max(end, lineEnd + 2)))
    if (part === undefined) return undefined
    list.push(part)
    at = end + 2
  }
  return undefined
}

const readPart = (bytes: Buffer): BodyPart | undefined => {
  const bare = bytes.toString('latin1', 0, 2) === '\r\n'
  const end = bare ? 0 : bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('utf8', 0, end).replace(/\r\n[ \t]+/g, ' ')
  const headers = new Map(head.split('\r\n').flatMap(line => {
    const colon = line.indexOf(':')
    return colon < 1 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const]
  }))
  const type = readMediaType(headers.get('content-type') ?? 'text/plain')?.value
  return type === undefined ? undefined : { headers, type, content: bytes.subarray(bare ? 2 : end + 4) }
}

/** A multipart/mixed body and its Content-Type. `boundary` must occur in no part. */
export const multipart = (list: readonly { readonly type: string; readonly content: string | Uint8Array }[], boundary: string): { readonly type: string; readonly content: Uint8Array } => ({
  type: `multipart/mixed;boundary=${boundary}`,
  content: Buffer.concat([
    ...list.flatMap(({ type, content }) => [Buffer.from(`--${boundary}\r\nContent-Type: ${type}\r\n\r\n`), Buffer.from(content as string), Buffer.from('\r\n')]),
    Buffer.from(`--${boundary}--\r\n`),
  ]),
})
