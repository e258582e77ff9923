import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { destination, multistream, pino } from 'pino'
import type { Logger } from 'pino'

/** The server's log. */
export interface Log {
  readonly logger: Logger
  /** Writes what is buffered. */
  close(): void
}

/** Opens `logs/server.log` in the data folder. Faults also go to standard error, for whoever watches the terminal. */
export const openLog = (data: string): Log => {
  const folder = join(data, 'logs')
  mkdirSync(folder, { recursive: true })
  const file = destination({ dest: join(folder, 'server.log'), sync: false })
  const logger = pino({ base: null }, multistream([{ level: 'info', stream: file }, { level: 'error', stream: process.stderr }]))
  return { logger, close: () => file.flushSync() }
}
