import { CordboardError } from '../../core/errors.js'

/** A value that SQLite holds. */
export type SqlValue = string | number | null

/** A prepared statement, as both packages have it. */
export interface SqlStatement {
  run(...values: readonly SqlValue[]): unknown
  all(...values: readonly SqlValue[]): readonly unknown[]
  get(...values: readonly SqlValue[]): unknown
}

/** What the store uses of `DatabaseSync`: synchronous, so it belongs in a thread of its own. */
export interface SqlDatabase {
  exec(sql: string): void
  prepare(sql: string): SqlStatement
  close(): void
}

interface SqliteModule {
  readonly DatabaseSync: new (file: string) => SqlDatabase
}

/** In order of preference: the runtime's own SQLite (Node 22.5 and later), then the package with the same interface. */
const SQLITE_MODULES: readonly string[] = ['node:sqlite', '@photostructure/sqlite']

/**
 * Loads the first of `modules` that is there.
 * @throws CordboardError `OPTIONAL_PACKAGE_MISSING` when the runtime has no SQLite and the package isn't installed.
 */
export const loadSqlite = async (modules: readonly string[] = SQLITE_MODULES): Promise<SqliteModule> => {
  const failures: unknown[] = []
  for (const name of modules) {
    try {
      return (await import(name)) as SqliteModule
    } catch (error) {
      failures.push(error)
    }
  }
  throw new CordboardError('OPTIONAL_PACKAGE_MISSING', 'this runtime has no node:sqlite: run "npm install @photostructure/sqlite"', {
    cause: new AggregateError(failures, modules.join(', ')),
  })
}
