import os from 'node:os'

/** The calling thread, where the system has a nice value for each (Linux); elsewhere 0 is the process. */
const SELF = 0

/** The part of `node:os` that is used. */
interface Priorities {
  getPriority(thread: number): number
  setPriority(thread: number, nice: number): void
}

/**
 * Asks the system to prefer the calling thread to others: packets do not wait for a time slice of work that nobody hears. It takes the
 * capability CAP_SYS_NICE or a limit that allows it (RLIMIT_NICE).
 * @param nice from -20 to 19, less is preferred; a thread that has less already keeps it. Where the limit does not go so far, it gets what the limit allows.
 * @returns the nice value that it has now.
 */
export const preferThread = (nice: number, { getPriority, setPriority }: Priorities = os): number => {
  const own = getPriority(SELF)
  if (process.platform !== 'linux') return own
  for (let value = nice; value < own; value++) {
    try {
      setPriority(SELF, value)
      break
    } catch {
      // Not so much.
    }
  }
  return getPriority(SELF)
}
