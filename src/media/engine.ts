import { CordboardError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { Admission, OVERLOADED, overloaded } from './admission.js'
import type { EngineOptions, EngineStatistics, JoinOptions, Leg, LegOptions, MediaEngine, Room, RoomOptions } from './leg.js'
import { checkOpening } from './leg-checks.js'
import { LegHandle } from './leg-handle.js'
import { Moves } from './moves.js'
import { badOption, checkEngine, checkRoom, checkStream } from './option-checks.js'
import { PortPool } from './port-pool.js'
import type { PromptReply, PromptRequest, PromptSeed } from './prompt/protocol.js'
import type { Report } from './protocol.js'
import type { RecorderReply, RecorderRequest, RecorderSeed } from './recorder/protocol.js'
import type { RecordingHandle } from './recording-handle.js'
import { ownLeg, RoomHandle } from './room-handle.js'
import type { EngineServices } from './services.js'
import type { SideStream, SideStreamOptions } from './side-stream.js'
import { LegSlots } from './shared/leg-slots.js'
import { Counter, DROP_REASONS } from './shared/worker-share.js'
import { StreamHandle } from './stream-handle.js'
import { Supervision } from './supervision.js'
import { ThreadLink } from './thread-link.js'
import { BindFailure, type WorkerLink } from './worker-link.js'
import { EPOCH, WorkerPool } from './worker-pool.js'

/** How long (ms) a disk may take. */
const PATIENCE_MS = 10_000
/** Ports that somebody else may hold before the engine gives up on an `open`. */
const BIND_ATTEMPTS = 10
/** A leg or side stream about to be opened. */
interface Opening<T> {
  readonly end: T
  readonly release: () => void
}

const closed = (): CordboardError => new CordboardError('SERVER_CLOSED', 'the media engine is closed')

/** @throws CordboardError `MEDIA_LEG_CLOSED`. */
const ownStream = (stream: SideStream | undefined, engine: EngineServices): StreamHandle => {
  if (stream instanceof StreamHandle && stream.services === engine && !stream.closed) return stream
  throw new CordboardError('MEDIA_LEG_CLOSED', `side stream ${stream?.id} is closed, or of another engine`)
}

class Engine implements MediaEngine, EngineServices {
  readonly prompts: ThreadLink<PromptRequest, PromptReply>
  readonly recorder: ThreadLink<RecorderRequest, RecorderReply>
  readonly recordings = new Map<number, RecordingHandle>()
  readonly patience: number
  /** What the recorder reads. */
  readonly #rings: SharedArrayBuffer[] = []
  readonly #legs = new Registry<number, LegHandle>()
  readonly #rooms = new Map<number, RoomHandle>()
  readonly #streams = new Registry<number, StreamHandle>()
  readonly #ports: PortPool
  readonly #slots: LegSlots
  readonly #freeSlots: number[]
  readonly #address: string
  readonly #maxLegs: number
  readonly #pool: WorkerPool
  readonly #admission: Admission
  readonly #moves: Moves
  readonly #supervision: Supervision
  #number = 0
  #closed: Promise<void> | undefined

  /** @param options that `checkEngine` has found good. */
  constructor(options: EngineOptions) {
    this.patience = options.recorder?.patience ?? PATIENCE_MS
    const [first, last] = options.ports ?? [20000, 29999]
    this.#ports = new PortPool(first, last)
    this.#address = options.address ?? '127.0.0.1'
    this.#maxLegs = options.maxLegs ?? Infinity
    const capacity = Math.max(1, this.#ports.free)
    this.#slots = new LegSlots(LegSlots.allocate(capacity))
    this.#freeSlots = Array.from({ length: capacity }, (_, at) => capacity - 1 - at)
    this.#pool = new WorkerPool(options, this.#slots.buffer, {
      report: report => this.#report(report),
      died: worker => {
        if (this.#closed === undefined) this.#supervision.revive(worker)
        else void this.#pool.end(worker)
      },
      ring: frames => this.#ring(frames),
    })
    this.#admission = new Admission(near => this.#pool.reserve(near))
    this.#moves = new Moves(this.#pool)
    this.#supervision = new Supervision(this.#pool, this.#moves, this)
    const { codecModules = [] } = options
    this.prompts = new ThreadLink('prompt/main.js', { codecModules } satisfies PromptSeed)
    const recorderSeed: RecorderSeed = { rings: this.#rings, epoch: EPOCH, codecModules }
    this.recorder = new ThreadLink('recorder/main.js', recorderSeed, reply => {
      if (reply.type === 'fault') this.recordings.get(reply.recording)?.fault(reply.message)
    })
    this.#pool.start()
  }

  /** The recorder reads one more. */
  #ring(frames: SharedArrayBuffer): void {
    this.#rings.push(frames)
    if (this.recorder.started) this.recorder.post({ type: 'ring', request: 0, ring: frames })
  }

  #report(report: Exclude<Report, { type: 'done' | 'failed' }>): void {
    if (report.type === 'ring-full') this.recordings.get(report.recording)?.fault(`${report.frames} frames lost: the disk is too slow`)
    else if (report.type === 'talking') this.#rooms.get(report.room)?.talking(report.leg, report.talking)
    else this.#legs.get(report.leg)?.take(report)
  }

  // ---- services

  number(): number {
    return ++this.#number
  }

  link(worker: number): WorkerLink {
    return this.#pool.link(worker)
  }

  released(leg: LegHandle): void {
    if (!this.#legs.delete(leg.id)) return
    for (const room of this.#rooms.values()) room.forget(leg)
    this.#free(leg)
  }

  streamReleased(stream: StreamHandle): void {
    if (this.#streams.delete(stream.id)) this.#free(stream)
  }

  #free({ slot, local }: LegHandle | StreamHandle): void {
    this.#freeSlots.push(slot)
    this.#ports.give(local.port)
  }

  roomClosed(room: RoomHandle): void {
    this.#rooms.delete(room.id)
  }

  #ensureOpen(): void {
    if (this.#closed !== undefined) throw closed()
  }

  // ---- legs

  async open(options: LegOptions): Promise<Leg> {
    this.#ensureOpen()
    checkOpening(options)
    // SRTP is a matter of the agreement's keys alone; ICE and DTLS are not.
    if (options.kind === 'webrtc') throw new CordboardError('MEDIA_NO_COMMON_CODEC', `there are no legs of kind ${options.kind}`, { status: 488 })
    // A recording begins when it is asked for, not some hundred milliseconds later when a thread has come up.
    this.recorder.warm()
    this.#pool.warm()
    const worker = await this.#admission.enter(options)
    const id = this.number()
    return this.#bound<LegHandle>(worker, options.address ?? this.#address, this.#maxLegs, (slot, local) => {
      const leg = new LegHandle(this, id, slot, worker, local)
      this.#legs.set(id, leg)
      return { end: leg, release: () => this.released(leg) }
    })
  }

  /** Opens on the first pair of ports that can be had, in a worker where it is counted in, unless there are `most` legs. @throws CordboardError `MEDIA_OVERLOADED`, `MEDIA_PORTS_EXHAUSTED`. */
  async #bound<T extends LegHandle | StreamHandle>(worker: number, address: string, most: number, make: (slot: number, local: T['local']) => Opening<T>): Promise<T> {
    try {
      this.#ensureOpen()
      if (this.#legs.size >= most) throw overloaded()
      for (let attempt = 0; attempt < BIND_ATTEMPTS; attempt++) {
        const port = this.#ports.take()
        const slot = port === undefined ? undefined : this.#freeSlots.pop()
        if (port === undefined || slot === undefined) break
        this.#slots.clear(slot)
        const { end, release } = make(slot, { address, port, rtcpPort: port + 1 })
        try {
          await this.link(worker).request(end.opening)
          return end
        } catch (error) {
          release()
          if (!(error instanceof BindFailure)) throw error
        }
      }
    } finally {
      this.#pool.entered(worker)
    }
    throw new CordboardError('MEDIA_PORTS_EXHAUSTED', 'no UDP port to be had', { status: OVERLOADED })
  }

  get full(): boolean {
    return this.#legs.size >= this.#maxLegs || this.#admission.full
  }

  place(): number {
    // What is no leg costs little: where all are full, a full one has it too.
    const worker = this.#pool.emptiest() ?? this.#pool.emptiest(() => true)
    if (worker === undefined) throw overloaded()
    return worker
  }

  takes(worker: number): boolean {
    return this.#pool.takes(worker)
  }

  async join(a: Leg, b: Leg, options: JoinOptions = {}): Promise<void> {
    const first = ownLeg(a)
    const second = ownLeg(b)
    const mixed = options.mixed ?? false
    // The worker takes them out of what they are in itself, so that they hear no gap.
    this.#forgetJoin(first, second)
    this.#forgetJoin(second, first)
    await this.#moves.unite(first, second, () => {
      first.join = { type: 'leg', peer: second, mixed }
      second.join = { type: 'leg', peer: first, mixed }
      return first.request({ type: 'bridge', a: first.id, b: second.id, mixed })
    }).catch(async (error: unknown) => {
      if (first.peer !== second) await first.request({ type: 'part', leg: first.id }).catch(() => undefined)
      throw error
    })
  }

  /** The leg is no more in what it is in, unless that is a join with `except`. @returns false when it was in nothing. */
  #forgetJoin(leg: LegHandle, except: LegHandle | undefined): boolean {
    const { join } = leg
    if (join.type === 'none' || (join.type === 'leg' && join.peer === except)) return false
    leg.join = { type: 'none' }
    if (join.type === 'leg') join.peer.join = { type: 'none' }
    if (join.type === 'room') join.room.left(leg)
    return true
  }

  async part(leg: Leg): Promise<void> {
    if (leg instanceof LegHandle && !leg.closed && this.#forgetJoin(leg, undefined)) await leg.request({ type: 'part', leg: leg.id })
  }

  async createRoom(options: RoomOptions = {}): Promise<Room> {
    this.#ensureOpen()
    checkRoom(options)
    const room = new RoomHandle(this, this.number(), options)
    this.#rooms.set(room.id, room)
    return room
  }

  async move(leg: LegHandle, where: () => number): Promise<void> {
    await this.#moves.move(leg, where)
  }

  // ---- side streams

  async openStream(options: SideStreamOptions): Promise<SideStream> {
    this.#ensureOpen()
    checkStream(options)
    const { kind, near, address = this.#address } = options
    this.#pool.warm()
    // Its call has been let in, and does not wait for it.
    const worker = this.#pool.reserve(near)
    if (worker === undefined) throw overloaded()
    const id = this.number()
    return this.#bound<StreamHandle>(worker, address, Infinity, (slot, local) => {
      const stream = new StreamHandle(this, id, kind, slot, worker, local)
      this.#streams.set(id, stream)
      return { end: stream, release: () => this.streamReleased(stream) }
    })
  }

  async joinStreams(a: SideStream, b: SideStream): Promise<void> {
    const first = ownStream(a, this)
    const second = ownStream(b, this)
    if (first === second) throw badOption('joinStreams', 'another end', `side stream ${first.id} with itself`)
    if (first.kind !== second.kind) throw badOption('joinStreams', 'an end of the same kind', `${first.kind} with ${second.kind}`)
    for (const stream of [first, second]) await this.#leaveStream(stream, stream === first ? second : first)
    await this.#moves.unite(first, second, () => {
      first.peer = second
      second.peer = first
      return first.request({ type: 'join-streams', a: first.id, b: second.id })
    })
  }

  /** Takes the stream out of its join, unless that is one with `except`. */
  async #leaveStream(stream: StreamHandle, except: StreamHandle | undefined): Promise<void> {
    const { peer } = stream
    if (peer === undefined || peer === except) return
    stream.peer = peer.peer = undefined
    await stream.request({ type: 'part-stream', stream: stream.id })
  }

  async partStream(stream: SideStream): Promise<void> {
    if (stream instanceof StreamHandle && !stream.closed) await this.#leaveStream(stream, undefined)
  }

  // ---- workers

  get ends(): readonly (LegHandle | StreamHandle)[] {
    return [...this.#legs.values(), ...this.#streams.values()]
  }

  get rooms(): Iterable<RoomHandle> {
    return this.#rooms.values()
  }

  async replaceWorker(index: number): Promise<void> {
    await this.#pool.kill(index)
  }

  async addWorker(): Promise<number> {
    this.#ensureOpen()
    return this.#pool.add()
  }

  async drainWorker(index: number): Promise<void> {
    this.#ensureOpen()
    await this.#supervision.drain(index)
  }

  statistics(): Promise<EngineStatistics> {
    const { shares } = this.#pool
    const total = (counter: number): number => shares.reduce((sum, share) => sum + share.get(counter), 0)
    const dropped: Record<string, number> = {}
    DROP_REASONS.forEach((reason, at) => {
      dropped[reason] = shares.reduce((sum, share) => sum + share.dropped(at), 0)
    })
    return Promise.resolve({
      legs: this.#legs.size,
      streams: this.#streams.size,
      portsFree: this.#ports.free,
      workers: this.#pool.statistics(),
      dropped,
      packets: { received: total(Counter.received), sent: total(Counter.sent) },
      recordings: { active: this.recordings.size, framesDropped: total(Counter.framesDropped) },
      rooms: { open: this.#rooms.size, framesMissed: total(Counter.roomFramesMissed), voicesLeftOut: total(Counter.roomVoicesLeftOut) },
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#admission.close(closed())
    await Promise.allSettled([...this.#rooms.values()].map(room => room[Symbol.asyncDispose]()))
    await Promise.allSettled(this.ends.map(end => end.close()))
    // Of those whose leg or room has gone: they have not begun yet.
    await Promise.allSettled([...this.recordings.values()].map(recording => recording.stop()))
    await Promise.all([this.#pool.close(), this.prompts.close(this.patience), this.recorder.close(this.patience)])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Starts the media workers.
 *
 * @throws CordboardError `SERVER_BAD_OPTION` for an option that cannot be used, before anything is started.
 * @example
 * const engine = await createMediaEngine({ ports: [20000, 29999] })
 * const leg = await engine.open({ kind: 'rtp' })
 */
export const createMediaEngine = async (options: EngineOptions = {}): Promise<MediaEngine> => {
  checkEngine(options)
  return new Engine(options)
}
