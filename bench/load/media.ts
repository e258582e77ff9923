import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pcmu } from '../../src/codec/g711.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { thisMachine, type Report, type Row } from '../report.js'
import { ALL_CORES, LOAD_CORE, SERVER_CORE, ServerProcess, SIP_PORT } from './server-process.js'
import { FLOORS, legsOf, LOADS, type MediaLoad, RIVAL, SWEEPS } from './media-loads.js'
import { FAR_PORT, SECURE_FAR, RtpengineProcess, rtpengineInstalled } from './rtpengine.js'
import { buildMload, endProcess } from './tools.js'

export const SECONDS = 6
export const CALLS_PER_SECOND = 100
/** How often everything is measured. */
export const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 1)
/** What a title says of them. */
export const BEST_OF_ROUNDS = ROUNDS > 1 ? `, best of ${ROUNDS} rounds` : ''
/** Clean: nothing lost by the server, and gaps under this (ms, 95th percentile). */
const CLEAN_GAP = 50
/** Packets a second of a call that nothing is missing of, as counted over a window of some seconds: 50 less the window's edges. */
const CLEAN_PACKETS = 49.5
/** Percent of the marked packets: what is late by up to 18 ms at one edge of those seconds need not be at the other. */
const CLEAN_MISSING = 0.3

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

/** How a load went. `share` is in percent of a core, `cpu` in microseconds a packet in and out. */
export interface Measured {
  readonly load: MediaLoad
  readonly failed: number
  readonly packets: number
  readonly missing: number | null
  readonly gap: number
  readonly p50: number | null
  readonly p99: number | null
  readonly share: number
  /** Those within heard all that was said to them. */
  readonly clean: boolean
}

/** mload, and what its callers say. */
interface Tools {
  readonly mload: string
  readonly speech: string
}

export const createTools = (): Tools => ({ mload: buildMload(), speech: speechFile() })

/** Runs mload as the callers of `load` against the process `pid`. */
const measure = async ({ mload, speech }: Tools, load: MediaLoad, pid: number): Promise<Measured> => {
  const marked = load.marked === true
  const args = ['-c', coresOf(load, LOAD_CORE), mload, 'uac', '-s', `127.0.0.1:${SIP_PORT}`, '-x', load.user, '-n', String(load.calls), '-r', String(CALLS_PER_SECOND), '-d', String(SECONDS), '-m', '10000', '-p', '7000', '-a', speech, '-c', String(pid), '-M', marked ? '1' : '0', ...(load.room === undefined ? [] : ['-g', String(load.room)]), ...(load.talkers === undefined ? [] : ['-A', String(load.talkers)])]
  const output = await new Promise<string>((resolve, reject) => { execFile('taskset', args, (error, stdout) => error === null ? resolve(stdout) : reject(error)) })
  const found = JSON.parse(output) as Record<string, number>
  const row = {
    load, failed: found['failed']!, packets: found['rx_pps_per_call']!, missing: marked ? found['marked_missing_pct']! : null,
    gap: found['maxgap_ms_p95']!, p50: marked ? found['rtt_ms_p50']! : null, p99: marked ? found['rtt_ms_p99']! : null,
    share: found['server_cpu_pct']!,
  }
  return { ...row, clean: row.packets >= CLEAN_PACKETS && (row.missing ?? 0) <= CLEAN_MISSING && row.gap < CLEAN_GAP }
}

/** mload's far side, a loop of epoll in C that echoes, on one core. */
const farSide = (mload: string, core: string, port: number): ChildProcess => spawn('taskset', ['-c', core, mload, 'uas', '-p', String(port), '-m', '45000'], { stdio: 'ignore' })

/** `act` while there is a far side to bridge to, where the load needs one. */
const withFarSide = async ({ mload }: Tools, load: MediaLoad, act: () => Promise<Measured>): Promise<Measured> => {
  if (load.far !== true) return await act()
  if (load.secure === true) {
    await using _far = await ServerProcess.start({ SIP_PORT: String(FAR_PORT), RTP_PORTS: '40000-49999', SRTP: 'required' }, 'serve', LOAD_CORE)
    return await act()
  }
  const far = farSide(mload, LOAD_CORE, FAR_PORT)
  try {
    return await act()
  } finally {
    await endProcess(far)
  }
}

/** Who serves a load. */
type Serve = (tools: Tools, load: MediaLoad) => Promise<Measured>

/** A server of its own for each load. */
export const cordboard: Serve = async (tools, load) => {
  const secured: Record<string, string> = load.secure === true ? { SRTP: 'optional', FAR: SECURE_FAR } : {}
  await using server = await ServerProcess.start({ MEDIA_WORKERS: String(load.workers ?? 1), ...secured }, 'serve', coresOf(load, SERVER_CORE))
  return await withFarSide(tools, load, () => measure(tools, load, server.pid))
}

