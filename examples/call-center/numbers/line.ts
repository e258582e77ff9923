import { userOf } from '../admission.js'
import type { Floor } from '../floor.js'
import type { Journal } from '../journal.js'
import type { Prompts } from '../prompts.js'
import type { Settings } from '../settings.js'
import type { Handler } from './handler.js'

/**
 * 605: an agent's line that stays open: callers come after a tone, without ringing. Who hangs up is signed out. The journal has the talks, and no
 * row for the line.
 */
export const keepLine = (floor: Floor, prompts: Prompts, journal: Journal, settings: () => Settings['agents']): Handler => {
  const open = new Set<string>()
  return async call => {
    const user = userOf(call.from)
    const agent = floor.agents.get(user)
    if (agent === undefined || settings().people[user]?.line !== true) return call.reject(403)
    if (open.has(user)) return call.reject(486)
    open.add(user)
    journal.omit(call)
    try {
      await call.answer()
      await call.play(prompts.file('beep'))
      floor.setStatus(user, { type: 'available' })
      await agent.keepLine(call)
    } finally {
      open.delete(user)
      floor.setStatus(user, { type: 'logged-out' })
    }
  }
}
