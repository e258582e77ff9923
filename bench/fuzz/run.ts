import type { Random } from '../../src/core/random.js'
import { seededRandom } from '../../src/core/random.js'
import { isCordboardError } from '../../src/core/errors.js'
import { parseDescription } from '../../src/sdp/description.js'
import { LIMITS } from '../../src/sip/message/limits.js'
import { parseMessage } from '../../src/sip/message/parser.js'
import { StreamFramer } from '../../src/sip/message/stream-framer.js'
import { writeMessage } from '../../src/sip/message/writer.js'
import { ALONE, CALL, INVITE, TAG, WITHIN } from './corpus.js'
import { mutated, oneOf } from './mutation.js'
import { SLOW_MS, Stopwatch } from './stopwatch.js'
import { Victim } from './victim.js'

/** What a run found. */
export interface FuzzReport {
  readonly messages: number
  /** Messages that were read in spite of all. */
  readonly understood: number
  /** The longest that one message took, in ms of CPU time, by what took it. */
  readonly slowest: Readonly<Record<FuzzedPart, number>>
  /** What went wrong, with the message (base64) that did it. */
  readonly failures: readonly string[]
}

export type FuzzedPart = 'parser' | 'framer' | 'user agent'

export interface FuzzOptions {
  readonly seed: number
  /** Asked before each batch. */
  readonly goOn: (messages: number) => boolean
  /** Milliseconds of CPU time that no message may take, several times over. @default 5 */
  readonly slowMs?: number
}

/** Messages between two looks at what is left. */
const BATCH = 500

/** Throws mutated messages at the parser, the framer and a whole user agent, in turn. */
export const fuzz = async ({ seed, goOn, slowMs = SLOW_MS }: FuzzOptions): Promise<FuzzReport> => new Run(seed, slowMs).run(goOn)

class Run {
  readonly #random: Random
  readonly #watch: Stopwatch<FuzzedPart>
  #victim!: Victim
  #framer = new StreamFramer()
  #messages = 0
  #understood = 0

  constructor(readonly seed: number, slowMs: number) {
    this.#watch = new Stopwatch(['parser', 'framer', 'user agent'], slowMs)
    this.#random = seededRandom(seed)
  }

  async run(goOn: (messages: number) => boolean): Promise<FuzzReport> {
    this.#victim = await Victim.open(this.seed)
    while (goOn(this.#messages)) await this.#batch()
    return { messages: this.#messages, understood: this.#understood, slowest: this.#watch.slowest, failures: this.#watch.failures }
  }

  async #batch(): Promise<void> {
    for (let count = 0; count < BATCH; count++) {
      const bytes = await this.#message()
      this.#messages++
      this.#watch.run('parser', bytes, () => this.#parse(bytes))
      this.#watch.run('framer', bytes, () => this.#frame(bytes))
      const byConnection = this.#random.float() < 0.3
      this.#watch.run('user agent', bytes, () => this.#victim.send(bytes, byConnection))
      await this.#victim.clock.settle(this.#random.float() < 0.2 ? 700 : 0)
    }
    await this.#victim.rest()
    const { remains } = this.#victim
    if (remains.some(left => left !== 0)) {
      this.#watch.failures.push(`left after message ${this.#messages} of seed ${this.seed}: ${remains.join()} (dialogs, sessions, client, server, faults)`)
      this.#victim = await Victim.open(this.seed)
    }
  }

  /** A lone message, or one within a dialog that a good INVITE has just begun. */
  async #message(): Promise<Buffer> {
    const random = this.#random
    const call = String(this.#messages)
    if (random.float() < 0.6) return mutated(filled(oneOf(ALONE, random), call, ''), random)
    this.#victim.send(filled(INVITE, call, ''), false)
    await this.#victim.clock.settle(1)
    const tag = this.#victim.tags.get(`${call}@fuzz`) ?? 'none'
    if (random.float() < 0.5) this.#victim.send(filled(WITHIN[0]!, call, tag), false)
    return mutated(filled(oneOf(WITHIN, random), call, tag), random)
  }

  #parse(bytes: Buffer): void {
    const outcome = parseMessage(bytes)
    if (outcome.type !== 'message') return
    this.#understood++
    const { message } = outcome
    const again = parseMessage(writeMessage(message))
    if (again.type !== 'message') throw new Error('what is written is not read')
    try {
      parseDescription(Buffer.from(message.body).toString())
    } catch (error) {
      if (!isCordboardError(error)) throw error
    }
  }

  /** In pieces, and after whatever came before; a stream that has lost its framing is closed. */
  #frame(bytes: Buffer): void {
    let lost = false
    for (let at = 0; at < bytes.length && !lost;) {
      const size = 1 + Math.floor(this.#random.float() * (this.#random.float() < 0.5 ? 40 : 4_000))
      lost = this.#framer.push(bytes.subarray(at, at + size)).some(({ type }) => type === 'error')
      at += size
    }
    if (this.#framer.held > LIMITS.message) throw new Error(`the framer holds ${this.#framer.held} bytes`)
    if (lost || this.#framer.held > 0) this.#framer = new StreamFramer()
  }
}

const filled = (text: string, call: string, tag: string): Buffer => Buffer.from(text.replaceAll(CALL, call).replaceAll(TAG, tag), 'latin1')
