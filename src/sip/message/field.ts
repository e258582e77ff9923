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
