import type { Ending } from '../core/ending.js'
import { abortable } from '../core/scope.js'
import type { Listener } from '../media/leg.js'

/** Frames of a listener until the call ends, which finishes it, or `signal` aborts, whose reason it throws. */
export async function *heard(listener: Listener, ending: Ending, signal: AbortSignal | undefined): AsyncGenerator<Int16Array, void, undefined> {
  for (;;) {
    const next = listener.frames.next()
    next.catch(() => undefined)
    try {
      const { done, value } = await abortable(next, ending, signal)
      if (done === true) return
      yield value
    } catch (error) {
      if (ending.ended) return
      throw error
    }
  }
}
