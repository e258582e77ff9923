import { CordboardError } from '../core/errors.js'
import { type Deferred, deferred } from '../core/scope.js'
import type { Digit, Playback, PlaybackOutcome, PlayOptions, Source } from './leg.js'
import type { Command, Track } from './protocol.js'

/** Blocks of a live source that are under way to the worker at most. */
const LIVE_BLOCKS = 8

/** A program in JavaScript may give an array, too. */
type BlockIterator = AsyncIterator<Int16Array> | Iterator<Int16Array>

/** A live source on its way to the worker. */
interface Feed {
  /** Undefined when it has ended by itself. */
  iterator: BlockIterator | undefined
  /** Given to the worker and not yet used up: should it die, or the leg go elsewhere, another is given them. */
  readonly blocks: Int16Array[]
  /** The source has no more. */
  ended: boolean
  /** What its pump waits on when enough is under way. */
  proceed: (() => void) | undefined
}

/** What a playback needs of its leg. */
export interface PlaybackHost {
  /** It is with its worker; while it goes from one to another nothing is to be started or fed: `restart` does that. */
  readonly settled: boolean
  post(order: Extract<Command, { type: 'play' | 'stop-play' | 'adjust-play' | 'seek-play' | 'feed' }>): void
  loadPrompt(path: string): Promise<Track>
  /** The playback is over, whatever the reason. */
  ended(playback: PlaybackHandle): void
}

/** A sound being sent on a leg, seen from the main thread. */
export class PlaybackHandle implements Playback {
  readonly #outcome: Deferred<PlaybackOutcome> = deferred()
  #tracks: readonly Track[] | undefined
  #over = false
  #paused = false
  /** Where to begin (ms), said before the sources were read. */
  #from: number | undefined
  #volume: number
  readonly #feeds = new Map<number, Feed>()
  /** Live sources that nothing has been asked of yet. */
  readonly #unbegun = new Set<AsyncIterable<Int16Array>>()

  constructor(readonly id: number, readonly leg: number, readonly options: PlayOptions, readonly host: PlaybackHost) {
    this.#volume = options.volume ?? 0
    void this.#start()
  }

  get done(): Promise<PlaybackOutcome> {
    return this.#outcome.promise
  }

  stop(): void {
    this.#finish({ type: 'stopped' }, true)
  }

  pause(): void {
    this.#paused = true
    this.#adjust()
  }

  resume(): void {
    this.#paused = false
    this.#adjust()
  }

  get volume(): number {
    return this.#volume
  }

  set volume(volume: number) {
    this.#volume = volume
    this.#adjust()
  }

