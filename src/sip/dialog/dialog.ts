import { request as makeRequest } from '../message/build.js'
import type { BodyInit, HeaderInit } from '../message/build.js'
import { callId, contacts, cseq, from, header, recordRoutes, to } from '../message/headers.js'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js'
import { parseUri } from '../message/uri.js'
import { parameter } from '../message/scanner.js'

export type DialogState = 'early' | 'confirmed' | 'terminated'

/** What a request within a dialog is made from, beside the dialog. */
export interface DialogRequestInit {
  readonly contact?: string
  readonly headers?: HeaderInit
  readonly body?: BodyInit
  /** ACK and CANCEL take the number of their INVITE. */
  readonly cseq?: number
}

interface DialogInit {
  readonly state: DialogState
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** Value of From in our requests, tag included. */
  readonly local: string
  /** Value of To in our requests, tag included. */
  readonly remote: string
  readonly localSeq: number
  readonly remoteSeq: number | undefined
  readonly remoteTarget: string
  readonly routeSet: readonly string[]
  readonly secure: boolean
}

/** A peer-to-peer relation of two user agents (RFC 3261 §12). Data only: it neither sends nor waits. */
export class Dialog {
  state: DialogState
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly local: string
  #remote: string
  localSeq: number
  /** Highest CSeq of the peer's requests; undefined until one came. */
  remoteSeq: number | undefined
  /** URI of the peer's last Contact. */
  remoteTarget: string
  /** Values of Route, topmost first. */
  routeSet: readonly string[]
  /** Begun by a request to a `sips` URI: our Contacts are of that scheme (RFC 3261 §12.1.1). */
  readonly secure: boolean

  private constructor(init: DialogInit) {
    this.state = init.state
    this.callId = init.callId
    this.localTag = init.localTag
    this.remoteTag = init.remoteTag
    this.local = init.local
    this.#remote = init.remote
    this.localSeq = init.localSeq
    this.remoteSeq = init.remoteSeq
    this.remoteTarget = init.remoteTarget
    this.routeSet = init.routeSet
    this.secure = init.secure
  }

  /** Dialog of a server whose 101-299 response carries `localTag` (RFC 3261 §12.1.1). */
  static ofServer(request: SipRequest, localTag: string, state: DialogState): Dialog {
    return new Dialog({
      state,
      callId: callId(request),
      localTag,
      remoteTag: from(request).tag ?? '',
      local: `${header(request, 'To')};tag=${localTag}`,
      remote: header(request, 'From')!,
      localSeq: 0,
      remoteSeq: cseq(request).number,
      remoteTarget: contacts(request)[0]?.uri ?? from(request).uri,
      routeSet: recordRoutes(request).length === 0 ? NO_ROUTES : recordRoutes(request).map(routeValue),
      secure: isSecure(request.uri),
    })
  }

  /** Dialog of a client that got this 101-299 response (RFC 3261 §12.1.2). */
  static ofClient(request: SipRequest, response: SipResponse): Dialog {
    return new Dialog({
      state: response.status < 200 ? 'early' : 'confirmed',
      callId: callId(request),
      localTag: from(request).tag ?? '',
      remoteTag: to(response).tag ?? '',
      local: header(request, 'From')!,
      remote: header(response, 'To')!,
      localSeq: cseq(request).number,
      remoteSeq: undefined,
      remoteTarget: contacts(response)[0]?.uri ?? request.uri,
      routeSet: recordRoutes(response).map(routeValue).reverse(),
      secure: isSecure(request.uri),
    })
  }

  /** Tells the dialog apart from the others of a user agent, Call-ID to be compared beside it. */
  get key(): string {
    return dialogKey(this.localTag, this.remoteTag)
  }

  /**
   * Confirms an early dialog. The 2xx alone fixes the route set of a client (RFC 3261 §13.2.2.4).
   */
  confirm(response?: SipResponse): void {
    this.state = 'confirmed'
    if (response === undefined) return
    this.routeSet = recordRoutes(response).map(routeValue).reverse()
    this.#remote = header(response, 'To')!
    this.refresh(response)
  }

  /** Takes the peer's Contact of a target refresh request or its 2xx (RFC 3261 §12.2). */
  refresh(message: SipMessage): void {
    const contact = contacts(message)[0]
    if (contact !== undefined) this.remoteTarget = contact.uri
  }

  /** False for a request older than one that came before: it gets 500 (RFC 3261 §12.2.2). */
  accepts(request: SipRequest): boolean {
    const { number } = cseq(request)
    if (this.remoteSeq !== undefined && number < this.remoteSeq) return false
    this.remoteSeq = number
    return true
  }

  /** A request within the dialog (RFC 3261 §12.2.1.1), loose and strict routers served. */
  request(method: string, init: DialogRequestInit = {}): SipRequest {
    const number = init.cseq ?? ++this.localSeq
    const { uri, route } = this.#path()
    return makeRequest({
      method, uri, route, from: this.local, to: this.#remote, callId: this.callId, cseq: number,
      ...(init.contact === undefined ? {} : { contact: init.contact }),
      ...(init.headers === undefined ? {} : { headers: init.headers }),
      ...(init.body === undefined ? {} : { body: init.body }),
    })
  }

  /** URI whose resolution says where the dialog's requests go: the first route, else the peer's target. */
  get nextHop(): string {
    const [first] = this.routeSet
    return first === undefined ? this.remoteTarget : first.slice(1, -1)
  }

  #path(): { readonly uri: string; readonly route: readonly string[] } {
    const [first] = this.routeSet
    if (first === undefined || isLoose(first.slice(1, -1))) return { uri: this.remoteTarget, route: this.routeSet }
    // RFC 3261 §12.2.1.1: a strict router finds itself in the Request-URI, and the target at the end of the route.
    return { uri: first.slice(1, -1), route: [...this.routeSet.slice(1), `<${this.remoteTarget}>`] }
  }
}

const NO_ROUTES: readonly string[] = Object.freeze([])

const routeValue = (address: { readonly uri: string }): string => `<${address.uri}>`

/** True when the URI of a route has the parameter `lr` (RFC 3261 §19.1.1). */
export const isLoose = (uri: string): boolean => {
  const parsed = parseUri(uri)
  return parsed?.type === 'sip' && parameter(parsed.parameters, 'lr') !== undefined
}

/** Key of a dialog by its tags. */
export const dialogKey = (localTag: string, remoteTag: string): string => `${localTag};${remoteTag}`

/** True for `sips:`, which demands TLS on every hop (RFC 3261 §26.2.2). */
export const isSecure = (uri: string): boolean => /^sips:/i.test(uri)
