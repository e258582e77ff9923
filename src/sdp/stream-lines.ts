import { isIP } from 'node:net'
import type { Random } from '../core/random.js'
import { formatsOf, type LocalLine, type LocalStreamLine } from './description-text.js'
import type { Description, MediaLine } from './description.js'
import { directionOf, receives, sends } from './direction.js'
import { type AgreedKeys, KeyAgreement } from './key-agreement.js'
import type { LocalMedia, LocalStream, NegotiatedStream, NegotiatedStreamCodec, SrtpPolicy, StreamCodec } from './negotiated.js'
import { isAllowed, isSecureRtp, ourDirection, remoteOf, rtcpOf } from './negotiation.js'
import { PayloadMap } from './payload-map.js'
import { counterpart, isFax, streamCodecs, translated } from './stream-codecs.js'

/** What of one media line outlives its rounds. */
interface Place {
  readonly payloads: PayloadMap
  readonly keys: KeyAgreement
}

interface Pair {
  readonly theirs: StreamCodec
  readonly ours: StreamCodec
}

/** What an answer takes of the side streams offered: a line for each of theirs, undefined where it is refused. */
export interface StreamAnswer {
  readonly lines: readonly (LocalStreamLine | undefined)[]
  readonly agreed: readonly NegotiatedStream[]
}

/** A line switched off, its formats repeated (RFC 3264 §8.2). */
const switchedOff = (line: LocalLine): LocalLine =>
  ({ type: 'refused', kind: line.type === 'audio' ? 'audio' : line.kind, protocol: line.protocol, formats: formatsOf(line) })

const kindOf = (line: LocalLine): string => line.type === 'audio' ? 'audio' : line.kind

/** The media lines beside the audio, of one session. Numbers and keys of each stay the same in all rounds. */
export class StreamLines {
  readonly #places = new Map<string, Place>()

  constructor(readonly random: Random) {}

  /**
   * Lines of an offer: those of earlier rounds in their places, switched off where nobody wants them now, new ones behind them.
   * @param audio our audio, undefined where a fax takes its line; @param slot its place.
   */
  offer(before: readonly LocalLine[], slot: number, audio: LocalLine | undefined, local: LocalMedia): readonly LocalLine[] {
    const left = [...local.streams ?? []]
    const take = (kind: string): LocalStream | undefined => {
      const at = left.findIndex(stream => stream.kind === kind)
      return at < 0 ? undefined : left.splice(at, 1)[0]
    }
    const lines: LocalLine[] = []
    for (let at = 0; at < Math.max(before.length, slot + 1); at++) {
      const line = before[at]
      const stream = at !== slot ? take(line === undefined ? '' : kindOf(line)) : audio === undefined ? take('image') : undefined
      if (stream !== undefined) lines.push(this.#offered(at, stream, local))
      else lines.push(at === slot && audio !== undefined ? audio : switchedOff(line!))
    }
    for (const stream of left) lines.push(this.#offered(lines.length, stream, local))
    return lines
  }

  #offered(slot: number, stream: LocalStream, { srtp = 'off', rtcpMux }: LocalMedia): LocalStreamLine {
    const { kind, port, rtcpPort, direction, t38, avpf } = stream
    if (kind === 'image') return { type: 'stream', kind, port, rtcpPort, rtcpMux: false, protocol: 'udptl', codecs: [], t38, direction, crypto: [] }
    const { payloads, keys } = this.#place(slot, kind)
    const codecs = renumbered(stream.codecs, codec => payloads.assign(numbered(codec), codec.payloadType))
    const protocol = `RTP/${srtp === 'required' ? 'S' : ''}AVP${avpf ? 'F' : ''}`
    return { type: 'stream', kind, port, rtcpPort, rtcpMux, protocol, codecs, t38, direction, crypto: srtp === 'off' ? [] : keys.offer() }
  }

  /** Takes of their offer what `local.streams` has too. @param audio place of the line that our audio takes, undefined for none. */
  answer({ media }: Description, audio: number | undefined, local: LocalMedia): StreamAnswer {
    const left = [...local.streams ?? []]
    const agreed: NegotiatedStream[] = []
    const lines = media.map((line, slot) => {
      const at = slot === audio ? -1 : left.findIndex(({ kind }) => kind === line.kind)
      const taken = at < 0 || line.port === 0 || !reachable(line, local) ? undefined : this.#answered(slot, line, left[at]!, local)
      if (taken === undefined) return undefined
      left.splice(at, 1)
      agreed.push(taken.agreed)
      return taken.line
    })
    return { lines, agreed }
  }

  #answered(slot: number, line: MediaLine, stream: LocalStream, local: LocalMedia): { readonly line: LocalStreamLine; readonly agreed: NegotiatedStream } | undefined {
    const { srtp = 'off' } = local
    const { kind, port, rtcpPort } = stream
    const { protocol } = line
    const direction = ourDirection(line, stream.direction)
    if (kind === 'image') {
      if (!isFax(line) || srtp === 'required') return undefined
      const own: LocalStreamLine = { type: 'stream', kind, port, rtcpPort, rtcpMux: false, protocol, codecs: [], t38: stream.t38, direction, crypto: [] }
      return { line: own, agreed: agreement(line, own, [], undefined, local) }
    }
    if (!isAllowed(line, srtp)) return undefined
    const { payloads, keys } = this.#place(slot, kind)
    // In the order of the party that the stream goes on to.
    const pairs = paired(stream.codecs, streamCodecs(line))
    const secured = srtp === 'off' ? undefined : keys.answer(line.crypto)
    if (pairs.length === 0 || (secured === undefined && (isSecureRtp(protocol) || srtp === 'required'))) return undefined
    const offered = new Map(pairs.map(([ours, theirs]) => [ours, theirs]))
    const codecs = renumbered(pairs.map(([ours]) => ours), codec => payloads.follow(numbered(codec), offered.get(codec)!.payloadType))
      .map((codec, at) => ({ ...codec, feedback: codec.feedback.filter(kept => pairs[at]![1].feedback.includes(kept)) }))
    const own: LocalStreamLine = {
      type: 'stream', kind, port, rtcpPort, rtcpMux: line.rtcpMux && local.rtcpMux, protocol, codecs, t38: [], direction,
      crypto: secured === undefined ? [] : [secured.line],
    }
    return { line: own, agreed: agreement(line, own, pairs.map(([, theirs], at) => ({ theirs, ours: codecs[at]! })), secured?.keys, local) }
  }

