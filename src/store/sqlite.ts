import { Worker } from 'node:worker_threads'
import type { InteractionRecord, InteractionStore } from '../contact/interaction-record.js'
import { CordboardError } from '../core/errors.js'
import { deferred, type Deferred } from '../core/scope.js'
import type { NumberedRequest, StoreReply, StoreRequest, StoreThreadData } from './sqlite/protocol.js'

/** Options of `openSqliteStore`. */
export interface SqliteStoreOptions {
  /** Path of the database file, made when it does not exist; its folder must. */
  readonly file: string
}

type Reply = readonly InteractionRecord[]

/**
 * An interaction store in an SQLite file, which a thread of its own writes and reads: a slow disk never holds up a call. Rows that
 * come while one batch is being written form the next, one transaction each.
 */
class SqliteStore implements InteractionStore, AsyncDisposable {
  readonly #thread: Worker
  readonly #pending = new Map<number, Deferred<Reply>>()
  readonly #opened = deferred<Reply>()
  #numbers = 0
  #batch: InteractionRecord[] = []
  #writing: Promise<unknown> | undefined
  #nextBatch: Deferred<void> | undefined
  #closing: Promise<void> | undefined
  #gone: CordboardError | undefined

  constructor(file: string) {
    this.#pending.set(0, this.#opened)
    // Compiled, the thread's file ends in .js beside this one; tests run the sources.
    const sources = import.meta.url.endsWith('.ts')
    this.#thread = new Worker(new URL(sources ? './sqlite/thread.ts' : './sqlite/thread.js', import.meta.url), {
      workerData: { file } satisfies StoreThreadData,
      // Loaders and hooks of the main program would only make a thread of plain JavaScript slow to start.
      ...(sources ? {} : { execArgv: [] }),
      name: 'cordboard-store',
    })
    this.#thread.on('message', (reply: StoreReply) => this.#settle(reply))
    this.#thread.on('error', error => this.#end(new CordboardError('STORE_UNAVAILABLE', `the store's thread failed: ${error.message}`, { cause: error })))
    this.#thread.on('exit', () => this.#end(new CordboardError('STORE_UNAVAILABLE', 'the store is closed')))
  }

  async opened(): Promise<this> {
    await this.#opened.promise
    return this
  }

  append(record: InteractionRecord): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new CordboardError('STORE_UNAVAILABLE', 'the store is closed'))
    this.#batch.push(record)
    this.#nextBatch ??= deferred<void>()
    const written = this.#nextBatch.promise
    this.#writing ??= this.#write()
    return written
  }

  async dispose(interaction: string, disposition: string): Promise<void> {
    // Rows that were appended before are written before.
    while (this.#nextBatch !== undefined) await this.#nextBatch.promise.catch(() => undefined)
    await this.#ask({ type: 'dispose', interaction, disposition })
  }

  async newest(limit: number): Promise<readonly InteractionRecord[]> {
    return this.#ask({ type: 'newest', limit })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#writing
    if (this.#gone === undefined) await this.#ask({ type: 'close' })
    await this.#thread.terminate()
  }

  /** Writes batch after batch until none is left. */
  async #write(): Promise<void> {
    await Promise.resolve() // the rows of one turn belong together
    while (this.#nextBatch !== undefined) {
      const [records, written] = [this.#batch, this.#nextBatch]
      this.#batch = []
      this.#nextBatch = undefined
      await this.#ask({ type: 'append', records }).then(() => written.resolve(), written.reject)
    }
    this.#writing = undefined
  }

  #ask(request: StoreRequest): Promise<Reply> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    const number = ++this.#numbers
    const reply = deferred<Reply>()
    this.#pending.set(number, reply)
    // Only work that is under way keeps the process alive, not an idle store.
    this.#thread.ref()
    this.#thread.postMessage({ number, request } satisfies NumberedRequest)
    return reply.promise
  }

  #settle(reply: StoreReply): void {
    const pending = this.#pending.get(reply.number)
    this.#pending.delete(reply.number)
    if (this.#pending.size === 0) this.#thread.unref()
    if (reply.type === 'done') pending?.resolve(reply.records)
    else pending?.reject(new CordboardError(reply.code, reply.message))
  }

  #end(error: CordboardError): void {
    this.#gone ??= error
    for (const pending of this.#pending.values()) pending.reject(this.#gone)
    this.#pending.clear()
  }
}

/** What `openSqliteStore` gives: `append` resolves when the row is on disk. */
export interface SqliteInteractionStore extends Required<InteractionStore>, AsyncDisposable {
  /** Resolves when every appended row is on disk and the file is closed. Idempotent. */
  close(): Promise<void>
}

/**
 * Opens an interaction store in an SQLite file, bringing its schema up to date: by `node:sqlite` where the runtime has it, otherwise
 * by the optional package `@photostructure/sqlite`.
 * @throws CordboardError `OPTIONAL_PACKAGE_MISSING`, `STORE_UNAVAILABLE`.
 * @example
 * await using store = await openSqliteStore({ file: 'calls.db' })
 * await using center = createContactCenter({ server, store })
 */
export const openSqliteStore = (options: SqliteStoreOptions): Promise<SqliteInteractionStore> => new SqliteStore(options.file).opened()
