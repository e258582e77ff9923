import { receiverOf, senderOf, type TracedMessage } from './traced-message.js'

/** One arrow of a ladder. */
interface Arrow {
  readonly from: number
  readonly to: number
  readonly label: string
  /** Milliseconds since the first message. */
  readonly after: number
}

/** Messages that a ladder keeps; the oldest give way. */
const MOST_MESSAGES = 1_000
const COLUMN = 28
const SVG = { column: 220, row: 34, top: 70, left: 110 } as const

/**
 * The messages of one call drawn between the parties that sent them: a ladder diagram, as text for terminals and as SVG for pages.
 *
 * @example
 * const ladder = new Ladder(callId)
 * const stop = traceMessages(message => ladder.add(message))
 * console.log(ladder.text())
 */
export class Ladder {
  readonly #messages: TracedMessage[] = []
  #left = 0

  /** @param callId only messages of this Call-ID; all when undefined. */
  constructor(readonly callId?: string) {}

  /** Messages left out for want of room. */
  get left(): number {
    return this.#left
  }

  /** Takes a message if it is of this ladder's call. */
  add(message: TracedMessage): void {
    if (this.callId !== undefined && callIdOf(message.text) !== this.callId) return
    this.#messages.push(message)
    if (this.#messages.length <= MOST_MESSAGES) return
    this.#messages.shift()
    this.#left++
  }

  text(): string {
    const { parties, arrows } = this.#drawn()
    const rail = parties.map(() => '|'.padEnd(COLUMN)).join('').trimEnd()
    const lines = arrows.flatMap(arrow => [rail, textArrow(arrow, parties.length)])
    return [`${' '.repeat(10)}${parties.map(party => party.padEnd(COLUMN)).join('').trimEnd()}`, ...lines.map((line, at) => at % 2 === 0 ? `${' '.repeat(10)}${line}` : line), ''].join('\n')
  }

  svg(): string {
    const { parties, arrows } = this.#drawn()
    const x = (party: number): number => SVG.left + party * SVG.column
    const height = SVG.top + arrows.length * SVG.row + 20
    const rails = parties.map((party, at) =>
      `<text x="${x(at)}" y="24" text-anchor="middle" font-weight="600">${escapeXml(party)}</text><line x1="${x(at)}" y1="36" x2="${x(at)}" y2="${height}" stroke="#bbb"/>`)
    const drawn = arrows.map((arrow, row) => svgArrow(arrow, SVG.top + row * SVG.row, x))
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${x(parties.length - 1) + SVG.left}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
      '<rect width="100%" height="100%" fill="#fff"/>',
      '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto"><path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
      ...rails, ...drawn, '</svg>', '',
    ].join('\n')
  }

  #drawn(): { readonly parties: readonly string[]; readonly arrows: readonly Arrow[] } {
    const parties: string[] = []
    const party = ({ address, port }: { readonly address: string; readonly port: number }): number => {
      const name = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
      const known = parties.indexOf(name)
      return known < 0 ? parties.push(name) - 1 : known
    }
    const start = this.#messages[0]?.at ?? 0
    const arrows = this.#messages.map(message => ({
      from: party(senderOf(message)), to: party(receiverOf(message)), label: labelOf(message.text), after: message.at - start,
    }))
    return { parties, arrows }
  }
}

const callIdOf = (text: string): string | undefined => /^(?:Call-ID|i)[ \t]*:[ \t]*(.*?)[ \t]*$/im.exec(text)?.[1]

/** `INVITE`, `180 Ringing (INVITE)`, with `SDP` where the body is a session description. */
const labelOf = (text: string): string => {
  const status = /^SIP\/2\.0 (\d{3} [^\r\n]*)/.exec(text)?.[1]
  const method = status === undefined ? text.slice(0, text.indexOf(' ')) : /^CSeq[ \t]*:[ \t]*\d+[ \t]+(\S+)/im.exec(text)?.[1] ?? ''
  const sdp = /^(?:Content-Type|c)[ \t]*:[ \t]*application\/sdp/im.test(text) ? ' SDP' : ''
  return status === undefined ? `${method}${sdp}` : `${status.trim()} (${method})${sdp}`
}

const timeOf = (after: number): string => `${(after / 1_000).toFixed(3)}s`.padStart(9)

const textArrow = ({ from, to, label, after }: Arrow, parties: number): string => {
  const left = Math.min(from, to)
  const span = Math.max(1, Math.abs(to - from)) * COLUMN - 1
  const dashes = ` ${label} `.slice(0, span - 2).padStart(Math.ceil((span + label.length) / 2), '-').padEnd(span - 1, '-')
  const shaft = to >= from ? `${dashes}>` : `<${dashes}`
  const cells = Array.from({ length: parties }, () => '|'.padEnd(COLUMN)).join('')
  const start = left * COLUMN + 1
  return `${timeOf(after)} ${(cells.slice(0, start) + shaft + cells.slice(start + span)).trimEnd()}`
}

const svgArrow = ({ from, to, label, after }: Arrow, y: number, x: (party: number) => number): string => {
  const middle = (x(from) + x(to)) / 2
  const inset = to > from ? -2 : 2
  return [
    `<text x="6" y="${y + 4}" fill="#888" font-size="10">${timeOf(after).trim()}</text>`,
    `<line x1="${x(from)}" y1="${y}" x2="${x(to) + inset}" y2="${y}" stroke="#000" marker-end="url(#head)"/>`,
    `<text x="${middle}" y="${y - 5}" text-anchor="middle">${escapeXml(label)}</text>`,
  ].join('')
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
