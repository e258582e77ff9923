import type { Call } from '../call/call.js'
import type { OverflowTarget } from './routing/settings.js'
import type { StayContext } from './stay.js'
import { faultUnlessEnded } from './stay.js'

/** A short tone says when to speak. */
const BEEP = { tone: '1000/300' } as const

const leaveMessage = async (call: Call, to: Extract<OverflowTarget, { mailbox: unknown }>): Promise<void> => {
  if (to.greeting !== undefined) await call.play(to.greeting)
  await call.play(BEEP)
  await using recording = await call.record(to.mailbox(call.id), { tracks: 'received' })
  await new Promise<void>(resolve => call.signal.addEventListener('abort', () => resolve(), { once: true }))
  await recording.stop()
}

const connectTo = async (call: Call, to: Extract<OverflowTarget, { uri: unknown }>): Promise<boolean> => {
  const outcome = await call.dial(to.uri)
  if (outcome.type !== 'answered') return false
  try {
    if (call.state === 'early') await call.answer()
    await call.bridge(outcome.call)
  } finally {
    await outcome.call.hangup()
  }
  return true
}

/** Sends a caller where its queue overflows to; resolves when that is over. False where a URI could not be reached. */
export const sendTo = async (context: StayContext, call: Call, to: OverflowTarget): Promise<boolean> => {
  try {
    if ('uri' in to) return await connectTo(call, to)
    if ('announcement' in to) await call.play(to.announcement)
    else if ('mailbox' in to) {
      if (call.state === 'early') await call.answer()
      await leaveMessage(call, to)
    }
  } catch (error) {
    faultUnlessEnded(context, error)
  }
  return true
}
