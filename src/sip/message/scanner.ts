/** `;name=value` of a header field or URI. */
export interface Parameter {
  /** Lower case. */
  readonly name: string
  /** As written, with its quotes where it has any; undefined for a flag. */
  readonly value: string | undefined
}

const classOf = (characters: string): Uint8Array => {
  const table = new Uint8Array(128)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const TOKEN = classOf(`${ALPHANUMERIC}-.!%*_+\`'~`)
// Wider than the grammar's token / host / quoted-string, so that IPv6 addresses need no case of their own.
const VALUE = classOf(`${ALPHANUMERIC}-.!%*_+\`'~[]:/@&$?=#()\\{}|^`)
const SPACE = 0x20
const TAB = 0x09
const QUOTE = 0x22
const COMMA = 0x2c
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const BACKSLASH = 0x5c

/**
 * A position in the value of a header field, and the grammar's small pieces (RFC 3261 §25.1). What returns a string or list
 * returns undefined where the text is not that piece.
 */
export class Scanner {
  at = 0

  constructor(readonly text: string) {}

  get atEnd(): boolean {
    return this.at >= this.text.length
  }

  skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code !== SPACE && code !== TAB) return
      this.at++
    }
  }

  /** Character code at the position, NaN at the end. */
  peek(): number {
    return this.text.charCodeAt(this.at)
  }

  /** Takes `code`, with white space around it, if it comes next. */
  take(code: number): boolean {
    this.skipSpace()
    if (this.text.charCodeAt(this.at) !== code) return false
    this.at++
    this.skipSpace()
    return true
  }

  token(): string | undefined {
    return this.#run(TOKEN)
  }

  /** A quoted string with its quotes, escapes left in place. */
  quoted(): string | undefined {
    const { text } = this
    const start = this.at
    if (text.charCodeAt(start) !== QUOTE) return undefined
    let at = start + 1
    while (at < text.length) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.at = at + 1
        return text.slice(start, at + 1)
      }
      at += code === BACKSLASH ? 2 : 1
    }
    return undefined
  }

  /** Parameters up to the end or to a comma; an empty list is shared. */
  parameters(): readonly Parameter[] | undefined {
    this.skipSpace()
    if (this.text.charCodeAt(this.at) !== SEMICOLON) return NO_PARAMETERS
    let list: Parameter[] | undefined
    while (this.take(SEMICOLON)) {
      const item = this.#parameter()
      if (item === undefined) return undefined
      if (list === undefined) list = [item]
      else list.push(item)
    }
    return list
  }

  #parameter(): Parameter | undefined {
    const name = this.token()
    if (name === undefined) return undefined
    if (!this.take(EQUALS)) return { name: name.toLowerCase(), value: undefined }
    const value = this.text.charCodeAt(this.at) === QUOTE ? this.quoted() : this.#run(VALUE)
    return value === undefined ? undefined : { name: name.toLowerCase(), value }
  }

  /** Elements separated by commas, each read by `element`; undefined when one is wrong, empty, or followed by anything else. */
  list<T>(element: (scanner: Scanner) => T | undefined): readonly T[] | undefined {
    this.skipSpace()
    const first = element(this)
    if (first === undefined) return undefined
    // Mostly there is one: an array made with it has no room to spare, one that it is pushed to has room for sixteen more.
    const items: T[] = [first]
    while (this.take(COMMA)) {
      const item = element(this)
      if (item === undefined) return undefined
      items.push(item)
    }
    return this.atEnd ? items : undefined
  }

  #run(set: Uint8Array): string | undefined {
    const { text } = this
    const start = this.at
    let at = start
    while (set[text.charCodeAt(at)] === 1) at++
    if (at === start) return undefined
    this.at = at
    return text.slice(start, at)
  }
}

export const NO_PARAMETERS: readonly Parameter[] = Object.freeze([])

/** Value of the parameter `name` (lower case): a string, true for a flag, undefined when absent. */
export const parameter = (list: readonly Parameter[], name: string): string | true | undefined => {
  for (const item of list) if (item.name === name) return item.value ?? true
  return undefined
}

/** Value of the parameter `name` (lower case) without quotes; undefined when absent or a flag. */
export const parameterText = (list: readonly Parameter[], name: string): string | undefined => {
  for (const item of list) if (item.name === name) return item.value === undefined ? undefined : unquote(item.value)
  return undefined
}

/** `;name=value;flag` */
export const formatParameters = (list: readonly Parameter[]): string =>
  list.map(({ name, value }) => value === undefined ? `;${name}` : `;${name}=${value}`).join('')

/** Text of a quoted string without quotes and escapes; other text as it is. */
export const unquote = (text: string): string => {
  if (text.charCodeAt(0) !== QUOTE) return text
  const inner = text.slice(1, -1)
  return inner.includes('\\') ? inner.replace(/\\([^])/g, '$1') : inner
}

/** `text` as a quoted string. */
export const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Values of a comma-separated list as written, commas in quotes and angle brackets apart. */
export const splitList = (value: string): readonly string[] => {
  if (!value.includes(',')) return value === '' ? [] : [value]
  const items: string[] = []
  let start = 0
  let quoted = false
  let angle = false
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code === BACKSLASH && quoted) at++
    else if (code === QUOTE && !angle) quoted = !quoted
    else if (quoted) continue
    else if (code === 0x3c) angle = true
    else if (code === 0x3e) angle = false
    else if (code === COMMA && !angle) {
      items.push(value.slice(start, at).trim())
      start = at + 1
    }
  }
  items.push(value.slice(start).trim())
  return items.filter(item => item !== '')
}
