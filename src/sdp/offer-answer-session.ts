import { CordboardError } from '../core/errors.js'
import type { Random } from '../core/random.js'
import { formatBody, formatDescription } from './description-text.js'
import type { LocalAudio, LocalLine } from './description-text.js'
import { parseDescription } from './description.js'
import type { DescribedCodec, Description, MediaLine } from './description.js'
import { agreedReports, knownReports, OFFERED_REPORTS } from './extended-reports.js'
import { type AgreedKeys, KeyAgreement } from './key-agreement.js'
import { common, DEFAULT_PTIME, hasVoice, isAllowed, isSecureRtp, localCodecs, negotiated, ourDirection } from './negotiation.js'
import type { CommonCodec } from './negotiation.js'
import type { LocalMedia, NegotiatedMedia, NegotiatedStream, SrtpPolicy } from './negotiated.js'
import type { OfferAnswer } from './offer-answer.js'
import { PayloadMap, sameEncoding } from './payload-map.js'
import { asksForFax, StreamLines } from './stream-lines.js'

/** A description that both sides have agreed to, or our offer of one. */
interface Round {
  readonly lines: readonly LocalLine[]
  /** Place of our audio among the lines. */
  readonly slot: number
  readonly payloads: PayloadMap
  readonly text: string
}

interface Pending extends Round {
  /** Undefined where a fax has its line. */
  readonly audio: LocalAudio | undefined
  readonly local: LocalMedia
}

const noCommonCodec = (why: string): CordboardError => new CordboardError('MEDIA_NO_COMMON_CODEC', why, { status: 488 })

/** `OfferAnswer` over whole texts: a round is worked out aside and put in force only when all of it is right. */
export class OfferAnswerSession implements OfferAnswer {
  readonly #username: string
  readonly #sessionId: string
  readonly #keys: KeyAgreement
  readonly #random: Random
  /** The side streams, from the first that is offered on. */
  #side: StreamLines | undefined
  #streams: readonly NegotiatedStream[] = []
  #theirs: readonly MediaLine[] = []
  #version: number
  /** Body that went out last, under `#version`. */
  #lastBody: string | undefined
  #agreed: Round | undefined
  #pending: Pending | undefined
  /** Our latest offer once answered: a later answer of another fork is for it too. */
  #accepted: Pending | undefined
  #current: NegotiatedMedia | undefined

  constructor(random: Random, username: string) {
    this.#username = username
    this.#keys = new KeyAgreement(random)
    this.#random = random
    // RFC 8866 §5.2 asks for numbers; 2^31 leaves each the room to count that peers with 32 bits have.
    this.#sessionId = String(random.uint32() >>> 1)
    this.#version = random.uint32() >>> 2
  }

  get state(): OfferAnswer['state'] {
    return this.#pending === undefined ? 'stable' : 'have-local-offer'
  }

  get current(): NegotiatedMedia | undefined {
    return this.#current
  }

  get streams(): readonly NegotiatedStream[] {
    return this.#streams
  }

  get theirs(): readonly MediaLine[] {
    return this.#theirs
  }

  get localText(): string | undefined {
    return (this.#pending ?? this.#agreed)?.text
  }

  createOffer(local: LocalMedia): string {
    if (this.#pending !== undefined) throw new CordboardError('CALL_STATE', 'an offer is pending')
    const payloads = this.#agreed?.payloads.copy() ?? new PayloadMap()
    const codecs = localCodecs(local).map(codec => ({ ...codec, payloadType: payloads.assign(codec, codec.payloadType) }))
    if (local.codecs.length === 0) throw noCommonCodec('no codec to offer')
    const { srtp = 'off' } = local
    const before = this.#agreed?.lines ?? []
    const slot = this.#agreed?.slot ?? 0
    const audio = local.audio === 'replaced' && this.#current !== undefined ? undefined : audioLine(local, codecs, {
      protocol: srtp === 'required' ? 'RTP/SAVP' : 'RTP/AVP',
      crypto: srtp === 'off' ? [] : this.#keys.offer(),
      rtcpXr: local.rtcpXr === true ? OFFERED_REPORTS : [],
      rtcpMux: local.rtcpMux, direction: local.direction, port: local.audio === 'off' && this.#current !== undefined ? 0 : local.port,
    })
    const lines = this.#lines(before, slot, audio, local)
    const text = this.#write(local.address, lines)
    this.#pending = { lines, slot, payloads, text, audio, local }
    this.#accepted = undefined
    return text
  }

  #lines(before: readonly LocalLine[], slot: number, audio: LocalAudio | undefined, local: LocalMedia): readonly LocalLine[] {
    if (audio === undefined || local.streams !== undefined || this.#side !== undefined) return this.#sides().offer(before, slot, audio, local)
    return before.length === 0 ? [audio] : before.map((line, at) => at === slot ? audio : line)
  }

