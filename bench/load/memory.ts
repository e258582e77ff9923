import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { thisMachine, type Report, type Row } from '../report.js'

/** What dialogs and finished calls keep in memory: see `dialogs.ts`. */
export const memoryLoad = async (): Promise<Report> => {
  const program = fileURLToPath(new URL('./dialogs.js', import.meta.url))
  const lines = execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n')
  return {
    name: 'memory',
    title: 'Memory of a user agent: heap and buffers above those before, after a full collection',
    machine: thisMachine(),
    columns: [
      { key: 'what', title: 'when' },
      { key: 'dialogs', title: 'dialogs' },
      { key: 'memory', title: 'MiB', plotted: true },
      { key: 'perCall', title: 'bytes a call' },
    ],
    rows: lines.map(line => JSON.parse(line) as Row),
  }
}
