import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from '../root.js'

/** The repository's root. */
export const root = ROOT

/** A program of `examples/`, as built, running as a process of its own. */
export interface Program extends AsyncDisposable {
  readonly pid: number
  /** Lines of standard output, and of standard error. */
  readonly output: readonly string[]
  readonly errors: readonly string[]
  /** Addresses of its `ready` line, which have come when the program is given. */
  readonly addresses: readonly string[]
  /** Sends SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** Resolves with the exit code when it ends by itself. */
  readonly exit: Promise<number | null>
}

/** A UDP port that is free now. */
export const freePort = async (): Promise<number> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

const launch = (name: string, environment: Readonly<Record<string, string>>) => {
  const file = join(root, 'build', 'examples', `${name}.js`)
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first`)
  const { NODE_OPTIONS: _tapLoader, ...inherited } = process.env
  const child = spawn(process.execPath, [file], { cwd: root, env: { ...inherited, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors]: [string[], string[]] = [[], []]
  const lines = createInterface(child.stdout).on('line', line => output.push(line))
  createInterface(child.stderr).on('line', line => errors.push(line))
  const exit = once(child, 'close').then(([code]) => code as number | null)
  return { child, lines, output, errors, exit }
}

/** Runs a program to its end. */
export const runProgram = async (name: string, environment: Readonly<Record<string, string>> = {}): Promise<{ readonly code: number | null; readonly output: readonly string[]; readonly errors: readonly string[] }> => {
  const { output, errors, exit } = launch(name, environment)
  return { code: await exit, output, errors }
}

/** Starts a program and waits until it is ready. @throws Error when it ends before. */
export const startProgram = async (name: string, environment: Readonly<Record<string, string>> = {}): Promise<Program> => {
  const { child, lines, output, errors, exit } = launch(name, environment)
  const ready = new Promise<string>(resolve => lines.on('line', line => (line.startsWith('ready') ? resolve(line) : undefined)))
  const failed = exit.then(code => Promise.reject(new Error(`${name} ended with ${code}: ${errors.join('\n')}`)))
  failed.catch(() => undefined)
  const line = await Promise.race([ready, failed])
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM')
    return exit
  }
  return { pid: child.pid!, output, errors, addresses: line.split(' ').slice(1), exit, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** Resolves when `condition` holds; looks every 20 ms. @throws Error after `within` ms. */
export const until = async (what: string, condition: () => boolean | Promise<boolean>, within = 10_000): Promise<void> => {
  const end = Date.now() + within
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