  /** What their answer makes of the lines that we offered; a line left out, or answered with something else than it offered, is none. */
  accept({ media }: Description, offered: readonly LocalLine[], local: LocalMedia): readonly NegotiatedStream[] {
    return offered.flatMap((own, slot) => {
      const line = media[slot]
      if (own.type !== 'stream' || line === undefined || line.kind !== own.kind || line.port === 0 || !reachable(line, local)) return []
      if (own.kind === 'image') return isFax(line) ? [agreement(line, own, [], undefined, local)] : []
      const pairs = paired(streamCodecs(line), own.codecs).map(([theirs, ours]) => ({ theirs, ours }))
      const keys = this.#unlocked(slot, line, own)
      return pairs.length === 0 || line.protocol !== own.protocol || keys === 'none' ? [] : [agreement(line, own, pairs, keys, local)]
    })
  }

  #unlocked(slot: number, line: MediaLine, own: LocalStreamLine): AgreedKeys | 'none' | undefined {
    if (line.crypto.length === 0 && !isSecureRtp(own.protocol)) return undefined
    return this.#place(slot, own.kind).keys.accept(line.crypto, own.crypto) ?? 'none'
  }

  #place(slot: number, kind: string): Place {
    const key = `${slot}/${kind}`
    let place = this.#places.get(key)
    if (place === undefined) {
      place = { payloads: new PayloadMap(), keys: new KeyAgreement(this.random) }
      this.#places.set(key, place)
    }
    return place
  }
}

const numbered = ({ key }: StreamCodec): { readonly name: string; readonly clockRate: number; readonly channels: number } => ({ name: key, clockRate: 0, channels: 0 })

/** The codecs under our numbers; redundancy of what is not there is left out. */
const renumbered = (codecs: readonly StreamCodec[], numberOf: (codec: StreamCodec) => number): readonly StreamCodec[] => {
  const numbers = new Map(codecs.map(codec => [codec.payloadType, numberOf(codec)]))
  return codecs.map(({ fmtp: _, ...codec }, at) => {
    const fmtp = translated(codecs[at]!, numbers)
    return { ...codec, payloadType: numbers.get(codec.payloadType)!, ...fmtp === undefined ? {} : { fmtp } }
  })
}

/** Each of `first` with its counterpart, in the order of `first`. */
const paired = (first: readonly StreamCodec[], second: readonly StreamCodec[]): readonly (readonly [StreamCodec, StreamCodec])[] => {
  const left = [...second]
  return first.flatMap(codec => {
    const match = counterpart(left, codec)
    if (match === undefined) return []
    left.splice(left.indexOf(match), 1)
    return [[codec, match] as const]
  })
}

const agreement = (line: MediaLine, own: LocalStreamLine, pairs: readonly Pair[], keys: AgreedKeys | undefined, local: LocalMedia): NegotiatedStream => {
  const remote = remoteOf(line, local)
  const rtcpMux = own.kind !== 'image' && line.rtcpMux && own.rtcpMux
  const direction = ourDirection(line, own.direction)
  return {
    kind: own.kind, remote, rtcpMux, remoteRtcp: own.kind === 'image' ? undefined : rtcpOf(line, remote, rtcpMux),
    codecs: pairs.map(agreedCodec), avpf: line.protocol.endsWith('F'), t38: line.t38 ?? [],
    direction: directionOf(sends(direction) && remote !== undefined, receives(direction)),
    ...keys === undefined ? {} : { crypto: keys },
  }
}

const agreedCodec = ({ ours, theirs }: Pair): NegotiatedStreamCodec => ({
  key: ours.key, name: ours.name, clockRate: ours.clockRate, channels: ours.channels, receive: ours.payloadType, send: theirs.payloadType,
  feedback: theirs.feedback.filter(feedback => ours.feedback.includes(feedback)),
  ...theirs.fmtp === undefined ? {} : { fmtp: theirs.fmtp },
})

/** True when `line` asks for a fax, which has no protection. */
export const asksForFax = (line: MediaLine, srtp: SrtpPolicy): boolean => line.port !== 0 && srtp !== 'required' && isFax(line)

/** A line that leads to nobody is refused; the call goes on without it. */
const reachable = ({ address = '' }: MediaLine, local: LocalMedia): boolean => isIP(address) === isIP(local.address)
