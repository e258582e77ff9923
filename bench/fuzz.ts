// `node build/bench/fuzz.js [SECONDS] [SEED] [sip|media]`: mutated messages against parser, framer and user agent, or mutated datagrams and
// descriptions against all that hears a leg. Ends with 1 when one of them threw, took more than 5 ms of CPU time, left something behind, or the
// heap grew. A run of ten minutes or more that found nothing writes `bench/results/fuzz.json` or `fuzz-media.json`.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fuzzMedia } from './fuzz/media-run.js'
import { fuzz } from './fuzz/run.js'
import { savePage } from './page.js'
import { savePerformancePage } from './performance-page.js'
import { savedReports, saveReport, tableText, thisMachine, type Report } from './report.js'

const seconds = Number(process.argv[2] ?? 600)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
const media = process.argv[4] === 'media'
/** Share of the run after which the heap is taken for settled. */
const WARM = 0.2
const GROWTH_MB = 8
/** A shorter run is not worth keeping. */
const WHOLE_S = 600

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const heapMb = (): number => {
  collect()
  return process.memoryUsage().heapUsed / 1_048_576
}

const began = performance.now()
const elapsed = (): number => (performance.now() - began) / 1_000
let warm: number | undefined
const goOn = (): boolean => {
  if (warm === undefined && elapsed() > WARM * seconds) warm = heapMb()
  return elapsed() < seconds
}
const run = async (): Promise<{ readonly what: string; readonly slowest: Readonly<Record<string, number>>; readonly failures: readonly string[] }> => {
  if (media) {
    const found = fuzzMedia({ seed, goOn })
    return { ...found, what: `${found.datagrams} mutated datagrams and descriptions (${found.believed} believed` }
  }
  const found = await fuzz({ seed, goOn })
  return { ...found, what: `${found.messages} mutated messages (${found.understood} understood` }
}
const report = await run()
const grown = heapMb() - (warm ?? 0)
const result: Report = {
  name: media ? 'fuzz-media' : 'fuzz',
  title: `Fuzzing for ${seconds} s: the slowest of ${report.what}; seed ${seed}; heap grew by ${grown.toFixed(1)} MiB)`,
  machine: thisMachine(),
  columns: [{ key: 'part', title: 'part' }, { key: 'slowest', title: 'CPU milliseconds' }, { key: 'goal', title: 'goal' }],
  rows: Object.entries(report.slowest).map(([part, slowest]) => ({ part, slowest, goal: 5 })),
}
console.log(tableText(result))
for (const failure of report.failures) console.error(failure)
if (report.failures.length > 0 || grown > GROWTH_MB) process.exitCode = 1
else if (seconds >= WHOLE_S) {
  saveReport(result)
  console.log(`\n${savePage(savedReports())}\n${savePerformancePage(savedReports())}`)
}
