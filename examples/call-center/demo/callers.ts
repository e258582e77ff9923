import { setTimeout as sleep } from 'node:timers/promises'
import { isCordboardError } from 'cordboard'
import type { Digit, Random, Server } from 'cordboard'
import type { PromptName, Prompts } from '../prompts.js'

/** What simulated callers need. */
export interface CallersOptions {
  /** The telephones: a server of their own. */
  readonly phones: Server
  /** `HOST:PORT` of the call centre. */
  readonly target: string
  readonly prompts: Prompts
  readonly random: Random
  /** Mean time between two callers, in ms. */
  readonly every: number
  /** True while the caller of that URI waits in a queue. */
  readonly isWaiting: (from: string) => boolean
}

/** One caller: everything is drawn beforehand, so that a seed fixes the whole pattern. */
interface Plan {
  readonly from: string
  readonly number: string
  readonly key?: Digit
  readonly speech: PromptName
  /** Milliseconds after which a caller who still waits gives up. */
  readonly patience: number
}

const speeches = ['demo-caller-1', 'demo-caller-2', 'demo-caller-3'] as const

/** Half of the callers go through the menu, the others know the queue's number. */
const routes = [{ number: '701' }, { number: '702' }, { number: '700', key: '1' }, { number: '700', key: '2' }] as const

/** Milliseconds that a caller listens to the menu before pressing the key. */
const DECISION = 1_500

const draw = (random: Random): Plan => ({
  from: `sip:+4930${1_000_000 + Math.floor(random.float() * 9_000_000)}@caller.example`,
  ...routes[Math.floor(random.float() * routes.length)]!,
  speech: speeches[Math.floor(random.float() * speeches.length)]!,
  patience: 5_000 + random.float() * 9_000,
})

/** One call from its first ring to its end. */
const callIn = async (plan: Plan, { phones, target, prompts, isWaiting }: CallersOptions): Promise<void> => {
  const dialled = await phones.dial(`sip:${plan.number}@${target}`, { from: plan.from })
  if (dialled.type !== 'answered') return
  await using call = dialled.call
  const impatience = setTimeout(() => {
    if (isWaiting(plan.from)) void call.hangup()
  }, plan.patience)
  try {
    if (plan.key !== undefined) {
      await sleep(DECISION, undefined, { signal: call.signal })
      await call.sendDigits([plan.key])
    }
    await call.play(prompts.file(plan.speech), { loop: true })
  } catch (error) {
    if (!call.signal.aborted && !isCordboardError(error, 'CALL_ENDED')) throw error
  } finally {
    clearTimeout(impatience)
  }
}

/** Sends callers at random intervals (a Poisson process) until `signal` aborts; resolves when all of them are done. */
export const sendCallers = async (options: CallersOptions, signal: AbortSignal): Promise<void> => {
  const calls = new Set<Promise<void>>()
  while (!signal.aborted) {
    const call = callIn(draw(options.random), options)
    calls.add(call)
    void call.finally(() => calls.delete(call)).catch(() => undefined)
    await sleep(-Math.log(1 - options.random.float()) * options.every, undefined, { signal }).catch(() => undefined)
  }
  await Promise.all(calls)
}
