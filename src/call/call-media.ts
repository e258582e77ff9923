import { CordboardError } from '../core/errors.js'
import type { Leg, MediaEngine } from '../media/leg.js'
import { NO_STATISTICS } from '../media/statistics.js'
import type { CodecOffer, Direction, LocalMedia, NegotiatedMedia, SrtpPolicy } from '../sdp/negotiated.js'
import { createOfferAnswer } from '../sdp/offer-answer.js'
import type { CallStatistics } from './call.js'
import { CallStreams } from './call-streams.js'

/** Of a call that has had no media. */
const NOTHING: CallStatistics = { ...NO_STATISTICS, streams: {} }

const endedEarly = (): CordboardError => new CordboardError('MEDIA_LEG_CLOSED', 'the call ended while its media opened')

/** What a call needs to know to describe its media. */
export interface CallMediaOptions {
  readonly engine: MediaEngine
  readonly codecs: readonly CodecOffer[]
  readonly srtp: SrtpPolicy
  /** The address that `peer` can send RTP to. */
  readonly addressTowards: (peer: string) => string
  /** Offer RTCP extended reports (RFC 3611). */
  readonly rtcpXr: boolean
  /** Takes what the media of a call have counted when they have closed. */
  readonly closed: (statistics: CallStatistics) => void
}

/**
 * The media of one call: a leg in a worker and its offer/answer. The leg is opened when first needed and closed once, even
 * when the call ends while it opens.
 */
export class CallMedia {
  readonly #options: CallMediaOptions
  readonly #negotiation = createOfferAnswer()
  /** Video, text and fax beside the audio. */
  readonly streams: CallStreams
  /** The last of our offers under way. */
  #turn: Promise<unknown> | undefined
  #opening: Promise<Leg> | undefined
  #leg: Leg | undefined
  #direction: Direction = 'sendrecv'
  #codecs: readonly CodecOffer[]
  /** The answer in force to our latest offer. */
  #accepted: string | undefined
  #closing: Promise<CallStatistics> | undefined
  /** Ends the wait for a worker; while it lasts. */
  #gone: AbortController | undefined
  /** The call has a partner already, who waits for it. */
  expected = false
  #onOpen: ((leg: Leg) => void) | undefined

  constructor(options: CallMediaOptions, readonly peer: string) {
    this.#options = options
    this.#codecs = options.codecs
    this.streams = new CallStreams(options.engine)
  }

  get engine(): MediaEngine {
    return this.#options.engine
  }

  /** The leg, once opened. */
  get leg(): Leg | undefined {
    return this.#leg
  }

  /** The agreement in force. */
  get agreed(): NegotiatedMedia | undefined {
    return this.#negotiation.current
  }

  /** Our description as last sent. */
  get localText(): string | undefined {
    return this.#negotiation.localText
  }

