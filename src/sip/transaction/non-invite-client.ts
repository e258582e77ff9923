import type { Machine } from './machine.js'

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated'
export type NonInviteClientInput = '1xx' | '2xx' | '300-699' | 'timer-e' | 'timer-f' | 'timer-k' | 'transport-error'
export type NonInviteClientAction = 'resend' | 'resend-slowly' | 'pass-up' | 'start-k' | 'stop-e' | 'stop-f' | 'fail-timeout' | 'fail-transport'

/** Non-INVITE client transaction: RFC 3261 §17.1.2.2 (figure 6). `resend-slowly` sets timer E to T2 as a provisional response asks. */
export const nonInviteClient = {
  trying: {
    '1xx': ['proceeding', 'pass-up'],
    '2xx': ['completed', 'stop-e', 'stop-f', 'start-k', 'pass-up'],
    '300-699': ['completed', 'stop-e', 'stop-f', 'start-k', 'pass-up'],
    'timer-e': ['trying', 'resend'],
    'timer-f': ['terminated', 'stop-e', 'fail-timeout'],
    'timer-k': 'impossible',
    'transport-error': ['terminated', 'stop-e', 'stop-f', 'fail-transport'],
  },
  proceeding: {
    '1xx': ['proceeding', 'pass-up'],
    '2xx': ['completed', 'stop-e', 'stop-f', 'start-k', 'pass-up'],
    '300-699': ['completed', 'stop-e', 'stop-f', 'start-k', 'pass-up'],
    'timer-e': ['proceeding', 'resend-slowly'],
    'timer-f': ['terminated', 'stop-e', 'fail-timeout'],
    'timer-k': 'impossible',
    'transport-error': ['terminated', 'stop-e', 'stop-f', 'fail-transport'],
  },
  completed: {
    '1xx': 'ignore', '2xx': 'ignore', '300-699': 'ignore',
    'timer-e': 'impossible', 'timer-f': 'impossible', 'timer-k': ['terminated'],
    'transport-error': 'ignore',
  },
  terminated: {
    '1xx': 'ignore', '2xx': 'ignore', '300-699': 'ignore',
    'timer-e': 'impossible', 'timer-f': 'impossible', 'timer-k': 'impossible',
    'transport-error': 'ignore',
  },
} as const satisfies Machine<NonInviteClientState, NonInviteClientInput, NonInviteClientAction>
