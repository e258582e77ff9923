import { execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const isInstalled = (program: string): boolean => (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, program)))

/** By itself or by a signal. */
export const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** Kills a process and waits until it has ended; one that has ended by itself is no reason to wait. */
export const endProcess = async (child: ChildProcess): Promise<void> => {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Source of the RTP load generator, beside the repository. */
const SOURCE = fileURLToPath(new URL('../../../../shared/tools/mload.c', import.meta.url))

/** Why mload cannot run; undefined when it can. */
export const mloadAbsent = (): string | undefined => {
  if (!existsSync(SOURCE)) return 'mload.c is not there'
  return ['gcc', 'taskset'].filter(program => !isInstalled(program)).map(program => `${program} is not installed`)[0]
}

/** Compiles mload; returns the program's path. */
export const buildMload = (): string => {
  const program = join(tmpdir(), 'cordboard-mload')
  execFileSync('gcc', ['-O2', '-w', '-o', program, SOURCE, '-lm'])
  return program
}
