import type { EventEmitter } from 'node:events'
import type { Scoped } from '../../core/scope.js'
import type { SipRequest, SipResponse } from '../message/message.js'

/** Where a message came from. */
export interface Source {
  readonly address: string
  readonly port: number
  readonly transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'
}

/** Extra headers of a message that we send: canonical or extension names. */
export type ExtraHeaders = Readonly<Record<string, string | readonly string[]>>

/** What a response has beside its status. */
export interface ResponseOptions {
  /** Reason phrase. @default that of the status */
  readonly reason?: string
  readonly headers?: ExtraHeaders
  readonly body?: { readonly type: string; readonly content: string | Uint8Array }
}

/** A request outside any dialog, or a non-INVITE one within, whose response is still owed. */
export interface ServerRequest {
  readonly message: SipRequest
  readonly source: Source
  /** Aborts when the request is cancelled (INVITE) or its transaction ends. */
  readonly signal: AbortSignal
  /** True once a final response has been sent. */
  readonly answered: boolean
  /** The final status sent. */
  readonly status: number | undefined
  /** What the INVITE asks to take the place of (Replaces, RFC 3891): ended by itself when it is accepted. */
  readonly replaces?: { readonly type: 'session'; readonly session: Session } | { readonly type: 'ringing'; readonly invite: ClientInvite } | undefined
  respond(status: number, options?: ResponseOptions): void
  /** Whoever takes it will answer later: it isn't answered for them when `onRequest` resolves. */
  defer(): void
}

/** What stands for a request that may still be challenged: an incoming call, or a request given to a route. */
export interface RequestHolder {
  /** Undefined once a final response has been sent, or when there never was one to send. */
  readonly pendingRequest: ServerRequest | undefined
}

/** Username and password for digest challenges (RFC 7616, 8760). */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** An incoming INVITE that we answer as user-agent server (`UserAgent.serve`). */
export interface ServerInvite {
  readonly request: ServerRequest
  /** SDP of the INVITE; undefined for a delayed offer. */
  readonly offer: string | undefined
  /** Aborts on CANCEL, time-out or transport failure before the final response; the reason is an `InviteFailure`. */
  readonly signal: AbortSignal
  /** Calls `listener` when `signal` would abort, at once when it has: for many calls a second, a signal for each is dear. */
  whenFailed(listener: (failure: InviteFailure) => void): void
  /** Answers an offer in a PRACK or UPDATE before the final response (RFC 3262 §5, RFC 3311 §5.2). @default refuses with 488 */
  onOffer: (offer: string) => Promise<OfferReply>
  /** 100 is automatic. With `sdp`: early media; sent reliably (RFC 3262) when the peer requires it. */
  provisional(status: number, options?: { readonly sdp?: string } & ResponseOptions): Promise<void>
  /**
   * 200 with `sdp` (answer, or offer when the INVITE had none). Resolves when the 200 is on its way; for a delayed offer when the ACK
   * has brought the answer, which is then `session.remoteSdp`. The 2xx is resent until the ACK (RFC 3261 §13.3.1.4).
   * @throws CordboardError `SIP_DIALOG_TERMINATED` when the peer cancelled or the ACK never came.
   */
  accept(options: { readonly sdp: string } & ResponseOptions): Promise<Session>
  /**
   * Offers anew by UPDATE before the 2xx, when offer and answer have passed in reliable responses (RFC 3311 §5.1).
   * @throws CordboardError `CALL_STATE` before that and while another offer is under way, `SIP_DIALOG_TERMINATED`, `SIP_TRANSACTION_TIMEOUT`.
   */
  update(sdp: string): Promise<OfferOutcome>
  reject(status: number, options?: ResponseOptions): void
}

/** Why an invitation ended without a session. */
export type InviteFailure =
  | { readonly type: 'rejected'; readonly status: number; readonly response: SipResponse | undefined }
  /** `reason`: that of the peer's CANCEL (RFC 3326), where it has one. */
  | { readonly type: 'cancelled'; readonly reason?: string }
  | { readonly type: 'timeout' }
  | { readonly type: 'error'; readonly error: Error }

/** How an invitation ended. */
export type InviteOutcome = { readonly type: 'answered'; readonly session: Session } | InviteFailure

