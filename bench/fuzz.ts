// `node build/bench/fuzz.js [SECONDS] [SEED]`: mutated messages against parser, framer and user agent. Ends with 1 when one of them threw, took
// more than 5 ms, left something behind, or the heap grew.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fuzz } from './fuzz/run.js'

const seconds = Number(process.argv[2] ?? 600)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
/** Share of the run after which the heap is taken for settled. */
const WARM = 0.2
const GROWTH_MB = 8

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const heapMb = (): number => {
  collect()
  return process.memoryUsage().heapUsed / 1_048_576
}

const began = performance.now()
const elapsed = (): number => (performance.now() - began) / 1_000
let warm: number | undefined
const report = await fuzz({
  seed,
  goOn: () => {
    if (warm === undefined && elapsed() > WARM * seconds) warm = heapMb()
    return elapsed() < seconds
  },
})
const grown = heapMb() - (warm ?? 0)
console.log(`seed ${seed}: ${report.messages} messages in ${elapsed().toFixed(0)} s, ${report.understood} understood, heap grew by ${grown.toFixed(1)} MB`)
for (const [part, ms] of Object.entries(report.slowest)) console.log(`slowest in the ${part}: ${ms.toFixed(2)} ms`)
for (const failure of report.failures) console.error(failure)
if (report.failures.length > 0 || grown > GROWTH_MB) process.exitCode = 1
