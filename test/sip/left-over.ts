import type { UserAgentCore } from '../../src/sip/ua/core.js'
import type { VirtualClock } from '../../src/testing/virtual-clock.js'

/** What is left of calls that should be over, in words: dialogs, sessions, transactions and other entries, timers; undefined when there is nothing. */
export const leftOver = (clock: VirtualClock, agents: readonly UserAgentCore[]): string | undefined => {
  for (const [index, { dialogs, sessions, leaving, layer }] of agents.entries()) {
    const left = { dialogs, sessions, byes: leaving.size, entries: layer.entries }
    if (Object.values(left).some(count => count > 0)) return `agent ${index} has left ${JSON.stringify(left)}`
    if (layer.counters.value('impossible') > 0) return `agent ${index}: an impossible transition`
  }
  return clock.pending === 0 ? undefined : `${clock.pending} timers left`
}
