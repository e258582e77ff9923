import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Where and when figures were measured. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  /** UTC. */
  readonly date: string
}

/** A table of figures: what docs quote. */
export interface Report {
  readonly name: string
  readonly title: string
  readonly machine: Machine
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
}

export interface Column {
  readonly key: string
  readonly title: string
  /** Shown as bars in the page. */
  readonly plotted?: boolean
}

export type Row = Readonly<Record<string, string | number | null>>

/** Folder of the figures in the repository. */
export const RESULTS = fileURLToPath(new URL('../../bench/results/', import.meta.url))

export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  date: new Date().toISOString().slice(0, 16),
})

/** Writes `bench/results/NAME.json`. */
export const saveReport = (report: Report): void => {
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(`${RESULTS}${report.name}.json`, `${JSON.stringify(report, undefined, 2)}\n`)
}

/** All reports in `bench/results`, of this run and of earlier ones. */
export const savedReports = (): readonly Report[] =>
  readdirSync(RESULTS).filter(file => file.endsWith('.json')).sort().map(file => JSON.parse(readFileSync(RESULTS + file, 'utf8')) as Report)

/** Four significant digits, large numbers with thousands apart. */
export const figure = (value: string | number | null | undefined): string => {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'string') return value
  return value >= 1_000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(4)))
}

/** The table as text for a terminal. */
export const tableText = ({ title, columns, rows }: Report): string => {
  const cells = [columns.map(column => column.title), ...rows.map(row => columns.map(({ key }) => figure(row[key])))]
  const widths = columns.map((_, at) => Math.max(...cells.map(line => line[at]!.length)))
  const lines = cells.map(line => line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  '))
  return `\n${title}\n${lines.join('\n')}`
}
