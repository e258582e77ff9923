import { EventEmitter } from 'node:events'
import { channels } from '../core/channels.js'
import { CordboardError, isCordboardError, withoutStack } from '../core/errors.js'
import { Ending } from '../core/ending.js'
import { abortable, onAbort, type Scoped } from '../core/scope.js'
import { Turns } from '../core/turns.js'
import type { Detection, Digit, Leg, Playback, RecordOptions } from '../media/leg.js'
import { sends } from '../sdp/direction.js'
import type { Direction, WantedStream } from '../sdp/negotiated.js'
import { from } from '../sip/message/headers.js'
import { referralOf } from '../sip/ua/referral.js'
import type { ServerInvite, ServerRequest, Session } from '../sip/ua/user-agent.js'
import { ask } from './ask.js'
import type { Audio } from './audio.js'
import { bridgeCalls } from './bridge.js'
import type {
  BridgeOutcome, Call, CallEvents, CallStatistics, DialOptions, DialOutcome, EndReason, PlayOutcome, Recording, RequestView, SendDigitsOptions, SoundOptions, Uri,
} from './call.js'
import type { CallContext, CallIdentity } from './call-context.js'
import type { CallMedia } from './call-media.js'
import { callRecording } from './call-recording.js'
import { wishesOf } from './call-streams.js'
import { ALL_DIGITS, DigitQueue, type Keypress } from './digit-queue.js'
import { asCordboardError, endOfInvite, endOfSession } from './end-reason.js'
import { Foreground } from './foreground.js'
import { heard } from './heard.js'
import { INFO_BODIES, infoDigit, sendByInfo } from './info-digit.js'
import type { Answer, Menu } from './menu.js'
import { answerOffer, redirect } from './reoffer.js'
import type { SideBridge } from './side-bridge.js'
import { sourcesOf } from './sounds.js'
import { transferCall, type TransferOutcome } from './transfer.js'

/** Keys that wait for a reader before the oldest is dropped. */
const QUEUED_DIGITS = 32
/** Sendings of keys in INFO that wait for those before them, as many as in a leg. */
const WAITING_DIGITS = 32
/** Of a 503, for a moment without room (RFC 3261 §21.5.4). */
export const UNAVAILABLE = { headers: { 'Retry-After': '5' } }

/** A call on a SIP dialog and a media leg. */
export class LiveCall extends EventEmitter<CallEvents> implements Call {
  readonly id: string
  readonly origin: 'in' | 'out'
  readonly request: RequestView
  readonly media: CallMedia
  readonly #context: CallContext
  readonly #invite: ServerInvite | undefined
  /** Its end, for those inside the library, whom no signal need be made for. */
  readonly ending = new Ending()
  /** The bridge that its side streams go through. */
  side: SideBridge | undefined
  readonly #digits = new DigitQueue(QUEUED_DIGITS)
  /** Keys on their way in INFO; those in RTP wait in the leg. */
  #infos: Turns | undefined
  readonly #foreground = new Foreground(press => this.#digits.push(press))
  #session: Session | undefined
  #endReason: EndReason | undefined
  #progressed: 'no' | 'ringing' | 'media' = 'no'
  #answering: Promise<void> | undefined
  /** What we say of our media before and in the final answer. */
  #description: Promise<string> | undefined
  #audioDropped = 0
  #holdMusic: Playback | undefined
  #replacing = false
  #endDetection: (() => void) | undefined

