import { getPriority, setPriority } from 'node:os'

/** The calling thread, where the system has a nice value for each (Linux); elsewhere 0 is the process. */
const SELF = 0

/**
 * Asks the system to prefer the calling thread to others: packets do not wait for a time slice of work that nobody hears. It takes the
 * capability CAP_SYS_NICE or a limit that allows it (RLIMIT_NICE).
 * @param nice from -20 to 19, less is preferred; a thread that has less already keeps it.
 * @returns the nice value that it has now.
 */
export const preferThread = (nice: number): number => {
  const own = getPriority(SELF)
  if (process.platform !== 'linux' || nice >= own) return own
  try {
    setPriority(SELF, nice)
  } catch {
    // Not allowed: it runs as well as the others do.
  }
  return getPriority(SELF)
}
