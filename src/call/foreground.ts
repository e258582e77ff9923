import { CordboardError } from '../core/errors.js'
import { abortable, onAbort } from '../core/scope.js'
import type { Digit, Leg, PlaybackOutcome, PlayOptions, Source } from '../media/leg.js'
import type { Keypress } from './digit-queue.js'

/** The one sound that a call plays at a time. */
export class Foreground {
  #busy = false
  /** Keys that would interrupt the sound now playing. */
  #interruptBy: readonly Digit[] = []
  /** A key that interrupted a sound and whose press is still to come: it is in the outcome, so the press does not queue as well. */
  #interrupting: Digit | undefined
  /** A press that came before the outcome that it ought to be in. */
  #early: Keypress | undefined
  readonly #requeue: (press: Keypress) => void

  /** @param requeue takes a press that turned out to interrupt nothing. */
  constructor(requeue: (press: Keypress) => void) {
    this.#requeue = requeue
  }

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
    options: Omit<PlayOptions, 'sources'> & { readonly interruptBy: readonly Digit[] },
    ...signals: readonly (AbortSignal | undefined)[]
  ): Promise<Exclude<PlaybackOutcome, { type: 'stopped' }>> {
    for (const signal of signals) signal?.throwIfAborted()
    const playback = leg.play({ ...options, sources })
    this.#interruptBy = options.interruptBy
    this.#interrupting = undefined
    const release = signals.map(signal => onAbort(signal, () => playback.stop()))
    try {
      const outcome = await abortable(playback.done, ...signals)
      if (outcome.type === 'interrupted') this.#interruptedBy(outcome.digit)
      if (outcome.type !== 'stopped') return outcome
      // Stopping settles the playback before the signal's own rejection gets its turn.
      for (const signal of signals) signal?.throwIfAborted()
      return { type: 'finished' }
    } finally {
      for (const off of release) off()
      this.#interruptBy = []
      if (this.#early !== undefined) this.#requeue(this.#early)
      this.#early = undefined
    }
  }

  #interruptedBy(digit: Digit): void {
    if (this.#early?.digit === digit) this.#early = undefined
    else this.#interrupting = digit
  }

  /** True when `press` is the one that interrupts or interrupted a sound; asked once for each press. */
  consumes(press: Keypress): boolean {
    if (this.#interrupting === press.digit) {
      this.#interrupting = undefined
      return true
    }
    if (this.#early !== undefined || !this.#interruptBy.includes(press.digit)) return false
    this.#early = press
    return true
  }
}
