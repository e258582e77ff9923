import type { Clock } from '../core/clock.js'
import type { LiveCall } from './live-call.js'

/**
 * Tells each call that somebody listens to for `quality` how its media fare, every `every` ms.
 * @returns what ends it
 */
export const reportQuality = (calls: Iterable<LiveCall>, clock: Clock, every: number): (() => void) => {
  const report = (): void => {
    timer = clock.after(every, report)
    for (const call of calls) if (call.listenerCount('quality') > 0 && call.state === 'answered') void tell(call)
  }
  let timer = clock.after(every, report)
  return () => timer.cancel()
}

const tell = async (call: LiveCall): Promise<void> => {
  // A worker that ends meanwhile has nothing to say: the next report comes from its successor.
  const statistics = await call.statistics().catch(() => undefined)
  if (statistics !== undefined && call.state === 'answered') call.emit('quality', statistics)
}
