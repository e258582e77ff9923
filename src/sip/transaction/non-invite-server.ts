import type { Machine } from './machine.js'

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated'
export type NonInviteServerInput = 'request' | 'send-1xx' | 'send-final' | 'send-once' | 'timer-100' | 'timer-f' | 'timer-j' | 'transport-error'
export type NonInviteServerAction =
  | 'send' | 'send-100' | 'resend' | 'start-j' | 'stop-100' | 'stop-f' | 'fail-timeout' | 'fail-transport'

/**
 * `send-once` is a challenge to a stranger, of which no state is kept (RFC 3261 §26.3.2.4).
 *
 * Non-INVITE server transaction: RFC 3261 §17.2.2 with RFC 4320: no provisional response but 100, that one only when the client's timer E has
 * reached T2 (§4.1), and nothing at all once the client's timer F has fired (§4.2).
 */
export const nonInviteServer = {
  trying: {
    request: 'ignore',
    'send-1xx': ['proceeding', 'stop-100', 'send'],
    'send-final': ['completed', 'stop-100', 'stop-f', 'send', 'start-j'],
    'send-once': ['terminated', 'stop-100', 'stop-f', 'send'],
    'timer-100': ['proceeding', 'send-100'],
    'timer-f': ['terminated', 'stop-100', 'fail-timeout'],
    'timer-j': 'impossible',
    'transport-error': ['trying', 'fail-transport'],
  },
  proceeding: {
    request: ['proceeding', 'resend'],
    'send-1xx': ['proceeding', 'send'],
    'send-final': ['completed', 'stop-f', 'send', 'start-j'],
    'send-once': ['terminated', 'stop-f', 'send'],
    'timer-100': 'impossible',
    'timer-f': ['terminated', 'fail-timeout'],
    'timer-j': 'impossible',
    'transport-error': ['proceeding', 'fail-transport'],
  },
  completed: {
    request: ['completed', 'resend'],
    'send-1xx': 'impossible', 'send-final': 'impossible', 'send-once': 'impossible',
    'timer-100': 'impossible', 'timer-f': 'impossible', 'timer-j': ['terminated'],
    'transport-error': ['completed', 'fail-transport'],
  },
  terminated: {
    request: 'ignore',
    'send-1xx': 'ignore', 'send-final': 'ignore', 'send-once': 'ignore',
    'timer-100': 'impossible', 'timer-f': 'impossible', 'timer-j': 'impossible',
    'transport-error': 'ignore',
  },
} as const satisfies Machine<NonInviteServerState, NonInviteServerInput, NonInviteServerAction>
