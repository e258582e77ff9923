import type { Call, Uri } from '../call/call.js'
import type { Dialler } from './dialler.js'
import type { QueueOptions } from './queue-options.js'
import type { InteractionId } from './routing/settings.js'
import { faultUnlessEnded, TalkRecording } from './stay.js'
import type { CallStay, Connection, StayContext } from './stay.js'
import { Talk } from './talk.js'

const RING_MS = 30_000
const ATTEMPTS = 3
/** What the agent hears while the customer's telephone rings. */
const RINGING = { tone: '425/1000,4000' } as const

/** A customer who has hung up and kept the place: when an agent has answered, the customer is called. */
export class Callback implements CallStay {
  readonly pending = true
  readonly #id: InteractionId
  readonly #customer: Uri
  readonly #shown: Uri
  readonly #dialler: Dialler
  readonly #context: StayContext
  readonly #onEnd: () => void
  #options: QueueOptions
  #attempts = 0

  /** @param shown identity that the customer is shown. */
  constructor(id: InteractionId, parties: { readonly customer: Uri; readonly shown: Uri }, options: QueueOptions, dialler: Dialler, context: StayContext, onEnd: () => void) {
    this.#id = id
    this.#customer = parties.customer
    this.#shown = parties.shown
    this.#options = options
    this.#dialler = dialler
    this.#context = context
    this.#onEnd = onEnd
  }

  get from(): Uri {
    return this.#customer
  }

  connect(connection: Connection): void {
    void this.#context.track(this.#serve(connection))
  }

  leave(): void {
    this.#context.finish(this.#id)
    this.#onEnd()
  }

  move(options: QueueOptions): void {
    this.#options = options
  }

  announce(): void {
    // Nobody listens.
  }

  async #serve(connection: Connection): Promise<void> {
    this.#attempts++
    const { signal } = connection.call
    const customer = await this.#reach(connection.call)
    if (customer !== undefined) return this.#talk(customer, connection)
    // An agent who has hung up before the customer was there has not served it: the next one tries.
    const deserted = signal.aborted || this.#context.signal.aborted
    const again = deserted && this.#attempts < (this.#options.callback?.attempts ?? ATTEMPTS)
    this.#context.send(again ? { type: 'dropped', interaction: this.#id } : { type: 'missed', interaction: this.#id, deserted })
    await connection.release().catch(error => this.#context.fault(error))
  }

  /** The customer's call, once it has answered; undefined where it does not, or the agent has gone meanwhile. */
  async #reach(agent: Call): Promise<Call | undefined> {
    const signal = AbortSignal.any([agent.signal, this.#context.signal])
    const ringing = new AbortController()
    try {
      await this.#whisper(agent, signal)
      agent.play(RINGING, { loop: true, signal: ringing.signal }).catch(() => undefined)
      const outcome = await this.#dialler.dial(this.#customer, { from: this.#shown, ringFor: this.#options.callback?.ringFor ?? RING_MS, signal })
      return outcome.type === 'answered' ? outcome.call : undefined
    } catch (error) {
      if (!signal.aborted) this.#context.fault(error)
      return undefined
    } finally {
      ringing.abort()
    }
  }

  async #whisper(agent: Call, signal: AbortSignal): Promise<void> {
    const { whisper } = this.#options
    if (whisper === undefined) return
    try {
      await agent.play(whisper, { signal })
    } catch (error) {
      if (!signal.aborted) this.#context.fault(error)
    }
  }

  async #talk(customer: Call, connection: Connection): Promise<void> {
    const { agent } = connection
    const { clock, signal } = this.#context
    this.#context.send({ type: 'began', interaction: this.#id })
    const recording = new TalkRecording(this.#context, customer, () => this.#options.record?.(customer, agent))
    try {
      const ringAgain = (ringing: AbortSignal): Promise<Call | undefined> => this.#context.ringAgain(agent.uri, this.#customer, ringing)
      await new Talk(customer, connection, { clock, signal, holdLimit: this.#options.holdLimit, ringAgain }).run()
    } catch (error) {
      faultUnlessEnded(this.#context, error)
    }
    const recorded = recording.stop()
    this.#context.send({ type: 'ended', interaction: this.#id })
    await Promise.all([connection.release(), customer.hangup()]).catch(error => this.#context.fault(error))
    this.#context.finish(this.#id, { recording: await recorded })
    this.#onEnd()
  }
}
