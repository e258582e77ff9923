import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedCases } from '../root.js'

const root = sharedCases()

/** False, or why a test of reference data cannot run here; under CI the data must be there. */
export const withoutCases: false | string = existsSync(root) || process.env.CI === 'true' ? false : 'reference vectors are not beside this repository'

/** Bytes of a reference file. */
export const caseBytes = (path: string): Buffer => readFileSync(join(root, path))

/** A reference file as little-endian 16-bit words. */
export const caseWords = (path: string): Int16Array => {
  const bytes = caseBytes(path)
  return Int16Array.from({ length: bytes.length >> 1 }, (_, at) => bytes.readInt16LE(2 * at))
}
