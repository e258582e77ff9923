import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import type { InteractionRecord } from '../../contact/interaction-record.js'
import { CordboardError, isCordboardError } from '../../core/errors.js'
import { loadSqlite, type SqlDatabase } from './database.js'
import { InteractionTable } from './interaction-table.js'
import { migrate } from './migrations.js'
import type { NumberedRequest, StoreReply, StoreRequest, StoreThreadData } from './protocol.js'

/** Milliseconds to wait for another process that writes to the same file. */
const BUSY_MS = 5_000

const open = async (file: string): Promise<SqlDatabase> => {
  const { DatabaseSync } = await loadSqlite()
  try {
    const database = new DatabaseSync(file)
    // Readers never wait for the writer; a commit returns when the log is on disk.
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`)
    migrate(database)
    return database
  } catch (error) {
    throw new CordboardError('STORE_UNAVAILABLE', `${file} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

const carryOut = (database: SqlDatabase, table: InteractionTable, request: StoreRequest): readonly InteractionRecord[] => {
  switch (request.type) {
    case 'append':
      table.append(request.records)
      return []
    case 'dispose':
      table.dispose(request.interaction, request.disposition)
      return []
    case 'newest':
      return table.newest(request.limit)
    case 'close':
      database.close()
      return []
  }
}

const answer = (number: number, work: () => readonly InteractionRecord[]): StoreReply => {
  try {
    return { type: 'done', number, records: work() }
  } catch (error) {
    return failure(number, error)
  }
}

const failure = (number: number, error: unknown): StoreReply => {
  const code = isCordboardError(error) ? error.code : 'STORE_UNAVAILABLE'
  return { type: 'failed', number, code, message: error instanceof Error ? error.message : String(error) }
}

const serve = async (port: MessagePort, { file }: StoreThreadData): Promise<void> => {
  const database = await open(file)
  const table = new InteractionTable(database)
  port.on('message', ({ number, request }: NumberedRequest) => {
    port.postMessage(answer(number, () => carryOut(database, table, request)))
    if (request.type === 'close') port.close()
  })
  port.postMessage({ type: 'done', number: 0, records: [] } satisfies StoreReply)
}

if (parentPort !== null) {
  const port = parentPort
  serve(port, workerData as StoreThreadData).catch((error: unknown) => {
    port.postMessage(failure(0, error))
    port.close()
  })
}
