import type { Agent, ContactCenter } from 'cordboard/contact'

/** Customers remembered; beyond them, those who have not talked for longest are forgotten. */
const LIMIT = 10_000

/** Knows which agent has spoken to a customer last. */
export interface Acquaintances {
  /** Undefined for a customer whom no present agent knows. */
  agentOf(customer: string): Agent | undefined
}

/** Learns from the contact centre's event log who has spoken to whom. */
export const rememberAcquaintances = (center: ContactCenter): Acquaintances => {
  /** Customers of those in queues, by interaction. */
  const customers = new Map<string, string>()
  const agents = new Map<string, string>()
  center.on('fact', fact => {
    if (fact.type === 'joined' && fact.customer !== undefined) customers.set(fact.interaction, fact.customer)
    if (fact.type !== 'left' && fact.type !== 'ended') return
    const customer = customers.get(fact.interaction)
    // Whoever moves to another queue, or is to be called back, joins anew.
    customers.delete(fact.interaction)
    if (fact.type === 'left' || customer === undefined) return
    agents.delete(customer)
    agents.set(customer, fact.agent)
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