  seek(ms: number): void {
    if (this.#over) return
    if (this.#tracks === undefined) this.#from = ms
    else this.host.post({ type: 'seek-play', leg: this.leg, playback: this.id, ms })
  }

  #adjust(): void {
    if (this.#tracks === undefined || this.#over) return
    this.host.post({ type: 'adjust-play', leg: this.leg, playback: this.id, gain: this.#gain, paused: this.#paused })
  }

  get #gain(): number {
    return 10 ** (this.#volume / 20)
  }

  /** The worker has sent the last of it, or a digit or a voice has ended it. */
  played(by: Digit | 'voice' | undefined): void {
    this.#finish(by === undefined ? { type: 'finished' } : by === 'voice' ? { type: 'spoken' } : { type: 'interrupted', digit: by }, false)
  }

  fail(error: CordboardError): void {
    if (this.#over) return
    this.#end(this.#tracks !== undefined)
    this.#outcome.reject(error)
  }

  /** The worker can take another block of a live source. */
  hungry(track: number): void {
    const feed = this.#feeds.get(track)
    feed?.blocks.shift()
    feed?.proceed?.()
  }

  /** Starts it in a worker that does not know it: from its begin, or where the worker before that one was. */
  restart(): void {
    if (this.#tracks === undefined || this.#over || !this.host.settled) return
    const { loop = false, interruptBy = [], interruptByVoice = false } = this.options
    this.host.post({ type: 'play', leg: this.leg, playback: this.id, tracks: this.#tracks, loop, interruptBy, interruptByVoice, gain: this.#gain, paused: this.#paused })
    for (const [track, feed] of this.#feeds) {
      for (const pcm of feed.blocks) this.#feed(track, pcm)
      if (feed.ended) this.#feed(track, undefined)
    }
  }

  async #start(): Promise<void> {
    try {
      const tracks = await Promise.all(this.options.sources.map(source => this.#track(source)))
      if (this.#over) return
      this.#tracks = tracks
      this.restart()
      if (this.#from !== undefined) this.seek(this.#from)
      this.options.sources.forEach((source, at) => {
        if (source.type === 'pcm') void this.#pump(source.frames, at)
      })
    } catch (error) {
      this.fail(error instanceof CordboardError ? error : new CordboardError('MEDIA_BAD_FILE', 'a source cannot be read', { cause: error }))
    }
  }

  async #track(source: Source): Promise<Track> {
    switch (source.type) {
      case 'file': return this.host.loadPrompt(source.path)
      case 'pcm':
        this.#unbegun.add(source.frames)
        return { type: 'live', rate: source.rate }
      default: return source
    }
  }

  async #pump(frames: AsyncIterable<Int16Array>, track: number): Promise<void> {
    this.#unbegun.delete(frames)
    try {
      const iterator = iteratorOf(frames)
      const feed: Feed = { iterator, blocks: [], ended: false, proceed: undefined }
      this.#feeds.set(track, feed)
      for (;;) {
        const result = await nextOf(feed, iterator)
        if (this.#over) return
        if (result.done === true) {
          feed.ended = true
          this.#feed(track, undefined)
          return
        }
        // The source may use its array again.
        const block = result.value.slice()
        feed.blocks.push(block)
        this.#feed(track, block)
        if (feed.blocks.length < LIVE_BLOCKS) continue
        await new Promise<void>(resolve => { feed.proceed = resolve })
        feed.proceed = undefined
        // What it waited for may have been the end.
        if (this.#over) return
      }
    } catch (error) {
      this.fail(new CordboardError('MEDIA_BAD_FILE', 'the live source failed', { cause: error }))
    }
  }

  #feed(track: number, pcm: Int16Array | undefined): void {
    if (this.host.settled) this.host.post({ type: 'feed', leg: this.leg, playback: this.id, track, pcm })
  }

  #finish(outcome: PlaybackOutcome, tellWorker: boolean): void {
    if (this.#over) return
    this.#end(tellWorker && this.#tracks !== undefined)
    this.#outcome.resolve(outcome)
  }

  #end(tellWorker: boolean): void {
    this.#over = true
    for (const { proceed } of this.#feeds.values()) proceed?.()
    this.#releaseSources()
    this.host.ended(this)
    if (tellWorker) this.host.post({ type: 'stop-play', leg: this.leg, playback: this.id })
  }

  /** Tells the live sources that no more is wanted of them, also those that were not begun. */
  #releaseSources(): void {
    for (const { iterator } of this.#feeds.values()) void giveBack(() => iterator)
    for (const frames of this.#unbegun) void giveBack(() => iteratorOf(frames))
    this.#unbegun.clear()
  }
}

const iteratorOf = (frames: AsyncIterable<Int16Array> | Iterable<Int16Array>): BlockIterator =>
  Symbol.asyncIterator in frames ? frames[Symbol.asyncIterator]() : frames[Symbol.iterator]()

const nextOf = async (feed: Feed, iterator: BlockIterator): Promise<IteratorResult<Int16Array>> => {
  try {
    const result: IteratorResult<Int16Array> = await iterator.next()
    if (result.done === true) feed.iterator = undefined
    return result
  } catch (error) {
    feed.iterator = undefined
    throw error
  }
}

/** A generator that waits takes it when it goes on, if it ever does: nobody waits for that, and its failure is of no interest any more. */
const giveBack = async (iterator: () => BlockIterator | undefined): Promise<void> => {
  try {
    await iterator()?.return?.()
  } catch {
    // The playback has ended with another outcome.
  }
}
