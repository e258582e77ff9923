import { reasonPhrase } from './status.js'

/** A value of Reason (RFC 3326 §2): the response of which a CANCEL or BYE comes. */
export const sipReason = (status: number, text = reasonPhrase(status)): string => `SIP;cause=${status};text="${text}"`

/** Another telephone has answered: one that has rung in vain does not show a missed call. */
export const COMPLETED_ELSEWHERE = sipReason(200, 'Call completed elsewhere')
