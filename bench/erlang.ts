import { seededRandom } from '../src/core/random.js'
import { exponential } from '../src/contact/simulation/distribution.js'
import { erlangA, erlangC } from '../src/contact/simulation/erlang.js'
import { simulate } from '../src/contact/simulation/simulate.js'
import type { SimulatedAgent, SimulatedCall } from '../src/contact/simulation/simulate.js'
import type { BenchResult } from './micro.js'

/** Calls over all runs together; `ERLANG_CALLS` asks for more. */
const CALLS = Number(process.env['ERLANG_CALLS'] ?? 2_000_000)
const HANDLING = 180_000
const PATIENCE = 120_000
const BATCHES = 20
/** Student's t of 99 % on both sides, 19 degrees of freedom. */
const T99 = 2.861
/** The first calls find an empty floor. */
const WARM_UP = 0.05

/** Load per agent, and its share of the calls: the busier, the longer a batch must be for batches to be independent. */
const LOADS = [[0.5, 0.025], [0.8, 0.05], [0.95, 0.175]] as const

function* callsOf(count: number, gapMs: number, patience: number | undefined, seed: number): Generator<SimulatedCall> {
  const random = seededRandom(seed)
  const [gap, talk, giveUp] = [exponential(gapMs), exponential(HANDLING), exponential(patience ?? 1)]
  let at = 0
  for (let call = 0; call < count; call++) {
    at += gap(random)
    yield { at, queue: 'q', talk: talk(random), ...(patience === undefined ? {} : { patience: giveUp(random) }) }
  }
}

/** Mean of the waits and half the width of its 99 % interval, by batch means. */
const interval = (waits: Float64Array): { mean: number; half: number } => {
  const kept = waits.subarray(Math.floor(waits.length * WARM_UP))
  const size = Math.floor(kept.length / BATCHES)
  const means = Array.from({ length: BATCHES }, (_, batch) => kept.subarray(batch * size, (batch + 1) * size).reduce((sum, wait) => sum + wait, 0) / size)
  const mean = means.reduce((sum, value) => sum + value, 0) / BATCHES
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (BATCHES - 1)
  return { mean, half: T99 * Math.sqrt(variance / BATCHES) }
}

const runOne = (agents: number, load: number, share: number, patience: number | undefined): BenchResult => {
  const count = Math.round(CALLS * share)
  const traffic = { arrivalRate: agents * load / HANDLING, handling: HANDLING }
  const waits = new Float64Array(count)
  const floor: SimulatedAgent[] = Array.from({ length: agents }, (_, index) => ({ id: `a${index}`, queues: { q: {} } }))
  const before = process.cpuUsage()
  for (const { index, waited } of simulate({
    queues: { q: { strategy: 'longest-idle' } }, agents: floor, calls: callsOf(count, 1 / traffic.arrivalRate, patience, agents * 1_000 + load * 100),
  })) waits[index] = waited
  const { user, system } = process.cpuUsage(before)
  const microseconds = (user + system) / count
  const { mean, half } = interval(waits)
  const expected = (patience === undefined ? erlangC(traffic, agents) : erlangA(traffic, agents, patience)).averageWait
  const verdict = Math.abs(mean - expected) <= half ? 'inside' : 'OUTSIDE'
  const name = `Erlang ${patience === undefined ? 'C' : 'A'}, ${agents} agents at ${load}, ${count} calls: ${expected.toFixed(1)} ms ${verdict} ${mean.toFixed(1)} +- ${half.toFixed(1)}`
  return { name, microseconds, opsPerSecond: 1e6 / microseconds, bytesPerOp: 0 }
}

/** Mean waits of long simulations beside Erlang's formulas; an operation is one simulated call. */
export const run = async (): Promise<BenchResult[]> =>
  [undefined, PATIENCE].flatMap(patience => [5, 20].flatMap(agents => LOADS.map(([load, share]) => runOne(agents, load, share, patience))))
