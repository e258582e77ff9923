import { isIPv6 } from 'node:net'

// 0                   1                   2                   3
// |0 0|  message type (14) |      message length (16), header apart  |
// |                 magic cookie 0x2112A442                          |
// |                 transaction id (96)                              |
const HEADER_BYTES = 20
const MAGIC_COOKIE = 0x2112a442
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const BINDING_ERROR = 0x0111
const XOR_MAPPED_ADDRESS = 0x0020
const ERROR_CODE = 0x0009
const UNKNOWN_ATTRIBUTES = 0x000a
/** Attributes from here on may be ignored (RFC 8489 §14). */
const OPTIONAL = 0x8000
/** What a client may send to prove itself, which a keep-alive need not: USERNAME, MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256. */
const IGNORED: ReadonlySet<number> = new Set([0x0006, 0x0008, 0x001c])

/** True for a STUN message: no SIP message begins with these octets (RFC 5626 §8). */
export const isStun = (bytes: Buffer): boolean =>
  bytes.length >= HEADER_BYTES && bytes[0]! <= 0x3f && bytes.readUInt32BE(4) === MAGIC_COOKIE && bytes.readUInt16BE(2) === bytes.length - HEADER_BYTES

/**
 * The answer to a binding request from an address: what it looks like from here (RFC 8489 §6.3.1, as RFC 5626 §4.4.2 keeps flows alive);
 * undefined when none is due: to a response, an indication, or what is malformed.
 */
export const stunAnswer = (request: Buffer, address: string, port: number): Buffer | undefined => {
  if (request.readUInt16BE(0) !== BINDING_REQUEST) return undefined
  const unknown = unknownAttributes(request)
  if (unknown === undefined) return undefined
  return unknown.length > 0
    ? message(BINDING_ERROR, request, attribute(ERROR_CODE, Buffer.from('\0\0\x04\x14Unknown')), attribute(UNKNOWN_ATTRIBUTES, Buffer.concat(unknown.map(uint16))))
    : message(BINDING_SUCCESS, request, attribute(XOR_MAPPED_ADDRESS, xorAddress(request, address, port)))
}

/** A binding request; `transaction` has 12 octets. */
export const stunRequest = (transaction: Buffer): Buffer => {
  const cookie = Buffer.alloc(4)
  cookie.writeUInt32BE(MAGIC_COOKIE)
  return Buffer.concat([uint16(BINDING_REQUEST), uint16(0), cookie, transaction])
}

/** The answer to a binding request. */
export interface Binding {
  readonly transaction: Buffer
  /** Port and address that the request came from, as hexadecimal digits; undefined when the answer does not say. */
  readonly mapped: string | undefined
}

/** Reads an answer, a refusal too: either shows that the peer is there; undefined for anything else. */
export const stunBinding = (bytes: Buffer): Binding | undefined => {
  if (!isStun(bytes)) return undefined
  const type = bytes.readUInt16BE(0)
  if (type !== BINDING_SUCCESS && type !== BINDING_ERROR) return undefined
  const key = bytes.subarray(4, HEADER_BYTES)
  let mapped: string | undefined
  for (let at = HEADER_BYTES; at + 4 <= bytes.length; at += 4 + padded(bytes.readUInt16BE(at + 2))) {
    if (bytes.readUInt16BE(at) !== XOR_MAPPED_ADDRESS) continue
    const value = bytes.subarray(at + 4, at + 4 + bytes.readUInt16BE(at + 2))
    // The port is masked by the first half of the cookie, the address by the cookie and the transaction.
    mapped = Buffer.from(value.subarray(2).map((octet, index) => octet ^ key[index < 2 ? index : index - 2]!)).toString('hex')
  }
  return { transaction: bytes.subarray(8, HEADER_BYTES), mapped }
}

/** Attributes that a server must understand and this one doesn't; undefined when the lengths do not add up. */
const unknownAttributes = (request: Buffer): readonly number[] | undefined => {
  const unknown: number[] = []
  let at = HEADER_BYTES
  while (at + 4 <= request.length) {
    const type = request.readUInt16BE(at)
    if (type < OPTIONAL && !IGNORED.has(type)) unknown.push(type)
    at += 4 + padded(request.readUInt16BE(at + 2))
  }
  return at === request.length ? unknown : undefined
}

const message = (type: number, request: Buffer, ...attributes: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(attributes)
  return Buffer.concat([uint16(type), uint16(body.length), request.subarray(4, HEADER_BYTES), body])
}

const attribute = (type: number, value: Buffer): Buffer =>
  Buffer.concat([uint16(type), uint16(value.length), value, Buffer.alloc(padded(value.length) - value.length)])

/** RFC 8489 §14.2: port and address by exclusive or with cookie and transaction id, lest a NAT rewrites them. */
const xorAddress = (request: Buffer, address: string, port: number): Buffer => {
  const octets = isIPv6(address) ? octetsOf6(address) : address.split('.').map(Number)
  const key = request.subarray(4, HEADER_BYTES)
  return Buffer.concat([
    Buffer.from([0, octets.length === 4 ? 1 : 2]), uint16(port ^ (MAGIC_COOKIE >>> 16)), Buffer.from(octets.map((octet, index) => octet ^ key[index]!)),
  ])
}

const octetsOf6 = (address: string): readonly number[] => {
  const [head = [], tail] = address.replace(/%.*$/, '').split('::').map(groupsOf)
  const groups = tail === undefined ? head : [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
  return groups.flatMap(group => [group >> 8, group & 0xff])
}

const groupsOf = (part: string): readonly number[] => (part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16)))

const padded = (length: number): number => (length + 3) & ~3

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])
