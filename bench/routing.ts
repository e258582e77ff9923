import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Strategy } from '../src/contact/routing/settings.js'
import type { BenchResult } from './micro.js'
import type { FloorLoad } from './routing-floor.js'

/** Microseconds that a decision may cost with 1,000 agents and 1,000 waiting. */
const GOAL = 50
const SIZES = [100, 1_000, 10_000]
const STRATEGIES = ['longest-idle', 'round-robin', 'top-down', 'fewest-calls', 'least-talk-time', 'random', 'weighted', 'progressive', 'ring-all'] as const
const program = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url))
const ROUNDS = 11

interface FloorProcess {
  readonly size: number
  readonly child: ChildProcess
  readonly result: BenchResult
  /** CPU microseconds of a decision in each round. */
  readonly rounds: number[]
}

const heard = async <T>(child: ChildProcess): Promise<T> => (await once(child, 'message'))[0] as T

/** Steps of a decision for each size: see `routing-steps.ts`. */
const stepsOf = async (load: FloorLoad, strategy: Strategy): Promise<number[]> =>
  JSON.parse((await promisify(execFile)(process.execPath, [program('routing-steps'), load, String(strategy), ...SIZES.map(String)])).stdout) as number[]

const start = async (load: FloorLoad | 'yardstick', size: number, strategy: Strategy): Promise<FloorProcess> => {
  const child = fork(program('routing-process'), [load, String(size), String(strategy)])
  return { size, child, result: await heard<BenchResult>(child), rounds: [] }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

/**
 * One strategy, from 100 to 10,000 agents. The sizes take turns, each in a process of its own, so that neither the changing speed of a
 * machine that does other work too nor the garbage of one size shows in the figures of another; growth is the median over the turns.
 */
const grow = async (load: FloorLoad | 'yardstick', strategy: Strategy): Promise<BenchResult[]> => {
  const steps = load === 'yardstick' ? [] : await stepsOf(load, strategy)
  const floors: FloorProcess[] = []
  for (const size of SIZES) floors.push(await start(load, size, strategy))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { child, rounds } of floors) {
      child.send('round')
      rounds.push(await heard<number>(child))
    }
  }
  for (const { child } of floors) child.kill()
  const growth = (rounds: readonly number[]): number => median(rounds.map((microseconds, at) => microseconds / floors[0]!.rounds[at]!))
  return floors.map(({ size, result, rounds }, at) => ({
    ...result,
    name: load === 'yardstick' ? `yardstick: ${size} desks, half free` : `${size} agents, ${load === 'waiting' ? `${size} waiting` : load}, ${String(strategy)}`,
    microseconds: median(rounds),
    growth: growth(rounds),
    ...(steps[at] !== undefined && { steps: steps[at] }),
    ...(size === 1_000 && load !== 'yardstick' && { goal: GOAL }),
  }))
}

/**
 * CPU time of a decision, for each strategy: log n grows 1.5 times from 100 agents and callers to 1,000, and 2 times to 10,000. The yardstick
 * tells how far the machine's memory alone grows dearer.
 */
export const run = async (): Promise<BenchResult[]> => {
  // Who is next does not depend on the strategy.
  const results = [...await grow('yardstick', 'random'), ...await grow('waiting', 'longest-idle')]
  for (const strategy of STRATEGIES) results.push(...await grow('half free', strategy))
  return results
}
