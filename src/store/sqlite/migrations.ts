import type { SqlDatabase } from './database.js'

/** The schema's history: a database at version n has had the first n of these. Entries are never edited, only appended. */
const migrations: readonly string[] = [
  `CREATE TABLE interaction (
     sequence    INTEGER PRIMARY KEY,
     id          TEXT NOT NULL,
     channel     TEXT NOT NULL,
     at          INTEGER NOT NULL,
     ended_at    INTEGER NOT NULL,
     "from"      TEXT NOT NULL,
     "to"        TEXT NOT NULL,
     queue       TEXT,
     agent       TEXT,
     waited      INTEGER,
     talked      INTEGER,
     outcome     TEXT NOT NULL,
     recording   TEXT,
     disposition TEXT
   ) STRICT;
   CREATE INDEX interaction_by_end ON interaction (ended_at);`,
  'CREATE INDEX interaction_by_id ON interaction (id);',
]

/** Version of the schema that this code reads and writes. */
export const schemaVersion = migrations.length

const userVersion = (database: SqlDatabase): number => (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version

/**
 * Brings the schema up to date in one transaction: two processes that open a new file at a time do it once.
 * @throws Error when the file was written by a newer version than this one.
 */
export const migrate = (database: SqlDatabase): void => {
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = userVersion(database)
    if (version > schemaVersion) throw new Error(`its schema is version ${version}, this program knows ${schemaVersion}`)
    for (const sql of migrations.slice(version)) database.exec(sql)
    database.exec(`PRAGMA user_version = ${schemaVersion}; COMMIT`)
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
