import type { Clock } from '../core/clock.js'
import type { CordboardError } from '../core/errors.js'
import type { DialOptions, DialOutcome, RequestView, Uri } from './call.js'
import type { LiveCall } from './live-call.js'
import type { SpeechProvider } from './sounds.js'

/** What a call takes from its server. */
export interface CallContext {
  readonly clock: Clock
  /** Milliseconds in which the first NOTIFY must follow a REFER (RFC 6665 §4.1.2.4, timer N). */
  readonly timerN: number
  /** Milliseconds of silence, although audio is due, after which a call ends. */
  readonly rtpTimeout: number
  readonly speech: SpeechProvider | undefined
  /** Takes failures that no operation of the application reports. */
  readonly fault: (error: CordboardError) => void
  /** Dials on behalf of a call. */
  readonly dialFor: (call: LiveCall, targets: Uri | readonly Uri[], options: DialOptions) => Promise<DialOutcome>
}

/** What tells one call from another. */
export interface CallIdentity {
  readonly id: string
  readonly origin: 'in' | 'out'
  readonly request: RequestView
}
