/** Direction attribute of a media stream (RFC 3264 §5.1). */
export type PeerDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** Audio codecs that a scripted peer speaks. */
export type PeerCodec = 'PCMU' | 'PCMA'

const PAYLOAD_TYPES: Readonly<Record<PeerCodec, number>> = { PCMU: 0, PCMA: 8 }

/** Payload type that a scripted peer gives to RFC 4733 events. */
export const EVENT_TYPE = 101

/** What a scripted peer writes into its session description. */
export interface PeerDescription {
  readonly address: string
  readonly port: number
  readonly codecs: readonly PeerCodec[]
  readonly direction: PeerDirection
  /** Version of `o=`: grows with each change (RFC 3264 §8). */
  readonly version: number
}

/** A session description of one audio stream with telephone events. */
export const describe = ({ address, port, codecs, direction, version }: PeerDescription): string => [
  'v=0',
  `o=- 1 ${version} IN IP4 ${address}`,
  's=-',
  `c=IN IP4 ${address}`,
  't=0 0',
  `m=audio ${port} RTP/AVP ${codecs.map(codec => PAYLOAD_TYPES[codec]).join(' ')} ${EVENT_TYPE}`,
  ...codecs.map(codec => `a=rtpmap:${PAYLOAD_TYPES[codec]} ${codec}/8000`),
  `a=rtpmap:${EVENT_TYPE} telephone-event/8000`,
  `a=fmtp:${EVENT_TYPE} 0-15`,
  'a=ptime:20',
  `a=${direction}`,
  '',
].join('\r\n')

/** What a scripted peer reads from a session description. */
export interface RemoteAudio {
  readonly address: string
  readonly port: number
  /** First payload type of the line. */
  readonly payloadType: number
  readonly eventType: number | undefined
  readonly direction: PeerDirection
}

/** The first audio line of `sdp`; undefined when there is none or it is refused (port 0). */
export const readAudio = (sdp: string): RemoteAudio | undefined => {
  const [session = '', ...media] = sdp.split(/^(?=m=)/m)
  const audio = media.find(section => section.startsWith('m=audio'))
  const line = /^m=audio (\d+)\S* \S+ (.*)$/m.exec(audio ?? '')
  if (audio === undefined || line === null || line[1] === '0') return undefined
  const address = /^c=IN IP[46] (\S+)/m.exec(audio) ?? /^c=IN IP[46] (\S+)/m.exec(session)
  const event = /^a=rtpmap:(\d+) telephone-event\/8000/im.exec(audio)
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(audio) ?? /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(session)
  return {
    address: address?.[1] ?? '',
    port: Number(line[1]),
    payloadType: Number(line[2]!.trim().split(' ')[0]),
    eventType: event === null ? undefined : Number(event[1]),
    direction: (direction?.[1] ?? 'sendrecv') as PeerDirection,
  }
}
