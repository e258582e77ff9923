import type { Call, Uri } from '../call/call.js'
import type { Clock } from '../core/clock.js'
import { isCordboardError } from '../core/errors.js'
import { onAbort } from '../core/scope.js'
import type { OverflowTarget } from './routing/settings.js'
import type { StayContext } from './stay.js'
import { faultUnlessEnded } from './stay.js'

/** A short tone says when to speak. */
const BEEP = { tone: '1000' } as const
const BEEP_MS = 300
const RING_MS = 30_000

/** Milliseconds after which a message ends: a line left open must not fill the disk. */
const MESSAGE_MS = 300_000

/** Resolves after so many milliseconds, or as soon as the call has ended. */
const sleep = (clock: Clock, call: Call, ms: number): Promise<void> =>
  new Promise(resolve => {
    const timer = clock.after(ms, resolve)
    onAbort(call.signal, () => {
      timer.cancel()
      resolve()
    })
  })

const beep = async (clock: Clock, call: Call): Promise<void> => {
  const over = new AbortController()
  void sleep(clock, call, BEEP_MS).then(() => over.abort())
  try {
    await call.play(BEEP, { signal: over.signal })
  } catch (error) {
    if (!over.signal.aborted) throw error
  }
}

const leaveMessage = async (clock: Clock, call: Call, to: Extract<OverflowTarget, { mailbox: unknown }>): Promise<void> => {
  if (to.greeting !== undefined) await call.play(to.greeting)
  await beep(clock, call)
  await using recording = await call.record(to.mailbox(call.id), { tracks: 'received', ...(to.key !== undefined && { key: to.key }) })
  await sleep(clock, call, to.limit ?? MESSAGE_MS)
  await recording.stop()
  if (!call.signal.aborted) await beep(clock, call)
}

const connectTo = async (call: Call, uri: Uri, ringFor: number): Promise<boolean> => {
  const outcome = await call.dial(uri, { from: call.from, ringFor })
  if (outcome.type !== 'answered') return false
  try {
    if (call.state === 'early') await call.answer()
    await call.bridge(outcome.call)
  } finally {
    await outcome.call.hangup()
  }
  return true
}

/**
 * Sends a caller where its queue overflows to; resolves when that is over. False where a URI could not be reached, or a sound could not be played.
 * @param ringFor milliseconds that a URI rings.
 */
export const sendTo = async (context: StayContext, call: Call, to: OverflowTarget, ringFor = RING_MS): Promise<boolean> => {
  try {
    if ('uri' in to) return await connectTo(call, to.uri, ringFor)
    if ('announcement' in to) await call.play(to.announcement)
    else if ('mailbox' in to) {
      if (call.state === 'early') await call.answer()
      await leaveMessage(context.clock, call, to)
    }
    return true
  } catch (error) {
    faultUnlessEnded(context, error)
    return isCordboardError(error, 'CALL_ENDED')
  }
}
