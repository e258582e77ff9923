import type { Call } from 'cordboard'
import type { Journal } from '../journal.js'
import type { Prompts } from '../prompts.js'
import type { Handler } from './handler.js'

/** Longest message, in milliseconds. */
const LIMIT = 60_000

/** Resolves at the first `#`, or when `signal` aborts. */
const hashKey = async (call: Call, signal: AbortSignal): Promise<void> => {
  try {
    for await (const { digit } of call.digits({ signal })) if (digit === '#') return
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** 602: records what the caller says up to `#`, then plays it back. */
export const record = (prompts: Prompts, journal: Journal): Handler => async call => {
  await call.answer()
  await call.play([prompts.file('record-intro'), prompts.file('beep')])
  const recording = await call.record(journal.file('message', call, null), { tracks: 'received' })
  journal.note(call, { agent: null, recording }) // now, for callers who hang up instead of pressing #
  await hashKey(call, AbortSignal.timeout(LIMIT))
  await recording.stop()
  await call.play([prompts.file('record-playback'), recording.file, prompts.file('goodbye')])
}
