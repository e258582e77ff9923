import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pcmu } from '../../src/codec/g711.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { thisMachine, type Report, type Row } from '../report.js'
import { ALL_CORES, LOAD_CORE, SERVER_CORE, ServerProcess, SIP_PORT } from './server-process.js'
import { buildMload } from './tools.js'

/** One load of mload against one user part of `bench:serve`. */
interface MediaLoad {
  readonly what: string
  readonly user: string
  readonly calls: number
  /** Percent of a core that it is to cost at most. */
  readonly goal?: number
  /** Members a room, for `conf-`. */
  readonly room?: number
  /** Only so many of a room say anything; all by default. */
  readonly talkers?: number
  /** Media workers; more than one have the load's core as well. @default 1 */
  readonly workers?: number
  /** The far side of a bridge is needed. */
  readonly far?: boolean
  /** Payloads carry their send time: only where the path leaves them alone. */
  readonly marked?: boolean
}

const ECHO = { what: 'echo', user: 'echo', marked: true }
const BRIDGE = { what: 'bridge', user: 'bridge', far: true, marked: true }
const THREES = { what: 'rooms of three', user: 'conf-', room: 3 }
const HUGE = { what: 'one room, five talk, two workers', user: 'conf-', talkers: 5, workers: 2 }
const PROMPT = { what: 'prompt', user: 'play' }

const LOADS: readonly MediaLoad[] = [
  { ...ECHO, calls: 100, goal: 13 },
  { ...BRIDGE, calls: 100, goal: 22 },
  { what: 'bridge through the mixer', user: 'bridgecore', calls: 100, far: true, goal: 26 },
  { what: 'bridge recorded in stereo', user: 'bridgerec', calls: 100, far: true, marked: true, goal: 26 },
  { what: 'one room', user: 'conf-', calls: 50, room: 50, goal: 8 },
  { what: 'one room', user: 'conf-', calls: 100, room: 100, goal: 14 },
  { what: 'one room', user: 'conf-', calls: 200, room: 200, goal: 24 },
  // Half of it as well: on two cores the load takes its part of what the workers have.
  { ...HUGE, calls: 500, room: 500 },
  { ...HUGE, calls: 1_000, room: 1_000 },
  { ...THREES, calls: 99, goal: 15 },
  { ...THREES, calls: 201, goal: 25 },
  { ...PROMPT, calls: 100, goal: 13 },
  { ...PROMPT, calls: 300, goal: 29 },
  { ...PROMPT, calls: 400, goal: 36 },
]

/** More and more calls until they are not served cleanly: that is the knee. The last of each is the goal. */
const SWEEPS: readonly (readonly MediaLoad[])[] = [
  [{ ...BRIDGE, calls: 200 }, { ...BRIDGE, calls: 400 }, { ...BRIDGE, calls: 600, goal: 85 }],
  [{ ...THREES, calls: 300 }, { ...THREES, calls: 600 }, { ...THREES, calls: 900 }],
  [{ ...PROMPT, calls: 600 }, { ...PROMPT, calls: 900 }, { ...PROMPT, calls: 1_200 }],
]

const SECONDS = 6
const CALLS_PER_SECOND = 100
/** Clean: nobody refused, nothing lost by the server, and gaps under this (ms, 95th percentile). */
const CLEAN_GAP = 50
/** Packets a second of a call that nothing is missing of, as counted over a window of some seconds: 50 less the window's edges. */
const CLEAN_PACKETS = 49.5
const CLEAN_MISSING = 0.1

/** Two tones, ten seconds of them: what each caller says. */
const speechFile = (): string => {
  const pcm = new Int16Array(80_000)
  new ToneGenerator({ frequencies: [440, 1_100], dbm0: -20 }, 8_000).read(pcm)
  const bytes = new Uint8Array(pcm.length)
  pcmu.createEncoder().encode(pcm, bytes, 0)
  const file = join(tmpdir(), 'cordboard-bench-speech.ulaw')
  writeFileSync(file, bytes)
  return file
}

const coresOf = ({ workers = 1 }: MediaLoad, core: string): string => (workers > 1 ? ALL_CORES : core)

