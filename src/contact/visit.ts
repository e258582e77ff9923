import type { Call, Uri } from '../call/call.js'
import { deferred, onAbort } from '../core/scope.js'
import type { Digit } from '../media/leg.js'
import { turnAway } from './closure.js'
import type { Closure } from './closure.js'
import { HoldSound, sameSound } from './hold-sound.js'
import { sendTo } from './overflow-target.js'
import type { QueueOptions, QueueOutcome } from './queue-options.js'
import type { LeaveOutcome } from './routing/action.js'
import type { InteractionId } from './routing/settings.js'
import { faultUnlessEnded, TalkRecording } from './stay.js'
import { Talk } from './talk.js'
import type { CallStay, Connection, StayContext } from './stay.js'

/** A caller's stay in a queue: waits with music, talks, and is given back to the call's handler. */
export class Visit implements CallStay {
  readonly #id: InteractionId
  readonly #call: Call
  readonly #context: StayContext
  readonly #enteredAt: number
  readonly #outcome = deferred<QueueOutcome | Promise<QueueOutcome>>()
  /** Aborts when the stay has ended without a talk. */
  readonly #left = new AbortController()
  readonly #sound: HoldSound
  #options: QueueOptions
  #signal: AbortSignal | undefined
  #exitDigit: Digit | undefined
  #closure: Closure | undefined

  constructor(id: InteractionId, call: Call, options: QueueOptions, context: StayContext) {
    this.#id = id
    this.#call = call
    this.#options = options
    this.#context = context
    this.#enteredAt = context.clock.now()
    this.#sound = new HoldSound(call, options.hold, context.fault)
  }

  get from(): Uri {
    return this.#call.from
  }

  get call(): Call {
    return this.#call
  }

  get pending(): boolean {
    return this.#options.whisper !== undefined
  }

  get options(): QueueOptions {
    return this.#options
  }

  /**
   * Waits for the end of the stay; routing has been told of it already.
   * @throws the reason of `signal` when that ends the waiting.
   */
  async run(signal: AbortSignal | undefined): Promise<QueueOutcome> {
    this.#signal = signal
    const pressed = (digit: Digit): void => this.#press(digit)
    this.#call.on('digit', pressed)
    // The order matters where both have aborted: a caller who is gone is no withdrawal.
    const release = [
      onAbort(this.#call.signal, () => this.#context.send({ type: 'left', interaction: this.#id, how: { type: 'abandoned' } })),
      onAbort(signal, () => this.#context.send({ type: 'left', interaction: this.#id, how: { type: 'withdrawn' } })),
    ]
    try {
      return await this.#outcome.promise
    } finally {
      for (const off of release) off()
      this.#call.off('digit', pressed)
      await this.#sound.stop()
    }
  }

  connect(connection: Connection): void {
    if (connection.pending) void this.#prepare(connection)
    else this.#outcome.resolve(this.#talk(connection))
  }

  leave(outcome: LeaveOutcome): void {
    this.#context.finish(this.#id)
    this.#left.abort()
    this.#outcome.resolve(this.#outcomeOf(outcome))
  }

  move(options: QueueOptions): void {
    if (!sameSound(this.#options.hold, options.hold)) this.#sound.change(options.hold)
    this.#options = options
  }

  announce(position: number, estimate: number | undefined): void {
    try {
      const audio = this.#options.announce?.audio({ position, estimate })
      if (audio !== undefined) this.#sound.say(audio)
    } catch (error) {
      this.#context.fault(error)
    }
  }

  /** The queue takes nobody any more: the caller, where it still waits, is turned away. */
  close(closure: Closure): void {
    this.#closure = closure
    this.#context.send({ type: 'left', interaction: this.#id, how: { type: 'closed' } })
  }

  async #outcomeOf(outcome: LeaveOutcome): Promise<QueueOutcome> {
    switch (outcome.type) {
      case 'abandoned': return { type: 'abandoned', waited: this.#context.clock.now() - this.#enteredAt }
      case 'exited': return { type: 'exited', digit: this.#exitDigit! }
      case 'overflowed':
        await this.#sound.stop()
        return { type: 'overflowed', taken: outcome.to !== undefined && await sendTo(this.#context, this.#call, outcome.to) }
      case 'closed':
        await this.#sound.stop()
        await turnAway(this.#context, this.#call, this.#closure!)
        return { type: 'closed', reason: this.#closure!.reason }
      case 'timed-out':
      case 'callback': return { type: outcome.type }
      case 'missed':
      case 'withdrawn': throw this.#signal?.reason
    }
  }

  /** The agent hears the whisper, the caller music. An agent who has hung up by its end has not answered: the caller waits on. */
  async #prepare(connection: Connection): Promise<void> {
    const { whisper } = this.#options
    const over = AbortSignal.any([this.#left.signal, this.#context.signal])
    try {
      if (whisper !== undefined) await connection.call.play(whisper, { signal: over })
    } catch (error) {
      if (!over.aborted) faultUnlessEnded(this.#context, error)
    }
    if (!over.aborted && !connection.call.signal.aborted) {
      this.#context.send({ type: 'began', interaction: this.#id })
      return this.#outcome.resolve(this.#talk(connection))
    }
    if (!this.#left.signal.aborted) this.#context.send({ type: 'dropped', interaction: this.#id })
    await connection.release().catch(error => this.#context.fault(error))
  }

  async #talk(connection: Connection): Promise<QueueOutcome> {
    const { agent } = connection
    const waited = this.#context.clock.now() - this.#enteredAt
    let recording: TalkRecording | undefined
    const answeredAt = this.#context.clock.now()
    try {
      // Not awaited: a bridge takes over from a sound that is being stopped, and every turn more is one in which somebody may hang up.
      void this.#sound.stop()
      if (this.#call.state === 'early') await this.#call.answer()
      recording = new TalkRecording(this.#context, this.#call, () => this.#options.record?.(this.#call, agent))
      const signals = this.#signal === undefined ? [this.#context.signal] : [this.#context.signal, this.#signal]
      await new Talk(this.#call, connection, {
        clock: this.#context.clock, signal: AbortSignal.any(signals), holdLimit: this.#options.holdLimit,
        ringAgain: ringing => this.#context.ringAgain(agent.uri, this.from, ringing),
      }).run()
    } catch (error) {
      faultUnlessEnded(this.#context, error)
    }
    const talked = this.#context.clock.now() - answeredAt
    // At once: the recording is as long as the talk, not as the farewell to the agent's telephone.
    const recorded = recording?.stop()
    this.#context.send({ type: 'ended', interaction: this.#id })
    await connection.release().catch(error => this.#context.fault(error))
    this.#context.finish(this.#id, { recording: (await recorded) ?? null })
    return { type: 'served', agent, waited, talked }
  }

  #press(digit: Digit): void {
    if (digit === this.#options.callback?.digit) return this.#context.send({ type: 'callback', interaction: this.#id })
    if (digit !== this.#options.exitOn) return
    this.#exitDigit = digit
    this.#context.send({ type: 'left', interaction: this.#id, how: { type: 'exited' } })
  }
}
