import { cseq, header, referredBy, referTo } from '../message/headers.js'
import { reasonPhrase } from '../message/status.js'
import { parseUri } from '../message/uri.js'
import type { ServerRequest, Session } from './user-agent.js'

/** A REFER within a session: the peer asks us to call somebody (RFC 3515). */
export interface Referral {
  /** URI of Refer-To; for an attended transfer it names the dialog to replace among its headers (RFC 3891 §6.1). */
  readonly target: string
  /** URI of Referred-By (RFC 3892). */
  readonly by: string | undefined
  /** 202; what comes of it is then told by `notify`. */
  accept(): void
  refuse(status: number): void
  /** Status of the call made for the peer: it gets a NOTIFY, the last with a final status. Nothing when the peer wants none (RFC 4488). */
  notify(status: number): void
}

/** Seconds that the implicit subscription lasts at most. */
const SUBSCRIPTION_S = 180

/** Sessions that have had a REFER: from the second on NOTIFYs say which (RFC 3515 §2.4.6). */
const referred = new WeakSet<Session>()

/** Takes a REFER; one without a usable Refer-To gets 400 and is undefined. */
export const referralOf = (session: Session, request: ServerRequest): Referral | undefined => {
  const { message } = request
  const target = referTo(message)?.uri
  if (target === undefined || parseUri(target) === undefined) {
    request.respond(400, { reason: 'Missing Or Malformed Refer-To' })
    return undefined
  }
  // Whether it is accepted may be decided later.
  request.defer()
  const silent = /^\s*false/i.test(header(message, 'Refer-Sub') ?? '')
  const event = referred.has(session) ? `refer;id=${cseq(message).number}` : 'refer'
  referred.add(session)
  return new LiveReferral(session, request, target, silent, event)
}

class LiveReferral implements Referral {
  #over = false

  constructor(readonly session: Session, readonly request: ServerRequest, readonly target: string, readonly silent: boolean, readonly event: string) {}

  get by(): string | undefined {
    return referredBy(this.request.message)?.uri
  }

  accept(): void {
    if (this.request.answered) return
    // RFC 4488 §4: agreed that there is no subscription.
    this.request.respond(202, this.silent ? { headers: { 'Refer-Sub': 'false' } } : {})
    this.notify(100)
  }

  refuse(status: number): void {
    this.#over = true
    this.request.respond(status)
  }

  notify(status: number): void {
    if (this.#over || this.silent || this.session.state === 'terminated') return
    this.#over = status >= 200
    this.session.request('NOTIFY', {
      headers: { Event: this.event, 'Subscription-State': this.#over ? 'terminated;reason=noresource' : `active;expires=${SUBSCRIPTION_S}` },
      body: { type: 'message/sipfrag;version=2.0', content: `SIP/2.0 ${status} ${reasonPhrase(status)}\r\n` },
      // A peer that no longer listens is no fault of the call: its subscription ends.
    }).then(({ status: answer }) => { if (answer >= 300) this.#over = true }, () => { this.#over = true })
  }
}
