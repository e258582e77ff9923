import type { LoggedMessage } from './message-log.js'

/** What became of one caller, by sipp's logs alone. Times in ms since 1970. */
export interface CallerAccount {
  readonly user: string
  /** The server took the call. */
  readonly answered: number
  /** Somebody hung up: the first BYE that this side saw. */
  readonly ended: number
  /** The agent who talked to it; undefined: it gave up before. */
  readonly talk: { readonly from: number; readonly to: number } | undefined
  /** It gave up in the instant in which an agent answered: both counts are right. */
  readonly close: boolean
}

/** Within which, in ms, an answer and a hang-up that crossed on the wire may have come in either order. */
const CROSSING = 100

const grouped = <T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}

const byCall = (messages: readonly LoggedMessage[]): ReadonlyMap<string, readonly LoggedMessage[]> => grouped(messages, message => message.callId)

/** Answers of agents by the caller whom they were shown: first to last. */
const answersOf = (agents: readonly LoggedMessage[]): ReadonlyMap<string, readonly { readonly from: number; readonly to: number }[]> => {
  const answers = [...byCall(agents).values()].flatMap(call => {
    const user = call[0]!.from
    const answer = call.find(({ direction, start, cseqMethod }) => direction === 'sent' && start === '200' && cseqMethod === 'INVITE')
    const end = call.find(({ start }) => start === 'BYE')
    return answer === undefined || end === undefined ? [] : [{ user, from: answer.at, to: end.at }]
  })
  return grouped(answers, ({ user }) => user)
}

/** Joins the logs of callers and agents by the caller's identity. Callers whom the server never answered are missing. */
export const accountFor = (callers: readonly LoggedMessage[], agents: readonly LoggedMessage[]): readonly CallerAccount[] => {
  const answers = answersOf(agents)
  return [...byCall(callers).values()].flatMap(call => {
    const user = call[0]!.from
    const answered = call.find(({ direction, start, cseqMethod }) => direction === 'received' && start === '200' && cseqMethod === 'INVITE')?.at
    const ended = call.find(({ start }) => start === 'BYE')?.at
    if (answered === undefined || ended === undefined) return []
    const all = answers.get(user) ?? []
    const talk = all.findLast(({ from }) => from <= ended)
    return [{ user, answered, ended, talk, close: all.some(({ from }) => Math.abs(from - ended) < CROSSING) }]
  })
}
