import type { Random } from '../../src/core/random.js'

/** What readers stumble over: separators, quotes, escapes, numbers at their edges, octets that are no text. */
const MORSELS: readonly string[] = [
  '\r\n', '\r', '\n', '\r\n\r\n', '\0', ' ', '\t', ',', ';', ':', '<', '>', '"', '\\', '%', '%00', '%zz', '@', '=', '?', '&', '(', ')', '[', ']', '[::', '\xff\xfe',
  '-1', '0', '4294967295', '4294967296', '99999999999999999999', '1e9', 'NaN', 'sip:', 'sips:', 'tel:', ';lr', ';tag=', ';branch=z9hG4bK', 'Content-Length: 5\r\n',
  'Via: SIP/2.0/UDP a\r\n', 'm=audio 0 RTP/AVP\r\n', 'a=rtpmap:', 'a=crypto:1 ', '--b', '*', 'ACK', 'CANCEL', 'SIP/2.0',
]

const below = (random: Random, limit: number): number => Math.floor(random.float() * limit)

type Mutation = (bytes: Buffer, random: Random) => Buffer

const cut = (bytes: Buffer, random: Random): readonly [Buffer, Buffer, Buffer] => {
  const from = below(random, bytes.length + 1)
  const to = Math.min(bytes.length, from + below(random, random.float() < 0.8 ? 12 : 400))
  return [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]
}

const insert = (text: Buffer): Mutation => (bytes, random) => {
  const [head, middle, tail] = cut(bytes, random)
  return Buffer.concat(random.float() < 0.5 ? [head, text, middle, tail] : [head, text, tail])
}

const swapLines: Mutation = (bytes, random) => {
  const lines = bytes.toString('latin1').split('\r\n')
  const [a, b] = [below(random, lines.length), below(random, lines.length)]
  const moved = lines[a]!
  lines[a] = lines[b]!
  lines[b] = moved
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const copy = Buffer.from(bytes)
    if (copy.length > 0) copy[below(random, copy.length)]! ^= 1 << below(random, 8)
    return copy
  },
  (bytes, random) => insert(Buffer.from(MORSELS[below(random, MORSELS.length)]!, 'latin1'))(bytes, random),
  (bytes, random) => {
    const [head, , tail] = cut(bytes, random)
    return Buffer.concat([head, tail])
  },
  (bytes, random) => {
    const [head, middle, tail] = cut(bytes, random)
    return Buffer.concat([head, ...Array.from({ length: 1 + below(random, 200) }, () => middle), tail])
  },
  (bytes, random) => insert(Buffer.alloc(below(random, 3_000), MORSELS[below(random, MORSELS.length)]!, 'latin1'))(bytes, random),
  (bytes, random) => bytes.subarray(0, below(random, bytes.length + 1)),
  swapLines,
]

/** `bytes` with one to four things wrong, never longer than a datagram. */
export const mutated = (bytes: Buffer, random: Random): Buffer => {
  let result = bytes
  for (let count = 1 + below(random, 4); count > 0; count--) result = MUTATIONS[below(random, MUTATIONS.length)]!(result, random)
  return result.subarray(0, 65_507)
}

/** One of a list. */
export const oneOf = <T>(items: readonly T[], random: Random): T => items[below(random, items.length)]!
