import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of package.json: tests run from their sources and, compiled, from build/. */
export const ROOT: string = (() => {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
})()

/** A file or folder of the cases that other people wrote; they lie beside the repository where tests have them. */
export const sharedCases = (...path: readonly string[]): string => join(ROOT, '..', 'shared', 'cases', ...path)
