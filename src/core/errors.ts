/** Every stable error code; `docs/errors.md` describes each. */
export type CordboardErrorCode =
  | 'SIP_TRANSACTION_TIMEOUT'
  | 'SIP_TRANSPORT'
  | 'SIP_BAD_MESSAGE'
  | 'SIP_BAD_URI'
  | 'SIP_DIALOG_TERMINATED'
  | 'SDP_BAD_DESCRIPTION'
  | 'MEDIA_NO_COMMON_CODEC'
  | 'MEDIA_OVERLOADED'
  | 'MEDIA_BAD_FILE'
  | 'MEDIA_PORTS_EXHAUSTED'
  | 'MEDIA_WORKER_LOST'
  | 'MEDIA_LEG_CLOSED'
  | 'CALL_ENDED'
  | 'CALL_BUSY'
  | 'CALL_STATE'
  | 'CALL_HANDLER_FAILED'
  | 'CONTACT_BAD_EXPRESSION'
  | 'CONTACT_BAD_OPTION'
  | 'CONTACT_DUPLICATE'
  | 'SERVER_CLOSED'
  | 'SERVER_BAD_OPTION'
  | 'STORE_UNAVAILABLE'
  | 'OPTIONAL_PACKAGE_MISSING'

/** What a `CordboardError` carries beside its code and message. */
export interface CordboardErrorOptions {
  readonly cause?: unknown
  /** SIP status that the error maps to, where there is one. */
  readonly status?: number
}

/** The one error class: told apart by `code`, never by message. */
export class CordboardError extends Error {
  override readonly name = 'CordboardError'
  readonly code: CordboardErrorCode
  readonly status?: number

  constructor(code: CordboardErrorCode, message: string, options: CordboardErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.status !== undefined) this.status = options.status
  }
}

/** True when `error` is a `CordboardError` with one of `codes` (any code when none is given). */
export const isCordboardError = (error: unknown, ...codes: readonly CordboardErrorCode[]): error is CordboardError =>
  error instanceof CordboardError && (codes.length === 0 || codes.includes(error.code))

/**
 * Makes an error without a stack trace: for ends that are expected, where no line of code is to blame and the trace costs more than
 * all the rest.
 */
export const withoutStack = (make: () => CordboardError): CordboardError => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}
