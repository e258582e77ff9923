import { isCordboardError } from 'cordboard'
import { ConfigurationError } from './config.js'

/** Messages of an error and of what caused it. */
const chain = (error: unknown): readonly string[] => (error instanceof Error ? [error.message, ...chain(error.cause)] : [])

/** What to print of a start that failed: reasons for what whoever started it can mend, everything for what is wrong in here. */
export const describeFailure = (error: unknown): unknown => {
  const expected = error instanceof ConfigurationError || isCordboardError(error) || (error instanceof Error && 'syscall' in error)
  return expected ? chain(error).join(': ') : error
}
