import { isUtf8 } from 'node:buffer'

/**
 * Header text is UTF-8 (RFC 3261 §7.3.1), but what a proxy does not understand it must pass on byte for byte. So an octet that is
 * not UTF-8 becomes the lone surrogate U+DC80-U+DCFF on the way in and the same octet on the way out.
 */
const ESCAPE = 0xdc00
const REPLACEMENT = '\ufffd'
/** From here on it pays to look at the octets before they are decoded in vain: messages of calls are shorter. */
const LONG_BYTES = 4_096

/** Text of `bytes` from `start` to `end`. */
export const decodeText = (bytes: Buffer, start: number, end: number): string => {
  if (end - start >= LONG_BYTES && !isUtf8(bytes.subarray(start, end))) return decodeEscaped(bytes.subarray(start, end))
  const text = bytes.toString('utf8', start, end)
  // Octets that are not UTF-8 read as U+FFFD, which may as well stand there by itself.
  return text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end)) ? decodeEscaped(bytes.subarray(start, end)) : text
}

/** One pass into UTF-16 code units: a string put together octet by octet would take milliseconds for what a datagram holds. */
const decodeEscaped = (bytes: Buffer): string => {
  const units = Buffer.allocUnsafe(bytes.length * 2)
  let end = 0
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length > 1) {
      const character = bytes.toString('utf8', at, at + length)
      end += units.write(character, end, 'utf16le')
    } else {
      const octet = bytes[at]!
      units[end++] = octet
      units[end++] = octet < 0x80 ? 0 : ESCAPE >> 8
    }
    at += length
  }
  return units.toString('utf16le', 0, end)
}

/** Octets of the character at `at` (RFC 3629 §4); 1 for ASCII and for what is no UTF-8. */
const sequenceLength = (bytes: Buffer, at: number): number => {
  const lead = bytes[at]!
  const length = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  if (length === 1 || at + length > bytes.length) return 1
  for (let index = 1; index < length; index++) if ((bytes[at + index]! & 0xc0) !== 0x80) return 1
  const second = bytes[at + 1]!
  // Overlong, surrogate, or beyond U+10FFFF.
  const outside = (lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f) || (lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)
  return outside ? 1 : length
}

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

const encodeEscaped = (text: string): Buffer => {
  // No code unit takes more than three octets.
  const bytes = Buffer.allocUnsafe(text.length * 3)
  let end = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) bytes[end++] = unit
    else if (unit >= ESCAPE + 0x80 && unit <= ESCAPE + 0xff) bytes[end++] = unit & 0xff
    else {
      const character = String.fromCodePoint(text.codePointAt(at)!)
      end += bytes.write(character, end, 'utf8')
      at += character.length - 1
    }
  }
  return bytes.subarray(0, end)
}
