import { erlangA, erlangC, offeredLoad } from './erlang.js'
import type { Performance, Traffic } from './erlang.js'

/** What is asked of a group of agents. Times in milliseconds. */
export interface StaffingGoal {
  readonly callsPerHour: number
  /** Mean talk and wrap-up. */
  readonly handling: number
  /** Share of calls to be answered within `within`: 0.8 in "80/20". */
  readonly share: number
  readonly within: number
  /** Mean patience: then Erlang A, otherwise Erlang C. */
  readonly patience?: number
  /** Upper bound of the agents' occupancy. @default 1 */
  readonly maxOccupancy?: number
  /** Share of paid time in which agents are not at their desks. @default 0 */
  readonly shrinkage?: number
}

export interface Staffing extends Performance {
  /** Agents at work at a time. */
  readonly agents: number
  /** Agents on the roster, shrinkage added. */
  readonly scheduled: number
}

const HOUR = 3_600_000

/** How a given number of agents would do. */
export const performanceOf = (goal: StaffingGoal, agents: number): Performance => {
  const traffic: Traffic = { arrivalRate: goal.callsPerHour / HOUR, handling: goal.handling }
  return goal.patience === undefined ? erlangC(traffic, agents) : erlangA(traffic, agents, goal.patience)
}

/**
 * The least number of agents that reaches the goal.
 * @example
 * agentsFor({ callsPerHour: 100, handling: 180_000, share: 0.8, within: 20_000 }).agents // 8
 */
export const agentsFor = (goal: StaffingGoal): Staffing => {
  const { share, within, maxOccupancy = 1, shrinkage = 0 } = goal
  const load = offeredLoad({ arrivalRate: goal.callsPerHour / HOUR, handling: goal.handling })
  for (let agents = 1; ; agents++) {
    // Without patience, fewer than the load can never do: no need to try them.
    if (goal.patience === undefined && agents <= load) continue
    const performance = performanceOf(goal, agents)
    if (performance.serviceLevel(within) < share || performance.occupancy > maxOccupancy) continue
    return { ...performance, agents, scheduled: Math.ceil(agents / (1 - shrinkage)) }
  }
}
