import type { Call } from 'cordboard'
import type { Recordings } from '../recordings.js'
import type { Handler } from './handler.js'

/** Milliseconds that a person's phone may ring. */
const RING = 30_000

/** Final response to a caller whose call was not answered (RFC 3261 §21.4). */
const refusals = { busy: 486, rejected: 603, unreachable: 480, 'no-answer': 480, cancelled: 487 } as const

type Reached = { readonly type: 'talked' } | { readonly type: keyof typeof refusals }

/** Rings whatever phones a person has registered and joins the two, recording the talk. */
const connect = async (call: Call, aor: string, recordings: Recordings): Promise<Reached> => {
  const dialled = await call.dial(aor, { ringFor: RING, from: call.from })
  if (dialled.type !== 'answered') return dialled
  await using other = dialled.call
  if (call.state === 'early') await call.answer()
  await using _recording = await call.record(recordings.file('talk', call))
  await call.bridge(other)
  return { type: 'talked' }
}

/** 1001-1010: the person's phone. */
export const ring = (aor: (call: Call) => string, recordings: Recordings): Handler => async call => {
  const reached = await connect(call, aor(call), recordings)
  if (reached.type !== 'talked') await call.reject(refusals[reached.type])
}

/** Key 0 of the menu: a person's phone, and when nobody is there another number. */
export const ringOr = (aor: string, recordings: Recordings, otherwise: Handler): Handler => async call => {
  const reached = await connect(call, aor, recordings)
  if (reached.type !== 'talked') await otherwise(call)
}
