import type { Machine } from './machine.js'

export type InviteServerState = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated'
export type InviteServerInput =
  | 'invite' | 'ack' | 'send-1xx' | 'send-2xx' | 'send-300-699' | 'send-once' | 'timer-100' | 'timer-g' | 'timer-h' | 'timer-i' | 'timer-l' | 'transport-error'
export type InviteServerAction =
  | 'send' | 'send-100' | 'resend' | 'resend-later' | 'pass-up'
  | 'start-g' | 'start-h' | 'start-i' | 'start-l' | 'stop-100' | 'stop-g' | 'stop-h' | 'fail-timeout' | 'fail-transport'

/**
 * INVITE server transaction: RFC 3261 §17.2.1 as rewritten by RFC 6026 §7.1: a 2xx leads to Accepted, where retransmitted INVITEs are absorbed,
 * the core's 2xx are passed down and ACKs up. A transport error leaves the state as it is (RFC 6026 §8.8); timer 100 is the 200 ms after which a
 * 100 is owed. `send-once` is a challenge to a stranger, of which no state is kept (RFC 3261 §26.3.2.4).
 */
export const inviteServer = {
  proceeding: {
    invite: ['proceeding', 'resend'],
    // An ACK before any final response acknowledges nothing.
    ack: 'ignore',
    'send-1xx': ['proceeding', 'stop-100', 'send'],
    'send-2xx': ['accepted', 'stop-100', 'send', 'start-l'],
    'send-300-699': ['completed', 'stop-100', 'send', 'start-g', 'start-h'],
    'send-once': ['terminated', 'stop-100', 'send'],
    'timer-100': ['proceeding', 'send-100'],
    'timer-g': 'impossible', 'timer-h': 'impossible', 'timer-i': 'impossible', 'timer-l': 'impossible',
    'transport-error': ['proceeding', 'fail-transport'],
  },
  accepted: {
    invite: 'ignore',
    ack: ['accepted', 'pass-up'],
    'send-1xx': 'impossible', 'send-2xx': ['accepted', 'send'], 'send-300-699': 'impossible', 'send-once': 'impossible',
    'timer-100': 'impossible', 'timer-g': 'impossible', 'timer-h': 'impossible', 'timer-i': 'impossible',
    'timer-l': ['terminated'],
    'transport-error': ['accepted', 'fail-transport'],
  },
  completed: {
    invite: ['completed', 'resend'],
    ack: ['confirmed', 'stop-g', 'stop-h', 'start-i'],
    'send-1xx': 'impossible', 'send-2xx': 'impossible', 'send-300-699': 'impossible', 'send-once': 'impossible',
    'timer-100': 'impossible', 'timer-g': ['completed', 'resend-later'], 'timer-h': ['terminated', 'stop-g', 'fail-timeout'],
    'timer-i': 'impossible', 'timer-l': 'impossible',
    'transport-error': ['completed', 'fail-transport'],
  },
  confirmed: {
    invite: 'ignore', ack: 'ignore',
    'send-1xx': 'impossible', 'send-2xx': 'impossible', 'send-300-699': 'impossible', 'send-once': 'impossible',
    'timer-100': 'impossible', 'timer-g': 'impossible', 'timer-h': 'impossible', 'timer-i': ['terminated'], 'timer-l': 'impossible',
    'transport-error': 'ignore',
  },
  terminated: {
    invite: 'ignore', ack: 'ignore',
    'send-1xx': 'ignore', 'send-2xx': 'ignore', 'send-300-699': 'ignore', 'send-once': 'ignore',
    'timer-100': 'impossible', 'timer-g': 'impossible', 'timer-h': 'impossible', 'timer-i': 'impossible', 'timer-l': 'impossible',
    'transport-error': 'ignore',
  },
} as const satisfies Machine<InviteServerState, InviteServerInput, InviteServerAction>
