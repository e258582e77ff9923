/**
 * Header fields that this stack knows, by canonical name: RFC 3261 §20 and the extensions in IANA's registry.
 * `list`: values may be joined by commas (RFC 3261 §7.3.1); `single`: at most one in a message; `compact`: the short form.
 */
const TABLE = {
  'Accept': { list: true },
  'Accept-Contact': { list: true, compact: 'a' },
  'Accept-Encoding': { list: true },
  'Accept-Language': { list: true },
  'Alert-Info': { list: true },
  'Allow': { list: true },
  'Allow-Events': { list: true, compact: 'u' },
  'Answer-Mode': {},
  'Authentication-Info': {},
  'Authorization': {},
  'Call-ID': { single: true, compact: 'i' },
  'Call-Info': { list: true },
  'Contact': { list: true, compact: 'm' },
  'Content-Disposition': { single: true },
  'Content-Encoding': { list: true, compact: 'e' },
  'Content-ID': { single: true },
  'Content-Language': { list: true },
  'Content-Length': { single: true, compact: 'l' },
  'Content-Transfer-Encoding': { single: true },
  'Content-Type': { single: true, compact: 'c' },
  'CSeq': { single: true },
  'Date': {},
  'Diversion': { list: true },
  'Error-Info': { list: true },
  'Event': { single: true, compact: 'o' },
  'Expires': { single: true },
  'Feature-Caps': { list: true },
  'Flow-Timer': {},
  'From': { single: true, compact: 'f' },
  'Geolocation': { list: true },
  'History-Info': { list: true },
  'Identity': { list: true, compact: 'y' },
  'In-Reply-To': { list: true },
  'Info-Package': {},
  'Join': {},
  'Max-Breadth': {},
  'Max-Forwards': { single: true },
  'MIME-Version': {},
  'Min-Expires': {},
  'Min-SE': {},
  'Organization': {},
  'P-Access-Network-Info': { list: true },
  'P-Asserted-Identity': { list: true },
  'P-Associated-URI': { list: true },
  'P-Called-Party-ID': {},
  'P-Charging-Vector': {},
  'P-Early-Media': { list: true },
  'P-Preferred-Identity': { list: true },
  'P-Visited-Network-ID': { list: true },
  'Path': { list: true },
  'Priority': {},
  'Privacy': {},
  'Proxy-Authenticate': {},
  'Proxy-Authentication-Info': {},
  'Proxy-Authorization': {},
  'Proxy-Require': { list: true },
  'RAck': { single: true },
  'Reason': { list: true },
  'Record-Route': { list: true },
  'Recv-Info': { list: true },
  'Refer-Sub': {},
  'Refer-To': { single: true, compact: 'r' },
  'Referred-By': { single: true, compact: 'b' },
  'Reject-Contact': { list: true, compact: 'j' },
  'Remote-Party-ID': { list: true },
  'Replaces': { single: true },
  'Reply-To': {},
  'Request-Disposition': { list: true, compact: 'd' },
  'Require': { list: true },
  'Retry-After': {},
  'Route': { list: true },
  'RSeq': { single: true },
  'Security-Client': { list: true },
  'Security-Server': { list: true },
  'Security-Verify': { list: true },
  'Server': {},
  'Service-Route': { list: true },
  'Session-Expires': { single: true, compact: 'x' },
  'Session-ID': {},
  'SIP-ETag': {},
  'SIP-If-Match': {},
  'Subject': { compact: 's' },
  'Subscription-State': { single: true },
  'Supported': { list: true, compact: 'k' },
  'Target-Dialog': {},
  'Timestamp': {},
  'To': { single: true, compact: 't' },
  'Unsupported': { list: true },
  'User-Agent': {},
  'User-to-User': { list: true },
  'Via': { list: true, compact: 'v' },
  'Warning': { list: true },
  'WWW-Authenticate': {},
} as const satisfies Record<string, { readonly list?: true; readonly single?: true; readonly compact?: string }>

/** Canonical name of a header field that this stack knows. */
export type HeaderName = keyof typeof TABLE

/** What the grammar says of a known header field. */
export interface HeaderKind {
  readonly name: HeaderName
  /** Values may be joined by commas on one line. */
  readonly list: boolean
  /** More than one in a message is an error. */
  readonly single: boolean
  /** One bit of 31 for each header field that the parser keeps count of, else 0. */
  readonly bit: number
}

interface Row {
  readonly list?: true
  readonly single?: true
  readonly compact?: string
}

// The parser notes which of these it has seen.
const COUNTED: readonly string[] = [
  ...(Object.keys(TABLE) as HeaderName[]).filter(name => (TABLE[name] as Row).single === true),
  'Via', 'Contact', 'Route', 'Record-Route',
]

const bitOf = (name: string): number => {
  const at = COUNTED.indexOf(name)
  return at < 0 ? 0 : 1 << at
}

// Every spelling that is seen in practice: as registered, lower case, compact in both cases.
const KINDS: ReadonlyMap<string, HeaderKind> = new Map(
  Object.entries(TABLE as Record<HeaderName, Row>).flatMap(([name, row]) => {
    const kind: HeaderKind = { name: name as HeaderName, list: row.list === true, single: row.single === true, bit: bitOf(name) }
    const spellings = [name, name.toLowerCase()]
    if (row.compact !== undefined) spellings.push(row.compact, row.compact.toUpperCase())
    return spellings.map(spelling => [spelling, kind] as const)
  }),
)

/** Kind of the header field written as `raw`, in any case or compact form; undefined when unknown. */
export const headerKindOf = (raw: string): HeaderKind | undefined => KINDS.get(raw) ?? KINDS.get(raw.toLowerCase())

const slotOf = (first: number, length: number): number => (first & 31) * 32 + (length & 31)

// By first letter and length of the canonical spelling, which is how most are written.
const CANONICAL: readonly (readonly HeaderKind[])[] = Array.from({ length: 1024 }, (_, slot) =>
  (Object.keys(TABLE) as HeaderName[]).filter(name => slotOf(name.charCodeAt(0), name.length) === slot).map(name => KINDS.get(name)!))

/** The kind whose canonical name stands in `text` from `from` to `to`: as `headerKindOf`, but without a string made of it. */
export const canonicalKindAt = (text: string, from: number, to: number): HeaderKind | undefined => {
  const kinds = CANONICAL[slotOf(text.charCodeAt(from), to - from)]!
  for (let at = 0; at < kinds.length; at++) {
    const kind = kinds[at]!
    if (kind.name.length === to - from && text.startsWith(kind.name, from)) return kind
  }
  return undefined
}

/** Canonical name of the header field written as `raw`, in any case or compact form; undefined when unknown. */
export const headerNameOf = (raw: string): HeaderName | undefined => headerKindOf(raw)?.name

/** True when values of this header field may be joined by commas on one line. */
export const isListHeader = (name: HeaderName): boolean => KINDS.get(name)!.list

/** All known names. */
export const HEADER_NAMES = Object.keys(TABLE) as readonly HeaderName[]
