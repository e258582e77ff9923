export type { Acceptance, Agent, AgentOptions } from './agent.js'
export { createContactCenter, type ContactCenter, type ContactCenterEvents, type ContactCenterOptions } from './contact-center.js'
export type { Dialler } from './dialler.js'
export { AgentFold, teamFigures, type AgentActivity, type AgentFigures } from './figures/agent-figures.js'
export { IntervalFold, type IntervalOptions, type IntervalRow } from './figures/interval-figures.js'
export { addContactMetrics } from './figures/metrics.js'
export { QueueFold, type QueueFigures } from './figures/queue-figures.js'
export type { ServiceLevelFormula, ServiceLevelOptions } from './figures/service-level.js'
export type { InteractionOutcome, InteractionRecord, InteractionStore } from './interaction-record.js'
export { opennessAt, type OpeningHours, type Openness, type OpenSpan, type Weekday } from './opening-hours.js'
export type { Emergency, Queue, QueueEvent } from './queue.js'
export type { AnnouncementOptions, CallbackOptions, EnterOptions, QueueOptions, QueueOutcome } from './queue-options.js'
export type { Fact, LeaveOutcome, OfferEnd, RoutingAction } from './routing/action.js'
export type { Departure, JoinEvent, OfferId, RoutingEvent } from './routing/event.js'
export { parseExpression, type Expression, type Skills } from './routing/expression.js'
export { route } from './routing/router.js'
export type {
  AgentId, AgentPredicate, AgentSettings, AgentState, AgentStatus, AgentView, Channel, CustomStrategy, FailurePolicy, InteractionId, MemberSettings,
  OfferFailure, OverflowSettings, OverflowTarget, QueueId, QueueSettings, RelaxStep, Requirement, Strategy, WaitingView,
} from './routing/settings.js'
export { initialRouting, type RoutingState } from './routing/state.js'
export { WaitEstimate, type EstimateError } from './wait-estimate.js'
export {
  constant, empirical, exponential, logNormal, poissonArrivals, type ArrivalProfile, type Distribution,
} from './simulation/distribution.js'
export { erlangA, erlangB, erlangC, offeredLoad, type Performance, type Traffic } from './simulation/erlang.js'
export { forecast, type ForecastOptions, type HistoryEntry } from './simulation/forecast.js'
export { simulate, type SimulatedAgent, type SimulatedCall, type SimulatedStay, type SimulationOptions } from './simulation/simulate.js'
export { agentsFor, performanceOf, type Staffing, type StaffingGoal } from './simulation/staffing.js'
