/** Milliseconds of CPU time that no message may take. */
export const SLOW_MS = 5
/** What is faster than so many milliseconds is not measured again. */
const FAST_MS = 1
const TURNS = 20

/** Runs what takes hostile input: notes what throws, and what takes too long. */
export class Stopwatch<Part extends string> {
  readonly slowest: Record<Part, number>
  /** What went wrong, with the input (base64) that did it. */
  readonly failures: string[] = []

  constructor(parts: readonly Part[], readonly slowMs: number) {
    this.slowest = Object.fromEntries(parts.map(part => [part, 0])) as Record<Part, number>
  }

  run(part: Part, bytes: Buffer, task: () => void): void {
    // Other programs on the machine and the collector are not the message's fault: CPU time counts, and what is slow is slow each time.
    let best = Number.POSITIVE_INFINITY
    for (let turn = 0; turn < TURNS && best > FAST_MS; turn++) {
      const began = performance.now()
      const cpu = process.cpuUsage()
      try {
        task()
      } catch (error) {
        return void this.failures.push(`${part}: ${String(error)}: ${bytes.toString('base64')}`)
      }
      const { user, system } = process.cpuUsage(cpu)
      // That of all threads, the collector's too: where it exceeds the time on the clock, that one is nearer.
      best = Math.min(best, (user + system) / 1_000, performance.now() - began)
    }
    this.slowest[part] = Math.max(this.slowest[part], best)
    if (best > this.slowMs) this.failures.push(`${part}: ${best.toFixed(1)} ms of CPU time: ${bytes.toString('base64')}`)
  }
}
