import { CordboardError, isCordboardError } from '../core/errors.js'
import type { InviteFailure, SessionEnd } from '../sip/ua/user-agent.js'
import type { EndReason } from './call.js'

/** Why a call ended whose session has. */
export const endOfSession = (end: SessionEnd): EndReason => {
  switch (end.type) {
    case 'remote-bye': return { type: 'remote-bye' }
    case 'local-bye': return { type: 'local-bye' }
    case 'timeout': return { type: 'timeout' }
    case 'error': return { type: 'error', error: asCordboardError(end.error) }
  }
}

/** Why a call ended that was never answered. */
export const endOfInvite = (failure: InviteFailure): EndReason => {
  switch (failure.type) {
    case 'error': return { type: 'error', error: asCordboardError(failure.error) }
    case 'rejected': return { type: 'rejected', status: failure.status }
    case 'cancelled':
    case 'timeout': return failure
  }
}

/** An error of the library as it is; any other as the cause of one. */
export const asCordboardError = (error: unknown): CordboardError =>
  isCordboardError(error) ? error : new CordboardError('SIP_TRANSPORT', error instanceof Error ? error.message : String(error), { cause: error })
