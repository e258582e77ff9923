import type { DescribedCodec, MediaLine } from './description.js'
import { reversed } from './direction.js'
import type { NegotiatedStream, StreamCodec, StreamKind, WantedStream } from './negotiated.js'

/**
 * Redundancy of video is left out: it carries numbers and sources of the stream that it repairs (RFC 4588, RFC 5109), which mean nothing
 * on the other leg. Text has its own (RFC 4103 §4), which is translated.
 */
const NOT_RELAYED: ReadonlySet<string> = new Set(['RTX', 'ULPFEC', 'FLEXFEC', 'FLEXFEC-03', 'PARITYFEC'])
/** Parameters that make of one encoding several (RFC 6184 §8.2.2, RFC 7798 §7.2.2, RFC 9628 §6). */
const TELLING = ['packetization-mode', 'profile-id', 'profile'] as const

const isRelayed = (kind: string, name: string): boolean => !NOT_RELAYED.has(name) && (name !== 'RED' || kind === 'text')

/** True for the kinds of line that can be relayed. */
export const isStreamKind = (kind: string): kind is StreamKind => kind === 'video' || kind === 'text' || kind === 'image'

const parameter = (fmtp: string | undefined, name: string): string | undefined =>
  fmtp?.split(';').map(part => part.trim().split('=')).find(([key]) => key?.toLowerCase() === name)?.[1]?.toLowerCase()

const keyOf = ({ name, clockRate, channels, fmtp }: DescribedCodec): string => {
  const telling = TELLING.map(key => parameter(fmtp, key)).map((value, at) => value ?? (name === 'H264' && at === 0 ? '0' : ''))
  return [name, clockRate, channels, ...telling, parameter(fmtp, 'profile-level-id')?.slice(0, 2) ?? ''].join('/')
}

/** The encodings of their line that can be relayed, each once. */
export const streamCodecs = ({ kind, codecs }: MediaLine): readonly StreamCodec[] => {
  const keys = new Set<string>()
  return codecs.flatMap(codec => {
    const key = keyOf(codec)
    if (!isRelayed(kind, codec.name) || keys.has(key)) return []
    keys.add(key)
    return [{ ...codec, key, feedback: codec.feedback ?? [] }]
  })
}

/** The one of `ours` that `theirs` is: of the same key, else by number and name, else by name alone, since answers may differ in their parameters. */
export const counterpart = <T extends StreamCodec>(ours: readonly T[], theirs: StreamCodec): T | undefined => {
  const named = ours.filter(({ name, clockRate }) => name === theirs.name && clockRate === theirs.clockRate)
  return named.find(({ key }) => key === theirs.key) ?? named.find(({ payloadType }) => payloadType === theirs.payloadType) ?? named[0]
}

/**
 * Parameters under other payload types: those of redundancy name the numbers that they carry (RFC 4103 §9).
 * @param numbers of the description that they are from, to ours.
 * @returns undefined when one of them has no counterpart.
 */
export const translated = (codec: StreamCodec, numbers: ReadonlyMap<number, number>): string | undefined => {
  const { name, fmtp } = codec
  if (name !== 'RED' || fmtp === undefined) return fmtp
  const mapped = fmtp.split('/').map(number => numbers.get(Number(number)))
  return mapped.some(number => number === undefined) ? undefined : mapped.join('/')
}

/** What a party's line asks for, as it is offered to the other; undefined where the line is off or can't be relayed. */
export const wantedOf = (line: MediaLine): WantedStream | undefined => {
  if (!isStreamKind(line.kind) || line.port === 0) return undefined
  const codecs = streamCodecs(line)
  if (line.kind === 'image' ? !isFax(line) : codecs.length === 0) return undefined
  return { kind: line.kind, codecs, avpf: line.protocol.endsWith('F'), t38: line.t38 ?? [], direction: line.direction }
}

/** True for a line of T.38 over UDPTL. */
export const isFax = ({ kind, protocol, formats }: MediaLine): boolean =>
  kind === 'image' && protocol.toLowerCase() === 'udptl' && formats.some(format => format.toLowerCase() === 't38')

/** What a party has agreed to, as it is offered to, or taken from, the other. */
export const relayedOf = ({ kind, codecs, avpf, t38, direction }: NegotiatedStream): WantedStream => ({
  kind, avpf, t38, direction: reversed(direction),
  codecs: codecs.map(({ receive: _, send, ...codec }) => ({ ...codec, payloadType: send })),
})

/** The stream under the payload types that a party has given to its encodings in `own`, as far as they are in it and leave no number twice. */
export const numberedAs = (stream: WantedStream, own: WantedStream | undefined): WantedStream => {
  const numbers = new Map(stream.codecs.map(({ key, payloadType }) => [payloadType, own?.codecs.find(codec => codec.key === key)?.payloadType ?? payloadType]))
  if (new Set(numbers.values()).size < numbers.size) return stream
  return {
    ...stream,
    codecs: stream.codecs.map(({ fmtp, ...codec }) => {
      const ours = translated({ ...codec, ...fmtp === undefined ? {} : { fmtp } }, numbers)
      return { ...codec, payloadType: numbers.get(codec.payloadType)!, ...ours === undefined ? {} : { fmtp: ours } }
    }),
  }
}