/** Runs mload as the callers of `load` against the process `pid`. */
const measure = async (mload: string, speech: string, load: MediaLoad, pid: number): Promise<Row> => {
  const args = ['-c', coresOf(load, LOAD_CORE), mload, 'uac', '-s', `127.0.0.1:${SIP_PORT}`, '-x', load.user, '-n', String(load.calls), '-r', String(CALLS_PER_SECOND), '-d', String(SECONDS), '-m', '10000', '-p', '7000', '-a', speech, '-c', String(pid), '-M', load.marked === true ? '1' : '0', ...(load.room === undefined ? [] : ['-g', String(load.room)]), ...(load.talkers === undefined ? [] : ['-A', String(load.talkers)])]
  const output = await new Promise<string>((resolve, reject) => { execFile('taskset', args, (error, stdout) => error === null ? resolve(stdout) : reject(error)) })
  const found = JSON.parse(output) as Record<string, number>
  const legs = load.far === true ? 2 * load.calls : load.calls
  const row = {
    load: load.what, calls: load.calls, failed: found['failed']!, packets: found['rx_pps_per_call']!, missing: load.marked === true ? found['marked_missing_pct']! : null,
    gap: found['maxgap_ms_p95']!, p50: load.marked === true ? found['rtt_ms_p50']! : null, p99: load.marked === true ? found['rtt_ms_p99']! : null,
    share: found['server_cpu_pct']!, goal: load.goal ?? null, cpu: (found['server_cpu_pct']! * 10_000) / (legs * 50),
  }
  const clean = row.failed === 0 && row.packets >= CLEAN_PACKETS && (row.missing ?? 0) <= CLEAN_MISSING && row.gap < CLEAN_GAP
  return { ...row, clean: clean ? 'yes' : 'no' }
}

/** One load against a server of its own. */
const serve = async (mload: string, speech: string, load: MediaLoad): Promise<Row> => {
  await using server = await ServerProcess.start({ MEDIA_WORKERS: String(load.workers ?? 1) }, 'serve', coresOf(load, SERVER_CORE))
  const far = load.far === true ? spawn('taskset', ['-c', LOAD_CORE, mload, 'uas', '-p', '6090', '-m', '45000'], { stdio: 'ignore' }) : undefined
  try {
    return await measure(mload, speech, load, server.pid)
  } finally {
    far?.kill('SIGTERM')
  }
}

/** The floor: mload's own far side, a loop of epoll in C, echoes in the server's place. */
const floor = async (mload: string, speech: string): Promise<Row> => {
  const echo = spawn('taskset', ['-c', SERVER_CORE, mload, 'uas', '-p', String(SIP_PORT), '-m', '45000'], { stdio: 'ignore' })
  try {
    return await measure(mload, speech, { what: 'C with epoll: echo', user: 'echo', calls: 100, marked: true }, echo.pid!)
  } finally {
    const ended = once(echo, 'exit')
    echo.kill('SIGKILL')
    await ended
  }
}

/** What Node itself costs: a bare program that echoes by `dgram`. */
const dgramFloor = async (mload: string, speech: string): Promise<Row> => {
  await using server = await ServerProcess.start({}, 'floor-media')
  return await measure(mload, speech, { what: 'Node, bare dgram: echo', user: 'echo', calls: 100, marked: true }, server.pid)
}

/** RTP through the server, 20 ms packets of G.711 both ways: what the whole load costs of a core, and how it sounds at the other end. */
export const mediaLoad = async (): Promise<Report> => {
  const mload = buildMload()
  const speech = speechFile()
  const bare = await floor(mload, speech)
  const node = await dgramFloor(mload, speech)
  const measured: Row[] = [bare, node]
  for (const load of LOADS) measured.push(await serve(mload, speech, load))
  for (const sweep of SWEEPS) {
    for (const load of sweep) {
      const row = await serve(mload, speech, load)
      measured.push(row)
      if (row['clean'] !== 'yes') break
    }
  }
  const rows = measured.map(row => ({ ...row, ratio: Number(row['cpu']) / Number(bare['cpu']), nodeRatio: Number(row['cpu']) / Number(node['cpu']) }))
  return {
    name: 'load-media',
    title: `mload, G.711 20 ms, ${SECONDS} s`,
    machine: thisMachine(),
    columns: [
      { key: 'load', title: 'load' },
      { key: 'calls', title: 'calls' },
      { key: 'share', title: '% of a core', plotted: true },
      { key: 'goal', title: 'goal' },
      { key: 'ratio', title: 'CPU a packet / C echo' },
      { key: 'nodeRatio', title: '/ dgram echo' },
      { key: 'cpu', title: 'CPU us a packet in and out' },
      { key: 'packets', title: 'packets/s a call' },
      { key: 'missing', title: '% missing' },
      { key: 'gap', title: 'gap p95 ms' },
      { key: 'p50', title: 'round trip p50 ms' },
      { key: 'p99', title: 'p99 ms' },
      { key: 'failed', title: 'failed' },
      { key: 'clean', title: 'clean' },
    ],
    rows,
  }
}
