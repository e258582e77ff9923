// `npm run bench`: every bench, or those named: `npm run bench -- parser g711`, `npm run bench -- micro`, `npm run bench -- load`.
import { loadBenches } from './load/benches.js'
import { microBenches, runMicroBench } from './micro-benches.js'
import { savePage } from './page.js'
import { savePerformancePage } from './performance-page.js'
import { savedReports, saveReport, tableText, type Report } from './report.js'

const wanted = process.argv.slice(2)
const known = ['micro', 'load', ...microBenches(), ...new Set(loadBenches.map(({ name }) => name))]
const unknown = wanted.find(name => !known.includes(name))
if (unknown !== undefined) {
  console.error(`no bench '${unknown}'; there are ${known.join(', ')}`)
  process.exit(1)
}
const chosen = (group: string, name: string): boolean => wanted.length === 0 || wanted.includes(group) || wanted.includes(name)

const finish = (report: Report): void => {
  saveReport(report)
  console.log(tableText(report))
}

for (const name of microBenches().filter(name => chosen('micro', name))) finish(runMicroBench(name))
for (const bench of loadBenches.filter(({ name }) => chosen('load', name))) {
  const absent = bench.absent()
  if (absent === undefined) finish(await bench.run())
  else console.log(`\n${bench.name}: skipped: ${absent}`)
}
console.log(`\n${savePage(savedReports())}\n${savePerformancePage(savedReports())}`)
