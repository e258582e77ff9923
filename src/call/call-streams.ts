import type { Leg, MediaEngine } from '../media/leg.js'
import { addStreamStatistics, NO_STREAM_STATISTICS, type SideStream, type StreamStatistics } from '../media/side-stream.js'
import { parseDescription, type MediaLine } from '../sdp/description.js'
import type { LocalStream, NegotiatedStream, StreamKind, WantedStream } from '../sdp/negotiated.js'
import { numberedAs, relayedOf, wantedOf } from '../sdp/stream-codecs.js'

/** What the lines ask for that can be relayed, the first of each kind. */
const wishesIn = (lines: readonly MediaLine[]): readonly WantedStream[] => {
  const wishes = new Map<StreamKind, WantedStream>()
  for (const line of lines) {
    const wish = wantedOf(line)
    if (wish !== undefined && !wishes.has(wish.kind)) wishes.set(wish.kind, wish)
  }
  return [...wishes.values()]
}

/** The side streams that `offer` asks for; undefined when it cannot be read. */
export const wishesOf = (offer: string): readonly WantedStream[] | undefined => {
  try {
    return wishesIn(parseDescription(offer).media)
  } catch {
    return undefined
  }
}

/** True when `offer` asks for a fax and for no audio. */
export const asksForFaxAlone = (offer: string): boolean => {
  const { media } = parseDescription(offer)
  return wishesIn(media).some(({ kind }) => kind === 'image') && !media.some(({ kind, port }) => kind === 'audio' && port !== 0)
}

/** True when `offer` puts the other side on hold: what it says of directions is then for the time of the hold. */
export const holds = (offer: string): boolean =>
  parseDescription(offer).media.some(({ kind, port, direction }) => kind === 'audio' && port !== 0 && direction !== 'sendrecv')

/** True when both ask for the same; payload types are a matter of each party alone. */
export const sameWishes = (a: readonly WantedStream[], b: readonly WantedStream[], inDirection: boolean): boolean => {
  const gist = (wishes: readonly WantedStream[]): string =>
    JSON.stringify(wishes.map(({ kind, codecs, t38, direction }) => [kind, codecs.map(({ key }) => key), t38, inDirection ? direction : '']).sort())
  return gist(a) === gist(b)
}

/** The side streams of one call: what its peer wants, what the other party of a bridge has, and an end in a media worker for each agreed. */
export class CallStreams {
  /** What is offered to the peer, and taken where it offers it: what another party has agreed to. */
  wanted: readonly WantedStream[] = []
  readonly #ends = new Map<StreamKind, SideStream>()
  readonly #opening = new Map<StreamKind, Promise<SideStream>>()
  readonly #wishes = new Map<StreamKind, WantedStream>()
  readonly #declined = new Set<StreamKind>()
  /** What ends that have closed did count, and those that are closing. */
  readonly #counted = new Map<StreamKind, StreamStatistics>()
  readonly #closing = new Set<Promise<void>>()
  #agreed: readonly NegotiatedStream[] = []
  #closed = false

  constructor(readonly engine: MediaEngine) {}

  /** In force. */
  get agreed(): readonly NegotiatedStream[] {
    return this.#agreed
  }

  /** What is in force, as it is offered to another party. */
  get relayed(): readonly WantedStream[] {
    return this.#agreed.map(relayedOf)
  }