/** A response 101-199 to our INVITE. */
export interface InviteProgress {
  readonly status: number
  readonly response: SipResponse
  /** To tag: one per fork. */
  readonly tag: string | undefined
  /** SDP of an early answer. */
  readonly sdp: string | undefined
}

/** An INVITE of ours, from its sending to its outcome. */
export interface ClientInvite extends EventEmitter<{ progress: [progress: InviteProgress] }> {
  /** Never rejects. Surplus 2xx of other forks are acknowledged and ended with BYE by themselves. */
  readonly outcome: Promise<InviteOutcome>
  /** CANCEL, or BYE when a 2xx crosses it; `outcome` becomes `cancelled`. `reason` is the value of its Reason (RFC 3326). */
  cancel(reason?: string): void
  /**
   * Offers anew by UPDATE in the early dialog of this To tag, when offer and answer have passed in reliable responses (RFC 3311 §5.1).
   * @throws CordboardError `CALL_STATE` before that and while another offer is under way, `SIP_DIALOG_TERMINATED`, `SIP_TRANSACTION_TIMEOUT`.
   */
  update(tag: string, sdp: string): Promise<OfferOutcome>
}

/** What an INVITE of ours offers, and as whom. */
export interface InviteOptions extends Scoped {
  /** Our offer; without one the 2xx brings the offer and `answer` must be given. */
  readonly sdp?: string
  /** Makes the answer that the ACK carries to an offer in the 2xx. */
  readonly answer?: (offer: string) => Promise<string>
  /** Makes an offer for the PRACK of the reliable response that has brought this answer; undefined: none (RFC 3262 §5). @default none */
  readonly offerAfter?: (answer: string) => Promise<string | undefined>
  /** Answers the peer's UPDATE in an early dialog (RFC 3311 §5.2). @default refuses with 488 */
  readonly onOffer?: (offer: string) => Promise<OfferReply>
  /** URI or name-addr of From. @default the user agent's */
  readonly from?: string
  /** URI or name-addr of To. @default the target */
  readonly to?: string
  readonly headers?: ExtraHeaders
  /** URI or name-addr asserted in P-Asserted-Identity, to elements of the trust domain only (RFC 3325; option `trusted`). */
  readonly identity?: string
  /** The caller stays unknown to whoever is called: From is anonymous, and `Privacy: id` keeps `identity` within the trust domain (RFC 3323, 3325 §9.3). */
  readonly privacy?: 'id'
  readonly credentials?: Credentials
  /** Route set for the initial request (outbound proxy), in order. */
  readonly route?: readonly string[]
}

/** Why a session ended. */
export type SessionEnd =
  | { readonly type: 'remote-bye'; readonly request: SipRequest }
  | { readonly type: 'local-bye' }
  | { readonly type: 'timeout' }
  | { readonly type: 'error'; readonly error: Error }

/** Makes the answer to an offer that we ask the peer for. */
export type OfferAnswerer = (offer: string) => Promise<string>

/** What became of an offer of ours in mid-dialog. */
export type OfferOutcome = { readonly type: 'accepted'; readonly sdp: string } | { readonly type: 'refused'; readonly status: number }

/** What the owner of a session answers to a re-INVITE or UPDATE. */
export type OfferReply = { readonly type: 'accepted'; readonly sdp: string } | { readonly type: 'refused'; readonly status: number }

/** What a session tells its listeners. */
export interface SessionEvents {
  ended: [end: SessionEnd]
  /**
   * In-dialog request other than INVITE, ACK, BYE, CANCEL, PRACK, UPDATE: INFO, REFER, NOTIFY, MESSAGE. Unanswered by the end of the listeners: 405; INFO
   * 200 or 415, NOTIFY 481.
   */
  request: [request: ServerRequest]
}

