import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { thisMachine, type Report, type Row } from '../report.js'
import { cpuOf, LOAD_CORE, memoryOf, SERVER_CORE } from './server-process.js'
import type { RelayFigures, RelayLoad, RelayRun } from './relay.js'

const SECONDS = 6
/** Ms that packets wait at most for a fuller burst: the engine's default. */
const COALESCE = 2

/** A run, and what it may cost. */
interface Relay extends RelayRun {
  readonly what: string
  /** @default 'relay-server', the engine */
  readonly server?: 'relay-server' | 'relay-floor'
  /** Percent of a core. */
  readonly goal?: number
  /** Ms of the 99th percentile of the delay. */
  readonly delayGoal?: number
  readonly pauseGoal?: number
  readonly memoryGoal?: number
}

const BRIDGE = { what: 'RTP to RTP', secure: false, coalesce: COALESCE }

const FIRST: readonly Relay[] = [
  { ...BRIDGE, calls: 100 },
  { ...BRIDGE, what: 'SRTP to RTP', calls: 100, secure: true, goal: 27 },
]

/** More and more calls until they are not relayed cleanly. */
const SWEEP = [200, 300, 400, 600]

/** With half of the calls that it can carry, as far as this load goes. */
const halfLoad = (calls: number): readonly Relay[] => [
  { what: 'Node, bare dgram relay', server: 'relay-floor', calls, secure: false, coalesce: 0 },
  { ...BRIDGE, what: 'RTP to RTP, half load', calls, delayGoal: 5 },
  { ...BRIDGE, what: 'the same, coalescing off', calls, coalesce: 0, delayGoal: 1 },
]

const MANY: Relay = { ...BRIDGE, calls: 500, pauseGoal: 10, memoryGoal: 30 }

/** Clean: nothing lost, and gaps under this (ms, 95th percentile). */
const CLEAN_GAP = 50
const CLEAN_MISSING = 0.1
const isClean = ({ missing, gap }: Row): boolean => Number(missing) <= CLEAN_MISSING && Number(gap) < CLEAN_GAP

const program = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url))

/** A program of this folder on a core of its own, and the lines that it prints. */
const start = (core: string, flags: readonly string[], name: string, task: RelayRun | RelayLoad): { readonly child: ChildProcess; readonly lines: AsyncIterableIterator<string> } => {
  const child = spawn('taskset', ['-c', core, process.execPath, ...flags, program(name), JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] })
  return { child, lines: createInterface(child.stdout!)[Symbol.asyncIterator]() }
}

/** The next line that begins with `word`, without it. `other` gets those before. */
const lineOf = async (lines: AsyncIterableIterator<string>, word: string, other: (line: string) => void = () => undefined): Promise<string> => {
  for (;;) {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`ended without '${word}'`)
    if (value.startsWith(word)) return value.slice(word.length)
    other(value)
  }
}

/** Collection pauses in ms that V8's `--trace-gc` tells of, by isolate: one for each thread. */
class Pauses {
  watching = false
  readonly #isolates = new Map<string, number[]>()

  take(line: string): void {
    const [, isolate, pause] = /^\[\d+:(\w+)\].*(?:Scavenge|Mark-Compact)[^,]*,(?: pooled: [\d.]+ MB,)? ([\d.]+) \/ /.exec(line) ?? []
    if (!this.watching || isolate === undefined) return
    this.#isolates.set(isolate, [...this.#isolates.get(isolate) ?? [], Number(pause)])
  }

