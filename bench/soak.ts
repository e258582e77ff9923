// `npm run soak`: 200 callers and 20 agents of sipp against the example server, every caller accounted for.
//   SOAK_SECONDS  how long it runs (300)
import { runSoak } from './soak/run.js'
import { judge } from './soak/verdict.js'

const result = await runSoak({ seconds: Number(process.env['SOAK_SECONDS'] ?? 300), rtpPorts: [20_000, 29_999] })
const { figures, faults } = judge(result)
console.log(`${result.begun} calls, ${result.callers.filter(({ close }) => close).length} hung up in the instant of an answer`)
for (const { name, server, logs } of figures) console.log(`${name.padEnd(20)}${server.toFixed(1).padStart(12)}${logs.toFixed(1).padStart(12)} by the logs`)
for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1
