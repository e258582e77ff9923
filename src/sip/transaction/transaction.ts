import type { Alarm, AlarmOwner } from './timer-lanes.js'
import { isRetry } from './timings.js'
import type { TimerInput, TimerName } from './timings.js'
import type { AnyMachine } from './machine.js'
import type { Flow } from '../transport/transport.js'

/** Which of the four machines a transaction runs. */
export type TransactionKind = 'invite-client' | 'non-invite-client' | 'invite-server' | 'non-invite-server'

/** Where a machine begins. */
export const initialState = (kind: TransactionKind): string => (kind === 'invite-client' ? 'calling' : kind === 'invite-server' ? 'proceeding' : 'trying')

/** Carries out inputs: the runner. */
export interface Stepper {
  step(transaction: Transaction, input: string): void
}

/**
 * What client and server transactions share. A transaction is data: the runner alone moves it, so a hundred thousand of them in their
 * last 32 seconds stay small.
 */
export abstract class Transaction implements AlarmOwner<TimerInput> {
  state: string
  /** Retransmissions, and the 100 that is owed. */
  retry: Alarm<TimerInput> | undefined
  /** The end of the present state. */
  limit: Alarm<TimerInput> | undefined
  /** Interval of the next retransmission in ms. */
  interval = 0
  /** A timer without duration, which fires when the actions of the step have run. */
  immediate: TimerInput | undefined
  /** Last message sent, for retransmission. */
  bytes: Buffer | undefined

  constructor(
    readonly stepper: Stepper,
    readonly machine: AnyMachine,
    readonly kind: TransactionKind,
    readonly key: string,
    public flow: Flow,
  ) {
    this.state = initialState(kind)
  }

  get terminated(): boolean {
    return this.state === 'terminated'
  }

  alarm(input: TimerInput): void {
    this.stepper.step(this, input)
  }
}

/** Stops the alarm that stands for `timer`. */
export const stopTimer = (transaction: Transaction, timer: TimerName): void => {
  if (isRetry(timer)) transaction.retry?.stop()
  else transaction.limit?.stop()
}

/** Input of the server's machines for a response. */
export const inputOf = (status: number, invite: boolean): string => {
  if (status < 200) return 'send-1xx'
  if (!invite) return 'send-final'
  return status < 300 ? 'send-2xx' : 'send-300-699'
}
