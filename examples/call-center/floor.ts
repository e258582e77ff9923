import type { Registrar } from 'cordboard'
import type { Agent, AgentOptions, AgentStatus, ContactCenter, Queue } from 'cordboard/contact'
import { isDeepStrictEqual } from 'node:util'
import { userOf } from './admission.js'
import { failurePolicies } from './agent-settings.js'
import type { ConfiguredAgent } from './agent-settings.js'
import type { Prompts } from './prompts.js'
import { queueOptions } from './queue-options.js'
import type { ConfiguredQueue } from './queue-settings.js'
import type { Recordings } from './recordings.js'
import type { Settings } from './settings.js'
import type { TalkFile } from './talk-files.js'

/** A queue that the settings name. */
export interface OpenQueue {
  readonly queue: Queue
  readonly settings: ConfiguredQueue
  /** What the queue asks of agents into which this one overflows. */
  readonly targetRequires: ConfiguredQueue['requires']
}

/** What queues and agents are made of. */
export interface FloorParts {
  readonly center: ContactCenter
  readonly registrar: Registrar
  readonly prompts: Prompts
  readonly recordings: Recordings
  readonly talkFile: TalkFile
  /** The address of record of an account. */
  readonly aor: (user: string) => string
}

/** An agent that the settings name. */
interface SeatedAgent {
  readonly agent: Agent
  readonly settings: ConfiguredAgent
}

/** The queues and agents that the settings name, kept as the settings say while calls go on. */
export class Floor {
  readonly #parts: FloorParts
  readonly #queues = new Map<string, OpenQueue>()
  /** Queues that are closed to new callers, but still have some. */
  readonly #closing = new Map<string, OpenQueue>()
  readonly #agents = new Map<string, SeatedAgent>()
  /** Breaks and sign-outs that agents chose, which a telephone that registers anew leaves as they are. */
  readonly #chosen = new Map<string, AgentStatus>()

