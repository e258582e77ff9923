import { EventEmitter } from 'node:events'
import { CordboardError, isCordboardError } from '../core/errors.js'
import { onAbort } from '../core/scope.js'
import { Turns } from '../core/turns.js'
import type { NegotiatedMedia } from '../sdp/negotiated.js'
import type { Detection, Digit, DigitsOptions, Leg, LegEvents, LegRecording, LegStatistics, Listener, Playback, PlayOptions, RecordOptions } from './leg.js'
import { checkDetection, checkListen, checkMedia, checkPlay, checkPresses } from './leg-checks.js'
import { ListenerHandle } from './listener-handle.js'
import type { Movable } from './moves.js'
import { PlaybackHandle, type PlaybackHost } from './playback-handle.js'
import type { ReplyValue, Report, Track } from './protocol.js'
import { layoutOf, RecordingHandle, type RecordingHost, recordingRate } from './recording-handle.js'
import type { RoomHandle } from './room-handle.js'
import type { EngineServices } from './services.js'
import { DigitProgress } from './shared/digit-progress.js'
import { addStatistics, NO_STATISTICS } from './statistics.js'
import { WorkerLine } from './worker-line.js'
import type { Order, Request, WorkerLink } from './worker-link.js'

const DIGIT_MS = 100
const GAP_MS = 80
/** Sendings of digits that wait for those before them. */
const WAITING_DIGITS = 32
/** What is played before the peer's codec is known is made for this one. */
const FIRST_CODEC = { name: 'PCMU', clockRate: 8000 }

/** What a leg is joined to. */
export type Join =
  | { readonly type: 'none' }
  | { readonly type: 'echo' }
  | { readonly type: 'leg'; readonly peer: LegHandle; readonly mixed: boolean }
  | { readonly type: 'room'; readonly room: RoomHandle }

/** A leg, seen from the main thread: its description, from which any worker can make it anew. */
export class LegHandle extends EventEmitter<LegEvents> implements Leg, Movable, PlaybackHost, RecordingHost {
  join: Join = { type: 'none' }
  media: NegotiatedMedia | undefined
  moving: Promise<void> | undefined
  readonly leaving: Request
  readonly #recordings = new Set<RecordingHandle>()
  readonly #listeners = new Map<number, ListenerHandle>()
  readonly #presses = new Turns(WAITING_DIGITS, 'sendDigits')
  #detection: Detection = {}
  #playback: PlaybackHandle | undefined
  readonly #line: WorkerLine
  #before: LegStatistics = NO_STATISTICS
  #closed: Promise<LegStatistics> | undefined

  constructor(
    readonly services: EngineServices, readonly id: number, readonly slot: number, worker: number,
    readonly local: { readonly address: string; readonly port: number; readonly rtcpPort: number },
  ) {
    super()
    this.#line = new WorkerLine(services, worker)
    this.leaving = { type: 'close', leg: id, bye: false }
  }

  get worker(): number {
    return this.#line.worker
  }

  get settled(): boolean {
    return this.#line.settled
  }

