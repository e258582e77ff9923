import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.js'
import { freePort } from './ports.js'

/** What sipp counted. */
export interface SippCounters {
  readonly code: number | null
  readonly successful: number
  readonly failed: number
  readonly unexpected: number
  readonly retransmissions: number
  /** What it printed, for a failed test. */
  readonly output: string
}

/** Runs sipp to its end: `target` is HOST:PORT, `args` what else its command line needs. */
export const runSipp = async (target: string, args: readonly string[]): Promise<SippCounters> => {
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-sipp-'))
  try {
    const statistics = join(folder, 'statistics.csv')
    const port = await freePort(7_400, 7_990, 10)
    await using sipp = new Child('sipp', [target, ...args, '-i', '127.0.0.1', '-p', String(port), '-nostdin', '-trace_stat', '-stf', statistics, '-fd', '1', '-trace_err', '-error_file', join(folder, 'errors.log')])
    const { code } = await sipp.ended
    const errors = readIfThere(join(folder, 'errors.log'))
    return { code, ...countersOf(readFileSync(statistics, 'utf8')), output: `${sipp.output}\n${errors}`.slice(-4_000) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const readIfThere = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** The cumulative counters of the last row: sipp writes one row a period and one at its end. */
const countersOf = (csv: string): Omit<SippCounters, 'code' | 'output'> => {
  const rows = csv.trim().split('\n').map(row => row.split(';'))
  const [names, last] = [rows[0]!, rows.at(-1)!]
  const counter = (name: string): number => Number(last[names.indexOf(name)])
  return { successful: counter('SuccessfulCall(C)'), failed: counter('FailedCall(C)'), unexpected: counter('FailedUnexpectedMessage(C)'), retransmissions: counter('Retransmissions(C)') }
}
