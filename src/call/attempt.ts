import type { Clock } from '../core/clock.js'
import { deferred } from '../core/scope.js'
import type { Leg } from '../media/leg.js'
import type { WantedStream } from '../sdp/negotiated.js'
import { sipReason } from '../sip/message/reason.js'
import type { ClientInvite, Credentials, InviteOutcome, InviteProgress, UserAgent } from '../sip/ua/user-agent.js'
import type { RequestView, Uri } from './call.js'
import type { CallMedia } from './call-media.js'
import type { CallContext } from './call-context.js'
import { LiveCall } from './live-call.js'
import { answerOffer } from './reoffer.js'

/** How one INVITE to one target ended. */
export type AttemptOutcome =
  | { readonly type: 'answered'; readonly call: LiveCall; readonly by: Uri }
  | { readonly type: 'failed'; readonly status: number }
  | { readonly type: 'no-answer' | 'cancelled' }

/** What an attempt takes from its server. */
export interface AttemptContext {
  readonly userAgent: UserAgent
  readonly calls: CallContext
  readonly clock: Clock
  readonly newMedia: (peer: string) => CallMedia
  readonly newId: () => string
}

/** Whom to call, and as whom. */
export interface AttemptRequest {
  /** Where the INVITE goes. */
  readonly target: Uri
  /** Whom it is for: the address of record that `target` was found for. */
  readonly to: Uri
  readonly from: Uri
  readonly ringFor: number
  readonly headers?: Readonly<Record<string, string>>
  readonly identity?: Uri
  readonly privacy?: 'id'
  readonly credentials?: Credentials
  /** A leg that the new one will be joined with. */
  readonly near?: Leg
  /** Side streams to offer: what the one wants that it is called for. */
  readonly streams?: readonly WantedStream[]
  readonly onProgress?: (status: number, early: CallMedia | undefined) => void
}

/** One INVITE to one target, from its media to its outcome. */
export class Attempt {
  readonly #context: AttemptContext
  readonly #request: AttemptRequest
  readonly #media: CallMedia
  readonly #given = deferred<AttemptOutcome>()
  #invite: ClientInvite | undefined
  #over: 'no-answer' | 'cancelled' | undefined

  constructor(context: AttemptContext, request: AttemptRequest) {
    this.#context = context
    this.#request = request
    this.#media = context.newMedia(hostOf(request.target))
  }

  /** Runs once. @throws CordboardError when the media cannot be opened. */
  async run(): Promise<AttemptOutcome> {
    const timer = this.#context.clock.after(this.#request.ringFor, () => this.#stop('no-answer', sipReason(408)))
    try {
      const outcome = await Promise.race([this.#dial(), this.#given.promise])
      if (outcome.type !== 'answered') await this.#media.close()
      return outcome
    } catch (error) {
      await this.#media.close()
      throw error
    } finally {
      timer.cancel()
    }
  }

  /** @param reason value of Reason in the CANCEL (RFC 3326). */
  cancel(reason?: string): void {
    this.#stop('cancelled', reason)
  }

  #stop(why: 'no-answer' | 'cancelled', reason?: string): void {
    this.#over ??= why
    this.#invite?.cancel(reason)
    this.#given.resolve({ type: this.#over })
  }

  async #dial(): Promise<AttemptOutcome> {
    const { target, to, from, headers, identity, privacy, credentials, near, streams = [] } = this.#request
    await this.#media.open(near)
    this.#media.streams.wanted = streams
    const sdp = await this.#media.createOffer()
    if (this.#over !== undefined) return { type: this.#over }
    const invite = this.#context.userAgent.invite(target, {
      sdp, to, from, onOffer: offer => answerOffer(this.#media, offer),
      ...(headers === undefined ? {} : { headers }),
      ...(identity === undefined ? {} : { identity }),
      ...(privacy === undefined ? {} : { privacy }),
      ...(credentials === undefined ? {} : { credentials }),
    })
    this.#invite = invite
    invite.on('progress', progress => void this.#progressed(progress))
    return this.#settled(await invite.outcome)
  }

  async #progressed(progress: InviteProgress): Promise<void> {
    let early: CallMedia | undefined
    if (progress.sdp !== undefined) {
      // An early answer that we cannot use takes nothing from the ringing; the final one decides.
      early = await this.#media.accept(progress.sdp).then(() => this.#media, () => undefined)
    }
    if (this.#over === undefined) this.#request.onProgress?.(progress.status, early)
  }

  async #settled(outcome: InviteOutcome): Promise<AttemptOutcome> {
    switch (outcome.type) {
      case 'rejected': return { type: 'failed', status: outcome.status }
      case 'cancelled': return { type: this.#over ?? 'cancelled' }
      case 'timeout': return { type: 'failed', status: 408 }
      case 'error': return { type: 'failed', status: 503 }
      case 'answered': break
    }
    const { session } = outcome
    if (this.#over !== undefined) {
      void session.bye().catch(() => undefined)
      return { type: this.#over }
    }
    const call = new LiveCall(this.#context.calls, { id: this.#context.newId(), origin: 'out', request: this.#view() }, this.#media, undefined)
    call.adopt(session)
    try {
      if (session.remoteSdp !== undefined) await this.#media.accept(session.remoteSdp)
      this.#media.streams.trim()
    } catch {
      await call.hangup()
      return { type: 'failed', status: 488 }
    }
    // Given up while the media were set up: nobody takes the call.
    if (this.#over !== undefined) {
      await call.hangup()
      return { type: this.#over }
    }
    return { type: 'answered', call, by: this.#request.to }
  }

  #view(): RequestView {
    const { target, to, from, headers = {} } = this.#request
    const values = (name: string): string[] =>
      Object.entries(headers).filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
    return {
      method: 'INVITE', uri: target, from, to, identity: this.#request.identity, private: this.#request.privacy === 'id',
      source: { address: this.#media.peer, port: 0, transport: 'udp' },
      header: name => values(name)[0],
      headers: values,
    }
  }
}

/** The host of a SIP URI, without brackets; the whole text when it has none. */
export const hostOf = (uri: Uri): string => {
  const match = /^sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:;?>]+)/i.exec(uri.replace(/^[^<]*</, ''))
  return match?.[1]?.replace(/^\[|\]$/g, '') ?? uri
}
