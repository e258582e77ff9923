import { headerNameOf } from '../sip/message/header-names.js'
import { assertedIdentities, extensionHeader, from, header, headerValues, to } from '../sip/message/headers.js'
import type { SipRequest } from '../sip/message/message.js'
import { wantsPrivacy } from '../sip/ua/trust-domain.js'
import type { Source } from '../sip/ua/user-agent.js'
import type { RequestView, Uri } from './call.js'

/** A request as an application reads it: each property is parsed when first asked for. */
export class SipRequestView implements RequestView {
  readonly #request: SipRequest

  /** @param trusted whether the sender's assertions are believed */
  constructor(request: SipRequest, readonly source: Source, readonly trusted: boolean) {
    this.#request = request
  }

  get method(): string {
    return this.#request.method
  }

  get uri(): Uri {
    return this.#request.uri
  }

  get from(): Uri {
    return from(this.#request).uri
  }

  get to(): Uri {
    return to(this.#request).uri
  }

  get identity(): Uri | undefined {
    return this.trusted ? assertedIdentities(this.#request)[0]?.uri : undefined
  }

  get private(): boolean {
    return wantsPrivacy(this.#request)
  }

  header(name: string): string | undefined {
    const known = headerNameOf(name)
    return known === undefined ? extensionHeader(this.#request, name) : header(this.#request, known)
  }

  headers(name: string): readonly string[] {
    const known = headerNameOf(name)
    if (known !== undefined) return headerValues(this.#request, known)
    return this.#request.headers.filter(field => field.name.toLowerCase() === name.toLowerCase()).map(field => field.value)
  }
}
