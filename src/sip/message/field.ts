import { CordboardError } from '../../core/errors.js'
import { headerNameOf } from './header-names.js'
import type { HeaderName } from './header-names.js'
import type { HeaderField } from './message.js'

/** A header line that remembers what its value was read as: the value never changes, so neither does the view. */
class Field implements HeaderField {
  #view: unknown

  constructor(readonly id: HeaderName | undefined, readonly name: string, readonly value: string, view?: unknown) {
    this.#view = view
  }

  /** What `read` makes of the value of `field`; asked once of a field that the parser or `field` made. */
  static view<T>(field: HeaderField, read: (value: string) => T | undefined): T | undefined {
    if (!(field instanceof Field)) return read(field.value)
    return (field.#view ??= read(field.value)) as T | undefined
  }
}

/** A header line of a name that nobody here knows, written in a way of its own: folded, or with other white space. */
class OddField extends Field {
  constructor(name: string, value: string, readonly line: string) {
    super(undefined, name, value)
  }
}

/** A field of unknown name as the parser found it: `line` is to leave as it came (RFC 3261 §7.3.1), however it was folded and spaced. */
export const unknownField = (name: string, value: string, line: string): HeaderField =>
  line === `${name}: ${value}` ? new Field(undefined, name, value) : new OddField(name, value, line)

/** How a field of unknown name is written. */
export const unknownLine = (field: HeaderField): string => field instanceof OddField ? field.line : `${field.name}: ${field.value}`

/** A field whose parts are known to be sound, and what its value is read as where that is known too. */
export const rawField = (id: HeaderName | undefined, name: string, value: string, view?: unknown): HeaderField => new Field(id, name, value, view)

/**
 * A header field.
 * @throws CordboardError `SIP_BAD_MESSAGE` for a line break in it, which would make a second header.
 */
export const field = (name: string, value: string): HeaderField => {
  const id = headerNameOf(name)
  // A name that is known is sound.
  if (value.includes('\n') || value.includes('\r') || (id === undefined && !/^[\w\-.!%*+`'~]+$/.test(name))) {
    throw new CordboardError('SIP_BAD_MESSAGE', `not a header field: ${JSON.stringify(`${name}: ${value}`)}`)
  }
  return new Field(id, name, value)
}

/** The value of `field` as `read` understands it, read once. One `read` for each header. */
export const viewOf = Field.view
