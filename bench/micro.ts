import Benchmark from 'benchmark'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What one micro-bench found. */
export interface BenchResult {
  readonly name: string
  /** Operations a second of wall time, by `benchmark`: other programs on the machine lower it. */
  readonly opsPerSecond: number
  /** CPU microseconds of this process per operation, by the operating system's accounting. */
  readonly microseconds: number
  /** Heap and buffer bytes allocated per operation. */
  readonly bytesPerOp: number
  /** Microseconds that it may cost. */
  readonly goal?: number
  /** Microseconds in proportion to those of the row of the smallest size. */
  readonly growth?: number
  /** Blocks of code that it executes. */
  readonly steps?: number
}

/** Seconds of sampling for one bench; `BENCH_SECONDS` lengthens it. */
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 0.5)

/**
 * Measures one operation. `fn` does it once and leaves its result somewhere reachable, so that the compiler cannot drop it. `goal`: the
 * microseconds that it may cost.
 *
 * @example
 * export const run = async (): Promise<BenchResult[]> => [await measure('parse INVITE', () => { parsed = parse(invite) })]
 */
export const measure = async (name: string, fn: () => void, goal?: number): Promise<BenchResult> => {
  const opsPerSecond = await rate(name, fn)
  const count = Math.max(1, Math.round(opsPerSecond * SECONDS))
  return { name, opsPerSecond, microseconds: cpuPerOp(fn, count), bytesPerOp: bytesPerOp(fn, opsPerSecond), ...(goal !== undefined && { goal }) }
}

const rate = (name: string, fn: () => void): Promise<number> =>
  new Promise((resolve, reject) => {
    const bench = new Benchmark(name, fn, { maxTime: SECONDS, minSamples: 5, async: false })
    bench.on('complete', () => resolve(bench.hz))
    bench.on('error', () => reject(bench.error as unknown as Error))
    bench.run()
  })

const cpuPerOp = (fn: () => void, count: number): number => {
  const each = Math.max(1, Math.round(count / ROUNDS))
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    for (let n = 0; n < each; n++) fn()
    const spent = process.cpuUsage(before)
    return (spent.user + spent.system) / each
  })
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1]!
}

/** Rounds of which the median counts: a collection, or another program on the same core, in the middle of a round spoils that round only. */
const ROUNDS = 9

const bytesPerOp = (fn: () => void, opsPerSecond: number): number => {
  const collect = collector()
  // Few enough operations to stay inside the young generation, whose collection would hide what was allocated.
  const count = Math.max(1, Math.min(200, Math.round(opsPerSecond / 100)))
  const allocated = (operation: () => void): number => {
    const rounds = Array.from({ length: ROUNDS }, () => {
      // Twice: the second waits for buffers that the first frees in the background.
      collect()
      collect()
      const before = process.memoryUsage()
      for (let n = 0; n < count; n++) operation()
      const after = process.memoryUsage()
      return after.heapUsed + after.external - before.heapUsed - before.external
    })
    return rounds.sort((a, b) => a - b)[ROUNDS >> 1]!
  }
  const nothing = allocated(() => undefined)
  return Math.max(0, Math.round((allocated(fn) - nothing) / count))
}

/** The runtime's `gc`, without asking for a flag on the command line. */
export const collector = (): (() => void) => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
