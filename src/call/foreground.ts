import { CordboardError } from '../core/errors.js'
import { abortable, onAbort } from '../core/scope.js'
import type { Digit, Leg, PlaybackOutcome, Source } from '../media/leg.js'

/** The one sound that a call plays at a time. */
export class Foreground {
  #busy = false
  /** A key that interrupted a sound: it is in the outcome, so its press does not queue as well. */
  #interrupting: Digit | undefined

  get busy(): boolean {
    return this.#busy
  }

  /** Runs `task` as the call's only foreground sound. @throws CordboardError `CALL_BUSY` while another runs. */
  async only<T>(task: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new CordboardError('CALL_BUSY', 'this call plays another sound: await it or abort it first')
    this.#busy = true
    try {
      return await task()
    } finally {
      this.#busy = false
    }
  }

  /** Plays to the end, an interrupting key, or an abort of one of `signals`, which stops the sound and rejects with its reason. */
  async play(
    leg: Leg,
    sources: readonly Source[],
    options: { readonly loop: boolean; readonly interruptBy: readonly Digit[] },
    ...signals: readonly (AbortSignal | undefined)[]
  ): Promise<Exclude<PlaybackOutcome, { type: 'stopped' }>> {
    for (const signal of signals) signal?.throwIfAborted()
    const playback = leg.play({ sources, loop: options.loop, interruptBy: options.interruptBy })
    const release = signals.map(signal => onAbort(signal, () => playback.stop()))
    try {
      const outcome = await abortable(playback.done, ...signals)
      if (outcome.type === 'interrupted') this.#interrupting = outcome.digit
      return outcome.type === 'stopped' ? { type: 'finished' } : outcome
    } finally {
      for (const off of release) off()
    }
  }

  /** True when `digit` is the press that interrupted the last sound; asked once for each press. */
  consumes(digit: Digit): boolean {
    const consumed = this.#interrupting === digit
    if (consumed) this.#interrupting = undefined
    return consumed
  }
}
