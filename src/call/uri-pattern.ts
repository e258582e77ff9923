import { CordboardError } from '../core/errors.js'

/**
 * A pattern of Request-URIs: `sip:600@*`, `sip:8[0-9][0-9]@*`, `sip:*@pbx.example`. `*` stands for any text, `?` for one character,
 * `[…]` for one of a set; it is matched against the user and the host, without port and parameters, whether the scheme is sip or sips. A `tel` URI (RFC 3966) is a user
 * without host: `sip:600@*` takes `tel:600`.
 */
export class UriPattern {
  readonly #user: RegExp
  readonly #host: RegExp

  /** @throws CordboardError `SERVER_BAD_OPTION`. */
  constructor(readonly text: string) {
    const match = /^sips?:([^@]+)@([^@;]+)$/i.exec(text)
    if (match === null) throw new CordboardError('SERVER_BAD_OPTION', `'${text}' is no pattern: write sip:USER@HOST with *, ? and [0-9]`)
    this.#user = globToRegExp(match[1]!, '')
    this.#host = globToRegExp(match[2]!, 'i')
  }

  matches(user: string, host: string): boolean {
    return this.#user.test(user) && this.#host.test(host)
  }
}

const globToRegExp = (glob: string, flags: string): RegExp => {
  const source = glob.replaceAll(/\[(!?)([^\]]+)\]|[*?]|[.+^${}()|\\[\]]/g, (token, not: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replaceAll(/[\\\]^]/g, String.raw`\$&`)}]`
    if (token === '*') return '.*'
    return token === '?' ? '.' : `\\${token}`
  })
  return new RegExp(`^${source}$`, flags)
}
