import { z } from 'zod'
import { userOf } from './admission.js'

/** Customers in the settings, by telephone number or SIP URI. */
export const customersSchema = z
  .record(z.string().min(1), z.strictObject({
    /** Added to the priority of whichever queue the customer waits in. */
    priority: z.number('must be a number of points').default(0),
  }))
  .prefault({})

export type ConfiguredCustomers = z.infer<typeof customersSchema>

/** Points of priority that a caller has of its own: those of its URI, or else of its number. */
export const priorityOf = (customers: ConfiguredCustomers, from: string): number => {
  const known = [from, userOf(from)].find(name => Object.hasOwn(customers, name))
  return known === undefined ? 0 : customers[known]!.priority
}
