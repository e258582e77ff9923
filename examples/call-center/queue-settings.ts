import type { Digit } from 'cordboard'
import { parseExpression } from 'cordboard/contact'
import { z } from 'zod'
import { openingTimes } from './opening-times.js'

export const seconds = z.number('must be a number of seconds').min(0)

/** Of what would otherwise come again and again at one moment. */
const aWhile = z.number('must be a number of seconds').min(0.1, 'must be 0.1 seconds or more')

/** A key of a telephone; YAML reads `9` as a number. */
export const key = z.coerce.string().regex(/^[0-9*#A-D]$/, 'must be one key: 0-9, *, # or A-D').transform(text => text as Digit)

/** Whom to call. */
export const sipUri = z.string().regex(/^sips?:[^\s@]+@[^\s@]+$/, 'must be a SIP URI such as sip:ann@example.org')

/** A prompt of the prompt set by its name, or the path of a WAV file. */
export const sound = z.string().min(1)

/** A condition on skills: `english >= 4 and billing`. */
const condition = z.string().superRefine((text, context) => {
  try {
    parseExpression(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
})

const overflowTarget = z.union([
  z.strictObject({ queue: z.string() }),
  z.strictObject({ uri: sipUri }),
  z.strictObject({ announcement: sound }),
  z.strictObject({ mailbox: z.literal(true), greeting: sound.default('leave-message'), limit: seconds.default(300) }),
], 'must be one of { queue: NAME }, { uri: SIP URI }, { announcement: SOUND }, { mailbox: true }')

const CALLS = 'must be a number of calls, 1 or more'

const strategies = ['longest-idle', 'ring-all', 'round-robin', 'top-down', 'fewest-calls', 'least-talk-time', 'random', 'weighted', 'progressive'] as const

const formulas = ['answered-and-abandoned', 'answered', 'answered-and-late-abandoned', 'offered'] as const

/** A queue in the settings. Times are in seconds. */
export const queueSchema = z.strictObject({
  number: z.coerce.string().regex(/^\d{2,15}$/, 'must be a number of two to fifteen digits'),
  strategy: z.enum(strategies, `must be one of ${strategies.join(', ')}`).default('longest-idle'),
  /** How long one agent's phone may ring before the next agent is tried. */
  ringFor: aWhile.default(15),
  /** After which a caller is told that nobody can answer. */
  maxWait: seconds.default(300),
  /** Within which a call should be answered: what the service level counts. */
  answerWithin: seconds.default(20),
  /** Which calls the service level is a share of. */
  formula: z.enum(formulas, `must be one of ${formulas.join(', ')}`).default('answered-and-abandoned'),
  /** After which the next tier of agents is asked as well; 0: at once. */
  tierWait: seconds.default(0),
  /** Between the agents whom `progressive` adds. */
  progressEvery: aWhile.default(5),
  /** Higher is served first. */
  priority: z.number().default(0),
  /** Points of priority that a caller gains in a minute. */
  ageing: z.number().min(0).default(0),
  /** In which a caller who hung up and calls again gets the old place. */
  returnWithin: seconds.default(60),
  /** How long a caller waits for the agent who had this customer last. */
  sticky: seconds.default(0),
  /** What agents must know; as steps, what they must know from `after` seconds of waiting on. */
  requires: z.union([condition, z.array(z.strictObject({ after: seconds, requires: condition.optional() }))]).optional(),
  welcome: sound.optional(),
  hold: z.array(sound).min(1).default(['please-hold', 'hold']),
  /** Tells callers their place. */
  announce: z.strictObject({ first: seconds.default(30), every: seconds.min(5).default(60) }).optional(),
  /** The key by which a caller leaves, and the number where it goes. */
  exit: z.strictObject({ key, number: z.coerce.string().optional() }).optional(),
  /** The key by which a caller asks to be called back, without losing the place. */
  callback: z.strictObject({ key, ringFor: seconds.default(30), attempts: z.number(CALLS).int(CALLS).min(1, CALLS).default(3) }).optional(),
  overflow: z.strictObject({ after: seconds.optional(), size: z.number().int().min(0).optional(), noAgents: z.boolean().default(false), to: overflowTarget.optional() }).optional(),
  hours: openingTimes.optional(),
  /** What is heard outside of the hours. */
  closed: sound.default('closed'),
  /** While it is set, nobody waits: the announcement, then these are called one after the other. */
  emergency: z.strictObject({ announcement: sound.default('emergency'), fallback: z.array(sipUri).default([]), ringFor: seconds.default(20) }).optional(),
  /** Seconds that an agent may keep a caller on hold before its telephone rings again. */
  holdLimit: seconds.optional(),
  /** What the agent hears before the caller is put through. */
  whisper: sound.optional(),
  record: z.boolean().default(true),
})

export type ConfiguredQueue = z.infer<typeof queueSchema>

/** The queues that are there without being written; the file changes them, or takes them out with `false`. */
const usual = { sales: { number: 701, welcome: 'queue-sales' }, support: { number: 702, welcome: 'queue-support' } } as const

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const withUsual = (given: unknown): unknown => {
  if (given !== undefined && given !== null && !isMap(given)) return given
  const all: Record<string, unknown> = { ...usual, ...given }
  for (const [name, settings] of Object.entries(usual)) {
    const own = given?.[name] ?? {}
    if (isMap(own)) all[name] = { ...settings, ...own }
  }
  return Object.fromEntries(Object.entries(all).filter(([, settings]) => settings !== false))
}

/** All queues by name. */
export const queuesSchema = z.preprocess(withUsual, z.record(z.string(), queueSchema))
