import type { Test } from 'tap'
import { once } from 'node:events'
import type { Call } from '../../src/call/call.js'
import type { Agent, AgentOptions } from '../../src/contact/agent.js'
import { createContactCenter } from '../../src/contact/contact-center.js'
import type { ContactCenter, ContactCenterOptions } from '../../src/contact/contact-center.js'
import type { InteractionRecord } from '../../src/contact/interaction-record.js'
import type { Queue } from '../../src/contact/queue.js'
import type { EnterOptions, QueueOptions, QueueOutcome } from '../../src/contact/queue-options.js'
import type { Fact } from '../../src/contact/routing/action.js'
import { createServer, type CallHandler, type Server } from '../../src/server.js'

const FIRST_PORT = 51_000 + 1_000 * (Number(process.env['TAP_JOB_ID'] ?? 0) % 3)

/** Two servers that all tests of a file share, since a media worker takes its time to start: the offices', and that of all telephones. */
export class Exchange {
  #offices = 0

  private constructor(readonly server: Server, readonly phones: Server) {}

  static async open(t: Test): Promise<Exchange> {
    const start = (first: number): Promise<Server> => createServer({ listen: 'udp://127.0.0.1:0', rtpPorts: [first, first + 399], workers: 1 })
    const exchange = new Exchange(...await Promise.all([start(FIRST_PORT), start(FIRST_PORT + 400)]))
    t.teardown(() => Promise.all([exchange.server.close(), exchange.phones.close()]))
    return exchange
  }

  /** Marks the users of one office. */
  mark(): string {
    return `-${++this.#offices}`
  }
}

/** A contact centre with agents and callers of its own: whole stacks over real sockets. */
export class Office {
  readonly facts: Fact[] = []
  readonly records: InteractionRecord[] = []
  readonly outcomes: QueueOutcome[] = []
  readonly faults: Error[] = []
  readonly center: ContactCenter

  readonly server: Server
  readonly phones: Server
  readonly #mark: string

  private constructor(exchange: Exchange, options: Partial<ContactCenterOptions>) {
    this.server = exchange.server
    this.phones = exchange.phones
    this.#mark = exchange.mark()
    const { records, server } = this
    this.center = createContactCenter({
      server, ...options,
      store: { append: async record => { records.push(record) }, newest: async limit => records.slice(-limit).reverse() },
    })
    this.center.on('fact', fact => this.facts.push(fact))
    this.center.on('fault', fault => this.faults.push(fault))
  }

  /** Closes with the test, and fails it where something failed unseen. */
  static open(t: Test, exchange: Exchange, options: Partial<ContactCenterOptions> = {}): Office {
    const office = new Office(exchange, options)
    const note = (fault: Error): void => void office.faults.push(fault)
    for (const server of [exchange.server, exchange.phones]) server.on('fault', note)
    t.teardown(async () => {
      await office.center[Symbol.asyncDispose]()
      for (const server of [exchange.server, exchange.phones]) server.off('fault', note)
      if (office.faults.length > 0) throw new AggregateError(office.faults, office.faults.map(fault => fault.message).join('; '))
    })
    return office
  }

  uri(user: string): string {
    return `sip:${user}${this.#mark}@${this.phones.addresses[0]!.replace('udp://', '')}`
  }

  /** What a telephone of this office does when it is called. */
  phone(user: string, behaviour: CallHandler): void {
    this.phones.handle(`sip:${user}${this.#mark}@*`, behaviour)
  }

  /** A queue reached by calling its name. */
  queue(name: string, options: Partial<QueueOptions> = {}, enter: EnterOptions = {}, after: CallHandler = async () => undefined): Queue {
    const queue = this.center.queue(name, { strategy: 'longest-idle', hold: { tone: '425' }, ...options })
    this.server.handle(`sip:${name}${this.#mark}@*`, async call => {
      await call.answer()
      this.outcomes.push(await queue.enter(call, enter))
      await after(call)
    })
    return queue
  }

  /** An available agent whose telephone does as told; by default it answers and stays on the line. */
  agent(user: string, queues: readonly Queue[], options: Partial<AgentOptions> = {}, phone: CallHandler = answered): Agent {
    this.phone(user, phone)
    const agent = this.center.agent({ uri: this.uri(user), ...options })
    for (const queue of queues) queue.add(agent)
    agent.setStatus({ type: 'available' })
    return agent
  }

  /** Another number of the office's server. */
  number(user: string, behaviour: CallHandler): void {
    this.server.handle(`sip:${user}${this.#mark}@*`, behaviour)
  }

  /** A caller's telephone, on the line. */
  async call(user: string, from = 'sip:customer@example.org'): Promise<Call> {
    const outcome = await this.phones.dial(`sip:${user}${this.#mark}@${this.server.addresses[0]!.replace('udp://', '')}`, { from })
    if (outcome.type !== 'answered') throw new Error(`not answered: ${JSON.stringify(outcome)}`)
    return outcome.call
  }

  /** Resolves with the next fact of a type, or one that has been already, after `seen` others. */
  async fact<Type extends Fact['type']>(type: Type, seen = 0): Promise<Extract<Fact, { type: Type }>> {
    for (;;) {
      const found = this.facts.filter((fact): fact is Extract<Fact, { type: Type }> => fact.type === type)[seen]
      if (found !== undefined) return found
      await once(this.center, 'fact')
    }
  }

  /** Resolves when `count` stays are over and their records kept. */
  async settled(count = 1): Promise<void> {
    while (this.outcomes.length < count || this.records.length < count) await new Promise(resolve => setImmediate(resolve))
  }
}

/** A telephone that is picked up, until somebody hangs up. */
export const answered: CallHandler = async call => {
  await call.answer()
  await ended(call)
}

/** A telephone that rings, until the caller gives up. */
export const ringing: CallHandler = async call => {
  await call.progress()
  await ended(call)
}

export const ended = async (call: Call): Promise<void> => {
  if (!call.signal.aborted) await once(call.signal, 'abort')
}

/** Plays a tone for a while. */
export const sound = async (call: Call, tone: string, ms: number): Promise<void> => {
  const over = AbortSignal.timeout(ms)
  await call.play({ tone }, { signal: over }).catch(error => {
    if (!over.aborted) throw error
  })
}
