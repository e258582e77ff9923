import type { HeaderName } from './header-names.js'

/** Methods that this stack knows (RFC 3261 and extensions); others are legal on the wire and travel as strings. */
export type Method =
  | 'INVITE' | 'ACK' | 'BYE' | 'CANCEL' | 'OPTIONS' | 'REGISTER'
  | 'PRACK' | 'UPDATE' | 'INFO' | 'REFER' | 'SUBSCRIBE' | 'NOTIFY' | 'PUBLISH' | 'MESSAGE'

/**
 * One header line. A line with several comma-separated values stays one field, so that an untouched header leaves as it came.
 */
export interface HeaderField {
  /** Canonical name when known (compact forms expanded), otherwise undefined. */
  readonly id: HeaderName | undefined
  /** Name as it was written. */
  readonly name: string
  /** Value as it was written, unfolded, without surrounding white space. A header of unknown name that was parsed is written as it came all the same. */
  readonly value: string
}

/** What requests and responses share. Plain read-only data; parsed views of headers are in `headers.ts`. */
export interface MessageBase {
  /** In order of appearance. */
  readonly headers: readonly HeaderField[]
  readonly body: Uint8Array
}

export interface SipRequest extends MessageBase {
  readonly type: 'request'
  readonly method: Method | (string & {})
  /** Request-URI as written. */
  readonly uri: string
}

export interface SipResponse extends MessageBase {
  readonly type: 'response'
  readonly status: number
  readonly reason: string
}

export type SipMessage = SipRequest | SipResponse
