import { seededRandom } from '../src/core/random.js'
import { exponential } from '../src/contact/simulation/distribution.js'
import { erlangA, erlangC } from '../src/contact/simulation/erlang.js'
import { simulate } from '../src/contact/simulation/simulate.js'
import type { SimulatedAgent, SimulatedCall } from '../src/contact/simulation/simulate.js'
import { collector } from './micro.js'
import type { BenchResult } from './micro.js'

/** Calls of each setting whose waits count, warm-up apart; `ERLANG_CALLS` asks for more. */
const CALLS = Number(process.env['ERLANG_CALLS'] ?? 2_000_000)
const collect = collector()
const HANDLING = 180_000
const PATIENCE = 120_000
const BATCHES = 20
/** Student's t of 99 % on both sides, 19 degrees of freedom. */
const T99 = 2.861
/**
 * The first calls find an empty floor. The slowest setting, 5 agents at 0.95, forgets its past in some 1,600 calls: lambda times the
 * relaxation time 1 / (sqrt(5 mu) - sqrt(lambda))^2. A warm-up is over ten of those, and a batch of 100,000 calls over sixty.
 */
const WARM_UP = 20_000

const LOADS = [0.5, 0.8, 0.95] as const

function* callsOf(count: number, gapMs: number, patience: number | undefined, seed: number): Generator<SimulatedCall> {
  const random = seededRandom(seed)
  const [gap, talk, giveUp] = [exponential(gapMs), exponential(HANDLING), exponential(patience ?? 1)]
  let at = 0
  for (let call = 0; call < count; call++) {
    at += gap(random)
    yield { at, queue: 'q', talk: talk(random), ...(patience === undefined ? {} : { patience: giveUp(random) }) }
  }
}

/** Sums of the waits, a batch of calls in order of arrival each: what is kept doesn't grow with the calls. */
class BatchMeans {
  readonly #sums = new Float64Array(BATCHES)
  readonly #size = Math.floor(CALLS / BATCHES)

  add(index: number, wait: number): void {
    const batch = Math.floor((index - WARM_UP) / this.#size)
    if (batch >= 0 && batch < BATCHES) this.#sums[batch]! += wait
  }

  /** Mean of the waits and half the width of its 99 % interval. */
  interval(): { mean: number; half: number } {
    const means = this.#sums.map(sum => sum / this.#size)
    const mean = means.reduce((sum, value) => sum + value, 0) / BATCHES
    const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (BATCHES - 1)
    return { mean, half: T99 * Math.sqrt(variance / BATCHES) }
  }
}

/** Heap in use after a collection. */
const heapUsed = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

/** Simulates one setting: its waits, and by how many bytes the heap has grown from the end of the warm-up to the last call. */
const simulateOne = (agents: number, gapMs: number, patience: number | undefined, seed: number): { waits: BatchMeans; grown: number } => {
  const waits = new BatchMeans()
  const floor: SimulatedAgent[] = Array.from({ length: agents }, (_, index) => ({ id: `a${index}`, queues: { q: {} } }))
  const calls = callsOf(WARM_UP + CALLS, gapMs, patience, seed)
  let [first, last, seen] = [0, 0, 0]
  for (const { index, waited } of simulate({ queues: { q: { strategy: 'longest-idle' } }, agents: floor, calls })) {
    waits.add(index, waited)
    seen += 1
    if (seen === WARM_UP) first = heapUsed()
    if (seen === WARM_UP + CALLS) last = heapUsed()
  }
  return { waits, grown: last - first }
}

const runOne = (agents: number, load: number, patience: number | undefined): BenchResult => {
  const traffic = { arrivalRate: agents * load / HANDLING, handling: HANDLING }
  const before = process.cpuUsage()
  const { waits, grown } = simulateOne(agents, 1 / traffic.arrivalRate, patience, agents * 1_000 + load * 100)
  const { user, system } = process.cpuUsage(before)
  const microseconds = (user + system) / (WARM_UP + CALLS)
  const { mean, half } = waits.interval()
  const expected = (patience === undefined ? erlangC(traffic, agents) : erlangA(traffic, agents, patience)).averageWait
  const verdict = Math.abs(mean - expected) <= half ? 'inside' : 'OUTSIDE'
  const name = `Erlang ${patience === undefined ? 'C' : 'A'}, ${agents} agents at ${load}, ${CALLS} calls: ${expected.toFixed(1)} ms ${verdict} ${mean.toFixed(1)} +- ${half.toFixed(1)}`
  return { name, microseconds, opsPerSecond: 1e6 / microseconds, bytesPerOp: Math.max(0, Math.round(grown / CALLS)) }
}

/** Mean waits of long simulations beside Erlang's formulas; an operation is one simulated call, its bytes those that the heap keeps of it. */
export const run = async (): Promise<BenchResult[]> =>
  [undefined, PATIENCE].flatMap(patience => [5, 20].flatMap(agents => LOADS.map(load => {
    const result = runOne(agents, load, patience)
    console.error(result.name)
    return result
  })))