/** The floor: mload's own far side echoes in the server's place. */
const echoInC: Serve = async (tools, load) => {
  const echo = farSide(tools.mload, SERVER_CORE, SIP_PORT)
  try {
    return await measure(tools, load, echo.pid!)
  } finally {
    await endProcess(echo)
  }
}

/** What Node itself costs: a bare program that echoes by `dgram`. */
const echoByDgram: Serve = async (tools, load) => {
  await using server = await ServerProcess.start({}, 'floor-media')
  return await measure(tools, load, server.pid)
}

const rtpengine: Serve = async (tools, load) => {
  await using rival = await RtpengineProcess.start()
  return await withFarSide(tools, load, () => measure(tools, load, rival.pid))
}

/** Who serves what in each round: one list of loads after the other, each until one is not clean where it is a sweep. */
interface Part {
  readonly who: string
  readonly serve: Serve
  readonly loads: readonly MediaLoad[]
  readonly sweep?: boolean
}

const PARTS: readonly Part[] = [
  { who: 'C with epoll', serve: echoInC, loads: FLOORS },
  { who: 'Node, bare dgram', serve: echoByDgram, loads: FLOORS },
  ...(rtpengineInstalled() ? [{ who: 'rtpengine', serve: rtpengine, loads: RIVAL, sweep: true }] : []),
  { who: 'Cordboard', serve: cordboard, loads: LOADS },
  ...SWEEPS.map(loads => ({ who: 'Cordboard', serve: cordboard, loads, sweep: true })),
]

/** Less disturbed by what else the machine did: clean before not, then the cheaper. */
const better = (a: Measured, b: Measured): Measured => (a.clean === b.clean ? a.share <= b.share : a.clean) ? a : b

/** Straight through what was measured with few legs and with many: wake-ups make few calls dear. */
const interpolate = (few: Measured, many: Measured, legs: number): number => {
  const [from, to] = [legsOf(few.load), legsOf(many.load)]
  return few.share + ((many.share - few.share) * (legs - from)) / (to - from)
}

/**
 * RTP through the server, 20 ms packets of G.711 both ways: what the whole load costs of a core, and how it sounds at the other end; beside it the floors, and
 * rtpengine where it is installed. With `BENCH_ROUNDS` everything is measured so often, and the best of each is told.
 */
export const mediaLoad = async (): Promise<Report> => {
  const tools = createTools()
  const best = new Map<string, Measured & { readonly who: string }>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const { who, serve, loads, sweep = false } of PARTS) {
      for (const load of loads) {
        const served = await serve(tools, load)
        // Here nobody may be refused.
        const measured = { ...served, clean: served.clean && served.failed === 0 }
        const name = `${who}: ${load.what} ${load.calls}`
        best.set(name, { who, ...better(best.get(name) ?? measured, measured) })
        if (sweep && !measured.clean) break
      }
    }
  }
  const all = [...best.values()]
  const floorOf = (floor: string, legs: number): number => {
    const [few, many] = all.filter(({ who }) => who === floor)
    return interpolate(few!, many!, legs)
  }
  const rivals = new Map(all.filter(({ who }) => who === 'rtpengine').map(({ load, share }) => [load.calls, share]))
  const rows = all.map(({ who, load, clean, ...figures }): Row => {
    const legs = legsOf(load)
    const rival = load.what === 'bridge' ? rivals.get(load.calls) : undefined
    return {
      load: `${who === 'Cordboard' ? '' : `${who}: `}${load.what}, ${load.calls} calls`, ...figures, goal: who === 'Cordboard' ? load.goal ?? null : null, cpu: (figures.share * 10_000) / (legs * 50),
      ratio: figures.share / floorOf('C with epoll', legs), nodeRatio: figures.share / floorOf('Node, bare dgram', legs),
      rivalRatio: rival === undefined ? null : figures.share / rival, clean: clean ? 'yes' : 'no',
    }
  })
  return {
    name: 'load-media',
    title: `mload, G.711 20 ms, ${SECONDS} s${BEST_OF_ROUNDS}`,
    machine: thisMachine(),
    columns: [
      { key: 'load', title: 'load' },
      { key: 'share', title: '% of a core', plotted: true },
      { key: 'goal', title: 'goal' },
      { key: 'ratio', title: '/ C echo of as many legs' },
      { key: 'nodeRatio', title: '/ dgram echo' },
      { key: 'rivalRatio', title: '/ rtpengine' },
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
