import type { Call } from '../call/call.js'
import type { Clock } from '../core/clock.js'
import type { OfferReport } from './offer-call.js'
import type { Offering } from './stay.js'

/** Tells an agent on a kept-open line that a caller comes. */
const TONE = { tone: '950' } as const
const TONE_MS = 250

/** An offer to an agent whose line is open: a tone instead of ringing, and no choice. */
export class LineOffer implements Offering {
  readonly call: Call
  readonly #clock: Clock
  readonly #sound = new AbortController()
  #cancelled = false

  constructor(call: Call, clock: Clock) {
    this.call = call
    this.#clock = clock
  }

  async announce(report: OfferReport): Promise<void> {
    const timer = this.#clock.after(TONE_MS, () => this.#sound.abort())
    try {
      await this.call.play(TONE, { signal: this.#sound.signal })
    } catch (error) {
      if (!this.#sound.signal.aborted && !this.call.signal.aborted) report.fault(error)
    } finally {
      timer.cancel()
    }
    if (this.#cancelled) return
    if (this.call.signal.aborted) report.failed('unreachable')
    else report.answered(this.call)
  }

  cancel(): void {
    this.#cancelled = true
    this.#sound.abort()
  }
}
