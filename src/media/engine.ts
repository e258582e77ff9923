import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { CordboardError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { Admission, OVERLOADED, overloaded, takesMore } from './admission.js'
import type { EngineOptions, EngineStatistics, JoinOptions, Leg, LegOptions, MediaEngine, Room, RoomOptions } from './leg.js'
import { LegHandle } from './leg-handle.js'
import { PortPool } from './port-pool.js'
import type { PromptReply, PromptRequest, PromptSeed } from './prompt/protocol.js'
import type { Report, WorkerSeed } from './protocol.js'
import type { RecorderReply, RecorderRequest, RecorderSeed } from './recorder/protocol.js'
import type { RecordingHandle } from './recording-handle.js'
import { ownLeg, RoomHandle } from './room-handle.js'
import type { EngineServices } from './services.js'
import type { SideStream, SideStreamOptions } from './side-stream.js'
import { FrameRing } from './shared/frame-ring.js'
import { LegSlots } from './shared/leg-slots.js'
import { Counter, DROP_REASONS, WorkerShare } from './shared/worker-share.js'
import { SpareWorker, startThread } from './spare-worker.js'
import { StreamHandle } from './stream-handle.js'
import { ThreadLink } from './thread-link.js'
import { BindFailure, type Request, WorkerLink } from './worker-link.js'

/** Frames on their way to the recorder. Memory is taken as it is first used. */
const RING_BYTES = 8 * 1024 * 1024
/** How long (ms) a disk may take. */
const PATIENCE_MS = 10_000
/** Longest wait (ms) for a fuller burst. */
const COALESCE_MS = 2
/** Nice value of workers, the least there is: the collector's threads together take a third of the core from one that asks for half of it. */
const WORKER_NICE = -20
/** Ports that somebody else may hold before the engine gives up on an `open`. */
const BIND_ATTEMPTS = 10
/** Deaths of workers within so many ms beyond which they are not replaced. */
const DEATHS_MS = 10_000
const MAX_DEATHS = 8
/** How often (ms) a worker that is to end looks for room in the others. */
const ROOM_MS = 100
/** Engine time counts from here, in all threads. */
const EPOCH = performance.timeOrigin

/** A leg or side stream about to be opened. */
interface Opening<T> {
  readonly end: T
  readonly request: Request
  readonly release: () => void
}

const openingOf = (end: LegHandle | StreamHandle): Request => {
  const { id, slot, local: { address, port } } = end
  if (end instanceof LegHandle) return { type: 'open', leg: id, slot, address, port }
  return { type: 'open-stream', stream: id, kind: end.kind, slot, address, port, resumed: end.applied }
}

const closed = (): CordboardError => new CordboardError('SERVER_CLOSED', 'the media engine is closed')

/** @throws CordboardError `MEDIA_LEG_CLOSED`. */
const ownStream = (stream: SideStream): StreamHandle => {
  if (!(stream instanceof StreamHandle) || stream.closed) throw new CordboardError('MEDIA_LEG_CLOSED', `side stream ${stream.id} is closed, or of another engine`)
  return stream
}

class Engine implements MediaEngine, EngineServices {
  readonly prompts: ThreadLink<PromptRequest, PromptReply>
  readonly recorder: ThreadLink<RecorderRequest, RecorderReply>
  readonly recordings = new Map<number, RecordingHandle>()
  readonly patience: number
  readonly #seeds: WorkerSeed[] = []
  readonly #links: WorkerLink[] = []
  readonly #states: ('starting' | 'running' | 'draining' | 'ended')[] = []
  /** What the recorder reads. */
  readonly #rings: SharedArrayBuffer[] = []
  readonly #codecModules: readonly string[]
  readonly #spare: SpareWorker
  readonly #legs = new Registry<number, LegHandle>()
  readonly #rooms = new Map<number, RoomHandle>()
  readonly #streams = new Registry<number, StreamHandle>()
  readonly #ports: PortPool
  readonly #slots: LegSlots
  readonly #freeSlots: number[]
  readonly #address: string
  readonly #maxLegs: number
  /** By worker: legs and streams on their way into it, which it does not count yet. */
  readonly #opening: number[] = []
  readonly #admission = new Admission(near => this.#reserve(near))
  readonly #options: EngineOptions
  readonly #nice: number
  /** When workers died lately, in ms. */
  #deaths: number[] = []
  #number = 0
  #closed: Promise<void> | undefined

  /** @throws CordboardError as `createMediaEngine`. */
  constructor(options: EngineOptions) {
    const { workerNice = WORKER_NICE } = options
    if (!Number.isInteger(workerNice) || workerNice < -20 || workerNice > 19) throw new CordboardError('SERVER_BAD_OPTION', `workerNice: no nice value: ${workerNice}`)
    this.patience = options.recorder?.patience ?? PATIENCE_MS
    const [first, last] = options.ports ?? [20000, 29999]
    this.#ports = new PortPool(first, last)
    this.#address = options.address ?? '127.0.0.1'
    this.#maxLegs = options.maxLegs ?? Infinity
    const capacity = Math.max(1, this.#ports.free)
    this.#slots = new LegSlots(LegSlots.allocate(capacity))
    this.#freeSlots = Array.from({ length: capacity }, (_, at) => capacity - 1 - at)
    this.#options = options
    this.#nice = workerNice
    const { codecModules = [] } = options
    this.#codecModules = codecModules
    this.#spare = new SpareWorker(codecModules)
    this.prompts = new ThreadLink('prompt/main.js', { codecModules } satisfies PromptSeed)
    const recorderSeed: RecorderSeed = { rings: this.#rings, epoch: EPOCH, codecModules }
    this.recorder = new ThreadLink('recorder/main.js', recorderSeed, reply => {
      if (reply.type === 'fault') this.recordings.get(reply.recording)?.fault(reply.message)
    })
    const workers = Math.max(1, options.workers ?? availableParallelism() - 1)
    for (let index = 0; index < workers; index++) {
      this.#links[index] = this.#start(this.#seed(index))
      this.#states[index] = 'running'
    }
  }

  /** What worker `index` is started with; it outlives the thread. */
  #seed(index: number): WorkerSeed {
    const known = this.#seeds[index]
    if (known !== undefined) return known
    const { recorder, coalesce = COALESCE_MS } = this.#options
    const frames = FrameRing.allocate(recorder?.buffer ?? RING_BYTES)
    this.#rings.push(frames)
    this.#opening[index] = 0
    if (this.recorder.started) this.recorder.post({ type: 'ring', request: 0, ring: frames })
    return this.#seeds[index] = { index, epoch: EPOCH, share: WorkerShare.allocate(), slots: this.#slots.buffer, frames, coalesce, nice: this.#nice }
  }

  #start(seed: WorkerSeed, spare?: Worker): WorkerLink {
    return new WorkerLink(seed, { report: report => this.#report(report), died: () => this.#revive(seed.index) }, spare ?? startThread(this.#codecModules, seed), spare !== undefined)
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
    return this.#links[worker]!
  }

  released(leg: LegHandle): void {
    this.#legs.delete(leg.id)
    for (const room of this.#rooms.values()) room.forget(leg)
    this.#free(leg)
  }

  streamReleased(stream: StreamHandle): void {
    this.#streams.delete(stream.id)
    this.#free(stream)
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
    // SRTP is a matter of the agreement's keys alone; ICE and DTLS are not.
    if (options.kind === 'webrtc') throw new CordboardError('MEDIA_NO_COMMON_CODEC', `there are no legs of kind ${options.kind}`, { status: 488 })
    // A recording begins when it is asked for, not some hundred milliseconds later when a thread has come up.
    this.recorder.warm()
    this.#spare.warm()
    const worker = await this.#admission.enter(options)
    const id = this.number()
    return this.#bound<LegHandle>(worker, options.address ?? this.#address, this.#maxLegs, (slot, local) => {
      const leg = new LegHandle(this, id, slot, worker, local)
      this.#legs.set(id, leg)
      return { end: leg, request: openingOf(leg), release: () => this.released(leg) }
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
        const { end, request, release } = make(slot, { address, port, rtcpPort: port + 1 })
        try {
          await this.link(worker).request(request)
          return end
        } catch (error) {
          release()
          if (!(error instanceof BindFailure)) throw error
        }
      }
    } finally {
      this.#opening[worker]!--
    }
    throw new CordboardError('MEDIA_PORTS_EXHAUSTED', 'no UDP port to be had', { status: OVERLOADED })
  }

  get full(): boolean {
    return this.#legs.size >= this.#maxLegs || this.#admission.full
  }

  place(): number {
    // What is no leg costs little: where all are full, a full one has it too.
    const worker = this.#emptiest() ?? this.#emptiest(() => true)
    if (worker === undefined) throw overloaded()
    return worker
  }

  /** Counts a leg in for the worker of another, or the emptiest; undefined when none can take more. */
  #reserve(near: Leg | undefined): number | undefined {
    const worker = near !== undefined && this.takes(near.worker) ? near.worker : this.#emptiest()
    if (worker !== undefined) this.#opening[worker]!++
    return worker
  }

  /** The worker with the fewest legs of those that run and may have more; undefined when there is none. */
  #emptiest(may = (worker: number): boolean => this.takes(worker)): number | undefined {
    let best: number | undefined
    for (let worker = 0; worker < this.#links.length; worker++) {
      if (this.#states[worker] === 'running' && may(worker) && (best === undefined || this.#load(worker) < this.#load(best))) best = worker
    }
    return best
  }

  takes(worker: number): boolean {
    if (this.#states[worker] !== 'running') return false
    return takesMore(this.link(worker).share, this.#opening[worker]!)
  }

  #load(worker: number): number {
    const { share } = this.link(worker)
    return (share.get(Counter.legs) + this.#opening[worker]!) * (1 + share.get(Counter.busy))
  }

  async join(a: Leg, b: Leg, options: JoinOptions = {}): Promise<void> {
    const first = ownLeg(a)
    const second = ownLeg(b)
    const mixed = options.mixed ?? false
    // The worker takes them out of what they are in itself, so that they hear no gap.
    this.#forgetJoin(first, second)
    this.#forgetJoin(second, first)
    await this.#unite(first, second).catch(async (error: unknown) => {
      await first.request({ type: 'part', leg: first.id }).catch(() => undefined)
      throw error
    })
    first.join = { type: 'leg', peer: second, mixed }
    second.join = { type: 'leg', peer: first, mixed }
    await first.request({ type: 'bridge', a: first.id, b: second.id, mixed })
  }

  /** Brings both into the worker of the first; where that has no time and the second's has, into that. */
  async #unite<T extends LegHandle | StreamHandle>(first: T, second: T): Promise<void> {
    // Others may be moving either.
    while (first.moving !== undefined || second.moving !== undefined || first.worker !== second.worker) {
      await first.moving
      await second.moving
      const worker = !this.takes(first.worker) && this.takes(second.worker) ? second.worker : first.worker
      await this.move(first, worker)
      await this.move(second, worker)
    }
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

  createRoom(options: RoomOptions = {}): Promise<Room> {
    const room = new RoomHandle(this, this.number(), options)
    this.#rooms.set(room.id, room)
    return Promise.resolve(room)
  }

  async move(end: LegHandle | StreamHandle, worker: number): Promise<void> {
    while (end.moving !== undefined) await end.moving
    if (end.worker === worker) return
    end.moving = this.#move(end, worker).finally(() => { end.moving = undefined })
    await end.moving
  }

  /** State is handed over by its description and its slot; its port is free for the moment between the two sockets. */
  async #move(end: LegHandle | StreamHandle, worker: number): Promise<void> {
    const home = end.worker
    const old = this.link(home)
    end.depart()
    try {
      if (end instanceof LegHandle) end.carry((await old.request({ type: 'close', leg: end.id, bye: false })).statistics)
      else end.carry((await old.request({ type: 'close-stream', stream: end.id, bye: false })).streamStatistics)
      await this.link(worker).request(openingOf(end))
    } catch (cause) {
      await this.#moveBack(end, home)
      throw new CordboardError('MEDIA_PORTS_EXHAUSTED', `port ${end.local.port} is not to be had in another worker`, { cause, status: OVERLOADED })
    }
    end.arrive(worker)
  }

  /** Somebody else has taken its port between the two sockets, or the other worker can open no more: it goes on where it was, or is closed. */
  async #moveBack(end: LegHandle | StreamHandle, home: number): Promise<void> {
    try {
      await this.link(home).request(openingOf(end))
      end.arrive(home)
    } catch {
      end.strand()
      await end.close()
    }
  }

  // ---- side streams

  async openStream({ kind, near, address = this.#address }: SideStreamOptions): Promise<SideStream> {
    this.#ensureOpen()
    // Its call has been let in, and does not wait for it.
    const worker = this.#reserve(near)
    if (worker === undefined) throw overloaded()
    const id = this.number()
    return this.#bound<StreamHandle>(worker, address, Infinity, (slot, local) => {
      const stream = new StreamHandle(this, id, kind, slot, worker, local)
      this.#streams.set(id, stream)
      return { end: stream, request: openingOf(stream), release: () => this.streamReleased(stream) }
    })
  }

  async joinStreams(a: SideStream, b: SideStream): Promise<void> {
    const first = ownStream(a)
    const second = ownStream(b)
    for (const stream of [first, second]) await this.#leaveStream(stream, stream === first ? second : first)
    await this.#unite(first, second)
    first.other = second
    second.other = first
    await first.request({ type: 'join-streams', a: first.id, b: second.id })
  }

  /** Takes the stream out of its join, unless that is one with `except`. */
  async #leaveStream(stream: StreamHandle, except: StreamHandle | undefined): Promise<void> {
    const { other } = stream
    if (other === undefined || other === except) return
    stream.other = other.other = undefined
    await stream.request({ type: 'part-stream', stream: stream.id })
  }

  async partStream(stream: SideStream): Promise<void> {
    if (stream instanceof StreamHandle && !stream.closed) await this.#leaveStream(stream, undefined)
  }

  // ---- supervision

  /** A worker has died: another takes its legs, on the same ports, and goes on where their timelines stood. */
  #revive(index: number): void {
    if (this.#closed !== undefined) return
    const dead = this.link(index)
    const now = performance.now()
    this.#deaths = [...this.#deaths.filter(at => now - at < DEATHS_MS), now]
    if (this.#deaths.length > MAX_DEATHS) {
      // Whatever kills them kills their successors too: better calls that end than a machine that does nothing but start threads.
      this.#states[index] = 'ended'
      void dead.close()
      for (const end of this.#endsIn(index)) void end.close()
      for (const room of this.#rooms.values()) void room.vacate(index).catch(() => undefined)
      return
    }
    const link = this.#start(this.#seeds[index]!, this.#spare.take())
    this.#links[index] = link
    for (const room of this.#rooms.values()) room.restore(index)
    for (const end of this.#endsIn(index)) {
      this.#opening[index]!++
      void link.request(openingOf(end)).catch(() => undefined).finally(() => this.#opening[index]!--)
      end.arrive(index)
    }
    link.adopt(dead)
    this.#spare.warm()
  }

  async replaceWorker(index: number): Promise<void> {
    await this.link(index).kill()
  }

  // ---- more workers, and fewer

  async addWorker(): Promise<number> {
    this.#ensureOpen()
    const ended = this.#states.indexOf('ended')
    const index = ended === -1 ? this.#states.length : ended
    this.#states[index] = 'starting'
    const seed = this.#seed(index)
    // It knows nothing yet: what an end takes is as with the others.
    new WorkerShare(seed.share).set(Counter.end, Math.max(...this.#links.map(({ share }) => share.get(Counter.end))))
    const link = this.#links[index] = this.#start(seed, this.#spare.take())
    await link.request({ type: 'hello' })
    this.#states[index] = 'running'
    return index
  }

  async drainWorker(index: number): Promise<void> {
    this.#ensureOpen()
    if (this.#states[index] !== 'running') throw new CordboardError('MEDIA_WORKER_LOST', `no worker ${index} is running`)
    if (!this.#states.some((state, other) => state === 'running' && other !== index)) throw overloaded()
    this.#states[index] = 'draining'
    for (let [end] = this.#endsIn(index); end !== undefined; [end] = this.#endsIn(index)) {
      const target = this.#emptiest()
      if (end.closed) await end.close()
      else if (target === undefined) await pause(ROOM_MS)
      else await this.#relocate(end, target)
    }
    for (const room of this.#rooms.values()) await room.vacate(index)
    this.#states[index] = 'ended'
    await this.link(index).close()
  }

  /** Legs and side streams of that worker. */
  #endsIn(worker: number): readonly (LegHandle | StreamHandle)[] {
    return [...this.#legs.values(), ...this.#streams.values()].filter(end => end.worker === worker)
  }

  /** Moves it, and what it is joined to; what the other worker cannot open stays for now. */
  async #relocate(end: LegHandle | StreamHandle, worker: number): Promise<void> {
    const other = end instanceof StreamHandle ? end.other : end.join.type === 'leg' ? end.join.peer : undefined
    const ends = other === undefined ? [end] : [end, other]
    const moved = await Promise.allSettled(ends.map(one => this.move(one, worker)))
    if (moved.some(({ status }) => status === 'rejected')) await pause(ROOM_MS)
  }

  statistics(): Promise<EngineStatistics> {
    const shares = this.#links.map(link => link.share)
    const workers = shares.flatMap((share, index) => this.#states[index] === 'ended' ? [] : [{
      index, legs: share.get(Counter.legs), cpuShare: share.get(Counter.busy), tickLatenessP99: share.get(Counter.latenessP99), tickLateness: share.tickLateness, nice: share.get(Counter.nice),
    }])
    const total = (counter: number): number => shares.reduce((sum, share) => sum + share.get(counter), 0)
    const dropped: Record<string, number> = {}
    DROP_REASONS.forEach((reason, at) => {
      dropped[reason] = shares.reduce((sum, share) => sum + share.dropped(at), 0)
    })
    return Promise.resolve({
      legs: this.#legs.size,
      streams: this.#streams.size,
      portsFree: this.#ports.free,
      workers,
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
    await Promise.allSettled([...this.#legs.values(), ...this.#streams.values()].map(end => end.close()))
    await Promise.all([...this.#links.map(link => link.close()), this.prompts.close(this.patience), this.recorder.close(this.patience), this.#spare.close()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Starts the media workers.
 *
 * @throws CordboardError `SERVER_BAD_OPTION`.
 * @example
 * const engine = await createMediaEngine({ ports: [20000, 29999] })
 * const leg = await engine.open({ kind: 'rtp' })
 */
export const createMediaEngine = async (options: EngineOptions = {}): Promise<MediaEngine> => new Engine(options)
