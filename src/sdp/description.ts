import { isIP } from 'node:net'
import { parse } from 'sdp-transform'
import type { MediaDescription, SessionDescription } from 'sdp-transform'
import { CordboardError } from '../core/errors.js'
import { parseCrypto } from './crypto.js'
import type { CryptoAttribute } from './crypto.js'
import { readReports } from './extended-reports.js'
import type { Direction, Feedback } from './negotiated.js'
import { STATIC_AUDIO, STATIC_VIDEO } from './static-payloads.js'

/** Who made a description, and which version of it (RFC 8866 §5.2). Numbers as text: they may exceed 2^53. */
export interface Origin {
  readonly username: string
  readonly sessionId: string
  readonly version: string
  readonly address: string
}

/** An encoding of a media line, from rtpmap or RFC 3551's table. */
export interface DescribedCodec {
  readonly payloadType: number
  /** Upper case. */
  readonly name: string
  readonly clockRate: number
  readonly channels: number
  readonly fmtp?: string
  /** Of video and text: what `a=rtcp-fb` says, as far as we pass it on. */
  readonly feedback?: readonly Feedback[]
}

/** One `m=` line and what belongs to it, session-level lines included where they apply. */
export interface MediaLine {
  /** `audio`, `video`, `image`, `application`, `text`, `message`, or whatever else. */
  readonly kind: string
  /** 0: refused or switched off. */
  readonly port: number
  /** Number of ports: 1 but for layered encodings. */
  readonly ports: number
  /** `RTP/AVP`, … as written. */
  readonly protocol: string
  /** As written. */
  readonly formats: readonly string[]
  /** Of the connection line that applies: an address or a name; undefined where there is none. */
  readonly address: string | undefined
  readonly direction: Direction
  /** In order of preference; of audio, video and text lines over RTP only. Formats that nothing explains are left out. */
  readonly codecs: readonly DescribedCodec[]
  /** Milliseconds. */
  readonly ptime?: number
  /** Milliseconds. */
  readonly maxptime?: number
  /** RFC 3605. */
  readonly rtcp?: { readonly port: number; readonly address?: string }
  /** RFC 5761. */
  readonly rtcpMux: boolean
  /** RFC 4568; lines that we cannot use are left out. */
  readonly crypto: readonly CryptoAttribute[]
  /** RFC 3611 §5, as written; absent where no line of it applies. */
  readonly rtcpXr?: readonly string[]
  /** Of image lines: attributes of T.38, `T38…`, as written. */
  readonly t38?: readonly string[]
}

/** A session description (RFC 8866) as far as offer and answer read it. */
export interface Description {
  readonly origin: Origin
  readonly media: readonly MediaLine[]
}

const LIMITS = { text: 32_768, line: 4_096, lines: 512, media: 32, formats: 128 } as const

const bad = (what: string, cause?: unknown): CordboardError =>
  new CordboardError('SDP_BAD_DESCRIPTION', what, cause === undefined ? { status: 400 } : { status: 400, cause })

/**
 * Reads and checks a session description. sdp-transform reads the lines but bears everything, so what counts is checked here.
 * @throws CordboardError `SDP_BAD_DESCRIPTION` (400) with what is wrong
 */
export const parseDescription = (text: string): Description => {
  const lines = checkedLines(text)
  const session = parsed(lines.join('\r\n'))
  const mediaLines = lines.filter(line => line.startsWith('m='))
  const origin = readOrigin(lines)
  if (mediaLines.length > LIMITS.media) throw bad('too many media lines')
  // RFC 8866 §5.7: a line that sdp-transform cannot read would silently leave the media without an address.
  for (const line of lines) if (line.startsWith('c=') && !/^c=IN IP[46] \S+$/.test(line)) throw bad(`malformed connection line: ${line}`)
  const media = mediaLines.map((line, at) => readMedia(line, session.media[at]!, session))
  return { origin, media: lines.some(line => /^a=(T38|rtcp-xr:)/i.test(line) || line.startsWith('m=image')) ? withUnknown(lines, media) : media }
}

/** sdp-transform cuts attributes that it doesn't know: those of T.38 and `a=rtcp-xr` are taken from the lines. */
const withUnknown = (lines: readonly string[], media: readonly MediaLine[]): readonly MediaLine[] => {
  const parts: string[][] = [[]]
  for (const line of lines) line.startsWith('m=') ? parts.push([]) : parts.at(-1)!.push(line)
  const [session = [], ...own] = parts
  return media.map((line, at) => {
    const reports = readReports([...session, ...own[at]!])
    return {
      ...line,
      ...reports.length === 0 ? {} : { rtcpXr: reports },
      ...line.kind === 'image' ? { t38: own[at]!.filter(text => text.startsWith('a=T38')).map(text => text.slice(2).trim()) } : {},
    }
  })
}

const checkedLines = (text: string): readonly string[] => {
  if (text.length > LIMITS.text) throw bad('description longer than 32 KiB')
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/.test(text)) throw bad('control character in a description')
  const lines = text.slice(0, endOf(text)).split(/\r?\n/, LIMITS.lines + 1)
  if (lines.length > LIMITS.lines) throw bad('more than 512 lines')
  if (lines[0] !== 'v=0') throw bad('a description begins with v=0')
  for (const line of lines) {
    if (line.length > LIMITS.line) throw bad('a line longer than 4 KiB')
    if (!/^[a-z]=/.test(line)) throw bad(`not a line of a description: ${line.slice(0, 40)}`)
  }
  return lines
}

