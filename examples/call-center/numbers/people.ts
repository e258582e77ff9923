import type { Call } from 'cordboard'
import type { Journal } from '../journal.js'
import type { Handler } from './handler.js'

/** Milliseconds that a person's phone may ring. */
const RING = 30_000

/** Final response to a caller whose call was not answered (RFC 3261 §21.4). */
const refusals = { busy: 486, rejected: 603, unreachable: 480, 'no-answer': 480, cancelled: 487 } as const

type Reached = { readonly type: 'talked' } | { readonly type: keyof typeof refusals }

/** Joins callers with people at their telephones. */
export interface Operator {
  /** Rings the person's phones; the final response says why when nobody answers. */
  ring(aor: (call: Call) => string): Handler
  /** The same, but another number takes the caller when nobody answers. */
  ringOr(aor: string, otherwise: Handler): Handler
}

/** An operator who records each talk: left the caller, right the person called. */
export const createOperator = (journal: Journal): Operator => {
  const connect = async (call: Call, aor: string): Promise<Reached> => {
    const dialled = await call.dial(aor, { ringFor: RING, from: call.from })
    if (dialled.type !== 'answered') return dialled
    await using other = dialled.call
    if (call.state === 'early') await call.answer()
    await using recording = await call.record(journal.file('talk', call, aor))
    journal.note(call, { agent: aor, recording })
    await call.bridge(other)
    return { type: 'talked' }
  }
  return {
    ring: aor => async call => {
      const reached = await connect(call, aor(call))
      if (reached.type !== 'talked') await call.reject(refusals[reached.type])
    },
    ringOr: (aor, otherwise) => async call => {
      const reached = await connect(call, aor)
      if (reached.type !== 'talked') await otherwise(call)
    },
  }
}
