import { channels } from '../core/channels.js'
import type { StreamKind, WantedStream } from '../sdp/negotiated.js'
import type { OfferReply, Session } from '../sip/ua/user-agent.js'
import type { CallMedia } from './call-media.js'
import { asksForFaxAlone, holds, sameWishes, wishesOf } from './call-streams.js'
import { answerOffer, NOT_ACCEPTABLE_HERE, reofferStreams } from './reoffer.js'

/** A call, as its side streams need it. */
export interface SideParty {
  readonly id: string
  readonly media: CallMedia
  readonly session: Session | undefined
  readonly state: 'early' | 'answered' | 'ended'
  /** The bridge that its side streams go through. */
  side: SideBridge | undefined
}

/** RFC 3261 §14.2: an offer meets another. */
const REQUEST_PENDING = 491
/** RFC 3261 §12.2.2: the dialog is no more. */
const GONE = 481
/** What is relayed as soon as both have it; a fax is asked for in mid-call. */
const LASTING: readonly StreamKind[] = ['video', 'text']

/**
 * The side streams of two bridged calls. What one party offers is offered to the other, and what that one takes is what the first is
 * answered; from then on the streams go through between the two.
 */
export class SideBridge {
  #closed = false
  /** An offer is on its way from one party to the other. */
  #passing = false
  /** A party has changed meanwhile. */
  #changed = false
  /** What the other party knows that a party wants: an offer of the same is nothing new to it. */
  readonly #known = new Map<SideParty, readonly WantedStream[]>()

  constructor(readonly a: SideParty, readonly b: SideParty) {
    a.side = b.side = this
    this.#note()
  }

  #note(): void {
    for (const party of [this.a, this.b]) this.#known.set(party, party.media.streams.wishes)
  }

  /** Brings both parties to the same streams, by re-INVITE where they have others; at once and without any where nobody wants one. */
  align(): void {
    const { a, b } = this
    if (this.#closed || ![a, b].some(({ media: { streams } }) => streams.wishes.length > 0 || streams.agreed.length > 0)) return
    if (this.#passing) {
      this.#changed = true
      return
    }
    this.#passing = true
    this.#align().catch((error: unknown) => channels.call.publish({ id: a.id, event: 'fault', error })).finally(() => this.#passed())
  }

  #passed(): void {
    this.#passing = false
    if (!this.#changed) return
    this.#changed = false
    this.align()
  }

  async #align(): Promise<void> {
    const { a, b } = this
    const wishes = LASTING.flatMap(kind => {
      const [first, second] = [a, b].map(({ media: { streams } }) => streams.declined(kind) ? 'declined' : streams.wishes.find(wish => wish.kind === kind))
      return first === 'declined' || second === 'declined' ? [] : first ?? second ?? []
    })
    await this.#settle(b, wishes)
    await this.#settle(a, lasting(b.media.streams.relayed))
    // What the first did not take, the second need not have.
    await this.#settle(b, lasting(a.media.streams.relayed))
    this.#note()
    await this.#join()
    const lost = [a, b].filter(({ media: { streams } }) => !streams.whole)
    if (lost.length === 0) return
    // An end whose port was lost on its way into the other's worker gets another.
    for (const party of lost) await reoffered(party, party.media.streams.relayed, 'on')
    await this.#join()
  }

  async #settle(party: SideParty, wanted: readonly WantedStream[]): Promise<void> {
    if (!this.#closed && !party.media.streams.within(wanted)) await reoffered(party, wanted, 'on')
  }

  /** Answers a re-INVITE or UPDATE of `party`: what it changes of the side streams is passed on to the other first. */
  async answer(party: SideParty, offer: string): Promise<OfferReply> {
    const wishes = wishesOf(offer)
    if (wishes === undefined || sameWishes(wishes, this.#known.get(party) ?? [], !holds(offer))) return answerOffer(party.media, offer)
    if (party.media.secureOnly && asksForFaxAlone(offer)) return { type: 'refused', status: NOT_ACCEPTABLE_HERE }
    if (this.#passing) return { type: 'refused', status: REQUEST_PENDING }
    this.#passing = true
    try {
      return await this.#pass(party, party === this.a ? this.b : this.a, offer, wishes)
    } finally {
      this.#passed()
    }
  }

  async #pass(party: SideParty, other: SideParty, offer: string, wishes: readonly WantedStream[]): Promise<OfferReply> {
    const fax = asksForFaxAlone(offer)
    const { session } = party
    const before = { own: party.media.streams.wanted, others: other.media.streams.wanted }
    const accepted = await reoffered(other, wishes, fax ? 'replaced' : 'on')
    // Another has taken its place meanwhile: its own wishes count, and both are brought together again.
    if (party.session !== session) return { type: 'refused', status: GONE }
    const taken = accepted && (!fax || other.media.streams.agreed.some(({ kind }) => kind === 'image'))
    // Without the other there is no fax, and no end of one; everything else goes on without what was refused.
    let reply: OfferReply = { type: 'refused', status: NOT_ACCEPTABLE_HERE }
    if (taken || !(fax || party.media.faxAlone)) {
      party.media.streams.wanted = other.media.streams.relayed
      reply = await answerOffer(party.media, offer)
    }
    if (reply.type === 'refused') {
      party.media.streams.wanted = before.own
      if (accepted) await reoffered(other, before.others, party.media.faxAlone ? 'replaced' : 'on')
    } else {
      const { streams } = other.media
      this.#known.set(party, wishes)
      this.#known.set(other, streams.wishes.filter(wish => streams.agreed.some(({ kind }) => kind === wish.kind)))
    }
    party.media.streams.trim()
    await this.#join()
    return reply
  }

  async #join(): Promise<void> {
    const [a, b] = [this.a.media, this.b.media]
    if (this.#closed) return
    await Promise.all(a.streams.agreed.map(async ({ kind }) => {
      const [first, second] = [a.streams.end(kind), b.streams.end(kind)]
      // One that no worker can open any more, or whose call ends, is joined to nothing.
      if (first?.closed === false && second?.closed === false) await a.engine.joinStreams(first, second).catch(() => undefined)
    }))
  }

  /** Parts the streams; they stay agreed on, for the next bridge. A fax ends: who is left has its audio back. */
  close(): void {
    this.#closed = true
    for (const party of [this.a, this.b]) {
      if (party.side === this) party.side = undefined
      const { media } = party
      for (const { kind } of media.streams.agreed) {
        const end = media.streams.end(kind)
        if (end !== undefined) media.engine.partStream(end).catch(() => undefined)
      }
      if (media.faxAlone) void reoffered(party, [], 'on')
    }
  }
}

const lasting = (streams: readonly WantedStream[]): readonly WantedStream[] => streams.filter(({ kind }) => LASTING.includes(kind))

const reoffered = (party: SideParty, wanted: readonly WantedStream[], audio: 'on' | 'replaced'): Promise<boolean> =>
  party.session === undefined || party.state !== 'answered' ? Promise.resolve(false) : reofferStreams(party.media, party.session, wanted, audio)
