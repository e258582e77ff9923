import { isIPv6 } from 'node:net'
import type { TracedAddress } from './traced-message.js'

const IPV4_HEADER = 20
const IPV6_HEADER = 40
const UDP_HEADER = 8
const UDP = 17

/** An IP address as its 4 or 16 bytes; an IPv4-mapped one as 16. */
export const addressBytes = (address: string): Buffer => {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const before = words(head)
  const after = tail === undefined ? [] : words(tail)
  const zeros = new Array<number>(8 - before.length - after.length).fill(0)
  const bytes = Buffer.alloc(16)
  for (const [at, word] of [...before, ...zeros, ...after].entries()) bytes.writeUInt16BE(word, 2 * at)
  return bytes
}

/** The 16-bit words of a part of an IPv6 address; a dotted tail gives two. */
const words = (text: string): number[] => text === '' ? [] : text.split(':').flatMap(part => {
  if (!part.includes('.')) return [Number.parseInt(part, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
  return [a << 8 | b, c << 8 | d]
})

/** A UDP datagram with its IP header (RFC 768, 791, 8200), for captures: what travelled by TCP or TLS is shown as if it had gone by UDP. */
export const ipDatagram = (from: TracedAddress, to: TracedAddress, payload: Uint8Array): Buffer => {
  const six = isIPv6(from.address)
  const ipHeader = six ? IPV6_HEADER : IPV4_HEADER
  const packet = Buffer.alloc(ipHeader + UDP_HEADER + payload.length)
  if (six) writeIpv6(packet, from.address, to.address)
  else writeIpv4(packet, from.address, to.address)
  packet.writeUInt16BE(from.port, ipHeader)
  packet.writeUInt16BE(to.port, ipHeader + 2)
  // A checksum of 0 says that there is none, which IPv6 forbids to hosts but readers of captures bear.
  packet.writeUInt16BE(Math.min(UDP_HEADER + payload.length, 0xffff), ipHeader + 4)
  packet.set(payload, ipHeader + UDP_HEADER)
  return packet
}

const writeIpv4 = (packet: Buffer, from: string, to: string): void => {
  packet[0] = 0x45
  packet.writeUInt16BE(Math.min(packet.length, 0xffff), 2)
  packet[8] = 64
  packet[9] = UDP
  addressBytes(from).copy(packet, 12)
  addressBytes(to).copy(packet, 16)
  let sum = 0
  for (let at = 0; at < IPV4_HEADER; at += 2) sum += packet.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  packet.writeUInt16BE(~sum & 0xffff, 10)
}

const writeIpv6 = (packet: Buffer, from: string, to: string): void => {
  packet[0] = 0x60
  packet.writeUInt16BE(Math.min(packet.length - IPV6_HEADER, 0xffff), 4)
  packet[6] = UDP
  packet[7] = 64
  addressBytes(from).copy(packet, 8)
  addressBytes(to).copy(packet, 24)
}
