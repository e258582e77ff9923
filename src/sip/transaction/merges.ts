import { Registry } from '../../core/registry.js'
import type { SipRequest } from '../message/message.js'
import { mergeKey } from './matching.js'
import type { ServerTransaction } from './server-transaction.js'

/** Requests outside dialogs that may come again by another way: the first is served, the others are merged (RFC 3261 §8.2.2.2). */
export class Merges {
  readonly #first = new Registry<string, ServerTransaction>()

  get size(): number {
    return this.#first.size
  }

  /** Takes in the request of a new transaction. */
  note(transaction: ServerTransaction, request: SipRequest): void {
    const key = mergeKey(request)
    transaction.mergeKey = key
    if (key !== undefined && !this.#first.has(key)) this.#first.set(key, transaction)
  }

  /** True when its request came before by another way. */
  has(transaction: ServerTransaction): boolean {
    const { mergeKey: key } = transaction
    return key !== undefined && this.#first.get(key) !== transaction
  }

  forget(transaction: ServerTransaction): void {
    const { mergeKey: key } = transaction
    if (key === undefined) return
    if (this.#first.get(key) === transaction) this.#first.delete(key)
    transaction.mergeKey = undefined
  }
}
