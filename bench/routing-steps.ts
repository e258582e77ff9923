// Counts what routing does instead of timing it: `node routing-steps.js LOAD STRATEGY AGENTS...` prints, for each number of agents, the steps of a
// decision: the blocks of `contact/routing` and its comparisons that V8 counts as executed. The count is the same on every machine.
import { Session } from 'node:inspector/promises'
import type { Strategy } from '../src/contact/routing/settings.js'
import type { FloorLoad } from './routing-floor.js'

const [load, strategy, ...sizes] = process.argv.slice(2) as [FloorLoad, Strategy, ...string[]]
const DECISIONS = 6_000

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
// Counted are blocks of what is compiled from here on.
const { Floor } = await import('./routing-floor.js')

/** Blocks executed since the last look. */
const executed = async (): Promise<number> => {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  return result.filter(({ url }) => url.includes('/contact/routing/')).flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0)
}

const steps: number[] = []
for (const size of sizes) {
  const floor = new Floor(load, Number(size), strategy)
  await executed()
  const before = floor.decisions
  while (floor.decisions < before + DECISIONS) floor.turn()
  steps.push(await executed() / (floor.decisions - before))
}
console.log(JSON.stringify(steps))
