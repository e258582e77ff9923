import type { Uri } from '../call/call.js'
import type { Dialler } from './dialler.js'
import type { QueueOptions } from './queue-options.js'
import type { InteractionId } from './routing/settings.js'
import { faultUnlessEnded, TalkRecording } from './stay.js'
import type { CallStay, Connection, StayContext } from './stay.js'

const RING_MS = 30_000
const ATTEMPTS = 3
/** What the agent hears while the customer's telephone rings. */
const RINGING = { tone: '425/1000,4000' } as const

/** A customer who has hung up and kept the place: when an agent has answered, the customer is called. */
export class Callback implements CallStay {
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
    void this.#talk(connection)
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

  async #talk({ agent, call, release }: Connection): Promise<void> {
    let reached = false
    let deserted = false
    this.#attempts++
    let recording: TalkRecording | undefined
    const ringing = new AbortController()
    try {
      call.play(RINGING, { loop: true, signal: ringing.signal }).catch(() => undefined)
      const outcome = await this.#dialler.dial(this.#customer, {
        from: this.#shown, ringFor: this.#options.callback?.ringFor ?? RING_MS, signal: AbortSignal.any([call.signal, this.#context.signal]),
      })
      ringing.abort()
      deserted = outcome.type === 'cancelled' && !this.#context.signal.aborted
      if (outcome.type === 'answered') {
        reached = true
        recording = new TalkRecording(this.#context, outcome.call, () => this.#options.record?.(outcome.call, agent))
        await outcome.call.bridge(call, { signal: this.#context.signal }).finally(() => outcome.call.hangup())
      }
    } catch (error) {
      faultUnlessEnded(this.#context, error)
    }
    ringing.abort()
    // An agent who has hung up before the customer was there has not served it: the next one tries.
    if (deserted && this.#attempts < (this.#options.callback?.attempts ?? ATTEMPTS)) return this.#context.send({ type: 'dropped', interaction: this.#id })
    this.#context.send({ type: 'ended', interaction: this.#id })
    await release().catch(error => this.#context.fault(error))
    this.#context.finish(this.#id, { recording: (await recording?.stop()) ?? null, ...(reached ? {} : { outcome: 'missed' }) })
    this.#onEnd()
  }
}
