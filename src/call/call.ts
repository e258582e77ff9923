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

/** A request, for reading. */
export interface RequestView {
  readonly method: string
  /** The Request-URI. */
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
  /** All of its values, in order. */
  headers(name: string): readonly string[]
}

/** Why a call ended. */
export type EndReason =
  | { readonly type: 'remote-bye' }
  | { readonly type: 'local-bye' }
  /** Before the answer, by the peer. `reason`: what the peer's CANCEL says (RFC 3326), where it says why. */
  | { readonly type: 'cancelled'; readonly reason?: string }
  /** Before the answer, by us; `status`: of our final response. */
  | { readonly type: 'rejected'; readonly status: number }
  /** The peer is gone: no answer to a request of ours, no ACK, no refresh of the session timer (RFC 4028), no RTP for `rtpTimeout`. */
  | { readonly type: 'timeout' }
  /** Its transport or its media have failed. */
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
  /** The peer has taken us off hold. */
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
  /** Begins anew after its end. @default false */
  readonly loop?: boolean
  /** Keys that end it. @default 'none' */
  readonly interruptBy?: readonly Digit[] | 'any' | 'none'
  /** Ends when the peer begins to speak. @default false */
  readonly interruptByVoice?: boolean
  /** Amplification in dB. @default 0 */
  readonly volume?: number
}

/** How a sound ended: by itself, by a key that cut it short (`interruptBy`), by the peer's voice (`interruptByVoice`). */
export type PlayOutcome = { readonly type: 'finished' } | { readonly type: 'interrupted'; readonly digit: Digit } | { readonly type: 'spoken' }

/** How an attempt to reach someone ended; of several targets that failed, the failure that says most. */
export type DialOutcome =
  /** `by`: the target that answered. */
  | { readonly type: 'answered'; readonly call: Call; readonly by: Uri }
  /** `busy`: 486 or 600. `unreachable`: nobody is there (404, 480 and the like), or nothing answers (408, 503). `rejected`: any other refusal. */
  | { readonly type: 'busy' | 'rejected' | 'unreachable'; readonly status: number }
  /** `no-answer`: it rang for `ringFor`. `cancelled`: `signal` aborted. */
  | { readonly type: 'no-answer' | 'cancelled' }

/** Options of `dial`. A `CancelReason` as the reason of `signal` is what the CANCELs say. */
export interface DialOptions extends Scoped {
  /** Targets all at once, or one after the other in the order given. @default 'parallel' */
  readonly fork?: 'parallel' | 'sequential'
  /** Milliseconds each target may ring. @default 60000 */
  readonly ringFor?: number
  /** Identity shown to the one called. @default the server's own */
  readonly from?: Uri
  /** Further headers of the INVITE. */
  readonly headers?: Readonly<Record<string, string>>
  /** Asserted to elements of the trust domain (RFC 3325; option `trusted`). @default on `call.dial` what is asserted of the caller */
  readonly identity?: Uri
  /** `id`: From is anonymous, and `identity` stays within the trust domain; `none`: neither. @default on `call.dial` as the caller wants it, else 'none' */
  readonly privacy?: 'id' | 'none'
  /** On `call.dial`: whether the caller hears the callee's early media. @default 'pass' */
  readonly earlyMedia?: 'pass' | 'ignore'
  /** What answers the digest challenges of the called side: an account at a trunk. @default a challenge is a rejection */
  readonly credentials?: { readonly username: string; readonly password: string }
  /** Hears each provisional response (101-199); `by`: the target that rings, `early`: it has brought early media. */
  readonly onProgress?: (progress: { readonly status: number; readonly by: Uri; readonly early: boolean }) => void
}

/** How a bridge ended; `this` is the call that `bridge` was called on. */
export type BridgeOutcome =
  | { readonly type: 'ended'; readonly by: 'this' | 'other'; readonly reason: EndReason }
  /** `signal` aborted: both calls go on apart. */
  | { readonly type: 'parted' }

