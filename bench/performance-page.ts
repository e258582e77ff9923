import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { figure, type Report } from './report.js'

const FILE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url))
/** What follows this heading is written by the benches. */
const HEADING = '## Figures\n'

const table = ({ title, machine, columns, rows }: Report): string => [
  `### ${title}`,
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.date} UTC.\n`,
  `| ${columns.map(column => column.title).join(' | ')} |`,
  `|${columns.map((_, at) => (at === 0 ? '---' : '---:')).join('|')}|`,
  ...rows.map(row => `| ${columns.map(({ key }) => figure(row[key])).join(' | ')} |`),
  '',
].join('\n')

/** Writes the tables of `docs/performance.md`: no figure there comes from anywhere else. */
export const savePerformancePage = (reports: readonly Report[]): string => {
  const text = readFileSync(FILE, 'utf8')
  const head = text.slice(0, text.indexOf(HEADING) + HEADING.length)
  writeFileSync(FILE, `${head}\n${reports.map(table).join('\n')}`)
  return FILE
}
