import { isUtf8 } from 'node:buffer'

/**
 * Header text is UTF-8 (RFC 3261 §7.3.1), but what a proxy does not understand it must pass on byte for byte. So an octet that is
 * not UTF-8 becomes the lone surrogate U+DC80-U+DCFF on the way in and the same octet on the way out.
 */
const ESCAPE = 0xdc00
const ESCAPED = /[\udc80-\udcff]/
const REPLACEMENT = '\ufffd'

/** Text of `bytes` from `start` to `end`. */
export const decodeText = (bytes: Buffer, start: number, end: number): string => {
  const text = bytes.toString('utf8', start, end)
  // Octets that are not UTF-8 read as U+FFFD, which may as well stand there by itself.
  return text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end)) ? decodeEscaped(bytes.subarray(start, end)) : text
}

const decodeEscaped = (bytes: Buffer): string => {
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]!)
    if (length === 1) {
      const octet = bytes[at++]!
      text += String.fromCharCode(octet < 0x80 ? octet : ESCAPE | octet)
    } else if (at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length))) {
      text += bytes.toString('utf8', at, at + length)
      at += length
    } else text += String.fromCharCode(ESCAPE | bytes[at++]!)
  }
  return text
}

/** 1 for what begins no sequence (RFC 3629 §4), so that nothing is sliced to learn that. */
const sequenceLength = (lead: number): number => lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4

/** Octets of `text`, with `room` bytes of unspecified content behind them, in a buffer that `allocate` gives for plain ASCII. */
export const encodeText = (text: string, room: number, allocate: (length: number) => Buffer = Buffer.allocUnsafe): Buffer => {
  const length = Buffer.byteLength(text)
  if (length === text.length) {
    const bytes = allocate(length + room)
    bytes.write(text, 0, length, 'latin1')
    return bytes
  }
  const encoded = /[\ud800-\udfff]/.test(text) ? encodeEscaped(text) : Buffer.from(text)
  return room === 0 ? encoded : Buffer.concat([encoded], encoded.length + room)
}

const encodeEscaped = (text: string): Buffer =>
  Buffer.concat(text.split(/(?<![\ud800-\udbff])([\udc80-\udcff])/).map(piece =>
    piece.length === 1 && ESCAPED.test(piece) ? Buffer.of(piece.charCodeAt(0) & 0xff) : Buffer.from(piece)))
