import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { thisMachine, type Report, type Row } from '../report.js'
import { LOAD_CORE, ServerProcess, type ServerProgram, SIP_PORT } from './server-process.js'

/** Calls a second, from low to beyond what one core carries. */
const RATES = [500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000]
const SECONDS = 8
/** Of the bare program. */
const FLOOR_RATE = 2_000
/** CPU milliseconds that it costs a call on the machine that the goals are for. */
const GOAL_FLOOR = 0.04

interface SippResult {
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
}

const sipp = async (rate: number, seconds = SECONDS): Promise<SippResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-bench-'))
  const file = join(folder, 'statistics.csv')
  const calls = rate * seconds
  const args = ['-c', LOAD_CORE, 'sipp', `127.0.0.1:${SIP_PORT}`, '-sn', 'uac', '-s', 'answer', '-i', '127.0.0.1', '-p', '7300', '-r', String(rate), '-m', String(calls), '-l', String(calls), '-nostdin', '-trace_stat', '-stf', file, '-fd', '1', '-timeout', `${seconds + 20}s`]
  // sipp's exit code says whether calls failed, which its counters say better.
  await new Promise<void>(resolve => { execFile('taskset', args, { maxBuffer: 2 ** 26 }, () => resolve()) })
  const [names = [], ...rows] = readFileSync(file, 'utf8').trim().split('\n').map(line => line.split(';'))
  const counter = (name: string): number => Number(rows.at(-1)![names.indexOf(name)])
  rmSync(folder, { recursive: true })
  return { successful: counter('SuccessfulCall(C)'), failed: counter('FailedCall(C)'), retransmissions: counter('Retransmissions(C)') }
}

/** CPU milliseconds of a call that a bare Node program answers, at a rate where nothing waits. */
const floorOf = async (): Promise<number> => {
  await using server = await ServerProcess.start({}, 'floor-signalling')
  await sipp(FLOOR_RATE, 4)
  const before = server.cpu()
  const { successful } = await sipp(FLOOR_RATE)
  return (server.cpu() - before) / 1_000 / Math.max(1, successful)
}

/**
 * sipp's `uac` (INVITE, 200, ACK, BYE, 200) against `answer`, rate by rate until one is not clean:
 * that is the knee.
 *
 * @param goal CPU milliseconds a call, on the machine where the floor was `GOAL_FLOOR`.
 */
const load = async (name: string, what: string, program: ServerProgram, goal: number): Promise<Report> => {
  const rows: Row[] = []
  const floor = await floorOf()
  await using server = await ServerProcess.start({}, program)
  // Compiled code and grown heaps are what a server has that is up for longer than a few seconds.
  await sipp(500, 4)
  for (const rate of RATES) {
    const before = server.cpu()
    const { successful, failed, retransmissions } = await sipp(rate)
    const clean = failed === 0 && retransmissions === 0 && successful > 0
    const cpu = (server.cpu() - before) / 1_000 / Math.max(1, successful)
    rows.push({ rate, successful, failed, retransmissions, cpu, ratio: cpu / floor, goal: goal / GOAL_FLOOR, memory: server.memory(), clean: clean ? 'yes' : 'no' })
    if (!clean) break
  }
  return {
    name,
    title: `sipp uac against ${what}, ${SECONDS} s a rate; a bare Node program costs ${floor.toFixed(3)} ms a call`,
    machine: thisMachine(),
    columns: [
      { key: 'rate', title: 'calls/s' },
      { key: 'successful', title: 'answered' },
      { key: 'failed', title: 'failed' },
      { key: 'retransmissions', title: 'retransmissions' },
      { key: 'cpu', title: 'CPU ms a call', plotted: true },
      { key: 'ratio', title: 'times the bare program', plotted: true },
      { key: 'goal', title: 'goal' },
      { key: 'memory', title: 'resident MiB' },
      { key: 'clean', title: 'clean' },
    ],
    rows,
  }
}

/** Each call with a media leg of its own. */
export const signallingLoad = (): Promise<Report> => load('load-signalling', 'answer', 'serve', 0.4)

/** The user agent alone. */
export const userAgentLoad = (): Promise<Report> => load('load-signalling-without-media', 'a user agent without media', 'serve-signalling', 0.2)