  #sides(): StreamLines {
    return this.#side ??= new StreamLines(this.#random)
  }

  answer(offer: string, local: LocalMedia): { readonly text: string; readonly media: NegotiatedMedia } {
    if (this.#pending !== undefined) throw new CordboardError('CALL_STATE', 'an offer of our own is pending', { status: 491 })
    const description = parseDescription(offer)
    if (this.#isFaxAlone(description, local)) return this.#answerFax(description, local)
    const ours = localCodecs(local)
    const { slot, shared } = this.#chooseLine(description, ours, local.srtp ?? 'off')
    const line = description.media[slot]!
    const payloads = this.#agreed?.payloads.copy() ?? new PayloadMap()
    const pairs = shared.map(({ theirs, ours: mine }) => ({ theirs, ours: { ...mine, payloadType: payloads.follow(theirs, theirs.payloadType) } }))
    const direction = ourDirection(line, local.direction)
    const rtcpMux = line.rtcpMux && local.rtcpMux
    const protection = this.#protect(line, local.srtp ?? 'off')
    const rtcpXr = knownReports(line.rtcpXr)
    const media = negotiated(line, local, { pairs, rtcpMux, direction, keys: protection?.keys, extendedReports: agreedReports(rtcpXr) })
    // RFC 3264 §6: a line offered with port 0 is answered with port 0.
    const port = line.port === 0 ? 0 : local.port
    const audio = audioLine(local, pairs.map(pair => pair.ours), {
      protocol: line.protocol, crypto: protection === undefined ? [] : [protection.line], rtcpMux, rtcpXr, direction, port,
    })
    const side = local.streams === undefined ? undefined : this.#sides().answer(description, slot, local)
    const lines = description.media.map((item, at) => at === slot ? audio : side?.lines[at] ?? refused(item))
    return this.#answered(description, { lines, slot, payloads, text: this.#write(local.address, lines) }, media, side?.agreed ?? [])
  }

  #answered(theirs: Description, round: Round, media: NegotiatedMedia, streams: readonly NegotiatedStream[]): { readonly text: string; readonly media: NegotiatedMedia } {
    this.#agreed = round
    this.#accepted = undefined
    this.#current = media
    this.#streams = streams
    this.#theirs = theirs.media
    return { text: round.text, media }
  }

  /** An offer that switches the call to fax: no audio is left in it. */
  #isFaxAlone({ media }: Description, { srtp = 'off', streams = [] }: LocalMedia): boolean {
    return this.#current !== undefined && streams.some(({ kind }) => kind === 'image') &&
      media.some(line => asksForFax(line, srtp)) && !media.some(({ kind, port }) => kind === 'audio' && port !== 0)
  }

  #answerFax(description: Description, local: LocalMedia): { readonly text: string; readonly media: NegotiatedMedia } {
    const { slot, payloads } = this.#agreed!
    const side = this.#sides().answer(description, undefined, local)
    const lines = description.media.map((item, at) => side.lines[at] ?? refused(item))
    return this.#answered(description, { lines, slot, payloads, text: this.#write(local.address, lines) }, silenced(this.#current!), side.agreed)
  }

  accept(answer: string): NegotiatedMedia {
    const pending = this.#pending ?? this.#accepted
    if (pending === undefined) throw new CordboardError('CALL_STATE', 'no offer is pending')
    const description = parseDescription(answer)
    // RFC 3264 §6: as many lines as the offer, in its order. Telephones without video are known to leave out what they don't know.
    if (description.media.length > pending.lines.length || description.media.length <= pending.slot) {
      throw new CordboardError('SDP_BAD_DESCRIPTION', `${description.media.length} media lines answer ${pending.lines.length}`, { status: 400 })
    }
    const media = this.#acceptedAudio(description.media[pending.slot]!, pending)
    this.#streams = this.#side === undefined ? [] : this.#side.accept(description, pending.lines, pending.local)
    this.#agreed = this.#accepted = pending
    this.#pending = undefined
    this.#current = media
    this.#theirs = description.media
    return media
  }

  #acceptedAudio(line: MediaLine, { audio, local }: Pending): NegotiatedMedia {
    if (this.#current !== undefined && (audio === undefined || audio.port === 0)) return silenced(this.#current)
    if (audio === undefined) throw noCommonCodec('no audio agreed on')
    if (line.kind !== 'audio') throw new CordboardError('SDP_BAD_DESCRIPTION', `${line.kind} answers audio`, { status: 400 })
    if (line.port === 0 && this.#current === undefined) throw noCommonCodec('the audio was refused')
    const keys = this.#unlock(line, audio)
    const pairs = answered(line, audio.codecs)
    if (!hasVoice(pairs)) throw noCommonCodec('the answer has no codec of the offer')
    return negotiated(line, local, {
      pairs,
      rtcpMux: line.rtcpMux && audio.rtcpMux,
      keys,
      extendedReports: audio.rtcpXr.length === 0 ? undefined : agreedReports(knownReports(line.rtcpXr)),
      direction: ourDirection(line, audio.direction),
    })
  }

  rollback(): void {
    this.#pending = undefined
  }

  /** Our key for their offer; undefined for a stream without protection. */
  #protect(line: MediaLine, srtp: SrtpPolicy): ReturnType<KeyAgreement['answer']> {
    if (srtp === 'off') return undefined
    const protection = this.#keys.answer(line.crypto)
    if (protection === undefined && (isSecureRtp(line.protocol) || srtp === 'required')) throw noCommonCodec('no crypto suite in common')
    return protection
  }

  /** The keys that their answer takes from our offer; undefined for a stream without protection. */
  #unlock(line: MediaLine, offered: LocalAudio): AgreedKeys | undefined {
    if (line.protocol !== offered.protocol) throw noCommonCodec(`${line.protocol} answers ${offered.protocol}`)
    // A line refused or switched off need not name a key.
    if (line.port === 0 || (line.crypto.length === 0 && !isSecureRtp(offered.protocol))) return undefined
    const keys = this.#keys.accept(line.crypto, offered.crypto)
    if (keys === undefined) throw noCommonCodec('the answer has no key for a suite of the offer')
    return keys
  }

  /** The line that our audio was on, else the first that we can take; one that is switched off (port 0) only when there is no other. */
  #chooseLine({ media }: Description, ours: readonly DescribedCodec[], srtp: SrtpPolicy): { readonly slot: number; readonly shared: readonly CommonCodec[] } {
    const before = this.#agreed?.slot
    // A peer that offers both wants protection if it can have it (RFC 4568 §4.1 leaves two lines to local policy).
    const places = srtp === 'off' ? [...media.keys()] : [...media.keys()].sort((a, b) => Number(isSecureRtp(media[b]!.protocol)) - Number(isSecureRtp(media[a]!.protocol)))
    const order = before === undefined || before >= media.length ? places : [before, ...places]
    let off: { readonly slot: number; readonly shared: readonly CommonCodec[] } | undefined
    for (const slot of order) {
      const line = media[slot]!
      if (line.kind !== 'audio' || !isAllowed(line, srtp)) continue
      const shared = common(line.codecs, ours)
      if (!hasVoice(shared)) continue
      if (line.port !== 0) return { slot, shared }
      off ??= { slot, shared }
    }
    if (off !== undefined) return off
    const audio = media.filter(({ kind }) => kind === 'audio')
    if (audio.length === 0) throw noCommonCodec('no audio offered')
    if (!audio.some(line => isAllowed(line, srtp))) throw noCommonCodec(`only ${audio[0]!.protocol} offered, and SRTP is ${srtp}`)
    throw noCommonCodec(`no common codec among ${audio.flatMap(({ codecs }) => codecs.map(({ name }) => name)).join(', ')}`)
  }

  /** The text; its version rises by one when anything else has changed since the last (RFC 3264 §8). */
  #write(address: string, lines: readonly LocalLine[]): string {
    const body = formatBody(address, lines)
    const version = this.#lastBody === undefined || this.#lastBody === body ? this.#version : this.#version + 1
    const text = formatDescription({ username: this.#username, sessionId: this.#sessionId, version }, address, body)
    this.#version = version
    this.#lastBody = body
    return text
  }
}

