import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Test } from 'tap'

/** Programs of other authors that tests talk to. */
export type PeerProgram = 'sipp' | 'baresip' | 'linphonec'

/** True when a program is on the PATH. */
export const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, program)))

/**
 * Whether the test can go on: a missing program skips it with a reason, and fails it under `CI=true`, where nothing may be left out.
 *
 * @example
 * if (!requirePeer(t, 'sipp')) return
 */
export const requirePeer = (t: Test, program: PeerProgram): boolean => {
  if (isInstalled(program)) return true
  if (process.env['CI'] === 'true') t.fail(`${program} is not installed`)
  else t.pass(`skipped: ${program} is not installed`, { skip: `skipped: ${program} is not installed` })
  return false
}