/** Where the text ends without the line ends and blank lines after it, which may be many. */
const endOf = (text: string): number => {
  let end = text.length
  while (text[end - 1] === '\n' || text[end - 1] === '\r') end--
  return end
}

const parsed = (text: string): SessionDescription => {
  try {
    return parse(text)
  } catch (cause) {
    throw bad('unreadable description', cause)
  }
}

const readOrigin = (lines: readonly string[]): Origin => {
  const line = /^o=(\S+) (\d{1,20}) (\d{1,20}) IN IP[46] (\S+)$/.exec(lines[1] ?? '')
  if (line === null) throw bad('missing or malformed origin line')
  return { username: line[1]!, sessionId: line[2]!, version: line[3]!, address: line[4]! }
}

// A token of RFC 8866 §9, a port, perhaps a number of ports, a protocol, formats.
const MEDIA_LINE = /^m=([!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+) (\d{1,5})(?:\/(\d{1,5}))? ([!#$%&'*+\-.0-9A-Z^_`a-z{|}~/]+)((?: [!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+)+) ?$/

const readMedia = (line: string, media: MediaDescription, session: SessionDescription): MediaLine => {
  const match = MEDIA_LINE.exec(line)
  if (match === null) throw bad(`malformed media line: ${line.slice(0, 80)}`)
  const port = Number(match[2])
  const formats = match[5]!.trim().split(' ')
  const kind = match[1]!.toLowerCase()
  const ports = Number(match[3] ?? 1)
  if (port > 65_535) throw bad(`port out of range: ${port}`)
  if (formats.length > LIMITS.formats) throw bad('too many formats on a media line')
  // RFC 8866 §5.14: layered encodings are for multicast; for a call's audio nobody could say which port is meant.
  if (kind === 'audio' && ports !== 1) throw bad('an audio line has one port')
  const rtp = (kind === 'audio' || kind === 'video' || kind === 'text') && match[4]!.includes('RTP/')
  return {
    kind, port, ports, formats, protocol: match[4]!,
    address: media.connection?.ip ?? session.connection?.ip,
    direction: media.direction ?? session.direction ?? 'sendrecv',
    codecs: rtp ? readCodecs(formats, media, kind) : [],
    rtcpMux: media.rtcpMux !== undefined,
    crypto: (media.crypto ?? []).flatMap(item => parseCrypto(item.id, item.suite, item.config, item.sessionConfig === undefined ? '' : String(item.sessionConfig)) ?? []),
    ...time('ptime', media.ptime), ...time('maxptime', media.maxptime), ...readRtcp(media),
  }
}

const time = <K extends 'ptime' | 'maxptime'>(key: K, value: number | undefined): Partial<Record<K, number>> =>
  (typeof value === 'number' && value > 0 && value <= 1000 ? { [key]: value } : {}) as Partial<Record<K, number>>

const readRtcp = ({ rtcp }: MediaDescription): { readonly rtcp?: { readonly port: number; readonly address?: string } } => {
  if (rtcp === undefined || typeof rtcp.port !== 'number' || rtcp.port > 65_535) return {}
  return { rtcp: rtcp.address !== undefined && isIP(rtcp.address) !== 0 ? { port: rtcp.port, address: rtcp.address } : { port: rtcp.port } }
}

const readCodecs = (formats: readonly string[], media: MediaDescription, kind: string): readonly DescribedCodec[] => formats.flatMap(format => {
  const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : 128
  if (payloadType > 127) return []
  const map = media.rtp.find(item => item.payload === payloadType)
  const fmtp = media.fmtp.find(item => item.payload === payloadType)?.config
  const known = map === undefined
    ? (kind === 'audio' ? STATIC_AUDIO : STATIC_VIDEO).get(payloadType)
    : { name: String(map.codec).toUpperCase(), clockRate: map.rate ?? 0, channels: channelsOf(map.encoding) }
  if (known === undefined || known.name === '' || known.clockRate <= 0) return []
  return [{ payloadType, ...known, ...fmtp === undefined ? {} : { fmtp: String(fmtp) }, ...kind === 'audio' ? {} : { feedback: readFeedback(payloadType, media) } }]
})

const FEEDBACK: readonly Feedback[] = ['nack', 'nack pli', 'ccm fir']

const readFeedback = (payloadType: number, { rtcpFb = [] }: MediaDescription): readonly Feedback[] => {
  const said = new Set(rtcpFb.filter(({ payload }) => String(payload) === '*' || Number(payload) === payloadType)
    .map(({ type, subtype }) => (subtype === undefined ? type : `${type} ${subtype}`).trim().toLowerCase()))
  return FEEDBACK.filter(feedback => said.has(feedback))
}

const channelsOf = (encoding: number | string | undefined): number => {
  const channels = Number(encoding ?? 1)
  return Number.isInteger(channels) && channels > 0 ? channels : 1
}
