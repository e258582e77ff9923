import type { InteractionRecord } from '../../contact/interaction-record.js'
import type { SqlDatabase, SqlStatement } from './database.js'

/** A row of the table `interaction`. */
type Row = Omit<InteractionRecord, 'endedAt'> & { readonly ended_at: number }

/** The interactions of a database whose schema is up to date. Durations and times are kept as whole milliseconds. */
export class InteractionTable {
  readonly #database: SqlDatabase
  readonly #insert: SqlStatement
  readonly #dispose: SqlStatement
  readonly #newest: SqlStatement

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#insert = database.prepare(
      `INSERT INTO interaction (id, channel, at, ended_at, "from", "to", queue, agent, waited, talked, outcome, recording, disposition)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#dispose = database.prepare('UPDATE interaction SET disposition = ? WHERE sequence = (SELECT max(sequence) FROM interaction WHERE id = ?)')
    this.#newest = database.prepare(
      `SELECT id, channel, at, ended_at, "from", "to", queue, agent, waited, talked, outcome, recording, disposition
       FROM interaction ORDER BY ended_at DESC, sequence DESC LIMIT ?`,
    )
  }

  /** Writes all or none of `records`. */
  append(records: readonly InteractionRecord[]): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const record of records) this.#insertOne(record)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** Notes the result of the newest row of an interaction; a call back has the id of its call. */
  dispose(interaction: string, disposition: string): void {
    this.#dispose.run(disposition, interaction)
  }

  newest(limit: number): readonly InteractionRecord[] {
    return this.#newest.all(limit).map(row => {
      const { ended_at: endedAt, ...rest } = row as Row
      return { ...rest, endedAt }
    })
  }

  #insertOne({ id, channel, at, endedAt, from, to, queue, agent, waited, talked, outcome, recording, disposition }: InteractionRecord): void {
    this.#insert.run(id, channel, Math.round(at), Math.round(endedAt), from, to, queue, agent, whole(waited), whole(talked), outcome, recording, disposition)
  }
}

const whole = (ms: number | null): number | null => (ms === null ? null : Math.round(ms))
