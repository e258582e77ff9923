import { unescapeUri } from '../message/uri.js'
import type { ExtraHeaders } from './user-agent.js'

/** Header fields that a URI may set in the request made from it; others could forge what is ours to say (RFC 3261 §19.1.5). */
const HONOURED: ReadonlyMap<string, string> = new Map([['replaces', 'Replaces'], ['subject', 'Subject'], ['priority', 'Priority']])

/** A target without its headers component, and the header fields that it asks for. */
export const withoutUriHeaders = (uri: string): { readonly uri: string; readonly headers: ExtraHeaders } => {
  const question = /^sips?:/i.test(uri) ? uri.indexOf('?') : -1
  if (question < 0) return { uri, headers: NONE }
  const headers = Object.fromEntries(uri.slice(question + 1).split('&').flatMap(item => {
    const equals = item.indexOf('=')
    const name = equals < 1 ? undefined : HONOURED.get(unescapeUri(item.slice(0, equals)).toLowerCase())
    const value = unescapeUri(item.slice(equals + 1))
    // A line break would begin a header of its own.
    return name === undefined || /[\r\n]/.test(value) ? [] : [[name, value] as const]
  }))
  return { uri: uri.slice(0, question), headers }
}

const NONE: ExtraHeaders = Object.freeze({})
