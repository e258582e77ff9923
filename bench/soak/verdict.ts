import type { CallerAccount } from './account.js'
import type { SoakResult } from './run.js'

/** A figure by the server and by sipp's logs. */
export interface ComparedFigure {
  readonly name: string
  readonly server: number
  readonly logs: number
  /** How far apart they may be. */
  readonly within: number
}

export interface Verdict {
  readonly figures: readonly ComparedFigure[]
  /** What is wrong; none: all is well. */
  readonly faults: readonly string[]
}

/** Milliseconds by which a time of the server's may differ from one of the logs, on a busy machine. */
const TOLERANCE = 400
/** The same of a single call: a server that has just begun, or that the machine holds up, is late for a few. The means bear no such thing. */
const HOLD_UP = 1_000

const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length)

const waitOf = ({ answered, talk, ended }: CallerAccount): number => (talk?.from ?? ended) - answered

/** Those whom either count may take differently: an answer and a hang-up crossed. */
const isClear = ({ close }: CallerAccount): boolean => !close

const faultsOfCaller = (caller: CallerAccount, { server }: SoakResult): readonly string[] => {
  const { user, talk } = caller
  const rows = server.rows.get(user) ?? []
  if (rows.length !== 1) return waitOf(caller) < TOLERANCE && rows.length === 0 ? [] : [`${user}: ${rows.length} records`]
  if (!isClear(caller)) return []
  const { outcome, waited, talked } = rows[0]!
  const expected = talk === undefined ? 'abandoned' : 'served'
  if (outcome !== expected) return [`${user}: ${String(outcome)}, by the logs ${expected}`]
  const faults: string[] = []
  if (talk !== undefined && Math.abs(Number(waited) - waitOf(caller)) > HOLD_UP) faults.push(`${user}: waited ${String(waited)} ms, by the logs ${waitOf(caller)}`)
  if (talk !== undefined && Math.abs(Number(talked) - (talk.to - talk.from)) > HOLD_UP) faults.push(`${user}: talked ${String(talked)} ms, by the logs ${talk.to - talk.from}`)
  return faults
}

const compareFigures = ({ callers, server: { queue, agents }, target }: SoakResult): readonly ComparedFigure[] => {
  const served = callers.filter(({ talk }) => talk !== undefined)
  const unclear = callers.filter(caller => !isClear(caller)).length
  const waits = served.map(waitOf)
  const nearTarget = waits.filter(wait => Math.abs(wait - target) < TOLERANCE).length
  return [
    { name: 'answered', server: queue.answered, logs: served.length, within: unclear },
    { name: 'abandoned', server: queue.abandoned, logs: callers.length - served.length, within: unclear },
    { name: 'answered by agents', server: agents.reduce((sum, agent) => sum + agent.answered, 0), logs: served.length, within: unclear },
    { name: 'average wait, ms', server: queue.averageWait, logs: Math.round(mean(waits)), within: 100 },
    {
      name: 'service level, %', server: 100 * (queue.serviceLevel ?? 0), logs: 100 * waits.filter(wait => wait <= target).length / callers.length,
      within: 100 * (nearTarget + unclear) / callers.length + 0.01,
    },
  ]
}

/** Whether every caller is accounted for, nothing is stuck, and the server's figures are those of the logs. */
export const judge = (result: SoakResult): Verdict => {
  const { callers, begun, complaints, server } = result
  const figures = compareFigures(result)
  const faults = [
    ...(callers.length === begun ? [] : [`${begun - callers.length} of ${begun} calls were not answered, or never ended`]),
    ...complaints,
    ...callers.flatMap(caller => faultsOfCaller(caller, result)),
    ...(server.left.calls + server.left.legs === 0 ? [] : [`${server.left.calls} calls and ${server.left.legs} legs are left`]),
    ...(server.queue.waiting.length === 0 ? [] : [`${server.queue.waiting.length} still wait`]),
    ...server.agents.filter(({ state }) => state !== 'idle').map(({ user, state }) => `${user} is ${state}`),
    ...server.complaints,
    ...figures.filter(figure => Math.abs(figure.server - figure.logs) > figure.within).map(({ name, server: own, logs }) => `${name}: ${own}, by the logs ${logs}`),
  ]
  return { figures, faults }
}
