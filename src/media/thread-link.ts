import { Worker } from 'node:worker_threads'
import { type Deferred, deferred } from '../core/scope.js'
import { threadFile } from './thread-file.js'

interface Numbered {
  readonly request: number
}

/**
 * A helper thread that answers numbered requests, started when first used or warmed. When it dies, what was asked rejects, and the next request
 * starts another.
 */
export class ThreadLink<Request extends Numbered, Reply extends Numbered> {
  readonly #pending = new Map<number, Deferred<Reply>>()
  #worker: Worker | undefined
  #request = 0

  /** @param path of the thread's program, as `threadFile` takes it; @param unasked told of messages that answer no request. */
  constructor(readonly path: string, readonly seed: unknown, readonly unasked: (reply: Reply) => void = () => undefined) {}

  get started(): boolean {
    return this.#worker !== undefined
  }

  /** @param within ms, after which it rejects. */
  request(make: (request: number) => Request, within?: number): Promise<Reply> {
    const request = ++this.#request
    const reply = deferred<Reply>()
    this.#pending.set(request, reply)
    this.post(make(request))
    if (within === undefined) return reply.promise
    const timer = setTimeout(() => {
      this.#pending.delete(request)
      reply.reject(new Error(`no answer within ${within} ms`))
    }, within)
    return reply.promise.finally(() => clearTimeout(timer))
  }

  /** Starts the thread now, so that the first request does not wait for it. */
  warm(): void {
    this.#worker ??= this.#start()
  }

  post(message: Request): void {
    this.warm()
    this.#worker!.postMessage(message)
  }

  #start(): Worker {
    const { url, options } = threadFile(this.path)
    const worker = new Worker(url, { ...options, workerData: this.seed })
    worker.on('message', (reply: Reply) => {
      const pending = this.#pending.get(reply.request)
      this.#pending.delete(reply.request)
      if (pending === undefined) this.unasked(reply)
      else pending.resolve(reply)
    })
    let reason: unknown
    worker.on('error', error => {
      reason = error
    })
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      for (const pending of this.#pending.values()) pending.reject(reason ?? new Error('the thread has ended'))
      this.#pending.clear()
    })
    return worker
  }

  /** @param within ms: a thread that a dead disk holds does not end, and is left to it. */
  async close(within: number): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    const ended = deferred<undefined>()
    const timer = setTimeout(() => ended.resolve(undefined), within)
    await Promise.race([worker.terminate(), ended.promise])
    clearTimeout(timer)
  }
}
