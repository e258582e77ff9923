import { COMPLETED_ELSEWHERE } from '../sip/message/reason.js'

/**
 * A reason to abort the `signal` of a `dial` with, for telephones to learn why they ring no longer.
 *
 * @example
 * ringing.abort(new CancelReason('SIP;cause=200;text="Call completed elsewhere"'))
 */
export class CancelReason {
  /** @param value of Reason in the CANCELs (RFC 3326) */
  constructor(readonly value: string) {}
}

/** Another telephone has answered: one that has rung in vain does not show a missed call. */
export const ANSWERED_ELSEWHERE = new CancelReason(COMPLETED_ELSEWHERE)

/** What the CANCELs say when the signal was aborted for `reason`. */
export const cancelReasonOf = (reason: unknown): string | undefined => (reason instanceof CancelReason ? reason.value : undefined)
