import type { InteractionRecord } from '../../contact/interaction-record.js'
import type { CordboardErrorCode } from '../../core/errors.js'

/** What the store asks of its thread. Requests are carried out in order, one at a time. */
export type StoreRequest =
  | { readonly type: 'append'; readonly records: readonly InteractionRecord[] }
  | { readonly type: 'dispose'; readonly interaction: string; readonly disposition: string }
  | { readonly type: 'newest'; readonly limit: number }
  | { readonly type: 'close' }

/** A request on its way, by number. */
export interface NumberedRequest {
  readonly number: number
  readonly request: StoreRequest
}

/** The thread's answer to the request of that number; 0 is its start, which nobody has to ask for. */
export type StoreReply =
  | { readonly type: 'done'; readonly number: number; readonly records: readonly InteractionRecord[] }
  | { readonly type: 'failed'; readonly number: number; readonly code: CordboardErrorCode; readonly message: string }

/** What the thread is started with. */
export interface StoreThreadData {
  readonly file: string
}
