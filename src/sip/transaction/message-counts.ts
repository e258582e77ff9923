import type { SipMessage } from '../message/message.js'
import { isKnownMethod } from '../message/methods.js'

/** Messages by direction and method or status: `in INVITE`, `out 200`. Unknown methods share one name, so strangers add none. */
export class MessageCounts {
  readonly #in = new Map<string | number, number>()
  readonly #out = new Map<string | number, number>()

  received(message: SipMessage): void {
    bump(this.#in, message)
  }

  sent(message: SipMessage): void {
    bump(this.#out, message)
  }

  snapshot(): Record<string, number> {
    const named = (direction: string, counts: ReadonlyMap<string | number, number>): readonly (readonly [string, number])[] =>
      [...counts].map(([name, count]) => [`${direction} ${name}`, count] as const)
    return Object.fromEntries([...named('in', this.#in), ...named('out', this.#out)])
  }
}

const bump = (counts: Map<string | number, number>, message: SipMessage): void => {
  const name = message.type === 'response' ? message.status : isKnownMethod(message.method) ? message.method : 'other'
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