  constructor(parts: FloorParts) {
    this.#parts = parts
    const { center, registrar } = parts
    // An agent is available while a telephone of its is registered, unless it said otherwise.
    registrar.on('registered', aor => this.#agents.get(userOf(aor))?.agent.setStatus(this.#chosen.get(userOf(aor)) ?? { type: 'available' }))
    registrar.on('unregistered', aor => this.#agents.get(userOf(aor))?.agent.setStatus({ type: 'logged-out' }))
    center.on('fact', fact => {
      if (fact.type === 'left' || fact.type === 'ended') this.#closeIfEmpty(fact.queue)
    })
  }

  /** Open queues by name. */
  get queues(): ReadonlyMap<string, OpenQueue> {
    return this.#queues
  }

  /** By user. */
  get agents(): ReadonlyMap<string, Agent> {
    return new Map([...this.#agents].map(([user, { agent }]) => [user, agent]))
  }

  /** Signs an agent in or out, or sends it on a break. False: there is no such agent. */
  setStatus(user: string, status: AgentStatus): boolean {
    const seated = this.#agents.get(user)
    if (seated === undefined) return false
    if (status.type === 'available') this.#chosen.delete(user)
    else this.#chosen.set(user, status)
    seated.agent.setStatus(status)
    // Whoever says that it is available has wrapped up.
    if (status.type === 'available') seated.agent.endWrapUp()
    return true
  }

  /**
   * Opens, changes and closes queues, seats and dismisses agents, until all is as the settings say. Callers in a queue that is no more
   * named wait on; it closes behind the last of them.
   */
  arrange({ queues, agents }: Settings): void {
    for (const [name, settings] of Object.entries(queues)) this.#keep(name, settings, queues)
    for (const [name, open] of [...this.#queues]) if (!Object.hasOwn(queues, name)) this.#close(name, open)
    for (const [user, seated] of [...this.#agents]) {
      if (seated.agent.uri !== this.#uriOf(user, agents.people[user])) this.#dismiss(user, seated)
    }
    for (const [user, person] of Object.entries(agents.people)) {
      const { wrapUp = agents.wrapUp, queues: seats = everyQueue(queues) } = person
      this.#seat(user, { ...person, wrapUp, failures: { ...agents.failures, ...person.failures }, queues: seats })
    }
  }

  /** Opens a queue, or changes it where its settings have changed. */
  #keep(name: string, settings: ConfiguredQueue, queues: Settings['queues']): void {
    const present = this.#queues.get(name) ?? this.#closing.get(name)
    const { center, prompts, recordings, talkFile } = this.#parts
    const target = settings.overflow?.to
    const targetRequires = target !== undefined && 'queue' in target ? queues[target.queue]?.requires : undefined
    const options = queueOptions(settings, targetRequires, prompts, recordings, talkFile)
    const queue = present?.queue ?? center.queue(name, options)
    this.#closing.delete(name)
    this.#queues.set(name, { queue, settings, targetRequires })
    if (isDeepStrictEqual([present?.settings, present?.targetRequires], [settings, targetRequires])) return
    if (present !== undefined) queue.configure({ ...NOTHING, ...options })
    const { emergency } = settings
    queue.setEmergency(emergency && { announcement: prompts.sound(emergency.announcement), fallback: emergency.fallback, ringFor: emergency.ringFor * 1_000 })
  }

  #close(name: string, open: OpenQueue): void {
    this.#queues.delete(name)
    this.#closing.set(name, open)
    this.#closeIfEmpty(name)
  }

  #closeIfEmpty(name: string): void {
    const closing = this.#closing.get(name)
    if (closing === undefined || closing.queue.figures().waiting > 0) return
    this.#closing.delete(name)
    void closing.queue[Symbol.asyncDispose]()
  }

  /** Undefined for who is no agent any more. */
  #uriOf(user: string, person: ConfiguredAgent | undefined): string | undefined {
    return person === undefined ? undefined : (person.uri ?? this.#parts.aor(user))
  }

  #dismiss(user: string, { agent }: SeatedAgent): void {
    this.#agents.delete(user)
    this.#chosen.delete(user)
    void agent[Symbol.asyncDispose]()
  }

  #seat(user: string, settings: ConfiguredAgent): void {
    const { center, prompts } = this.#parts
    const present = this.#agents.get(user)
    const agent = present?.agent ?? center.agent({ uri: this.#uriOf(user, settings)!, ...agentOptions(settings, prompts) })
    this.#agents.set(user, { agent, settings })
    if (present !== undefined && !isDeepStrictEqual(present.settings, settings)) agent.configure({ accept: undefined, ...agentOptions(settings, prompts) })
    for (const [name, { queue }] of [...this.#queues, ...this.#closing]) {
      const member = settings.queues?.[name]
      if (member === undefined && !this.#closing.has(name)) queue.remove(agent)
      else if (member !== undefined && !isDeepStrictEqual(present?.settings.queues?.[name], member)) queue.add(agent, member)
    }
    if (present === undefined || present.settings.available !== settings.available) void this.#signIn(user, agent, settings)
  }

  /** Agents outside are there when the settings say so, the others when a telephone of theirs is registered. */
  async #signIn(user: string, agent: Agent, { uri, available }: ConfiguredAgent): Promise<void> {
    const there = uri === undefined ? (await this.#parts.registrar.lookup(this.#parts.aor(user))).length > 0 : available
    agent.setStatus(there ? this.#chosen.get(user) ?? { type: 'available' } : { type: 'logged-out' })
  }
}

const everyQueue = (queues: Settings['queues']): NonNullable<ConfiguredAgent['queues']> =>
  Object.fromEntries(Object.keys(queues).map(name => [name, { tier: 1, rank: 0, weight: 1 }]))

/** What a queue may have and its new settings may lack. */
const NOTHING = { exitOn: undefined, callback: undefined, announce: undefined, overflow: undefined, hours: undefined, holdLimit: undefined, record: undefined, whisper: undefined } as const

const agentOptions = ({ uri, accept, skills, wrapUp = 0, failures }: ConfiguredAgent, prompts: Prompts): Omit<AgentOptions, 'uri'> => ({
  skills,
  wrapUp: wrapUp * 1_000,
  failures: failurePolicies(failures),
  ...(uri === undefined || accept === false ? {} : { accept: { prompt: prompts.file('accept-call'), digit: accept } }),
})
