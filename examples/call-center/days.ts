import type { Clock } from 'cordboard'

/** Calls `begin` at each midnight of this machine's time zone, until the function that it returns is called. */
export const eachDay = (clock: Clock, begin: () => void): (() => void) => {
  const untilMidnight = (): number => {
    const now = clock.wall()
    return new Date(now).setHours(24, 0, 0, 0) - now
  }
  const next = () => clock.after(untilMidnight(), () => {
    timer = next()
    begin()
  })
  let timer = next()
  return () => timer.cancel()
}
