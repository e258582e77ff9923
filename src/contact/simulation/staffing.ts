import { CordboardError } from '../../core/errors.js'
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

/** Agents that reach a goal, and how they fare. */
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

/** @throws CordboardError `CONTACT_BAD_OPTION`: no number of agents would do. */
const checkGoal = ({ callsPerHour, handling, share, within, patience = 1, maxOccupancy = 1, shrinkage = 0 }: StaffingGoal): void => {
  const wrong = [
    ['callsPerHour', callsPerHour, callsPerHour >= 0, '0 or more'], ['handling', handling, handling > 0, 'above 0'], ['share', share, share >= 0 && share < 1, 'below 1'],
    ['within', within, within >= 0, '0 or more'], ['patience', patience, patience > 0, 'above 0'], ['maxOccupancy', maxOccupancy, maxOccupancy > 0, 'above 0'],
    ['shrinkage', shrinkage, shrinkage >= 0 && shrinkage < 1, 'below 1'],
  ] as const
  const first = wrong.find(([, value, right]) => !right || !Number.isFinite(value))
  if (first !== undefined) throw new CordboardError('CONTACT_BAD_OPTION', `${first[0]} is ${first[1]}, but must be a number ${first[3]}`)
}

/**
 * The least number of agents that reaches the goal.
 * @throws CordboardError `CONTACT_BAD_OPTION`.
 * @example
 * agentsFor({ callsPerHour: 100, handling: 180_000, share: 0.8, within: 20_000 }).agents // 8
 */
export const agentsFor = (goal: StaffingGoal): Staffing => {
  checkGoal(goal)
  const { share, within, maxOccupancy = 1, shrinkage = 0 } = goal
  const reaches = ({ serviceLevel, occupancy }: Performance): boolean => serviceLevel(within) >= share && occupancy <= maxOccupancy
  // More agents never do worse: doubling finds enough, halving the least.
  let enough = Math.max(1, Math.ceil(offeredLoad({ arrivalRate: goal.callsPerHour / HOUR, handling: goal.handling })))
  while (!reaches(performanceOf(goal, enough))) enough *= 2
  for (let least = 0; enough - least > 1;) {
    const middle = Math.floor((least + enough) / 2)
    if (reaches(performanceOf(goal, middle))) enough = middle
    else least = middle
  }
  return { ...performanceOf(goal, enough), agents: enough, scheduled: Math.ceil(enough / (1 - shrinkage)) }
}
