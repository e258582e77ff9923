import type { Audio } from '../call/audio.js'
import type { Call, Uri } from '../call/call.js'
import { sendTo } from './overflow-target.js'
import type { StayContext } from './stay.js'

/** While it is on, nobody waits. */
export interface Emergency {
  readonly announcement?: Audio
  /** Tried one after the other. */
  readonly fallback?: readonly Uri[]
  /** Milliseconds that each of them rings. @default 20000 */
  readonly ringFor?: number
}

/** Why a queue takes nobody now. */
export type Closure =
  | { readonly reason: 'hours' | 'holiday' }
  | { readonly reason: 'emergency'; readonly emergency: Emergency }

/** Does what a closed queue does with its callers; resolves when that is over. */
export const turnAway = async (context: StayContext, call: Call, closure: Closure): Promise<void> => {
  if (closure.reason !== 'emergency') return
  const { announcement, fallback = [], ringFor = 20_000 } = closure.emergency
  if (announcement !== undefined) await sendTo(context, call, { announcement })
  for (const uri of fallback) {
    if (call.signal.aborted || await sendTo(context, call, { uri }, ringFor)) return
  }
}
