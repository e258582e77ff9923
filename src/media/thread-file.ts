import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { WorkerOptions } from 'node:worker_threads'

/** Where a thread's program lies, and the runtime options that it needs. */
export interface ThreadFile {
  readonly url: URL
  readonly options: Pick<WorkerOptions, 'execArgv'>
}

/**
 * The program of a thread of this folder. Threads need none of the process's loaders, which would cost each of them its start again.
 * Run from TypeScript sources, as tests are, the compiled program is taken where there is one: a compiler in each thread takes seconds.
 *
 * @param path relative to this folder, such as `worker/main.js`.
 */
export const threadFile = (path: string): ThreadFile => {
  const url = new URL(path, import.meta.url)
  if (!import.meta.url.endsWith('.ts')) return { url, options: { execArgv: [] } }
  const compiled = new URL(`../../dist/media/${path}`, import.meta.url)
  return existsSync(fileURLToPath(compiled)) ? { url: compiled, options: { execArgv: [] } } : { url, options: {} }
}
