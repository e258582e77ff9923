import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, Random, Server } from 'cordboard'
import { register } from 'cordboard/sip'
import type { RegistrationState, UserAgent } from 'cordboard/sip'
import type { Prompts } from '../prompts.js'

/** What simulated agents need. */
export interface AgentsOptions {
  /** Their telephones: a server of their own. */
  readonly phones: Server
  /** `HOST:PORT` of the call centre. */
  readonly target: string
  readonly users: readonly string[]
  readonly password: string
  readonly prompts: Prompts
  readonly random: Random
}

/** How an agent deals with one call; times in ms. */
interface Manner {
  readonly picksUp: boolean
  readonly ringing: number
  readonly talking: number
}

const greetings = ['demo-agent-1', 'demo-agent-2'] as const

/** One call in fifteen rings out, so that the next agent is tried. */
const draw = (random: Random): Manner => ({
  picksUp: random.float() > 1 / 15,
  ringing: 800 + Math.round(random.float() * 2_000),
  talking: 4_000 + Math.round(random.float() * 5_000),
})

const takeCall = async (call: Call, manner: Manner, greeting: string, speech: string): Promise<void> => {
  await call.progress()
  await sleep(manner.picksUp ? manner.ringing : 60_000, undefined, { signal: call.signal })
  await call.answer()
  const talk = AbortSignal.timeout(manner.talking)
  try {
    await call.play(greeting, { signal: talk })
    await call.play(speech, { loop: true, signal: talk })
  } catch (error) {
    if (!talk.aborted) throw error
  }
}

/** Registers each agent's telephone (RFC 3261 §10, digest) and answers what it is offered; the agent hangs up. */
export const signInAgents = async ({ phones, target, users, password, prompts, random }: AgentsOptions): Promise<void> => {
  for (const user of users) {
    phones.handle(`sip:${user}@*`, async call => {
      try {
        await takeCall(call, draw(random), prompts.file(greetings[Math.floor(random.float() * greetings.length)]!), prompts.file('demo-agent-3'))
      } catch (error) {
        if (!call.signal.aborted) throw error
      }
    })
  }
  const userAgent = userAgentOf(phones)
  for (const user of users) {
    const registration = register(userAgent, { registrar: `sip:${target}`, aor: `sip:${user}@${target}`, credentials: { username: user, password } })
    const [state] = (await once(registration, 'state')) as [RegistrationState]
    if (state.type !== 'registered') throw new Error(`agent ${user} could not register`)
  }
}

/** The user agent of a server: an extension is given it. Requests that it sends leave by the port on which calls come in. */
const userAgentOf = (server: Server): UserAgent => {
  let userAgent: UserAgent | undefined
  server.use({ name: 'registration', attach: attached => (userAgent = attached) })
  return userAgent!
}
