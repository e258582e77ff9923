import { onAbort } from '../core/scope.js'
import type { DialOptions, DialOutcome, EndReason, Uri } from './call.js'
import type { CallMedia } from './call-media.js'
import { CancelReason } from './cancel-reason.js'
import { dial, type DialContext } from './dial.js'
import { LiveCall } from './live-call.js'
import { RINGING_TONE } from './sounds.js'

/** Dials on behalf of `caller`, who hears ringing or the called side's early media; the caller's end cancels it. */
export const dialFor = async (context: DialContext, caller: LiveCall, targets: Uri | readonly Uri[], options: DialOptions): Promise<DialOutcome> => {
  const progress = new CallerProgress(caller, options.earlyMedia ?? 'pass')
  const stop = new AbortController()
  const release = [onAbort(caller.signal, () => stop.abort(passedOn(caller.endReason))), onAbort(options.signal, reason => stop.abort(reason))]
  // Who answers must not wait behind new callers for the one that has called.
  caller.media.expected = true
  try {
    const { identity, private: hidden } = caller.request
    const outcome = await dial(context, targets, {
      ...(identity === undefined ? {} : { identity }), ...(hidden ? { privacy: 'id' as const } : {}), ...options,
      signal: stop.signal,
      onProgress: step => {
        if (step.status === 180 && !step.early) progress.ringing()
        options.onProgress?.(step)
      },
    }, {
      ...(caller.media.leg === undefined ? {} : { near: caller.media.leg }),
      streams: caller.wishes,
      onEarlyMedia: media => progress.earlyMedia(media),
    })
    if (outcome.type === 'answered' && caller.state === 'ended') await outcome.call.hangup()
    // The caller's answer is still to come: it takes what the called side has taken.
    if (outcome.type === 'answered' && outcome.call instanceof LiveCall && caller.state === 'early') caller.media.streams.wanted = outcome.call.media.streams.relayed
    caller.signal.throwIfAborted()
    return outcome
  } finally {
    for (const off of release) off()
    await progress.end()
  }
}

/** RFC 3326 §2: what the caller's own CANCEL says goes on to those who ring. */
const passedOn = (end: EndReason | undefined): CancelReason | undefined =>
  (end?.type === 'cancelled' && end.reason !== undefined ? new CancelReason(end.reason) : undefined)

/** What the caller hears while somebody is called for it: one thing at a time, early media before ringing. */
class CallerProgress {
  #stopRinging: (() => void) | undefined
  #joined = false

  constructor(readonly caller: LiveCall, readonly early: 'pass' | 'ignore') {}

  ringing(): void {
    if (this.#stopRinging !== undefined || this.#joined) return
    if (this.caller.state === 'early') {
      // The caller's own phone makes the tone.
      this.#stopRinging = () => undefined
      this.caller.progress({ status: 180 }).catch(() => undefined)
    } else this.#stopRinging = this.caller.background({ tone: RINGING_TONE })
  }

  earlyMedia(media: CallMedia): void {
    if (this.early === 'ignore' || this.#joined || media.leg === undefined) return
    this.#joined = true
    this.#stopRinging?.()
    void this.#join(media)
  }

  async #join(media: CallMedia): Promise<void> {
    try {
      if (this.caller.state === 'early') {
        this.caller.media.streams.wanted = media.streams.relayed
        await this.caller.progress({ status: 183 })
      }
      const { leg } = this.caller.media
      if (leg !== undefined && media.leg !== undefined && this.#joined) await media.engine.join(leg, media.leg)
    } catch {
      // The caller or the called side left meanwhile: the outcome of the dialling says so.
      this.#joined = false
    }
  }

  async end(): Promise<void> {
    this.#stopRinging?.()
    const { leg } = this.caller.media
    if (this.#joined && leg !== undefined && this.caller.state !== 'ended') await this.caller.media.engine.part(leg).catch(() => undefined)
    this.#joined = false
  }
}
