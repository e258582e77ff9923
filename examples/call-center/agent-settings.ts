import type { FailurePolicy, OfferFailure } from 'cordboard/contact'
import { z } from 'zod'
import { key, seconds, sipUri } from './queue-settings.js'

const member = z.strictObject({
  /** Lower tiers are tried first. */
  tier: z.number().default(1),
  /** The agent's own order among its queues, lower first. */
  rank: z.number().default(0),
  /** Share under the strategy `weighted`. */
  weight: z.number().positive().default(1),
})

const policy = z.strictObject({
  /** How long the agent is left alone. */
  delay: seconds,
  /** In a row, after which the agent is sent on a break. */
  limit: z.number('must be a number of offers').int().min(1).optional(),
})

/** What follows from offers that came to nothing, by how. */
const failures = z.strictObject({ 'no-answer': policy.optional(), 'busy': policy.optional(), 'rejected': policy.optional(), 'unreachable': policy.optional() })

/** The same as the contact centre takes it. */
export const failurePolicies = (given: z.infer<typeof failures> = {}): Partial<Record<OfferFailure, FailurePolicy>> =>
  Object.fromEntries(Object.entries(given).flatMap(([failure, set]) => (set === undefined ? [] : [[failure, { ...set, delay: set.delay * 1_000 }]])))

/** An agent in the settings, by its user name. Times are in seconds. */
const agentSchema = z.strictObject({
  /** An agent outside, who is called there. Without it, the agent is called at the phones that register in its name. */
  uri: sipUri.optional(),
  /** The key by which an agent outside takes a call; false: whoever answers has it. */
  accept: z.union([key, z.literal(false)], 'must be a key, or false').default('1'),
  /** Whether an agent outside takes calls now. */
  available: z.boolean().default(true),
  /** @default the password of the demo accounts */
  password: z.string().min(10, 'must have at least 10 characters').optional(),
  /** By which it sets its status at 604. @default none: it cannot */
  pin: z.coerce.string().regex(/^\d{4,16}$/, 'must be four to sixteen digits').optional(),
  /** Whether it may keep a line open by calling 605. */
  line: z.boolean('must be true or false').default(false),
  /** Levels by name. */
  skills: z.record(z.string(), z.number('must be a level, a number')).default({}),
  wrapUp: seconds.optional(),
  failures: failures.optional(),
  /** Whose figures are summed up with its own. */
  team: z.string().min(1).optional(),
  /** By name, or by name with the agent's seat in each. @default every queue */
  queues: z.union([
    z.array(z.string()).transform(names => Object.fromEntries(names.map(name => [name, member.parse({})]))),
    z.record(z.string(), member.prefault({})),
  ], 'must be a list of queues, or queues with tier, rank and weight').optional(),
})

export type ConfiguredAgent = z.infer<typeof agentSchema>

const usual = (): Record<string, object> => Object.fromEntries(Array.from({ length: 10 }, (_, index) => [String(1001 + index), {}]))

/** All agents. */
export const agentsSchema = z
  .strictObject({
    /** Of agents without one of their own. */
    wrapUp: seconds.default(5),
    /** Of all agents; each may have its own. @default those of the library: no-answer 5 s, busy 5 s, rejected 10 s, unreachable 30 s, no limits */
    failures: failures.optional(),
    /** Reasons of breaks, by the key pressed at 604. */
    breaks: z.record(z.string().regex(/^[2-9]$/, 'must be a key from 2 to 9'), z.string().min(1)).default({ 2: 'break' }),
    people: z.record(z.string().regex(/^[A-Za-z0-9._-]+$/, 'must be a user name of letters, digits, dots and hyphens'), agentSchema).prefault(usual),
  })
  .prefault({})
