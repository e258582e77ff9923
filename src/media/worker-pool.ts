import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Worker } from 'node:worker_threads'
import { CordboardError } from '../core/errors.js'
import { overloaded, takesMore } from './admission.js'
import type { EngineOptions, Leg, WorkerStatistics } from './leg.js'
import type { WorkerSeed } from './protocol.js'
import { FrameRing } from './shared/frame-ring.js'
import { Counter, WorkerShare } from './shared/worker-share.js'
import { SpareWorker, startThread } from './spare-worker.js'
import { WorkerLink, type WorkerLinkEvents } from './worker-link.js'

/** Frames on their way to the recorder. Memory is taken as it is first used. */
const RING_BYTES = 8 * 1024 * 1024
/** Longest wait (ms) for a fuller burst. */
const COALESCE_MS = 2
/** Nice value of workers, the least there is: the collector's threads together take a third of the core from one that asks for half of it. */
const WORKER_NICE = -20
/** Engine time counts from here, in all threads. */
export const EPOCH = performance.timeOrigin

/** Told what the workers say by themselves. */
export interface WorkerPoolEvents extends Pick<WorkerLinkEvents, 'report'> {
  died(worker: number): void
  /** A worker that is about to be started has frames for the recorder there. */
  ring(frames: SharedArrayBuffer): void
}

/** The workers by index: their threads, and which of them has room. */
export class WorkerPool {
  readonly #seeds: WorkerSeed[] = []
  readonly #links: WorkerLink[] = []
  readonly #states: ('starting' | 'running' | 'draining' | 'ended')[] = []
  /** Legs and streams on their way into each, which it does not count yet. */
  readonly #opening: number[] = []
  readonly #codecModules: readonly string[]
  readonly #spare: SpareWorker
  readonly #nice: number

  /** @param slots of `LegSlots`. */
  constructor(readonly options: EngineOptions, readonly slots: SharedArrayBuffer, readonly events: WorkerPoolEvents) {
    const { workerNice = WORKER_NICE, codecModules = [] } = options
    this.#nice = workerNice
    this.#codecModules = codecModules
    this.#spare = new SpareWorker(codecModules)
  }

  // ---- threads

  /** Starts as many as the options say. */
  start(): void {
    const workers = Math.max(1, this.options.workers ?? availableParallelism() - 1)
    for (let index = 0; index < workers; index++) {
      this.#links[index] = this.#start(this.#seed(index))
      this.#states[index] = 'running'
    }
  }

  /** What worker `index` is started with; it outlives the thread. */
  #seed(index: number): WorkerSeed {
    const known = this.#seeds[index]
    if (known !== undefined) return known
    const { recorder, coalesce = COALESCE_MS } = this.options
    const frames = FrameRing.allocate(recorder?.buffer ?? RING_BYTES)
    this.#opening[index] = 0
    this.events.ring(frames)
    return this.#seeds[index] = { index, epoch: EPOCH, share: WorkerShare.allocate(), slots: this.slots, frames, coalesce, nice: this.#nice }
  }

  #start(seed: WorkerSeed, spare?: Worker): WorkerLink {
    const { events } = this
    return new WorkerLink(seed, { report: report => events.report(report), died: () => events.died(seed.index) }, spare ?? startThread(this.#codecModules, seed), spare !== undefined)
  }

  link(worker: number): WorkerLink {
    return this.#links[worker]!
  }

  /** Has a thread ready, should one be needed. */
  warm(): void {
    this.#spare.warm()
  }

  /** Starts another thread in place of one that has died; it knows nothing. */
  restart(worker: number): WorkerLink {
    return this.#links[worker] = this.#start(this.#seeds[worker]!, this.#spare.take())
  }

  /** Starts one more. @returns its index, when it can take legs. */
  async add(): Promise<number> {
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

  /** Ends its thread as a crash would. @throws CordboardError `MEDIA_WORKER_LOST` where there is none. */
  async kill(worker: number): Promise<void> {
    const link = this.#links[worker]
    if (link === undefined || this.#states[worker] === 'ended') throw new CordboardError('MEDIA_WORKER_LOST', `there is no worker ${worker}`)
    await link.kill()
  }

  /** It takes no more. @throws CordboardError `MEDIA_WORKER_LOST` where no such worker runs, `MEDIA_OVERLOADED` when it is the only one. */
  retire(worker: number): void {
    if (this.#states[worker] !== 'running') throw new CordboardError('MEDIA_WORKER_LOST', `no worker ${worker} is running`)
    if (!this.#states.some((state, other) => state === 'running' && other !== worker)) throw overloaded()
    this.#states[worker] = 'draining'
  }

  async end(worker: number): Promise<void> {
    this.#states[worker] = 'draining'
    await this.link(worker).close()
    // Not before: another thread may take its place, and its memory.
    this.#states[worker] = 'ended'
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.map(link => link.close()), this.#spare.close()])
  }

  // ---- which of them has room

  /** Counts a leg in for the worker of another, or the emptiest; undefined when none can take more. */
  reserve(near: Leg | undefined): number | undefined {
    const worker = near !== undefined && this.takes(near.worker) ? near.worker : this.emptiest()
    if (worker !== undefined) this.enters(worker)
    return worker
  }

  /** Something is on its way into that worker, until `entered`. */
  enters(worker: number): void {
    this.#opening[worker]!++
  }

  entered(worker: number): void {
    this.#opening[worker]!--
  }

  /** Something is on its way into it. */
  awaits(worker: number): boolean {
    return this.#opening[worker]! > 0
  }

  /** The worker with the fewest legs of those that run and may have more; undefined when there is none. */
  emptiest(may = (worker: number): boolean => this.takes(worker)): number | undefined {
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

  // ---- figures

  /** Of all workers that there have been. */
  get shares(): readonly WorkerShare[] {
    return this.#links.map(link => link.share)
  }

  statistics(): readonly WorkerStatistics[] {
    return this.shares.flatMap((share, index) => this.#states[index] === 'ended' ? [] : [{
      index, legs: share.get(Counter.legs), cpuShare: share.get(Counter.busy), tickLatenessP99: share.get(Counter.latenessP99), tickLateness: share.tickLateness, nice: share.get(Counter.nice),
    }])
  }
}
