import { isIP } from 'node:net'
import { CordboardError } from '../core/errors.js'
import type { DescribedCodec, MediaLine } from './description.js'
import type { AgreedKeys } from './key-agreement.js'
import type { ExtendedReports } from './extended-reports.js'
import { directionOf, narrowed, receives, reversed, sends } from './direction.js'
import type { CodecOffer, Direction, HostPort, LocalMedia, NegotiatedCodec, NegotiatedMedia, SrtpPolicy } from './negotiated.js'
import { sameEncoding } from './payload-map.js'

/** One encoding that both sides can do, with the numbers that each receives it under. */
export interface CommonCodec {
  readonly theirs: DescribedCodec
  readonly ours: DescribedCodec
}

export const TELEPHONE_EVENT = 'TELEPHONE-EVENT'
/** RFC 4733 §2.3, table 3: the sixteen keys. */
const DTMF_EVENTS = '0-15'
export const DEFAULT_PTIME = 20

/** RTP profiles without protection. */
export const isPlainRtp = (protocol: string): boolean => protocol === 'RTP/AVP' || protocol === 'RTP/AVPF'

/** RTP profiles with protection (RFC 3711, RFC 5124). */
export const isSecureRtp = (protocol: string): boolean => protocol === 'RTP/SAVP' || protocol === 'RTP/SAVPF'

/** True when a line's profile can be had under our policy: RTP/SAVP needs SRTP (RFC 4568 §7.1), which RTP/AVP may also carry keys for. */
export const isAllowed = (line: MediaLine, srtp: SrtpPolicy): boolean => {
  if (isSecureRtp(line.protocol)) return srtp !== 'off' && line.crypto.length > 0
  return isPlainRtp(line.protocol) && (srtp !== 'required' || line.crypto.length > 0)
}

/** Our codecs and, for each clock rate among them, telephone-event; numbers as preferred. */
export const localCodecs = (local: LocalMedia): readonly DescribedCodec[] => {
  const codecs = local.codecs.map(asDescribed)
  if (!local.dtmf) return codecs
  const rates = [...new Set(codecs.map(({ clockRate }) => clockRate))]
  const used = new Set(codecs.map(({ payloadType }) => payloadType))
  let number = 101
  const events = rates.map(clockRate => {
    while (used.has(number)) number = number === 127 ? 96 : number + 1
    used.add(number)
    return { payloadType: number, name: TELEPHONE_EVENT, clockRate, channels: 1, fmtp: DTMF_EVENTS }
  })
  return [...codecs, ...events]
}

const asDescribed = (codec: CodecOffer): DescribedCodec => ({
  payloadType: codec.payloadType, name: codec.name.toUpperCase(), clockRate: codec.clockRate, channels: codec.channels,
  ...codec.fmtp === undefined ? {} : { fmtp: codec.fmtp },
})

/** Encodings of `theirs` that are among `ours`, in their order of preference; telephone-event only at the rate of one of them. */
export const common = (theirs: readonly DescribedCodec[], ours: readonly DescribedCodec[]): readonly CommonCodec[] => {
  const pairs = theirs.flatMap(codec => {
    const mine = ours.find(other => sameEncoding(other, codec))
    return mine === undefined ? [] : [{ theirs: codec, ours: mine }]
  })
  const voices = pairs.filter(({ ours: { name } }) => isVoice(name))
  return pairs.filter(({ ours: { name, clockRate } }) => isVoice(name) || voices.some(voice => voice.ours.clockRate === clockRate))
}

const isVoice = (name: string): boolean => name !== TELEPHONE_EVENT && name !== 'CN'

/** True when a voice codec is among them. */
export const hasVoice = (pairs: readonly CommonCodec[]): boolean => pairs.some(({ ours }) => isVoice(ours.name))

const negotiatedCodec = ({ theirs, ours }: CommonCodec): NegotiatedCodec => ({
  name: ours.name, clockRate: ours.clockRate, channels: ours.channels, receive: ours.payloadType, send: theirs.payloadType,
  ...theirs.fmtp === undefined ? {} : { fmtp: theirs.fmtp },
})

/** Where their line says to send; undefined for port 0 and for RFC 2543's hold, address 0.0.0.0. */
export const remoteOf = (line: MediaLine, local: Pick<LocalMedia, 'address'>): HostPort | undefined => {
  const { address, port } = line
  if (port === 0) return undefined
  if (address === undefined) throw new CordboardError('SDP_BAD_DESCRIPTION', `no connection line for the ${line.kind}`, { status: 400 })
  const version = isIP(address)
  if (version === 0) throw new CordboardError('SDP_BAD_DESCRIPTION', `not an address of one host: ${address}`, { status: 488 })
  if (address === '0.0.0.0' || address === '::') return undefined
  if (version !== isIP(local.address)) throw new CordboardError('SDP_BAD_DESCRIPTION', `cannot reach ${address} from ${local.address}`, { status: 488 })
  return { address, port }
}

/** Where their RTCP goes (RFC 3605, RFC 5761). */
export const rtcpOf = (line: MediaLine, remote: HostPort | undefined, mux: boolean): HostPort | undefined => {
  if (remote === undefined || mux) return remote
  const { address = remote.address, port = remote.port + 1 } = line.rtcp ?? {}
  return port === 0 || port > 65_535 ? undefined : { address, port }
}

/** Milliseconds of audio in a packet that we send: what they ask for, within 10-60 in tens and their maximum. */
const ptimeOf = (line: MediaLine, local: LocalMedia): number => {
  const wanted = Math.min(line.ptime ?? local.ptime ?? DEFAULT_PTIME, line.maxptime ?? 60, 60)
  return Math.max(10, Math.floor(wanted / 10) * 10)
}

export interface Agreement {
  readonly pairs: readonly CommonCodec[]
  readonly rtcpMux: boolean
  /** Ours, as both descriptions say. */
  readonly direction: Direction
  readonly keys?: AgreedKeys | undefined
  readonly extendedReports?: ExtendedReports | undefined
}

/** What their line and ours come to. `pairs` holds a voice codec. */
export const negotiated = (line: MediaLine, local: LocalMedia, agreed: Agreement): NegotiatedMedia => {
  const remote = remoteOf(line, local)
  const voices = agreed.pairs.filter(({ ours }) => isVoice(ours.name)).map(negotiatedCodec)
  const codec = voices[0]!
  const events = agreed.pairs.find(({ ours }) => ours.name === TELEPHONE_EVENT && ours.clockRate === codec.clockRate)
  return {
    remote,
    remoteRtcp: rtcpOf(line, remote, agreed.rtcpMux),
    rtcpMux: agreed.rtcpMux,
    codec,
    receivable: voices,
    ...events === undefined ? {} : { dtmf: { receive: events.ours.payloadType, send: events.theirs.payloadType } },
    ptime: ptimeOf(line, local),
    ...agreed.keys === undefined ? {} : { crypto: agreed.keys },
    ...agreed.extendedReports === undefined ? {} : { extendedReports: agreed.extendedReports },
    // RFC 3264 §8.4: nothing can be sent to port 0 or 0.0.0.0, whatever the attribute says.
    direction: line.port === 0 ? 'inactive' : directionOf(sends(agreed.direction) && remote !== undefined, receives(agreed.direction)),
  }
}

/** Direction of our side, from what we want and what their line says. */
export const ourDirection = (line: MediaLine, wanted: Direction): Direction => narrowed(wanted, reversed(line.direction))