/** An INVITE session (dialog usage) that was answered. */
export interface Session extends EventEmitter<SessionEvents> {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** The request or response that made the dialog: whose headers the application may read. */
  readonly established: SipRequest | SipResponse
  readonly state: 'confirmed' | 'terminated'
  /** Last SDP of the peer. */
  readonly remoteSdp: string | undefined
  /** Aborts when the session ends. */
  readonly signal: AbortSignal
  /**
   * Answers the peer's re-INVITE or UPDATE (`offer` undefined: the peer wants our offer, and its answer comes to `onAnswer`).
   * The owner sets it in the same turn in which it gets the session; refused with 488 until then.
   */
  onOffer: (offer: string | undefined) => Promise<OfferReply>
  /** The answer in the ACK to a re-INVITE that had no offer. */
  onAnswer: (answer: string) => void
  /**
   * Re-INVITE with our offer, or without one: the 2xx brings the peer's, and the ACK what is made of it. Queued behind one in progress; glare
   * (491) is retried after RFC 3261 §14.1's time.
   * @throws CordboardError `SIP_DIALOG_TERMINATED`, `SIP_TRANSACTION_TIMEOUT`.
   */
  reinvite(sdp: string | OfferAnswerer): Promise<OfferOutcome>
  /** Any other in-dialog request; resolves with its final response. @throws CordboardError as `reinvite`. */
  request(method: string, options?: { readonly headers?: ExtraHeaders; readonly body?: { readonly type: string; readonly content: string } }): Promise<SipResponse>
  /** Idempotent; resolves when the peer has answered or the transaction has given up. Waits for the ACK first where RFC 3261 §15 asks it. */
  bye(options?: { readonly headers?: ExtraHeaders }): Promise<void>
}

/** How a request outside dialogs ended. */
export type RequestOutcome =
  | { readonly type: 'response'; readonly response: SipResponse }
  | { readonly type: 'timeout' }
  | { readonly type: 'error'; readonly error: Error }

/** What a request outside dialogs carries. */
export interface RequestOptions extends Scoped {
  /** URI or name-addr of From. @default the user agent's */
  readonly from?: string
  /** URI or name-addr of To. @default the target */
  readonly to?: string
  readonly headers?: ExtraHeaders
  readonly body?: { readonly type: string; readonly content: string | Uint8Array }
  readonly credentials?: Credentials
  /** Route set (outbound proxy), in order. */
  readonly route?: readonly string[]
}

/**
 * A user agent over the transaction layer. It answers by itself what needs no application: retransmissions, in-dialog requests,
 * 481, 482, 483, 400, 405 with Allow, 420, 501, CANCEL.
 */
export interface UserAgent extends AsyncDisposable {
  /** Bound addresses, as `listen` writes them. */
  readonly addresses: readonly string[]
  /** Our own URI: From of requests that say nothing else. */
  readonly identity: string
  /** Read at scrape time: drops by reason, messages by direction and method or status (`in INVITE`, `out 200`), retransmissions. */
  readonly counters: {
    readonly dropped: Readonly<Record<string, number>>
    readonly messages: Readonly<Record<string, number>>
    /** Transactions begun, by side, and what befell them. */
    readonly transactions: Readonly<Record<string, number>>
  }
  /** Takes every out-of-dialog request but ACK and CANCEL, INVITE included; one left unanswered when it resolves gets 404 (INVITE) or 405/501. */
  onRequest: (request: ServerRequest) => Promise<void> | void
  /** Becomes the user-agent server of an INVITE that `onRequest` got. */
  serve(request: ServerRequest): ServerInvite
  /** Sends INVITE; digest challenges are answered when `credentials` are given. */
  invite(target: string, options?: InviteOptions): ClientInvite
  /** Sends an out-of-dialog request (OPTIONS, REGISTER, MESSAGE, …). */
  request(method: string, target: string, options?: RequestOptions): Promise<RequestOutcome>
  /**
   * Requests to this URI go where `source` is, by its connection while that is open: a registered contact behind a NAT, or one that only its own
   * connection reaches. Undefined forgets it.
   */
  learn?(uri: string, source: Source | undefined): void
  /** Sessions now confirmed. */
  readonly sessions: number
  /** Ends transports; sessions still open get BYE first. */
  close(): Promise<void>
}

/** What `server.use` takes: a role that sees out-of-dialog requests before the application. */
export interface Extension {
  readonly name: string
  /** Called once, by `server.use`. */
  attach?(userAgent: UserAgent): void
  /** Takes the request (true) or leaves it to the next. REGISTER goes to the registrar this way. */
  take?(request: ServerRequest): boolean
  /** Turns an address of record that it is responsible for into where it can be reached now; undefined: not responsible. */
  resolve?(uri: string): Promise<readonly string[] | undefined>
}
