import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const COUNTER = fileURLToPath(new URL('../../../bench/routing-steps.js', import.meta.url))
const STRATEGIES = ['longest-idle', 'round-robin', 'top-down', 'fewest-calls', 'least-talk-time', 'random', 'weighted', 'progressive', 'ring-all']

/** Blocks of routing's code that a decision executes, with 100 agents and with 1,000. */
const stepsOf = (load: string, strategy: string): readonly [number, number] => {
  // The test runner's own coverage would take the counts first.
  const { NODE_V8_COVERAGE: _, NODE_OPTIONS: __, ...env } = process.env
  return JSON.parse(execFileSync(process.execPath, [COUNTER, load, strategy, '100', '1000'], { encoding: 'utf8', env })) as [number, number]
}

void t.test('a decision takes steps as log n grows at most, whatever the strategy', async t => {
  const loads: readonly (readonly [string, string])[] = [['waiting', 'longest-idle'], ...STRATEGIES.map(strategy => ['half free', strategy] as const)]
  for (const [load, strategy] of loads) {
    const [hundred, thousand] = stepsOf(load, strategy)
    t.ok(thousand / hundred <= Math.log(1_000) / Math.log(100), `${load}, ${strategy}: ${hundred.toFixed(0)} steps, ${thousand.toFixed(0)} with ten times the agents`)
  }
})