/** A recording in progress. Disposing of it stops it. */
export interface Recording extends AsyncDisposable {
  /** Path, as it was given. */
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
  /** Unlike that of any other call of its server. */
  readonly id: string
  /** `in`: the peer called us. `out`: we dialled. */
  readonly origin: 'in' | 'out'
  readonly from: Uri
  readonly to: Uri
  /** The INVITE: the peer's, or the one that we sent. */
  readonly request: RequestView
  /** `early`: not answered yet. */
  readonly state: 'early' | 'answered' | 'ended'
  /** Of our media, as agreed. */
  readonly direction: Direction
  /** Aborts when the call ends; the reason is a `CALL_ENDED` error whose cause is the `EndReason`. */
  readonly signal: AbortSignal
  /** Undefined until it ended. */
  readonly endReason: EndReason | undefined
  /**
   * Tells the caller that somebody rings (180), or begins early media (183): `play()` before `answer()` does the latter by itself. @default 180
   * @throws CordboardError `CALL_STATE` after the answer, `CALL_ENDED`; of 183 those of `answer`.
   */
  progress(options?: { readonly status?: 180 | 183 } & Scoped): Promise<void>
  /**
   * Answers (200); again has no effect. `codecs`: those of the server's that may be agreed on, by name, best first. @default all of them
   * @throws CordboardError `MEDIA_NO_COMMON_CODEC` (488 is sent), `MEDIA_OVERLOADED` or `MEDIA_PORTS_EXHAUSTED` (503), `SERVER_BAD_OPTION` for a codec that
   * the server has not, `CALL_STATE` for a call that we dialled, `CALL_ENDED`.
   */
  answer(options?: { readonly codecs?: readonly string[] } & Scoped): Promise<void>
  /**
   * Final response 300-699 before the answer; `reason`: its reason phrase.
   * @throws CordboardError `CALL_STATE` after the answer and for another status, `CALL_ENDED`.
   */
  reject(status: number, options?: { readonly reason?: string; readonly headers?: Readonly<Record<string, string>> }): Promise<void>
  /**
   * Plays a sound, or several one after the other, to its end. The key that interrupts it is in the outcome only; others queue (32).
   * @throws CordboardError `CALL_BUSY` while another sound plays, `MEDIA_BAD_FILE`, `SERVER_BAD_OPTION` for a tone that cannot be read or a key that is none,
   * `OPTIONAL_PACKAGE_MISSING` for words without a speech provider, `CALL_ENDED`.
   */
  play(audio: Audio | readonly Audio[], options?: SoundOptions): Promise<PlayOutcome>
  /** Plays the prompt and waits for a key; queued keys are read first, or forgotten with `flush`. @throws CordboardError as `play`. */
  ask<T>(menu: Menu<T>, options?: Scoped & { readonly flush?: boolean }): Promise<Answer<T>>
  /** Keys as they come, queued ones first (32 at most: the oldest is dropped and counted). Finishes when the call ends. */
  digits(options?: Scoped): AsyncIterableIterator<{ readonly digit: Digit; readonly duration: number }>
  /**
   * Presses keys one after the other, after those of earlier calls (that send them the same way). Resolves when its own are out.
   * @throws CordboardError `CALL_STATE` before the answer and when the peer refuses them in INFO, `CALL_BUSY` when 32 calls wait already, `SERVER_BAD_OPTION` for
   * what is no digit and times that cannot be, `CALL_ENDED`.
   */
  sendDigits(digits: readonly Digit[], options?: SendDigitsOptions): Promise<void>
  /**
   * What the peer says, as mono PCM in frames of 20 ms at `rate` Hz. `buffer`: frames that wait for a reader, 1 to 3000; then the oldest is dropped and
   * counted. Finishes when the call ends. @default rate 8000, buffer 50
   * @throws CordboardError `CALL_STATE` before the answer, `SERVER_BAD_OPTION`.
   */
  audio(options?: Scoped & { readonly rate?: 8000 | 16000; readonly buffer?: number }): AsyncIterableIterator<Int16Array>
  /**
   * Listens to what the peer sends for keys as tones (they come as `digit`), call-progress tones, fax machines, an answering machine and its
   * beep (they come as `detected`). A second call replaces the first; `{}` or the signal ends it.
   * @throws CordboardError `CALL_STATE` before the answer, `SERVER_BAD_OPTION`, `CALL_ENDED`.
   */
  detect(what: Detection, options?: Scoped): void
  /**
   * Sends the peer's audio back to it until `signal` aborts or the call ends, and rejects then.
   * @throws CordboardError `CALL_STATE` before the answer, `CALL_ENDED`; the reason of `signal`.
   */
  echo(options?: Scoped): Promise<void>
  /**
   * Records to a WAV file, by default in stereo: left the peer, right what it hears. Stops with the call; before the answer it begins early media.
   * @throws CordboardError `MEDIA_BAD_FILE` when the file cannot be made or another recording has it, `SERVER_BAD_OPTION`, `CALL_ENDED`.
   */
  record(file: string, options?: Omit<RecordOptions, 'file'>): Promise<Recording>
  /**
   * Dials on behalf of this call: it hears ringing or early media, and its end cancels the dialling.
   * @throws CordboardError `CALL_ENDED`, and those of `Server.dial`.
   */
  dial(targets: Uri | readonly Uri[], options?: DialOptions): Promise<DialOutcome>
  /** Joins two answered calls until one ends (the other stays up) or `signal` aborts. @throws CordboardError `CALL_STATE` before the answer of either. */
  bridge(other: Call, options?: Scoped): Promise<BridgeOutcome>
  /** Keys, and frames of `audio()` iterators that have ended, which are lost because nobody read them. */
  readonly dropped: { readonly audio: number; readonly digits: number }
  /** What its media have counted so far, or did until the end. */
  statistics(): Promise<CallStatistics>
  /**
   * Puts the peer on hold (re-INVITE `sendonly`) and plays `music` to it, again and again.
   * @throws CordboardError `CALL_STATE` before the answer and when the peer refuses, `CALL_ENDED`.
   */
  hold(music?: Audio): Promise<void>
  /** Takes the peer off hold. @throws CordboardError as `hold`. */
  resume(): Promise<void>
  /**
   * Asks the peer to call somebody else (REFER, RFC 3515): an address (blind) or the other end of a call of ours (attended). Once transferred, the
   * call ends with BYE.
   * @throws CordboardError `CALL_STATE` before the answer, `CALL_ENDED`.
   */
  transfer(target: Uri | Call, options?: Scoped): Promise<TransferOutcome>
  /** BYE, CANCEL or a final response, whatever the state asks for. Idempotent. */
  hangup(): Promise<void>
}
