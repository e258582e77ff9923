import { CordboardError } from '../../core/errors.js'
import { deferred } from '../../core/scope.js'
import type { Deferred } from '../../core/scope.js'
import { rack } from '../message/headers.js'
import type { SipRequest, SipResponse } from '../message/message.js'
import { Alarm } from '../transaction/timer-lanes.js'
import type { AlarmOwner } from '../transaction/timer-lanes.js'
import type { UserAgentCore } from './core.js'
import type { ServerTransaction } from '../transaction/server-transaction.js'

/** RFC 3262 §3: RSeq begins between 1 and 2^31-1. */
const RSEQ_LIMIT = 0x7fff_0000

interface Sent {
  readonly response: SipResponse
  readonly rseq: number
  readonly acknowledged: Deferred<SipRequest>
}

/** The reliable provisional responses to one INVITE, one at a time until its PRACK (RFC 3262 §3). */
export class ReliableProvisionals implements AlarmOwner<'repeat' | 'give-up'> {
  #rseq: number
  #sent: Sent | undefined
  #interval = 0
  /** The last one asked for, until its PRACK. */
  #last: Promise<unknown> | undefined
  /** The last one with SDP, until its PRACK. */
  #owed: Promise<unknown> | undefined
  readonly #repeat: Alarm<'repeat'>
  readonly #giveUp: Alarm<'give-up'>

  constructor(readonly core: UserAgentCore, readonly transaction: ServerTransaction, readonly cseq: number) {
    this.#rseq = 1 + (core.random.uint32() % RSEQ_LIMIT)
    this.#repeat = new Alarm<'repeat'>(this, 'repeat')
    this.#giveUp = new Alarm<'give-up'>(this, 'give-up')
  }

  /** Sends what `make` builds around its RSeq; resolves with the PRACK. Waits for that of the one before. */
  send(make: (rseq: number) => SipResponse, carriesSdp: boolean): Promise<SipRequest> {
    const sending = this.#last === undefined ? this.#send(make) : this.#last.then(() => this.#send(make))
    const settled = sending.then(() => undefined, () => undefined).then(() => {
      if (this.#last === settled) this.#last = undefined
      if (this.#owed === settled) this.#owed = undefined
    })
    this.#last = settled
    if (carriesSdp) this.#owed = settled
    return sending
  }

  /** RFC 3262 §3: no 2xx before the PRACK of a provisional response with SDP. */
  get owesAnswer(): Promise<unknown> | undefined {
    return this.#owed
  }

  /** Takes a PRACK; false when it acknowledges nothing that is waiting (481). */
  acknowledge(request: SipRequest): boolean {
    const sent = this.#sent
    if (sent === undefined || !this.waitsFor(request)) return false
    this.#stop()
    sent.acknowledged.resolve(request)
    return true
  }

  /** True for a PRACK of the response that is waiting for one. */
  waitsFor(request: SipRequest): boolean {
    const acknowledged = rack(request)
    return this.#sent !== undefined && acknowledged?.rseq === this.#sent.rseq && acknowledged.cseq === this.cseq && acknowledged.method === 'INVITE'
  }

  /** The final response is out. */
  end(): void {
    const sent = this.#sent
    this.#stop()
    sent?.acknowledged.reject(new CordboardError('SIP_DIALOG_TERMINATED', 'the invitation ended before the PRACK'))
  }

  alarm(name: 'repeat' | 'give-up'): void {
    const sent = this.#sent
    if (sent === undefined) return
    if (name === 'give-up') {
      this.#stop()
      return sent.acknowledged.reject(new CordboardError('SIP_TRANSACTION_TIMEOUT', 'no PRACK', { status: 504 }))
    }
    this.core.respond(this.transaction, sent.response)
    this.#interval *= 2
    this.core.layer.lanes.start(this.#repeat, this.#interval)
  }

  #send(make: (rseq: number) => SipResponse): Promise<SipRequest> {
    if (this.transaction.answered) return Promise.reject(new CordboardError('SIP_DIALOG_TERMINATED', 'the invitation has ended'))
    const rseq = this.#rseq++
    const response = make(rseq)
    const { t1 } = this.core.layer.timings
    this.#sent = { response, rseq, acknowledged: deferred() }
    this.#interval = t1
    this.core.respond(this.transaction, response)
    this.core.layer.lanes.start(this.#repeat, t1)
    this.core.layer.lanes.start(this.#giveUp, 64 * t1)
    return this.#sent.acknowledged.promise
  }

  #stop(): void {
    this.#sent = undefined
    this.#repeat.stop()
    this.#giveUp.stop()
  }
}