  /** The leg that it is joined to. */
  get peer(): LegHandle | undefined {
    return this.join.type === 'leg' ? this.join.peer : undefined
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  // ---- commands

  post(order: Order): void {
    this.#line.post(order)
  }

  request(request: Request): Promise<ReplyValue> {
    return this.#line.request(request)
  }

  #ensureOpen(): void {
    if (this.#closed !== undefined) throw closedError(this.id)
  }

  async apply(media: NegotiatedMedia): Promise<void> {
    this.#ensureOpen()
    checkMedia(media)
    const before = this.media
    this.media = media
    try {
      await this.request({ type: 'apply', leg: this.id, media })
    } catch (error) {
      // It could not even be sent, nor could it be to another worker.
      if (this.media === media && isCordboardError(error, 'SERVER_BAD_OPTION')) this.media = before
      throw error
    }
  }

  echo(): void {
    this.#ensureOpen()
    this.#playback?.stop()
    this.join = { type: 'echo' }
    this.post({ type: 'echo', leg: this.id })
  }

  play(options: PlayOptions): Playback {
    checkPlay(options)
    this.#playback?.stop()
    if (this.join.type === 'echo') this.join = { type: 'none' }
    const playback = new PlaybackHandle(this.services.number(), this.id, options, this)
    if (this.#closed === undefined) this.#playback = playback
    else playback.fail(closedError(this.id))
    return playback
  }

  async loadPrompt(path: string): Promise<Track> {
    const { name, clockRate } = this.media?.codec ?? FIRST_CODEC
    const reply = await this.services.prompts.request(request => ({ request, path, codec: name, clockRate }))
    if (reply.type === 'failed') throw new CordboardError('MEDIA_BAD_FILE', reply.message)
    return reply.track
  }

  ended(playback: PlaybackHandle): void {
    if (this.#playback === playback) this.#playback = undefined
  }

  async sendDigits(digits: readonly Digit[], options: DigitsOptions = {}): Promise<void> {
    this.#ensureOpen()
    checkPresses(digits, options)
    options.signal?.throwIfAborted()
    await this.#presses.take(() => this.#press(digits, options), options.signal)
  }

  async #press(digits: readonly Digit[], { duration = DIGIT_MS, gap = GAP_MS, signal }: DigitsOptions): Promise<void> {
    // It may have waited.
    this.#ensureOpen()
    signal?.throwIfAborted()
    const progress = DigitProgress.allocate()
    const off = onAbort(signal, () => new DigitProgress(progress).stop())
    try {
      // The worker that the leg goes to sends the rest; so does the successor of one that dies, which is asked the same again.
      while ((await this.request({ type: 'send-digits', leg: this.id, digits, duration, gap, progress })).cut === true) this.#ensureOpen()
    } finally {
      off()
    }
    signal?.throwIfAborted()
  }

  async record(options: RecordOptions): Promise<LegRecording> {
    this.#ensureOpen()
    const recording = new RecordingHandle(this.services.number(), options, layoutOf(options), this.services, this)
    await recording.start(recordingRate(this.media))
    return recording
  }

  async tap(recording: RecordingHandle): Promise<void> {
    this.#ensureOpen()
    this.#recordings.add(recording)
    await this.request({ type: 'tap', leg: this.id, recording: recording.id, tracks: recording.layout.tracks })
  }

  untap(recording: number): Promise<ReplyValue> {
    return this.request({ type: 'untap', recording })
  }

  pauseTap(recording: number, paused: boolean): void {
    this.post({ type: 'pause-tap', recording, paused })
  }

  recordingEnded(recording: RecordingHandle): void {
    this.#recordings.delete(recording)
  }

  recordingFailed(file: string, error: Error): void {
    this.emit('recordingFault', file, error)
  }

  listen(options: { readonly rate: 8000 | 16000; readonly buffer: number }): Listener {
    this.#ensureOpen()
    checkListen(options)
    const listener = new ListenerHandle(this.services.number(), options.rate, options.buffer, ended => {
      this.#listeners.delete(ended.id)
      if (this.#closed === undefined) this.post({ type: 'unlisten', leg: this.id, listener: ended.id })
    })
    this.#listeners.set(listener.id, listener)
    this.post({ type: 'listen', leg: this.id, listener: listener.id, rate: options.rate })
    return listener
  }

  detect(detection: Detection): void {
    this.#ensureOpen()
    checkDetection(detection)
    this.#detection = detection
    this.post({ type: 'detect', leg: this.id, detection })
  }

  async statistics(): Promise<LegStatistics> {
    if (this.#closed !== undefined) return this.#closed
    const { statistics } = await this.request({ type: 'statistics', leg: this.id })
    return addStatistics(this.#before, statistics ?? NO_STATISTICS)
  }

  close(): Promise<LegStatistics> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<LegStatistics> {
    this.#playback?.fail(closedError(this.id))
    for (const listener of this.#listeners.values()) listener.stop()
    if (this.#recordings.size > 0) await Promise.allSettled([...this.#recordings].map(recording => recording.stop()))
    if (this.join.type === 'leg') this.join.peer.join = { type: 'none' }
    if (this.join.type === 'room') this.join.room.left(this)
    this.join = { type: 'none' }
    const { statistics } = await this.request({ type: 'close', leg: this.id, bye: true }).catch((): ReplyValue => ({}))
    this.services.released(this)
    this.emit('closed')
    return addStatistics(this.#before, statistics ?? NO_STATISTICS)
  }

  // ---- reports of the worker

  take(report: Exclude<Report, { type: 'done' | 'failed' | 'ring-full' | 'talking' }>): void {
    switch (report.type) {
      case 'digit': this.emit('digit', report.digit, report.duration); return
      case 'latched': this.emit('latched', { address: report.address, port: report.port }); return
      case 'detected':
        // Told once, even where another worker takes over.
        if (report.what.type === 'answerer') this.#detection = { ...this.#detection, answerer: false }
        this.emit('detected', report.what)
        return
      case 'silent': this.emit('silent', report.ms); return
      case 'played':
        if (this.#playback?.id === report.playback) this.#playback.played(report.by)
        return
      case 'refused':
        if (this.#playback?.id === report.playback) this.#playback.fail(new CordboardError('SERVER_BAD_OPTION', report.message))
        return
      case 'hungry':
        if (this.#playback?.id === report.playback) this.#playback.hungry(report.track)
        return
      case 'heard': this.#listeners.get(report.listener)?.heard(report.pcm)
    }
  }

  // ---- changes of worker

  /** Leaves its worker: from here on commands wait. */
  depart(): void {
    this.#line.depart()
  }

  get opening(): Request {
    return { type: 'open', leg: this.id, slot: this.slot, address: this.local.address, port: this.local.port }
  }

  /** Adds up what another worker counted. */
  carry({ statistics }: ReplyValue): void {
    if (statistics !== undefined) this.#before = addStatistics(this.#before, statistics)
  }

  /** No worker could open it. */
  strand(): void {
    this.#line.strand()
  }

  /** It is in that worker, and not about to leave. */
  isIn(worker: number): boolean {
    return this.worker === worker && this.settled
  }

  /** It is open in `worker`, and knows nothing yet: says all that it must do, then what has waited. */
  arrive(worker: number): void {
    this.#line.arrive(worker, link => this.introduce(link), () => this.#playback?.restart())
  }

  introduce(link: WorkerLink): void {
    const ignore = (): undefined => undefined
    if (this.media !== undefined) link.request({ type: 'apply', leg: this.id, media: this.media }).catch(ignore)
    if (this.join.type === 'echo') link.post({ type: 'echo', leg: this.id })
    if (this.join.type === 'room') this.join.room.arrived(this)
    // The one of the two who comes last finds the other.
    if (this.join.type === 'leg' && this.join.peer.isIn(this.worker)) {
      link.request({ type: 'bridge', a: this.id, b: this.join.peer.id, mixed: this.join.mixed }).catch(ignore)
    }
    if (Object.keys(this.#detection).length > 0) link.post({ type: 'detect', leg: this.id, detection: this.#detection })
    for (const recording of this.#recordings) {
      link.request({ type: 'tap', leg: this.id, recording: recording.id, tracks: recording.layout.tracks }).catch(ignore)
      if (recording.paused) link.post({ type: 'pause-tap', recording: recording.id, paused: true })
    }
    for (const listener of this.#listeners.values()) link.post({ type: 'listen', leg: this.id, listener: listener.id, rate: listener.rate })
  }
}

const closedError = (leg: number): CordboardError => new CordboardError('MEDIA_LEG_CLOSED', `leg ${leg} is closed`)
