import { isIP } from 'node:net'
import { z } from 'zod'
import { agentsSchema } from './agent-settings.js'
import { customersSchema } from './customer-settings.js'
import { key, queuesSchema, seconds, sound } from './queue-settings.js'
import { checkSettings } from './settings-check.js'

const port = z.number('must be a port number').int().min(0).max(65_535)
const address = z.string().min(1)

/** An address to bind; sockets take no names. */
const ownAddress = z
  .string()
  .transform(host => (host === 'localhost' ? '127.0.0.1' : host))
  .refine(host => isIP(host) !== 0, 'must be an IP address of this machine, 0.0.0.0 for all of them')

/** `20000-29999` as the pair of its ends. */
const portRange = z
  .string()
  .regex(/^\d+-\d+$/, 'must be two ports joined by a hyphen: 20000-29999')
  .transform(text => text.split('-').map(Number) as [number, number])
  .refine(([first, last]) => first < last && last <= 65_535, 'must go from a lower port to a higher one, below 65536')

const shape = z.strictObject({
  sip: z
    .strictObject({
      host: ownAddress.prefault('127.0.0.1'),
      port: port.default(5060),
      /** What Contact and Via show to phones, when it isn't the address of the listener. */
      advertise: address.optional(),
      /** Domain of the accounts, and realm of their passwords. */
      domain: address.optional(),
      /** Estimate of the round trip to peers in milliseconds: the T1 of SIP's timers (RFC 3261 §17.1.1.1). */
      t1: z.number().int().min(10).max(5_000).default(500),
    })
    .prefault({}),
  http: z.strictObject({ host: ownAddress.prefault('127.0.0.1'), port: port.default(8080) }).prefault({}),
  rtp: z.strictObject({ ports: portRange.prefault('20000-29999'), advertise: address.optional() }).prefault({}),
  data: z.string().min(1).default('./data'),
  demo: z.strictObject({ password: z.string().min(1, 'must not be empty').optional() }).prefault({}),
  media: z.strictObject({ workers: z.number().int().min(1).max(256).optional() }).prefault({}),
  drainSeconds: seconds.default(10),
  language: z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/, 'must be a language tag such as en').default('en'),
  /** What 700 says, and the queue or the operator that each key leads to. */
  menu: z
    .strictObject({ prompt: z.array(sound).min(1).default(['welcome', 'main-menu']), keys: z.record(key, z.string()).optional() })
    .prefault({}),
  agents: agentsSchema,
  queues: queuesSchema,
  customers: customersSchema,
})

/** The server's settings. Times are in seconds. */
export type Settings = z.infer<typeof shape>

/** Everything that can be configured, with its default. `config.ts` says where the values come from. */
export const settingsSchema = shape.superRefine((settings, context) => {
  for (const { path, message } of checkSettings(settings)) context.addIssue({ code: 'custom', path: [...path], message })
})

/** What may be written in the file: every key is optional. */
export type SettingsInput = z.input<typeof settingsSchema>

/** True for addresses that only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** Shortest password that may guard a server which others can reach. */
const PASSWORD_LENGTH = 10

/**
 * Why these settings must not be served, or undefined when they may. The password made at first start is printed and lies
 * in a file: good enough for one's own machine, not for a network.
 */
export const unsafe = (settings: Settings): string | undefined => {
  const open = [
    ['SIP_HOST', settings.sip.host],
    ['HTTP_HOST', settings.http.host],
  ].find(([, host]) => !isLoopback(host!))
  if (open === undefined) return undefined
  const password = settings.demo.password
  if (password !== undefined && password.length >= PASSWORD_LENGTH) return undefined
  const lack = password === undefined ? 'the demo password is still in use' : `the password is shorter than ${PASSWORD_LENGTH} characters`
  return `${open[0]} is ${open[1]}, which others can reach, but ${lack}: set DEMO_PASSWORD (demo.password in the file) to ${PASSWORD_LENGTH} characters or more of your own, or bind to 127.0.0.1`
}
