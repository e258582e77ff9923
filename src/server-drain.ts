import type { LiveCall } from './call/live-call.js'
import type { Clock } from './core/clock.js'
import { deferred } from './core/scope.js'

/** Milliseconds that handlers get to finish their `finally` blocks after their calls were hung up. */
const LAST_WORDS_MS = 3_000

/** Gives calls `ms` to end by themselves, hangs up the rest, and waits for the handlers. */
export const drainCalls = async (calls: ReadonlySet<LiveCall>, running: ReadonlySet<Promise<void>>, clock: Clock, ms: number): Promise<void> => {
  if (ms > 0) await within(clock, ms, settled(() => [...running, ...[...calls].map(ended)]))
  await Promise.all([...calls].map(call => call.hangup().catch(() => undefined)))
  await within(clock, LAST_WORDS_MS, settled(() => [...running]))
}

/** Waits until `pending` answers nothing; what settles may have started more. */
const settled = async (pending: () => readonly Promise<unknown>[]): Promise<void> => {
  for (let left = pending(); left.length > 0; left = pending()) await Promise.allSettled(left)
}

const ended = (call: LiveCall): Promise<void> =>
  new Promise(resolve => {
    if (call.signal.aborted) resolve()
    else call.signal.addEventListener('abort', () => resolve(), { once: true })
  })

const within = async (clock: Clock, ms: number, work: Promise<void>): Promise<void> => {
  const expiry = deferred<void>()
  const timer = clock.after(ms, () => expiry.resolve())
  await Promise.race([work, expiry.promise])
  timer.cancel()
}
