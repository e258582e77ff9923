import type { Worker } from 'node:worker_threads'
import { CordboardError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { type Deferred, deferred } from '../core/scope.js'
import type { Command, ReplyValue, Report, WorkerSeed } from './protocol.js'
import { WorkerShare } from './shared/worker-share.js'

/** Commands that are replied to, before they are numbered. */
export type Request = Command extends infer C ? (C extends { readonly request: number } ? Omit<C, 'request'> : never) : never
/** Commands that are not. */
export type Order = Exclude<Command, { readonly request: number }>

/** Told what a worker says by itself. */
export interface WorkerLinkEvents {
  report(report: Exclude<Report, { type: 'done' | 'failed' }>): void
  /** The thread ended although nobody asked it to. */
  died(): void
}

interface Pending {
  readonly request: Request
  readonly reply: Deferred<ReplyValue>
}

/** A reply that says that the worker could not bind the port asked for. */
export class BindFailure extends Error {}

/**
 * At most one message in so many ms: under load a message costs the threads more than the commands in it. The first after a pause goes
 * with the turn of the event loop.
 */
const SPACING_MS = 2

/** One media worker, seen from the main thread: commands go in batches. */
export class WorkerLink {
  readonly share: WorkerShare
  readonly #worker: Worker
  readonly #pending = new Registry<number, Pending>()
  #batch: Command[] = []
  #flushedAt = 0
  #request = 0
  #closing = false

  /** @param waits the thread waits for its seed. */
  constructor(readonly seed: WorkerSeed, readonly events: WorkerLinkEvents, thread: Worker, waits: boolean) {
    this.share = new WorkerShare(seed.share)
    this.#worker = thread
    if (waits) thread.postMessage(seed)
    this.#worker.on('message', (reports: readonly Report[]) => this.#take(reports))
    // An uncaught error ends the thread; `exit` follows.
    this.#worker.on('error', () => undefined)
    this.#worker.on('exit', () => {
      if (!this.#closing) events.died()
    })
  }

  post(command: Order): void {
    this.#push(command)
  }

  /** @throws CordboardError with the worker's code; `BindFailure` for `open`. */
  request(request: Request): Promise<ReplyValue> {
    if (this.#closing) return Promise.reject(lost())
    const reply = deferred<ReplyValue>()
    this.#ask({ request, reply })
    return reply.promise
  }

  #ask(pending: Pending): void {
    const number = ++this.#request
    this.#pending.set(number, pending)
    this.#push({ ...pending.request, request: number } as Command)
  }

  /** It has yet to answer this very request. */
  owes(request: Request): boolean {
    for (const pending of this.#pending.values()) if (pending.request === request) return true
    return false
  }

  /** Has the requests that a dead worker left unanswered answered by this one. */
  adopt(dead: WorkerLink): void {
    for (const pending of dead.#pending.values()) this.#ask(pending)
    dead.#pending.clear()
  }

  #push(command: Command): void {
    if (this.#closing) return
    this.#batch.push(command)
    if (this.#batch.length > 1) return
    if (performance.now() - this.#flushedAt >= SPACING_MS) setImmediate(this.#flush)
    else setTimeout(this.#flush, SPACING_MS)
  }

  readonly #flush = (): void => {
    const batch = this.#batch
    this.#batch = []
    this.#flushedAt = performance.now()
    try {
      this.#worker.postMessage(batch)
    } catch {
      // One of them holds what cannot be cloned; the others are to arrive nevertheless.
      for (const command of batch) this.#deliver(command)
    }
    this.share.wake()
  }

  #deliver(command: Command): void {
    try {
      this.#worker.postMessage([command])
    } catch (error) {
      this.#refuse(command, new CordboardError('SERVER_BAD_OPTION', `${command.type}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }))
    }
  }

  /** Whoever asked is told; of an order that nobody waits for the process is warned. */
  #refuse(command: Command, error: CordboardError): void {
    if ('request' in command) {
      this.#pending.get(command.request)?.reply.reject(error)
      this.#pending.delete(command.request)
    } else if (command.type === 'play' || command.type === 'feed') {
      this.events.report({ type: 'refused', leg: command.leg, playback: command.playback, message: error.message })
    } else process.emitWarning(error, { code: 'CORDBOARD_FAULT' })
  }

  #take(reports: readonly Report[]): void {
    for (const report of reports) {
      if (report.type !== 'done' && report.type !== 'failed') {
        this.events.report(report)
        continue
      }
      const pending = this.#pending.get(report.request)
      this.#pending.delete(report.request)
      if (report.type === 'done') pending?.reply.resolve(report.value)
      else pending?.reply.reject(report.code === 'bind' ? new BindFailure(report.message) : new CordboardError(report.code, report.message))
    }
  }

  /** Ends the thread; whatever was asked of it rejects with `MEDIA_WORKER_LOST`. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#worker.terminate()
    for (const { reply } of this.#pending.values()) reply.reject(lost())
    this.#pending.clear()
  }

  /** Ends the thread as a crash would. */
  async kill(): Promise<void> {
    await this.#worker.terminate()
  }
}

const lost = (): CordboardError => new CordboardError('MEDIA_WORKER_LOST', 'the media worker is gone')
