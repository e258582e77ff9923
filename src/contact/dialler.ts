import type { Call, DialOptions, DialOutcome, Uri } from '../call/call.js'
import type { Clock } from '../core/clock.js'

/** What a contact centre takes from its server; `createServer` gives one. */
export interface Dialler {
  readonly clock: Clock
  dial(targets: Uri | readonly Uri[], options?: DialOptions): Promise<DialOutcome>
  /** A call came in. */
  on(event: 'call', listener: (call: Call) => void): unknown
  /** Somebody is being dialled; `done` aborts when the attempt has failed or its call has ended. */
  on(event: 'dialling', listener: (target: Uri, done: AbortSignal) => void): unknown
  off(event: 'call', listener: (call: Call) => void): unknown
  off(event: 'dialling', listener: (target: Uri, done: AbortSignal) => void): unknown
}
