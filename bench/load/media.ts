import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pcmu } from '../../src/codec/g711.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { thisMachine, type Report, type Row } from '../report.js'
import { LOAD_CORE, ServerProcess, SIP_PORT } from './server-process.js'
import { buildMload } from './tools.js'

/** One load of mload against one user part of `bench:serve`. */
interface MediaLoad {
  readonly what: string
  readonly user: string
  readonly calls: number
  /** Members a room, for `conf-`. */
  readonly room?: number
  /** The far side of a bridge is needed. */
  readonly far?: boolean
  /** Payloads carry their send time: only where the path leaves them alone. */
  readonly marked?: boolean
}

const LOADS: readonly MediaLoad[] = [
  { what: 'echo', user: 'echo', calls: 100, marked: true },
  { what: 'bridge', user: 'bridge', calls: 100, far: true, marked: true },
  { what: 'bridge', user: 'bridge', calls: 300, far: true, marked: true },
  { what: 'bridge through the mixer', user: 'bridgecore', calls: 100, far: true },
  { what: 'bridge recorded in stereo', user: 'bridgerec', calls: 100, far: true, marked: true },
  { what: 'one room', user: 'conf-', calls: 50, room: 50 },
  { what: 'one room', user: 'conf-', calls: 100, room: 100 },
  { what: 'rooms of three', user: 'conf-', calls: 99, room: 3 },
  { what: 'prompt', user: 'play', calls: 100 },
]

const SECONDS = 8
const CALLS_PER_SECOND = 50
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

const measure = async (mload: string, speech: string, load: MediaLoad, server: ServerProcess): Promise<Row> => {
  const args = ['-c', LOAD_CORE, mload, 'uac', '-s', `127.0.0.1:${SIP_PORT}`, '-x', load.user, '-n', String(load.calls), '-r', String(CALLS_PER_SECOND), '-d', String(SECONDS), '-m', '10000', '-p', '7000', '-a', speech, '-c', String(server.pid), '-M', load.marked === true ? '1' : '0', ...(load.room === undefined ? [] : ['-g', String(load.room)])]
  const output = await new Promise<string>((resolve, reject) => { execFile('taskset', args, (error, stdout) => error === null ? resolve(stdout) : reject(error)) })
  const found = JSON.parse(output) as Record<string, number>
  const legs = load.far === true ? 2 * load.calls : load.calls
  return {
    load: load.what, calls: load.calls, failed: found['failed']!, packets: found['rx_pps_per_call']!, missing: load.marked === true ? found['marked_missing_pct']! : null,
    gap: found['maxgap_ms_p95']!, p50: load.marked === true ? found['rtt_ms_p50']! : null, p99: load.marked === true ? found['rtt_ms_p99']! : null,
    share: found['server_cpu_pct']!, cpu: (found['server_cpu_pct']! * 10_000) / (legs * 50),
  }
}

/** RTP through the server, 20 ms packets of G.711 both ways: what the whole load costs of a core, and how it sounds at the other end. */
export const mediaLoad = async (): Promise<Report> => {
  const mload = buildMload()
  const speech = speechFile()
  const rows: Row[] = []
  for (const load of LOADS) {
    await using server = await ServerProcess.start()
    const far = load.far === true ? spawn('taskset', ['-c', LOAD_CORE, mload, 'uas', '-p', '6090', '-m', '45000'], { stdio: 'ignore' }) : undefined
    try {
      rows.push(await measure(mload, speech, load, server))
    } finally {
      far?.kill('SIGTERM')
    }
  }
  return {
    name: 'load-media',
    title: `mload, G.711 20 ms, ${SECONDS} s`,
    machine: thisMachine(),
    columns: [
      { key: 'load', title: 'load' },
      { key: 'calls', title: 'calls' },
      { key: 'share', title: '% of a core', plotted: true },
      { key: 'cpu', title: 'CPU us a packet in and out' },
      { key: 'packets', title: 'packets/s a call' },
      { key: 'missing', title: '% missing' },
      { key: 'gap', title: 'gap p95 ms' },
      { key: 'p50', title: 'round trip p50 ms' },
      { key: 'p99', title: 'p99 ms' },
      { key: 'failed', title: 'failed' },
    ],
    rows,
  }
}