  constructor(context: CallContext, identity: CallIdentity, media: CallMedia, invite: ServerInvite | undefined) {
    super()
    this.id = identity.id
    this.origin = identity.origin
    this.request = identity.request
    this.media = media
    this.#context = context
    this.#invite = invite
    media.whenOpen(leg => this.#watchLeg(leg))
    if (invite !== undefined) {
      invite.onOffer = offer => answerOffer(media, offer)
      invite.whenFailed(failure => this.#finish(endOfInvite(failure)))
    }
  }

  get from(): Uri {
    return this.request.from
  }

  get to(): Uri {
    return this.request.to
  }

  get state(): 'early' | 'answered' | 'ended' {
    if (this.#endReason !== undefined) return 'ended'
    return this.#session === undefined ? 'early' : 'answered'
  }

  get direction(): Direction {
    return this.media.agreed?.direction ?? 'inactive'
  }

  get signal(): AbortSignal {
    return this.ending.signal
  }

  get endReason(): EndReason | undefined {
    return this.#endReason
  }

  /** The dialog, once answered. */
  get session(): Session | undefined {
    return this.#session
  }

  /** Side streams that the peer wants, by its latest description. */
  get wishes(): readonly WantedStream[] {
    const offer = this.#session === undefined ? this.#invite?.offer : undefined
    return offer === undefined ? this.media.streams.wishes : wishesOf(offer) ?? []
  }

  /** The INVITE that can still be challenged or forwarded: undefined once answered, ended, or when we dialled. */
  get pendingRequest(): ServerRequest | undefined {
    return this.state === 'early' ? this.#invite?.request : undefined
  }

  get dropped(): { readonly audio: number; readonly digits: number } {
    return { audio: this.#audioDropped, digits: this.#digits.dropped }
  }

  async progress(options: { readonly status?: 180 | 183 } & Scoped = {}): Promise<void> {
    const invite = this.#earlyInvite('progress')
    options.signal?.throwIfAborted()
    if ((options.status ?? 180) === 180) {
      await this.#alive(invite.provisional(180), options.signal)
      if (this.#progressed === 'no') this.#progressed = 'ringing'
      return
    }
    await this.#startEarlyMedia(invite, options.signal)
  }

  async answer(options: { readonly codecs?: readonly string[] } & Scoped = {}): Promise<void> {
    if (this.state === 'answered') return
    const invite = this.#earlyInvite('answer')
    this.#answering ??= this.#answer(invite, options.codecs).finally(() => { this.#answering = undefined })
    await this.#alive(this.#answering, options.signal)
  }

  async reject(status: number, options: { readonly reason?: string; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<void> {
    const invite = this.#earlyInvite('reject')
    if (status < 300 || status > 699) throw new CordboardError('CALL_STATE', `reject takes a status of 300-699, not ${status}`)
    invite.reject(status, options)
    this.#finish({ type: 'rejected', status })
    await this.media.close()
  }

  async play(audio: Audio | readonly Audio[], options: SoundOptions = {}): Promise<PlayOutcome> {
    this.#throwIfEnded()
    return this.#foreground.only(() => this.#play(audio, options))
  }

  async ask<T>(menu: Menu<T>, options: Scoped & { readonly flush?: boolean } = {}): Promise<Answer<T>> {
    this.#throwIfEnded()
    if (options.flush === true) this.#digits.clear()
    const signal = options.signal === undefined ? this.signal : AbortSignal.any([this.signal, options.signal])
    return this.#foreground.only(() => ask({
      clock: this.#context.clock,
      digits: this.#digits,
      signal,
      prompt: audio => this.#play(audio, { signal, interruptBy: 'any' }),
    }, menu))
  }

  digits(options: Scoped = {}): AsyncIterableIterator<{ readonly digit: Digit; readonly duration: number }> {
    return this.#digits.keys(options.signal)
  }

  async sendDigits(digits: readonly Digit[], options: SendDigitsOptions = {}): Promise<void> {
    const leg = this.#answeredLeg('sendDigits')
    if (options.by === 'info') {
      this.#infos ??= new Turns(WAITING_DIGITS, 'sendDigits')
      const sent = this.#infos.take(() => sendByInfo(this.#session!, digits, this.#context.clock, options.signal), options.signal)
      return this.#alive(sent, options.signal)
    }
    await this.#alive(leg.sendDigits(digits, options), options.signal)
  }

  async *audio(options: Scoped & { readonly rate?: 8000 | 16000; readonly buffer?: number } = {}): AsyncGenerator<Int16Array, void, undefined> {
    const leg = this.#answeredLeg('audio')
    const listener = leg.listen({ rate: options.rate ?? 8_000, buffer: options.buffer ?? 50 })
    try {
      yield* heard(listener, this.ending, options.signal)
    } finally {
      listener.stop()
      this.#audioDropped += listener.dropped
    }
  }

  detect(what: Detection, options: Scoped = {}): void {
    const leg = this.#answeredLeg('detect')
    options.signal?.throwIfAborted()
    this.#endDetection?.()
    leg.detect(what)
    this.#endDetection = onAbort(options.signal, () => {
      if (this.state !== 'ended') leg.detect({})
    })
  }

  async echo(options: Scoped = {}): Promise<void> {
    const leg = this.#answeredLeg('echo')
    options.signal?.throwIfAborted()
    leg.echo()
    try {
      await this.#alive(new Promise<never>(() => undefined), options.signal)
    } finally {
      if (this.state !== 'ended') await this.media.engine.part(leg)
    }
  }

  async record(file: string, options: Omit<RecordOptions, 'file'> = {}): Promise<Recording> {
    this.#throwIfEnded()
    const leg = await this.#alive(this.#audible())
    return callRecording(await this.#alive(leg.record({ file, ...options })))
  }

  async dial(targets: Uri | readonly Uri[], options: DialOptions = {}): Promise<DialOutcome> {
    this.#throwIfEnded()
    return this.#context.dialFor(this, targets, options)
  }

  async bridge(other: Call, options: Scoped = {}): Promise<BridgeOutcome> {
    if (!(other instanceof LiveCall)) throw new CordboardError('CALL_STATE', 'bridge takes a call of this library')
    return bridgeCalls(this, other, options.signal)
  }

  async hold(music?: Audio): Promise<void> {
    const leg = this.#answeredLeg('hold')
    await this.#alive(redirect(this.media, this.#session!, 'sendonly'))
    if (music === undefined) return
    const sources = await sourcesOf(music, this.#context.speech)
    this.#holdMusic = leg.play({ sources, loop: true })
    this.#holdMusic.done.catch(error => this.#unheard(error))
  }

  async resume(): Promise<void> {
    this.#answeredLeg('resume')
    this.#holdMusic?.stop()
    this.#holdMusic = undefined
    await this.#alive(redirect(this.media, this.#session!, 'sendrecv'))
  }

  async transfer(target: Uri | Call, options: Scoped = {}): Promise<TransferOutcome> {
    this.#answeredLeg('transfer')
    if (typeof target !== 'string' && !(target instanceof LiveCall)) throw new CordboardError('CALL_STATE', 'transfer takes an address or a call of this library')
    const outcome = await transferCall(this, this.#session!, target, { clock: this.#context.clock, timerN: this.#context.timerN, signal: options.signal })
    if (outcome.type === 'transferred') await this.hangup()
    return outcome
  }

  async hangup(): Promise<void> {
    if (this.#session !== undefined && this.#endReason === undefined) {
      void this.#session.bye().catch(() => undefined)
      this.#finish({ type: 'local-bye' })
    } else if (this.#invite !== undefined && this.#endReason === undefined) {
      this.#invite.reject(480)
      // The request may have been answered over our head: challenged by a registrar, say.
      this.#finish({ type: 'rejected', status: this.#invite.request.status ?? 480 })
    }
    await this.media.close()
  }

  statistics(): Promise<CallStatistics> {
    return this.media.statistics()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hangup()
  }

  /** Plays behind whatever the application does, until the returned function is called: ringing while a call is dialled. */
  background(audio: Audio): () => void {
    const leg = this.media.leg
    if (leg === undefined || this.#foreground.busy) return () => undefined
    let stopped = false
    let stop = (): void => { stopped = true }
    void sourcesOf(audio, this.#context.speech).then(sources => {
      if (stopped || this.state === 'ended') return
      const playback = leg.play({ sources, loop: true })
      playback.done.catch(error => this.#unheard(error))
      stop = () => playback.stop()
    }, error => this.#unheard(error))
    return () => stop()
  }

  /** Takes over the dialog of an answered INVITE. */
  adopt(session: Session): void {
    this.#session = session
    session.onOffer = async offer => {
      // Another has taken its place.
      if (this.#session !== session) return { type: 'refused', status: 481 }
      const before = this.direction
      const reply = await (this.side === undefined || offer === undefined ? answerOffer(this.media, offer) : this.side.answer(this, offer))
      this.#announceHold(before)
      return reply
    }
    session.onAnswer = answer => { this.media.accept(answer).catch(error => this.#unheard(error)) }
    session.on('request', request => this.#asked(session, request))
    session.once('ended', end => {
      // A session that another has replaced ends without the call.
      if (this.#session === session && !this.#replacing) this.#finish(endOfSession(end))
    })
    if (channels.call.hasSubscribers) channels.call.publish({ id: this.id, event: 'answered' })
    if (session.state === 'terminated') this.#finish({ type: 'remote-bye' })
    else this.emit('answered')
  }

  /** Another party takes the peer's place: same call, same media leg, new dialog (RFC 3891). */
  async replacePeer(invite: ServerInvite): Promise<void> {
    const before = this.#session
    this.#replacing = true
    try {
      // What is being asked of the one who goes is settled first.
      await this.media.inTurn(() => this.#takeOver(invite))
      if (this.#endReason !== undefined) return
      this.emit('replaced', from(invite.request.message).uri)
      this.side?.align()
    } catch (error) {
      this.#replacing = false
      invite.reject(asCordboardError(error).status ?? 488)
      this.#unheard(error)
      // What was to be replaced has ended meanwhile.
      if (before?.state === 'terminated' && this.#session === before) this.#finish({ type: 'remote-bye' })
    }
  }

  async #takeOver(invite: ServerInvite): Promise<void> {
    // RFC 3891 §3: what was to be replaced is gone.
    if (this.#endReason !== undefined) throw new CordboardError('CALL_ENDED', 'the call has ended', { status: 603 })
    const session = await invite.accept({ sdp: invite.offer === undefined ? await this.media.createOffer() : await this.media.answer(invite.offer) })
    this.#replacing = false
    if (this.#endReason !== undefined) return void session.bye()
    this.adopt(session)
    if (invite.offer === undefined && session.remoteSdp !== undefined) await this.media.accept(session.remoteSdp)
  }

  #asked(session: Session, request: ServerRequest): void {
    const press = infoDigit(request.message)
    if (press !== undefined) {
      request.respond(200)
      return this.#pressed(press.digit, press.duration)
    }
    // RFC 2976 §2.2: what we can make nothing of.
    if (request.message.method === 'INFO' && request.message.body.length > 0) return request.respond(415, { headers: { Accept: INFO_BODIES } })
    if (request.message.method !== 'REFER') return
    const referral = referralOf(session, request)
    if (referral !== undefined && !this.emit('transfer', referral)) referral.refuse(603)
  }

  /** Ends the call for a reason of ours that no SIP message gave: its media failed. */
  async fail(error: CordboardError): Promise<void> {
    if (this.#endReason !== undefined) return
    // Before session or INVITE tell that it was us who ended them.
    this.#finish({ type: 'error', error })
    if (this.#session !== undefined) void this.#session.bye().catch(() => undefined)
    else this.#invite?.reject(error.status ?? 500, error.status === 503 ? UNAVAILABLE : {})
    await this.media.close()
  }

  async #answer(invite: ServerInvite, codecs: readonly string[] | undefined): Promise<void> {
    try {
      if (codecs !== undefined) this.media.restrict(codecs)
      const sdp = await this.#describe(invite)
      this.#throwIfEnded()
      const session = await invite.accept({ sdp })
      this.adopt(session)
      if (invite.offer === undefined && session.remoteSdp !== undefined) await this.media.accept(session.remoteSdp)
    } catch (error) {
      this.#throwIfEnded()
      const failure = asCordboardError(error)
      await this.fail(failure)
      throw failure
    }
  }

  /** Our answer to the INVITE's offer, or our offer: made once, for early media and the final answer alike, and as an UPDATE has left it. */
  async #describe(invite: ServerInvite): Promise<string> {
    this.#description ??= invite.offer === undefined ? this.media.createOffer() : this.media.answer(invite.offer)
    const made = await this.#description
    return this.media.localText ?? made
  }

  async #startEarlyMedia(invite: ServerInvite, signal?: AbortSignal): Promise<void> {
    if (this.#progressed === 'media') return
    this.#progressed = 'media'
    try {
      const sdp = await this.#alive(this.#describe(invite), signal)
      await this.#alive(invite.provisional(183, { sdp }), signal)
    } catch (error) {
      this.#throwIfEnded()
      // The final answer has overtaken it, and says the same.
      if (this.#answering !== undefined || this.#session !== undefined) return
      if (isCordboardError(error)) await this.fail(error)
      throw error
    }
  }

  /** The leg, audible to the peer: early media is started where the call is not answered yet. */
  async #audible(): Promise<Leg> {
    if (this.state === 'early' && this.#invite !== undefined) await this.#startEarlyMedia(this.#invite)
    return this.media.open()
  }

  async #play(audio: Audio | readonly Audio[], options: SoundOptions): Promise<PlayOutcome> {
    const { loop = false, interruptByVoice = false, volume = 0 } = options
    const interruptBy = options.interruptBy === 'any' ? ALL_DIGITS : options.interruptBy === 'none' ? [] : options.interruptBy ?? []
    try {
      const [leg, sources] = await Promise.all([this.#alive(this.#audible()), sourcesOf(audio, this.#context.speech)])
      return await this.#foreground.play(leg, sources, { loop, interruptBy, interruptByVoice, volume }, this.ending.signal, options.signal)
    } catch (error) {
      // The leg closes a moment before or after the signal aborts: to the application both are the end of the call.
      this.#throwIfEnded()
      throw error
    }
  }

  #watchLeg(leg: Leg): void {
    leg.on('digit', (digit, duration) => this.#pressed(digit, duration))
    leg.on('detected', what => this.emit('detected', what))
    leg.on('silent', ms => this.#silent(ms))
    // By itself: no worker can open it any more.
    leg.on('closed', () => void this.fail(new CordboardError('MEDIA_WORKER_LOST', 'no media worker could go on with the call', { status: 503 })))
    leg.on('recordingFault', (file, cause) => this.#context.fault(new CordboardError('MEDIA_BAD_FILE', `the recording ${file}: ${cause.message}`, { cause })))
  }

  /** A peer that has vanished says no BYE. */
  #silent(ms: number): void {
    if (this.state !== 'answered') return
    this.emit('silent', ms)
    if (ms < this.#context.rtpTimeout) return
    // Before the session tells that we have said BYE.
    this.#finish({ type: 'timeout' })
    this.#session!.bye({ headers: { Reason: 'SIP;cause=408;text="RTP timeout"' } }).catch(error => this.#unheard(error))
  }

  #pressed(digit: Digit, duration: number): void {
    const press: Keypress = { digit, duration }
    if (!this.#foreground.consumes(press)) this.#digits.push(press)
    this.emit('digit', digit, duration)
  }

  #announceHold(before: Direction): void {
    const [heard, hears] = [sends(before), sends(this.direction)]
    if (heard && !hears) this.emit('held')
    else if (!heard && hears) this.emit('resumed')
  }

  #finish(reason: EndReason): void {
    if (this.#endReason !== undefined) return
    this.#endReason = reason
    this.#digits.close()
    this.media.close().catch(error => this.#unheard(error))
    this.ending.end(() => withoutStack(() => new CordboardError('CALL_ENDED', `the call has ended: ${reason.type}`, { cause: reason })))
    if (channels.call.hasSubscribers) channels.call.publish({ id: this.id, event: 'ended', reason })
    this.emit('ended', reason)
  }

  /** As `promise`, but rejects with CALL_ENDED as soon as the call ends. */
  async #alive<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await abortable(promise, this.ending, signal)
    } catch (error) {
      this.#throwIfEnded()
      throw error
    }
  }

  #throwIfEnded(): void {
    this.ending.throwIfEnded()
  }

  #earlyInvite(what: string): ServerInvite {
    this.#throwIfEnded()
    if (this.#invite === undefined || this.#session !== undefined) {
      throw new CordboardError('CALL_STATE', `${what}() is for an incoming call before its answer`)
    }
    return this.#invite
  }

  #answeredLeg(what: string): Leg {
    this.#throwIfEnded()
    const leg = this.media.leg
    if (this.#session === undefined || leg === undefined) throw new CordboardError('CALL_STATE', `${what}() needs an answered call`)
    return leg
  }

  /** A failure behind the application's back: seen on the diagnostics channel, harmless to the call. */
  #unheard(error: unknown): void {
    channels.call.publish({ id: this.id, event: 'fault', error })
  }
}