const audioLine = (local: LocalMedia, codecs: readonly DescribedCodec[], agreed: Pick<LocalAudio, 'protocol' | 'rtcpMux' | 'rtcpXr' | 'direction' | 'port' | 'crypto'>): LocalAudio =>
  ({ type: 'audio', rtcpPort: local.rtcpPort, codecs, ptime: local.ptime ?? DEFAULT_PTIME, ...agreed })

const refused = ({ kind, protocol, formats }: MediaLine): LocalLine => ({ type: 'refused', kind, protocol, formats })

/** The audio while its line is off or another's: nothing is sent or taken, the codec stays for when it comes back. */
const silenced = (media: NegotiatedMedia): NegotiatedMedia => ({ ...media, remote: undefined, remoteRtcp: undefined, direction: 'inactive' })

/** Codecs of the answer that the offer had; a number without rtpmap is taken for the offer's own. */
const answered = (line: MediaLine, offered: readonly DescribedCodec[]): readonly CommonCodec[] => {
  const explained = line.formats.flatMap(format => {
    const theirs = line.codecs.find(codec => codec.payloadType === Number(format))
    return theirs ?? offered.filter(codec => codec.payloadType === Number(format))
  })
  return common(explained, offered.filter(codec => explained.some(other => sameEncoding(other, codec))))
}
