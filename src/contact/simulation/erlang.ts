/** What arrives at a group of agents. All rates and times in one unit, say per millisecond and milliseconds. */
export interface Traffic {
  /** Calls per unit of time. */
  readonly arrivalRate: number
  /** Mean time that an agent is taken up by a call: talk and wrap-up. */
  readonly handling: number
}

/** How a group of agents fares in the long run. */
export interface Performance {
  /** Share of calls that wait at all. */
  readonly waitProbability: number
  /** Mean wait of all calls, those that don't wait and those that give up among them. */
  readonly averageWait: number
  /** Share of calls that give up. */
  readonly abandonProbability: number
  /** Share of the agents' time that is taken up. */
  readonly occupancy: number
  /** Share of all calls that are answered within `ms`. */
  serviceLevel(ms: number): number
}

/** Offered load in erlangs. */
export const offeredLoad = ({ arrivalRate, handling }: Traffic): number => arrivalRate * handling

/** Erlang B: the share of calls lost where nobody can wait (Erlang, 1917). */
export const erlangB = (load: number, agents: number): number => {
  let inverse = 1
  for (let n = 1; n <= agents; n++) inverse = 1 + inverse * n / load
  return load <= 0 ? Number(agents <= 0) : 1 / inverse
}

/** A group that cannot keep up: waits grow without bound. */
const OVERLOADED: Performance = { waitProbability: 1, averageWait: Infinity, abandonProbability: 0, occupancy: 1, serviceLevel: () => 0 }

/** Erlang C: Poisson arrivals, exponential handling, endless patience (M/M/n). */
export const erlangC = (traffic: Traffic, agents: number): Performance => {
  const load = offeredLoad(traffic)
  if (load >= agents) return OVERLOADED
  const lost = erlangB(load, agents)
  const occupancy = load / agents
  const waitProbability = lost / (1 - occupancy * (1 - lost))
  const surplus = (agents - load) / traffic.handling
  return {
    waitProbability, occupancy,
    averageWait: waitProbability / surplus,
    abandonProbability: 0,
    serviceLevel: ms => 1 - waitProbability * Math.exp(-surplus * ms),
  }
}

const STEPS = 2_000

/** Simpson's rule. */
const integrate = (f: (x: number) => number, to: number): number => {
  const h = to / STEPS
  let sum = f(0) + f(to)
  for (let step = 1; step < STEPS; step++) sum += f(step * h) * (step % 2 === 0 ? 2 : 4)
  return sum * h / 3
}

/**
 * Erlang A: as Erlang C, but callers give up after an exponential patience (M/M/n+M; Palm, 1943). From the density of the
 * wait that a caller of endless patience would have (Baccelli and Hebuterne, 1981).
 * @param patience mean, in the traffic's unit of time.
 */
export const erlangA = (traffic: Traffic, agents: number, patience: number): Performance => {
  const { arrivalRate, handling } = traffic
  const load = offeredLoad(traffic)
  const exponent = (x: number): number => arrivalRate * patience * -Math.expm1(-x / patience) - agents / handling * x
  // Its greatest value, taken out so that large groups don't overflow.
  const peak = Math.max(0, exponent(patience * Math.log(Math.max(1, load / agents))))
  let horizon = handling
  while (exponent(horizon) - peak > -40) horizon *= 1.5
  const density = (x: number): number => arrivalRate * Math.exp(exponent(x) - peak)
  // States with a free agent, relative to the one with a single free agent: the sum that Erlang B inverts.
  const free = Math.exp(-peak) / erlangB(load, agents - 1)
  const waiting = integrate(density, horizon)
  const whole = free + waiting
  const stays = (x: number): number => density(x) * Math.exp(-x / patience)
  const abandonProbability = (waiting - integrate(stays, horizon)) / whole
  return {
    waitProbability: waiting / whole,
    averageWait: abandonProbability * patience,
    abandonProbability,
    occupancy: load * (1 - abandonProbability) / agents,
    serviceLevel: ms => (free + integrate(stays, Math.min(ms, horizon))) / whole,
  }
}