  /** Called once with the leg when it is open. */
  whenOpen(listener: (leg: Leg) => void): void {
    this.#onOpen = listener
    if (this.#leg !== undefined) listener(this.#leg)
  }

  /** Only these codecs, by name, in this order. @throws CordboardError `SERVER_BAD_OPTION` for a name that the server lacks. */
  restrict(names: readonly string[]): void {
    this.#codecs = names.map(name => {
      const [wanted, rate] = name.toUpperCase().split('/')
      const codec = this.#options.codecs.find(known => known.name === wanted && (rate === undefined || known.clockRate === Number(rate)))
      if (codec === undefined) throw new CordboardError('SERVER_BAD_OPTION', `no codec '${name}' on this server`)
      return codec
    })
  }

  /** Opens the leg, beside `near` when given. @throws CordboardError `MEDIA_OVERLOADED`, `MEDIA_PORTS_EXHAUSTED`, `MEDIA_LEG_CLOSED`. */
  open(near?: Leg): Promise<Leg> {
    this.#opening ??= this.#open(near)
    return this.#opening
  }

  async #open(near: Leg | undefined): Promise<Leg> {
    const { engine, srtp } = this.#options
    const gone = this.#gone = new AbortController()
    const leg = await engine.open({
      kind: srtp === 'off' ? 'rtp' : 'srtp', signal: gone.signal,
      ...(near === undefined ? {} : { near }),
      ...(this.expected ? { expected: true } : {}),
    })
    this.#gone = undefined
    this.#leg = leg
    if (this.#closing !== undefined) {
      await leg.close()
      throw endedEarly()
    }
    this.#onOpen?.(leg)
    return leg
  }

  /** Our answer to `offer`, in force when this resolves. @throws CordboardError `MEDIA_NO_COMMON_CODEC` (488), `SDP_BAD_DESCRIPTION` (400) and those of `open`. */
  async answer(offer: string): Promise<string> {
    const leg = await this.open()
    const { text, media } = this.#negotiation.answer(offer, await this.#local(leg))
    this.streams.offered(this.#negotiation.theirs)
    await this.#apply(leg, media)
    this.streams.trim()
    // It stands agreed: whoever reads it as the peer's last description must not take it for an answer.
    this.#accepted = offer
    return text
  }

  /** A new offer with our direction. @param audio `replaced`: a fax takes its line; as it is agreed on by default. */
  async createOffer(direction: Direction = this.#direction, audio: 'on' | 'replaced' = this.faxAlone ? 'replaced' : 'on'): Promise<string> {
    const leg = await this.open()
    this.#direction = direction
    this.#accepted = undefined
    return this.#negotiation.createOffer({ ...await this.#local(leg), audio })
  }

  /** Puts the peer's answer to our offer in force; of several (183, then 200) the last counts. @throws CordboardError as `answer`. */
  async accept(answer: string): Promise<void> {
    const leg = await this.open()
    if (answer === this.#accepted) return
    const media = this.#negotiation.accept(answer)
    this.streams.answered(this.#negotiation.theirs)
    await this.#apply(leg, media)
    this.#accepted = answer
  }

  async #apply(leg: Leg, media: NegotiatedMedia): Promise<void> {
    await Promise.all([leg.apply(media), this.streams.apply(this.#negotiation.streams)])
  }

  /** Nothing unprotected is taken: no fax, which has no protection. */
  get secureOnly(): boolean {
    return this.#options.srtp === 'required'
  }

  /** A fax has the place of the audio. */
  get faxAlone(): boolean {
    const { streams, theirs } = this.#negotiation
    return streams.some(({ kind }) => kind === 'image') && !theirs.some(({ kind, port }) => kind === 'audio' && port !== 0)
  }

  /** Runs `task`, which makes an offer and puts its answer in force, after those before it. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn === undefined ? task() : this.#turn.then(task)
    const settled = turn.then(() => undefined, () => undefined)
    this.#turn = settled
    void settled.then(() => { if (this.#turn === settled) this.#turn = undefined })
    return turn
  }

  /** Our pending offer was refused. */
  rollback(direction: Direction): void {
    this.#direction = direction
    this.#negotiation.rollback()
  }

  /** What we want of the stream: `sendonly` while we hold the peer. */
  get wanted(): Direction {
    return this.#direction
  }

  /** What its leg and side streams have counted so far, or did until they closed. */
  async statistics(): Promise<CallStatistics> {
    if (this.#closing !== undefined) return this.#closing
    if (this.#leg === undefined) return NOTHING
    const [own, streams] = await Promise.all([this.#leg.statistics(), this.streams.statistics()])
    return { ...own, streams }
  }

  /** Idempotent; recordings are whole when it resolves. */
  close(): Promise<CallStatistics> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<CallStatistics> {
    if (this.#leg === undefined) {
      this.#gone?.abort(endedEarly())
      // A leg still opening closes itself when it finds this promise set.
      await this.#opening?.catch(() => undefined)
      return NOTHING
    }
    const [own] = await Promise.all([this.#leg.close(), this.streams.close()])
    const statistics = { ...own, streams: await this.streams.statistics() }
    this.#options.closed(statistics)
    return statistics
  }

  async #local(leg: Leg): Promise<LocalMedia> {
    const streams = await this.streams.local(leg)
    return {
      address: this.#options.addressTowards(this.peer),
      port: leg.local.port,
      rtcpPort: leg.local.rtcpPort,
      rtcpMux: true,
      codecs: this.#codecs,
      dtmf: true,
      srtp: this.#options.srtp,
      rtcpXr: this.#options.rtcpXr,
      direction: this.#direction,
      // Who is on hold sees nothing either.
      ...streams === undefined ? {} : { streams: this.#direction === 'sendrecv' ? streams : streams.map(stream => ({ ...stream, direction: 'inactive' as const })) },
    }
  }
}
