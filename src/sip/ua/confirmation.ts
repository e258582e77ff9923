import { Alarm } from '../transaction/timer-lanes.js'
import type { AlarmOwner } from '../transaction/timer-lanes.js'
import type { TransactionLayer } from '../transaction/runner.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'

/** Hears how a 2xx fared. */
export interface ConfirmationUser {
  /** No ACK within 64*T1. */
  unconfirmed(): void
}

/** A 2xx to INVITE until its ACK: resent after T1, doubling up to T2, on every transport (RFC 3261 §13.3.1.4). */
export class Confirmation implements AlarmOwner<'repeat' | 'give-up'> {
  #interval: number
  #waiting = true
  readonly #repeat: Alarm<'repeat'>
  readonly #giveUp: Alarm<'give-up'>

  /** @param cseq number of the INVITE, by which the ACK is recognised. */
  constructor(readonly layer: TransactionLayer, readonly transaction: ServerTransaction, readonly cseq: number, readonly user: ConfirmationUser) {
    this.#interval = layer.timings.t1
    this.#repeat = new Alarm<'repeat'>(this, 'repeat')
    this.#giveUp = new Alarm<'give-up'>(this, 'give-up')
    layer.lanes.start(this.#repeat, this.#interval)
    layer.lanes.start(this.#giveUp, 64 * layer.timings.t1)
  }

  get waiting(): boolean {
    return this.#waiting
  }

  alarm(name: 'repeat' | 'give-up'): void {
    if (name === 'give-up') {
      this.stop()
      return this.user.unconfirmed()
    }
    this.layer.repeat(this.transaction)
    this.#interval = Math.min(this.#interval * 2, this.layer.timings.t2)
    this.layer.lanes.start(this.#repeat, this.#interval)
  }

  /** The ACK is there, or nobody waits for it any more. */
  stop(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#repeat.stop()
    this.#giveUp.stop()
    this.layer.release(this.transaction)
  }
}
