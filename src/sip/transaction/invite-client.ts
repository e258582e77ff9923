import type { Machine } from './machine.js'

export type InviteClientState = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated'
export type InviteClientInput =
  | '1xx' | '2xx' | '300-699' | 'cancel' | 'timer-a' | 'timer-b' | 'timer-d' | 'timer-m' | 'timer-cancel' | 'transport-error'
export type InviteClientAction =
  | 'resend' | 'ack' | 'pass-up' | 'start-d' | 'start-m' | 'start-cancel' | 'stop-a' | 'stop-b' | 'stop-cancel' | 'fail-timeout' | 'fail-transport'

/**
 * INVITE client transaction: RFC 3261 §17.1.1.2 (figure 5) with the Accepted state of RFC 6026 §7.2 and the 64*T1 wait of RFC 3261 §9.1
 * after CANCEL.
 */
export const inviteClient = {
  calling: {
    '1xx': ['proceeding', 'stop-a', 'stop-b', 'pass-up'],
    '2xx': ['accepted', 'stop-a', 'stop-b', 'start-m', 'pass-up'],
    '300-699': ['completed', 'stop-a', 'stop-b', 'ack', 'start-d', 'pass-up'],
    // CANCEL waits for a provisional response (RFC 3261 §9.1).
    cancel: 'ignore',
    'timer-a': ['calling', 'resend'],
    'timer-b': ['terminated', 'stop-a', 'fail-timeout'],
    'timer-d': 'impossible', 'timer-m': 'impossible', 'timer-cancel': 'impossible',
    'transport-error': ['terminated', 'stop-a', 'stop-b', 'fail-transport'],
  },
  proceeding: {
    '1xx': ['proceeding', 'pass-up'],
    '2xx': ['accepted', 'stop-cancel', 'start-m', 'pass-up'],
    '300-699': ['completed', 'stop-cancel', 'ack', 'start-d', 'pass-up'],
    cancel: ['proceeding', 'start-cancel'],
    'timer-a': 'impossible', 'timer-b': 'impossible', 'timer-d': 'impossible', 'timer-m': 'impossible',
    'timer-cancel': ['terminated', 'fail-timeout'],
    'transport-error': ['terminated', 'stop-cancel', 'fail-transport'],
  },
  accepted: {
    '1xx': 'ignore', '2xx': ['accepted', 'pass-up'], '300-699': 'ignore', cancel: 'ignore',
    'timer-a': 'impossible', 'timer-b': 'impossible', 'timer-d': 'impossible', 'timer-m': ['terminated'], 'timer-cancel': 'impossible',
    'transport-error': 'ignore',
  },
  completed: {
    '1xx': 'ignore', '2xx': 'ignore', '300-699': ['completed', 'ack'], cancel: 'ignore',
    'timer-a': 'impossible', 'timer-b': 'impossible', 'timer-d': ['terminated'], 'timer-m': 'impossible', 'timer-cancel': 'impossible',
    'transport-error': 'ignore',
  },
  terminated: {
    '1xx': 'ignore', '2xx': 'ignore', '300-699': 'ignore', cancel: 'ignore',
    'timer-a': 'impossible', 'timer-b': 'impossible', 'timer-d': 'impossible', 'timer-m': 'impossible', 'timer-cancel': 'impossible',
    'transport-error': 'ignore',
  },
} as const satisfies Machine<InviteClientState, InviteClientInput, InviteClientAction>
