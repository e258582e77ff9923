import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { hasEnded } from './tools.js'

/** Core that the server runs on; the load gets the other. */
export const SERVER_CORE = '0'
export const LOAD_CORE = '1'
/** Where a server of several workers and its load share the machine. */
export const ALL_CORES = '0,1'

/** A larger young generation, as docs/guides/deploying.md advises for a thousand calls a second. */
const NODE_OPTIONS = ['--max-semi-space-size=64']

/** Port of the server under load. */
export const SIP_PORT = Number(process.env['BENCH_SIP_PORT'] ?? 6_060)
/** Clock ticks a second in /proc (Linux's USER_HZ is 100 on every architecture that Node supports). */
const TICKS = 100

/** CPU microseconds that a process has spent so far, all threads, kernel and user. */
export const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS
}

/** Resident memory of a process in MiB. */
export const memoryOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) / 1_024

/**
 * Programs of this folder's parent: `serve` has a media leg for each call, `serve-signalling` has none; `floor-signalling` and `floor-media` are
 * Node alone.
 */
export type ServerProgram = 'serve' | 'serve-signalling' | 'floor-signalling' | 'floor-media'

/** `bench:serve` on a core of its own. Disposing of it ends it. */
export class ServerProcess implements AsyncDisposable {
  private constructor(readonly child: ChildProcess) {}

  static async start(env: Readonly<Record<string, string>> = {}, program: ServerProgram = 'serve', cores: string = SERVER_CORE): Promise<ServerProcess> {
    const file = fileURLToPath(new URL(`../${program}.js`, import.meta.url))
    const child = spawn('taskset', ['-c', cores, process.execPath, ...NODE_OPTIONS, file], { env: { ...process.env, SIP_PORT: String(SIP_PORT), ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface(child.stdout!)) if (line.startsWith('ready')) return new ServerProcess(child)
    throw new Error(`${program} did not start`)
  }

  /** taskset becomes the server itself, so this is the server's. */
  get pid(): number {
    return this.child.pid!
  }

  /** CPU microseconds spent so far, all threads, kernel and user. */
  cpu(): number {
    return cpuOf(this.pid)
  }

  /** Resident memory in MiB. */
  memory(): number {
    return memoryOf(this.pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (hasEnded(this.child)) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    const insist = setTimeout(() => this.child.kill('SIGKILL'), 3_000)
    await ended
    clearTimeout(insist)
  }
}
