import type { EventEmitter } from 'node:events'
import type { CordboardError } from '../core/errors.js'
import type { Scoped } from '../core/scope.js'
import type { Detected, Detection, Digit, LegStatistics, RecordingResult, RecordOptions } from '../media/leg.js'
import type { StreamStatistics } from '../media/side-stream.js'
import type { Direction, StreamKind } from '../sdp/negotiated.js'
import type { RequestHolder, Source } from '../sip/ua/user-agent.js'
import type { Audio } from './audio.js'
import type { Answer, Menu } from './menu.js'
import type { TransferOutcome } from './transfer.js'

/** A SIP URI as text: `sip:ann@pbx.example`. */
export type Uri = string

/** A received request, for reading. */
export interface RequestView {
  readonly method: string
  readonly uri: Uri
  /** URI of From, without display name and parameters of the header. */
  readonly from: Uri
  /** URI of To. */
  readonly to: Uri
  readonly source: Source
  /** Who calls as an element of the trust domain asserts it (RFC 3325; option `trusted`); undefined where nobody does whom we believe. */
  readonly identity: Uri | undefined
  /** The caller wants to stay unknown to whoever is called (Privacy: id). */
  readonly private: boolean
  /** First value of a header, by full or compact name, whatever its case. */
  header(name: string): string | undefined
  headers(name: string): readonly string[]
}

/** Why a call ended. */
export type EndReason =
  | { readonly type: 'remote-bye' }
  | { readonly type: 'local-bye' }
  /** `reason`: what the peer's CANCEL says (RFC 3326), where it says why. */
  | { readonly type: 'cancelled'; readonly reason?: string }
  | { readonly type: 'rejected'; readonly status: number }
  | { readonly type: 'timeout' }
  | { readonly type: 'error'; readonly error: CordboardError }

/** What the media of a call have counted. */
export interface CallStatistics extends LegStatistics {
  /** Of its video, text and fax, by kind: what came from the peer, and what was passed on to it. Empty where it never had any. */
  readonly streams: Readonly<Partial<Record<StreamKind, StreamStatistics>>>
}

/** What a call tells its listeners. */
export interface CallEvents {
  answered: []
  /** The peer put us on hold. */
  held: []
  resumed: []
  /** A key was pressed; `duration` in ms. */
  digit: [digit: Digit, duration: number]
  /** Something that `detect` listens for. */
  detected: [what: Detected]
  /** Nothing has come from the peer for so long (ms) although audio is due: from 5 s on, every few seconds as long as it lasts. */
  silent: [ms: number]
  /** Another party has taken the peer's place (Replaces, RFC 3891): the far end of an attended transfer. */
  replaced: [by: Uri]
  /** The peer asks for a transfer (REFER, RFC 3515). Declined with 603 while nobody listens. */
  transfer: [request: TransferRequest]
  /** How the media fare, every `qualityEvery` of the server. */
  quality: [statistics: CallStatistics]
  ended: [reason: EndReason]
}

/** The peer's wish to be connected elsewhere. */
export interface TransferRequest {
  /** Whom to call; an attended transfer names the dialog to replace among the headers of the URI. */
  readonly target: Uri
  /** Who asks (Referred-By, RFC 3892). */
  readonly by: Uri | undefined
  /** Takes it on (202). */
  accept(): void
  refuse(status: number): void
  /** Tells the peer how the call to `target` fares, at last with a final status. */
  notify(status: number): void
}

/** How a call presses keys. */
export interface SendDigitsOptions extends Scoped {
  /** `rtp`: RFC 4733 events, or tones where the peer takes none. `info`: SIP INFO with `application/dtmf-relay` (RFC 6086). @default 'rtp' */
  readonly by?: 'rtp' | 'info'
}

/** How a call plays a sound. */
export interface SoundOptions extends Scoped {
  /** @default false */
  readonly loop?: boolean
  /** Keys that end it. @default 'none' */
  readonly interruptBy?: readonly Digit[] | 'any' | 'none'
  /** Ends when the peer begins to speak. @default false */
  readonly interruptByVoice?: boolean
  /** dB. @default 0 */
  readonly volume?: number
}

/** How a sound ended: by itself, or by the key that cut it short. */
export type PlayOutcome = { readonly type: 'finished' } | { readonly type: 'interrupted'; readonly digit: Digit } | { readonly type: 'spoken' }

/** How an attempt to reach someone ended. */
export type DialOutcome =
  | { readonly type: 'answered'; readonly call: Call; readonly by: Uri }
  | { readonly type: 'busy' | 'rejected' | 'unreachable'; readonly status: number }
  | { readonly type: 'no-answer' | 'cancelled' }

/** Options of `dial`. A `CancelReason` as the reason of `signal` is what the CANCELs say. */
export interface DialOptions extends Scoped {
  /** @default 'parallel' */
  readonly fork?: 'parallel' | 'sequential'
  /** Milliseconds each target may ring. @default 60000 */
  readonly ringFor?: number
  /** Identity shown to the one called. */
  readonly from?: Uri
  readonly headers?: Readonly<Record<string, string>>
  /** Asserted to elements of the trust domain (RFC 3325; option `trusted`). @default on `call.dial` what is asserted of the caller */
  readonly identity?: Uri
  /** `id`: From is anonymous, and `identity` stays within the trust domain; `none`: neither. @default on `call.dial` as the caller wants it, else 'none' */
  readonly privacy?: 'id' | 'none'
  /** On `call.dial`: whether the caller hears the callee's early media. @default 'pass' */
  readonly earlyMedia?: 'pass' | 'ignore'
  /** Digest credentials for the called side. */
  readonly credentials?: { readonly username: string; readonly password: string }
  readonly onProgress?: (progress: { readonly status: number; readonly by: Uri; readonly early: boolean }) => void
}

