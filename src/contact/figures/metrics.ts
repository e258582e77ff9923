import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Agent } from '../agent.js'
import type { ContactCenter } from '../contact-center.js'
import type { Fact } from '../routing/action.js'
import { activityOf } from './agent-figures.js'
import type { AgentActivity } from './agent-figures.js'

/** Upper ends of the histograms' buckets, in seconds. */
const BUCKETS = [1, 5, 10, 20, 30, 60, 120, 300, 600, 1_800]

/**
 * Adds a contact centre's figures to a Prometheus registry; names and meanings are in `docs/metrics.md`.
 * @example
 * addContactMetrics(center, server.metrics)
 */
export const addContactMetrics = (center: ContactCenter, registry: Registry): void => {
  const registers = [registry]
  const offered = new Counter({ name: 'cordboard_queue_offered_total', help: 'Interactions that entered a queue', labelNames: ['queue', 'channel'], registers })
  const answered = new Counter({ name: 'cordboard_queue_answered_total', help: 'Interactions that an agent answered', labelNames: ['queue', 'channel'], registers })
  const left = new Counter({ name: 'cordboard_queue_left_total', help: 'Interactions that left a queue without an agent', labelNames: ['queue', 'outcome'], registers })
  const missed = new Counter({ name: 'cordboard_offers_ended_total', help: 'Offers to agents that ended without an answer', labelNames: ['queue', 'reason'], registers })
  const waits = new Histogram({ name: 'cordboard_queue_wait_seconds', help: 'Waits of answered interactions', labelNames: ['queue'], buckets: BUCKETS, registers })
  const talks = new Histogram({ name: 'cordboard_queue_talk_seconds', help: 'Talks', labelNames: ['queue'], buckets: BUCKETS, registers })
  const note = (fact: Fact): void => {
    if (fact.type === 'joined') offered.inc({ queue: fact.queue, channel: fact.channel })
    if (fact.type === 'left') left.inc({ queue: fact.queue, outcome: fact.outcome })
    if (fact.type === 'offer-ended') missed.inc({ queue: fact.queue, reason: fact.reason })
    if (fact.type === 'ended') talks.observe({ queue: fact.queue }, fact.talked / 1_000)
    if (fact.type !== 'answered') return
    answered.inc({ queue: fact.queue, channel: fact.channel })
    waits.observe({ queue: fact.queue }, fact.waited / 1_000)
  }
  center.on('fact', note)
  addGauges(center, registers)
  addAgentTimes(center, registers)
}

/** Time of agents in each state; it goes on counting where an agent is taken away and comes again. */
const addAgentTimes = (center: ContactCenter, registers: Registry[]): void => {
  const counted = new WeakMap<Agent, Map<string, number>>()
  const count = (agent: Agent): void => {
    const known = counted.get(agent) ?? new Map<string, number>()
    counted.set(agent, known)
    for (const [state, ms] of Object.entries(agent.figures().time)) {
      const more = ms - (known.get(state) ?? 0)
      if (more > 0) seconds.inc({ agent: agent.uri, state }, more / 1_000)
      known.set(state, ms)
    }
  }
  const seconds = new Counter({
    name: 'cordboard_agent_seconds_total', help: 'Time of agents by what they were doing', labelNames: ['agent', 'state'], registers,
    collect: () => {
      for (const agent of center.agents.values()) count(agent)
    },
  })
  center.on('fact', fact => {
    const agent = fact.type === 'agent-removed' ? center.agents.get(fact.agent) : undefined
    if (agent !== undefined) count(agent)
  })
}

/** What is read at the scrape. */
const addGauges = (center: ContactCenter, registers: Registry[]): void => {
  const gauge = (name: string, help: string, label: string, collect: (set: (value: string, figure: number) => void) => void): void => {
    new Gauge({
      name, help, labelNames: [label], registers,
      collect() {
        this.reset()
        collect((value, figure) => this.set({ [label]: value }, figure))
      },
    })
  }
  gauge('cordboard_queue_waiting', 'Interactions waiting', 'queue', set => {
    for (const [name, queue] of center.queues) set(name, queue.figures().waiting)
  })
  gauge('cordboard_queue_longest_wait_seconds', 'Longest wait of those waiting', 'queue', set => {
    for (const [name, queue] of center.queues) set(name, queue.figures().longestWait / 1_000)
  })
  gauge('cordboard_queue_service_level', 'Share answered in time, by the formula of the queue', 'queue', set => {
    for (const [name, queue] of center.queues) set(name, queue.figures().serviceLevel ?? NaN)
  })
  gauge('cordboard_queue_estimate_error_seconds', 'Mean distance between estimated and actual waits', 'queue', set => {
    for (const [name, queue] of center.queues) set(name, queue.estimateError.meanAbsolute / 1_000)
  })
  gauge('cordboard_queue_estimate_bias_seconds', 'Mean of estimated less actual waits', 'queue', set => {
    for (const [name, queue] of center.queues) set(name, queue.estimateError.bias / 1_000)
  })
  gauge('cordboard_agents', 'Agents by what they are doing', 'state', set => {
    const counts = new Map<AgentActivity, number>()
    for (const { status, state } of center.agents.values()) {
      const activity = activityOf(status, state)
      counts.set(activity, (counts.get(activity) ?? 0) + 1)
    }
    for (const [activity, count] of counts) set(activity, count)
  })
}