  /** The longest of the media worker, which packets wait for, and of all others: it alone has work, and so collects the most often. */
  longest(): { readonly media: number; readonly others: number } {
    const [media = [], ...others] = [...this.#isolates.values()].sort((a, b) => b.length - a.length)
    return { media: Math.max(0, ...media), others: Math.max(0, ...others.flat()) }
  }
}

/** The load's own figures; `measuring` is called when it begins to measure. */
const load = async (task: RelayLoad, measuring: () => void): Promise<RelayFigures> => {
  const { child, lines } = start(LOAD_CORE, ['--max-semi-space-size=64'], 'relay-load', task)
  const ended = once(child, 'exit')
  await lineOf(lines, 'measuring')
  measuring()
  const figures = JSON.parse(await lineOf(lines, 'measured ')) as RelayFigures
  await ended
  return figures
}

/** Both sides of the load send to each other: what of the delay is the system's and the load's own. */
const floor = async (calls: number): Promise<Row> => {
  const figures = await load({ calls, secure: false, coalesce: 0, ports: undefined, seconds: SECONDS }, () => undefined)
  return { what: 'no server: side to side', calls, coalesce: null, share: null, goal: null, ...figures, delayGoal: null, pause: null, pauseGoal: null, otherPause: null, memory: null, memoryGoal: null }
}

const relay = async ({ what, goal, delayGoal, pauseGoal, memoryGoal, server = 'relay-server', ...run }: Relay): Promise<Row> => {
  const { child, lines } = start(SERVER_CORE, ['--trace-gc'], server, run)
  try {
    const pauses = new Pauses()
    const { ports, memory } = JSON.parse(await lineOf(lines, 'ready ')) as { readonly ports: RelayLoad['ports']; readonly memory: number }
    const kilobytes = (memoryOf(child.pid!) * 2 ** 20 - memory) / 1_024 / (2 * run.calls)
    let before = 0
    const watch = lineOf(lines, 'never', line => pauses.take(line)).catch(() => undefined)
    const figures = await load({ ...run, ports, seconds: SECONDS }, () => {
      before = cpuOf(child.pid!)
      pauses.watching = true
    })
    pauses.watching = false
    const { media, others } = pauses.longest()
    const share = (cpuOf(child.pid!) - before) / (SECONDS * 10_000)
    child.kill('SIGTERM')
    await watch
    return {
      what, calls: run.calls, coalesce: run.coalesce, share, goal: goal ?? null, ...figures, delayGoal: delayGoal ?? null,
      pause: media, pauseGoal: pauseGoal ?? null, otherPause: others, memory: kilobytes, memoryGoal: memoryGoal ?? null,
    }
  } finally {
    child.kill('SIGKILL')
  }
}

/** Bridged legs of the engine alone: what they cost, how long packets take through them, collection pauses, memory. */
export const relayLoad = async (): Promise<Report> => {
  const rows: Row[] = [await floor(100)]
  for (const run of FIRST) rows.push(await relay(run))
  let most = 100
  for (const calls of SWEEP) {
    const row = await relay({ ...BRIDGE, calls })
    rows.push(row)
    if (!isClean(row)) break
    most = calls
  }
  rows.push(await floor(most / 2))
  for (const run of halfLoad(most / 2)) rows.push(await relay(run))
  rows.push(await relay(MANY))
  return {
    name: 'load-relay',
    title: `bridged legs of the media engine without signalling, G.711 20 ms both ways, ${SECONDS} s`,
    machine: thisMachine(),
    columns: [
      { key: 'what', title: 'legs' },
      { key: 'calls', title: 'calls' },
      { key: 'coalesce', title: 'coalescing ms' },
      { key: 'share', title: '% of a core', plotted: true },
      { key: 'goal', title: 'goal' },
      { key: 'p50', title: 'one way p50 ms' },
      { key: 'p99', title: 'p99 ms' },
      { key: 'delayGoal', title: 'goal ms' },
      { key: 'missing', title: '% missing' },
      { key: 'gap', title: 'gap p95 ms' },
      { key: 'pause', title: 'longest collection pause ms' },
      { key: 'pauseGoal', title: 'goal ms' },
      { key: 'otherPause', title: 'of other threads ms' },
      { key: 'memory', title: 'kB a leg' },
      { key: 'memoryGoal', title: 'goal kB' },
    ],
    rows,
  }
}
