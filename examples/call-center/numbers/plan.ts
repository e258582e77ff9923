import type { Server } from 'cordboard'
import { userOf } from '../admission.js'
import type { Admission } from '../admission.js'
import type { Floor } from '../floor.js'
import type { Acquaintances } from '../acquaintances.js'
import type { Journal } from '../journal.js'
import type { Prompts } from '../prompts.js'
import type { Settings } from '../settings.js'
import { digits } from './digits.js'
import { echo } from './echo.js'
import type { Handler } from './handler.js'
import { keepLine } from './line.js'
import { menu } from './menu.js'
import { createOperator } from './people.js'
import { enterQueue } from './queues.js'
import { record } from './record.js'
import { enterRoom } from './rooms.js'
import { signIn } from './sign-in.js'
import { tone } from './tone.js'

/** What the numbers are made of. */
export interface NumberingParts {
  readonly server: Server
  readonly admission: Admission
  readonly prompts: Prompts
  readonly floor: Floor
  readonly acquaintances: Acquaintances
  readonly journal: Journal
  readonly supervisor: string
  /** As they are now. */
  readonly settings: () => Settings
  /** The address of record of an account. */
  readonly aor: (user: string) => string
}

/** The numbers of the server; what is not among them gets 404. */
export class NumberingPlan {
  readonly #parts: NumberingParts
  readonly #fixed: ReadonlyMap<string, Handler>
  readonly #person: Handler
  /** Numbers that the server hands to this plan. */
  readonly #connected = new Set<string>()

  constructor(parts: NumberingParts) {
    this.#parts = parts
    const { server, admission: { everyone, accounts }, prompts, floor, journal, supervisor, aor } = parts
    const { ring, ringOr } = createOperator(journal)
    this.#person = ring(call => {
      const user = userOf(call.request.uri)
      return floor.agents.get(user)?.uri ?? aor(user)
    })
    const firstQueue: Handler = async call => this.#queue(floor.queues.keys().next().value ?? '')?.(call)
    const operator = ringOr(aor(supervisor), firstQueue)
    this.#fixed = new Map<string, Handler>([
      ['600', echo],
      ['601', tone],
      ['602', record(prompts, journal)],
      ['603', digits(prompts)],
      ['700', menu(prompts, () => parts.settings().menu, name => (name === 'operator' ? operator : this.#queue(name)))],
    ])
    for (const [number, handler] of this.#fixed) server.handle(`sip:${number}@*`, everyone(handler))
    server.handle('sip:604@*', accounts(signIn(floor, prompts, () => parts.settings().agents)))
    server.handle('sip:605@*', accounts(keepLine(floor, prompts, journal, () => parts.settings().agents)))
    server.handle('sip:8[0-9][0-9]@*', everyone(enterRoom(server, prompts)))
  }

  /** Connects the numbers of queues and agents that have come since the last time. */
  connect(): void {
    const { server, floor, journal } = this.#parts
    for (const number of [...[...floor.queues.values()].map(({ settings }) => settings.number), ...floor.agents.keys()]) {
      if (this.#connected.has(number)) continue
      this.#connected.add(number)
      server.handle(`sip:${number}@*`, async call => {
        const handler = this.#admitted(number)
        if (handler !== undefined) return handler(call)
        journal.omit(call)
        await call.reject(404)
      })
    }
  }

  /** What a number does, and for whom, by what the settings say now. */
  #admitted(number: string): Handler | undefined {
    const { floor, admission: { everyone, accounts } } = this.#parts
    const queue = this.#queueAt(number)
    if (queue !== undefined) return everyone(queue)
    return floor.agents.has(number) ? accounts(this.#person) : undefined
  }

  #queueAt(number: string): Handler | undefined {
    for (const [name, { settings }] of this.#parts.floor.queues) if (settings.number === number) return this.#queue(name)
    return undefined
  }

  #queue(name: string): Handler | undefined {
    const open = this.#parts.floor.queues.get(name)
    return open && enterQueue(open, { ...this.#parts, handlerOf: number => this.#fixed.get(number) ?? this.#queueAt(number) })
  }
}