  /** What the peer last said that it wants. */
  get wishes(): readonly WantedStream[] {
    return [...this.#wishes.values()]
  }

  /** The peer has left out or refused such a stream. */
  declined(kind: StreamKind): boolean {
    return this.#declined.has(kind)
  }

  /** What is in force is of `wanted`, and nothing of `wanted` is missing. */
  within(wanted: readonly WantedStream[]): boolean {
    return wanted.length === this.#agreed.length && this.#agreed.every(({ kind, codecs }) => {
      const allowed = wanted.find(stream => stream.kind === kind)
      return allowed !== undefined && codecs.every(({ key }) => allowed.codecs.some(codec => codec.key === key))
    })
  }

  /** Each stream in force has its end. */
  get whole(): boolean {
    return this.#agreed.every(({ kind }) => this.#ends.get(kind)?.closed === false)
  }

  end(kind: StreamKind): SideStream | undefined {
    return this.#ends.get(kind)
  }

  /** What is wanted, in the peer's own numbers where it has some, with ports beside `leg`; without a port a stream is left out. Undefined where none ever was. */
  async local(leg: Leg): Promise<readonly LocalStream[] | undefined> {
    if (this.wanted.length === 0) return this.#ends.size === 0 && this.#agreed.length === 0 ? undefined : []
    const opened = await Promise.all(this.wanted.map(async stream => {
      const end = await this.#open(stream.kind, leg).catch(() => undefined)
      return end === undefined ? [] : [{ ...numberedAs(stream, this.#wishes.get(stream.kind)), port: end.local.port, rtcpPort: end.local.rtcpPort }]
    }))
    return opened.flat()
  }

  #open(kind: StreamKind, near: Leg): Promise<SideStream> {
    const open = this.#ends.get(kind)
    if (open?.closed === false) return Promise.resolve(open)
    if (open !== undefined) void this.#close(kind, open)
    const opening = this.#opening.get(kind) ?? this.#opened(kind, near).finally(() => this.#opening.delete(kind))
    this.#opening.set(kind, opening)
    return opening
  }

  async #opened(kind: StreamKind, near: Leg): Promise<SideStream> {
    const end = await this.engine.openStream({ kind, near })
    // Ended meanwhile.
    if (this.#closed) void end.close()
    else this.#ends.set(kind, end)
    return end
  }

  /** Puts what was agreed on in force. */
  async apply(agreed: readonly NegotiatedStream[]): Promise<void> {
    this.#agreed = agreed
    await Promise.all(agreed.map(async stream => {
      const end = this.#ends.get(stream.kind)
      if (end?.closed === false) await end.apply(stream)
    }))
  }

  /** The peer has offered these lines. */
  offered(lines: readonly MediaLine[]): void {
    this.#wishes.clear()
    for (const kind of ['video', 'text'] as const) this.#declined.add(kind)
    for (const wish of wishesIn(lines)) {
      this.#wishes.set(wish.kind, wish)
      this.#declined.delete(wish.kind)
    }
  }

  /** The peer has answered our offer of what is wanted; undefined: it has refused all of it. */
  answered(lines: readonly MediaLine[] | undefined): void {
    const live = wishesIn(lines ?? [])
    for (const { kind } of this.wanted) {
      const wish = live.find(stream => stream.kind === kind)
      if (wish === undefined) {
        this.#declined.add(kind)
        continue
      }
      this.#declined.delete(kind)
      // Its own offer said more than an answer, which says what both have.
      if (!this.#wishes.has(kind)) this.#wishes.set(kind, wish)
    }
    // A fax is no lasting wish: who wants it offers it.
    if (!live.some(({ kind }) => kind === 'image')) this.#wishes.delete('image')
  }

  /** Closes what is not in force. */
  trim(): void {
    for (const [kind, end] of this.#ends) {
      if (!this.#agreed.some(stream => stream.kind === kind)) void this.#close(kind, end)
    }
  }

  #close(kind: StreamKind, end: SideStream): Promise<void> {
    this.#ends.delete(kind)
    const closing = end.close().then(counted => {
      this.#counted.set(kind, addStreamStatistics(this.#counted.get(kind) ?? NO_STREAM_STATISTICS, counted))
      this.#closing.delete(closing)
    })
    this.#closing.add(closing)
    return closing
  }

  /** What the ends of each kind have counted, those that have closed too. */
  async statistics(): Promise<Readonly<Partial<Record<StreamKind, StreamStatistics>>>> {
    await Promise.all(this.#closing)
    const sums: Partial<Record<StreamKind, StreamStatistics>> = Object.fromEntries(this.#counted)
    await Promise.all([...this.#ends].map(async ([kind, end]) => {
      const now = await end.statistics()
      sums[kind] = addStreamStatistics(this.#counted.get(kind) ?? NO_STREAM_STATISTICS, now)
    }))
    return sums
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#ends].map(([kind, end]) => this.#close(kind, end)))
  }
}
