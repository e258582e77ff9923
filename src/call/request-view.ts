import { headerNameOf } from '../sip/message/header-names.js'
import { extensionHeader, from, header, headerValues, to } from '../sip/message/headers.js'
import type { SipRequest } from '../sip/message/message.js'
import type { Source } from '../sip/ua/user-agent.js'
import type { RequestView, Uri } from './call.js'

/** A request as an application reads it: each property is parsed when first asked for. */
export class SipRequestView implements RequestView {
  readonly #request: SipRequest

  constructor(request: SipRequest, readonly source: Source) {
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
