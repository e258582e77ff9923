import type { Call, Registrar } from 'cordboard'
import { parseUri, unescapeUri } from 'cordboard/sip'
import type { Accounts } from './accounts.js'
import type { Journal } from './journal.js'
import type { Handler } from './numbers/handler.js'

/** Decides who may use a number. */
export interface Admission {
  /** Strangers too; but whoever calls in an account's name must prove it. */
  everyone(handler: Handler): Handler
  /** Accounts only. */
  accounts(handler: Handler): Handler
}

/** The user part of a SIP URI, unescaped, or the number of a tel URI; empty where there is neither. */
export const userOf = (uri: string): string => {
  const parsed = parseUri(uri)
  if (parsed?.type === 'tel') return parsed.number
  return parsed?.type === 'sip' && parsed.user !== undefined ? unescapeUri(parsed.user) : ''
}

/**
 * Admission by digest. An account is known by the user part of From alone, whatever its host, so that no caller passes for a
 * colleague by writing another of this machine's names.
 */
export const createAdmission = (accounts: Accounts, registrar: Registrar, journal: Journal): Admission => {
  const proven = (handler: Handler): Handler => async call => {
    const user = await registrar.authenticate(call) // otherwise the challenge, or the refusal, is on its way
    if (user === undefined) journal.omit(call)
    else await handler(call)
  }
  return {
    everyone: handler => {
      const checked = proven(handler)
      return (call: Call) => (accounts.has(userOf(call.from)) ? checked(call) : handler(call))
    },
    accounts: proven,
  }
}
