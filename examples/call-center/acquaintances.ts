import type { Agent, ContactCenter } from 'cordboard/contact'

/** Customers remembered; beyond them, those who have not called for longest are forgotten. */
const LIMIT = 10_000

/** Knows which agent has spoken to a customer last. */
export interface Acquaintances {
  /** Undefined for a customer whom no present agent knows. */
  agentOf(customer: string): Agent | undefined
}

/** Remembers from the contact centre's records who has spoken to whom. */
export const rememberAcquaintances = (center: ContactCenter): Acquaintances => {
  const agents = new Map<string, string>()
  center.on('record', ({ channel, outcome, agent, from, to }) => {
    if (outcome !== 'served' || agent === null) return
    const customer = channel === 'callback' ? to : from
    agents.delete(customer)
    agents.set(customer, agent)
    const [oldest] = agents.keys()
    if (agents.size > LIMIT && oldest !== undefined) agents.delete(oldest)
  })
  return {
    agentOf: customer => {
      const uri = agents.get(customer)
      return uri === undefined ? undefined : center.agents.get(uri)
    },
  }
}
