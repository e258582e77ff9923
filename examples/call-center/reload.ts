import { watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { CallCenter } from './call-center.js'
import { ConfigurationError, readSettings } from './config.js'
import type { Environment } from './config.js'

/** Milliseconds without a change after which a file counts as written: editors and copies write in pieces. */
const QUIET = 200

/** Reads the settings again and applies them; what is wrong changes nothing. Returns what to tell the operator. */
const reload = (center: CallCenter, environment: Environment): string => {
  try {
    const lasting = center.revise(readSettings(environment))
    return lasting.length === 0 ? 'settings applied' : `settings applied, but these take a new start: ${lasting.join(', ')}`
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return `settings unchanged:\n${error.message}`
  }
}

/** Applies the settings again when their file changes, and at SIGHUP, until `signal` aborts. `tell` hears what has come of it. */
export const followSettings = (center: CallCenter, environment: Environment, tell: (text: string) => void, signal: AbortSignal): void => {
  const apply = (): void => tell(reload(center, environment))
  process.on('SIGHUP', apply)
  signal.addEventListener('abort', () => process.off('SIGHUP', apply), { once: true })
  const file = environment['CONFIG_FILE']
  if (file === undefined || file === '') return
  let settled: NodeJS.Timeout | undefined
  // The folder is watched, since many programs write a new file and move it to the old one's place.
  const watcher = watch(dirname(resolve(file)), { signal }, (_event, name) => {
    if (name !== basename(file)) return
    clearTimeout(settled)
    settled = setTimeout(apply, QUIET)
  })
  watcher.on('error', error => tell(`the settings' file is no longer watched: ${error.message}`))
  signal.addEventListener('abort', () => clearTimeout(settled), { once: true })
}
