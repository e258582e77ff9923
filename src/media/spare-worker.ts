import { Worker } from 'node:worker_threads'
import type { WorkerSeed, WorkerStart } from './protocol.js'
import { threadFile } from './thread-file.js'

/** The thread of a media worker; without a seed it waits, its program loaded, for the message that brings one. */
export const startThread = (codecModules: readonly string[], seed?: WorkerSeed): Worker => {
  const { url, options } = threadFile('worker/main.js')
  return new Worker(url, { ...options, workerData: { codecModules, seed } satisfies WorkerStart, name: 'cordboard-media' })
}

/**
 * A media thread kept ready: starting one takes hundreds of milliseconds on a busy machine, and calls whose worker has died must not
 * wait for that.
 */
export class SpareWorker {
  #thread: Worker | undefined
  #closed = false

  constructor(readonly codecModules: readonly string[]) {}

  /** Starts a spare unless there is one. */
  warm(): void {
    if (this.#thread !== undefined || this.#closed) return
    const thread = startThread(this.codecModules)
    this.#thread = thread
    const gone = (): void => {
      if (this.#thread === thread) this.#thread = undefined
    }
    thread.on('error', gone)
    thread.on('exit', gone)
  }

  /** @returns a thread that waits for its seed: the spare, or a new one. The caller owns it. */
  take(): Worker {
    const thread = this.#thread ?? startThread(this.codecModules)
    this.#thread = undefined
    return thread
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#thread?.terminate()
  }
}
