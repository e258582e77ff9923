import { isIP, isIPv6 } from 'node:net'
import { CordboardError } from '../core/errors.js'
import { type CryptoAttribute, formatCrypto } from './crypto.js'
import type { DescribedCodec } from './description.js'
import type { Direction, StreamCodec, StreamKind } from './negotiated.js'

/** A media line as we write it. */
export type LocalLine =
  | { readonly type: 'refused'; readonly kind: string; readonly protocol: string; readonly formats: readonly string[] }
  | LocalAudio
  | LocalStreamLine

/** A side stream as we write it. */
export interface LocalStreamLine {
  readonly type: 'stream'
  readonly kind: StreamKind
  readonly port: number
  readonly rtcpPort: number
  readonly rtcpMux: boolean
  readonly protocol: string
  /** Under the numbers that we receive; none for fax. */
  readonly codecs: readonly StreamCodec[]
  readonly t38: readonly string[]
  readonly direction: Direction
  readonly crypto: readonly CryptoAttribute[]
}

export interface LocalAudio {
  readonly type: 'audio'
  readonly port: number
  readonly rtcpPort: number
  readonly rtcpMux: boolean
  readonly protocol: string
  readonly codecs: readonly DescribedCodec[]
  readonly ptime: number
  readonly direction: Direction
  /** Keys offered, or the one taken (RFC 4568). */
  readonly crypto: readonly CryptoAttribute[]
  /** Extended reports offered, or those taken (RFC 3611 §5). */
  readonly rtcpXr: readonly string[]
}

/** What stands in the `o=` line. */
export interface LocalOrigin {
  readonly username: string
  readonly sessionId: string
  readonly version: number
}

/**
 * Everything of our description but the origin: equal bodies are equal descriptions.
 * @throws CordboardError `SDP_BAD_DESCRIPTION` for a line break in a codec's name or parameters
 */
export const formatBody = (address: string, lines: readonly LocalLine[]): string =>
  [`s=-`, `c=IN ${family(address)} ${address}`, 't=0 0', ...lines.flatMap(textOf), ''].join('\r\n')

/** The whole description. @throws CordboardError `SDP_BAD_DESCRIPTION` for a user name that is not one word, or an address that is none */
export const formatDescription = (origin: LocalOrigin, address: string, body: string): string => {
  if (!/^[^\s]+$/.test(origin.username)) throw new CordboardError('SDP_BAD_DESCRIPTION', `not a user name: ${JSON.stringify(origin.username)}`)
  if (isIP(address) === 0) throw new CordboardError('SDP_BAD_DESCRIPTION', `not an address: ${JSON.stringify(address)}`)
  return `v=0\r\no=${origin.username} ${origin.sessionId} ${origin.version} IN ${family(address)} ${address}\r\n${body}`
}

const family = (address: string): 'IP4' | 'IP6' => isIPv6(address) ? 'IP6' : 'IP4'

const textOf = (line: LocalLine): string | readonly string[] => {
  switch (line.type) {
    case 'audio': return audioLines(line)
    case 'stream': return line.kind === 'image' ? faxLines(line) : streamLines(line)
    case 'refused': return refusedLine(line)
  }
}

/** The formats of a line that we write, as a later round that switches it off repeats them. */
export const formatsOf = (line: LocalLine): readonly string[] => {
  if (line.type === 'refused') return line.formats
  if (line.type === 'stream' && line.kind === 'image') return ['t38']
  return line.codecs.map(({ payloadType }) => String(payloadType))
}

const faxLines = (line: LocalStreamLine): readonly string[] => {
  line.t38.forEach(checkPart)
  return [`m=image ${line.port} ${line.protocol} t38`, ...line.t38.map(attribute => `a=${attribute}`), ...line.direction === 'sendrecv' ? [] : [`a=${line.direction}`]]
}

const streamLines = (line: LocalStreamLine): readonly string[] => [
  `m=${line.kind} ${line.port} ${line.protocol} ${formatsOf(line).join(' ')}`,
  ...line.codecs.flatMap(codec => [...codecLines(codec), ...codec.feedback.map(feedback => `a=rtcp-fb:${codec.payloadType} ${feedback}`)]),
  ...rtcpLines(line),
]

const refusedLine = (line: Extract<LocalLine, { readonly type: 'refused' }>): string => `m=${line.kind} 0 ${line.protocol} ${line.formats.join(' ')}`

const audioLines = (line: LocalAudio): readonly string[] => [
  `m=audio ${line.port} ${line.protocol} ${line.codecs.map(({ payloadType }) => payloadType).join(' ')}`,
  ...line.codecs.flatMap(codecLines),
  `a=ptime:${line.ptime}`,
  ...line.rtcpXr.length === 0 ? [] : [`a=rtcp-xr:${line.rtcpXr.join(' ')}`],
  ...rtcpLines(line),
]

const rtcpLines = (line: LocalAudio | LocalStreamLine): readonly string[] => [
  // RFC 3605: only where RTCP is not on the next port.
  ...line.port === 0 || line.rtcpPort === line.port + 1 ? [] : [`a=rtcp:${line.rtcpPort}`],
  ...line.rtcpMux ? ['a=rtcp-mux'] : [],
  ...line.crypto.map(crypto => `a=${formatCrypto(crypto)}`),
  `a=${line.direction}`,
]

const codecLines = ({ payloadType, name, clockRate, channels, fmtp }: DescribedCodec): readonly string[] => {
  checkPart(name)
  const written = name === 'TELEPHONE-EVENT' || name === 'OPUS' || name === 'T140' || name === 'RED' ? name.toLowerCase() : name
  const map = `a=rtpmap:${payloadType} ${written}/${clockRate}${channels === 1 ? '' : `/${channels}`}`
  if (fmtp === undefined) return [map]
  checkPart(fmtp)
  return [map, `a=fmtp:${payloadType} ${fmtp}`]
}

// A line break would begin a line of its own.
const checkPart = (text: string): void => {
  if (/[\r\n]/.test(text)) throw new CordboardError('SDP_BAD_DESCRIPTION', `line break in ${JSON.stringify(text)}`)
}
