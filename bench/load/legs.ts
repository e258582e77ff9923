import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { thisMachine, type Report, type Row } from '../report.js'

const LEGS = 100_000

/** What legs that were made and ended leave behind: see `leg-rounds.ts`. */
export const legLoad = async (): Promise<Report> => {
  const program = fileURLToPath(new URL('./leg-rounds.js', import.meta.url))
  const lines = execFileSync(process.execPath, ['--expose-gc', program, String(LEGS)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n')
  return {
    name: 'legs',
    title: `${LEGS.toLocaleString('en-US')} media legs made and ended`,
    machine: thisMachine(),
    columns: [
      { key: 'when', title: 'when' },
      { key: 'heap', title: 'heap and buffers MiB' },
      { key: 'resident', title: 'resident MiB', plotted: true },
      { key: 'sockets', title: 'sockets' },
      { key: 'threads', title: 'threads' },
      { key: 'legs', title: 'legs' },
      { key: 'portsFree', title: 'ports free' },
    ],
    rows: lines.map(line => JSON.parse(line) as Row),
  }
}
