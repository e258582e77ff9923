// A floor in a process of its own, `node routing-process.js LOAD AGENTS STRATEGY` (or the yardstick): it tells what `measure` finds, and then
// the CPU time of each round that it is asked for.
import type { Strategy } from '../src/contact/routing/settings.js'
import { measure } from './micro.js'
import { Floor, type FloorLoad } from './routing-floor.js'
import { Yardstick } from './routing-yardstick.js'

const [load, agents, strategy] = process.argv.slice(2) as [FloorLoad | 'yardstick', string, Strategy]
const floor = load === 'yardstick' ? new Yardstick(Number(agents)) : new Floor(load, Number(agents), strategy)
/** Microseconds in which a round ought to be over. */
const ROUND = 100_000

/** Until the compiler has seen enough. */
const WARM = 100_000
while (floor.decisions < WARM) floor.turn()

const result = await measure(load, floor.turn)
const before = floor.decisions
for (let turn = 0; turn < 100; turn++) floor.turn()
const decisions = (floor.decisions - before) / 100
const turns = Math.ceil(ROUND / 1e6 * result.opsPerSecond)

/** CPU microseconds of this process per decision. */
const round = (): number => {
  const decided = floor.decisions
  const before = process.cpuUsage()
  for (let turn = 0; turn < turns; turn++) floor.turn()
  const spent = process.cpuUsage(before)
  return (spent.user + spent.system) / (floor.decisions - decided)
}

process.on('message', () => process.send!(round()))
process.send!({ ...result, opsPerSecond: result.opsPerSecond * decisions, bytesPerOp: Math.round(result.bytesPerOp / decisions) })
