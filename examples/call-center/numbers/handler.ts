import type { Call } from 'cordboard'

/** What a number does with a call: the call ends when it returns. */
export type Handler = (call: Call) => Promise<void>