/** How a bridge ended; `this` is the call that `bridge` was called on. */
export type BridgeOutcome =
  | { readonly type: 'ended'; readonly by: 'this' | 'other'; readonly reason: EndReason }
  /** `signal` aborted: both calls go on apart. */
  | { readonly type: 'parted' }

/** A recording in progress. Disposing of it stops it. */
export interface Recording extends AsyncDisposable {
  readonly file: string
  /** Silence is written until `resume`. */
  pause(): void
  resume(): void
  /** Resolves when the file is whole; `ms` is its length. */
  stop(): Promise<RecordingResult>
}

/**
 * One call: a SIP dialog and its media leg. Whatever awaits on it rejects with `CALL_ENDED` (`cause`: the `EndReason`) when the
 * peer hangs up, except outcomes that have a member for it.
 */
export interface Call extends EventEmitter<CallEvents>, AsyncDisposable, RequestHolder {
  readonly id: string
  /** `in`: the peer called us. `out`: we dialled. */
  readonly origin: 'in' | 'out'
  readonly from: Uri
  readonly to: Uri
  /** The INVITE: the peer's, or the one that we sent. */
  readonly request: RequestView
  readonly state: 'early' | 'answered' | 'ended'
  /** Of our media, as agreed. */
  readonly direction: Direction
  /** Aborts when the call ends; the reason is a `CALL_ENDED` error whose cause is the `EndReason`. */
  readonly signal: AbortSignal
  /** Undefined until it ended. */
  readonly endReason: EndReason | undefined
  /** 180 or 183; `play()` before `answer()` is early media (183 by itself when none was sent). @default 180 */
  progress(options?: { readonly status?: 180 | 183 } & Scoped): Promise<void>
  /** @throws CordboardError `MEDIA_NO_COMMON_CODEC` (488 is sent), `MEDIA_OVERLOADED` (503), `CALL_ENDED`. */
  answer(options?: { readonly codecs?: readonly string[] } & Scoped): Promise<void>
  /** Final response 300-699 before the answer. */
  reject(status: number, options?: { readonly reason?: string; readonly headers?: Readonly<Record<string, string>> }): Promise<void>
  /** One foreground sound per call: a second one rejects with `CALL_BUSY`. The interrupting digit is in the result only; others queue (32). */
  play(audio: Audio | readonly Audio[], options?: SoundOptions): Promise<PlayOutcome>
  /** Plays the prompt and waits for a key; queued digits are read first unless `flush`. */
  ask<T>(menu: Menu<T>, options?: Scoped & { readonly flush?: boolean }): Promise<Answer<T>>
  /** Keys as they come, queued ones first (bounded: the oldest is dropped). Finishes when the call ends. */
  digits(options?: Scoped): AsyncIterableIterator<{ readonly digit: Digit; readonly duration: number }>
  /** Presses keys, one after the other. @throws CordboardError `CALL_STATE` when the peer refuses them in INFO. */
  sendDigits(digits: readonly Digit[], options?: SendDigitsOptions): Promise<void>
  /** What the peer says, as mono PCM frames; bounded: the oldest is dropped and counted. Finishes when the call ends. @default rate 8000, buffer 50 frames */
  audio(options?: Scoped & { readonly rate?: 8000 | 16000; readonly buffer?: number }): AsyncIterableIterator<Int16Array>
  /**
   * Listens to what the peer sends for keys as tones (they come as `digit`), call-progress tones, fax machines, an answering machine and its
   * beep (they come as `detected`). A second call replaces the first; `{}` or the signal ends it.
   */
  detect(what: Detection, options?: Scoped): void
  /** Sends the peer's audio back to it until the returned function's signal aborts or the call ends. */
  echo(options?: Scoped): Promise<void>
  /** WAV; `stereo` (default): left the peer, right what it hears. Stops with the call. */
  record(file: string, options?: Omit<RecordOptions, 'file'>): Promise<Recording>
  /** Dials on behalf of this call: it hears ringing or early media, and its end cancels the dialling. */
  dial(targets: Uri | readonly Uri[], options?: DialOptions): Promise<DialOutcome>
  /** Joins two answered calls until one ends (the other stays up) or `signal` aborts. */
  bridge(other: Call, options?: Scoped): Promise<BridgeOutcome>
  /** What its media have counted so far, or did until the end. */
  statistics(): Promise<CallStatistics>
  /** Puts the peer on hold (re-INVITE `sendonly`) and plays `music` to it. */
  hold(music?: Audio): Promise<void>
  resume(): Promise<void>
  /**
   * Asks the peer to call somebody else: an address (blind) or the other end of a call of ours (attended). Once transferred, the call
   * ends with BYE.
   */
  transfer(target: Uri | Call, options?: Scoped): Promise<TransferOutcome>
  /** BYE, CANCEL or a final response, whatever the state asks for. Idempotent. */
  hangup(): Promise<void>
}
