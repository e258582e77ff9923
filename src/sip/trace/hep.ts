import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { ipLookup } from '../../core/ip-lookup.js'
import { addressBytes } from './datagram.js'
import { receiverOf, senderOf, type TracedMessage } from './traced-message.js'

/** Chunk types of vendor 0 (HEP3 specification, sipcapture.org). */
const CHUNK = {
  family: 1, protocol: 2, source4: 3, destination4: 4, source6: 5, destination6: 6, sourcePort: 7, destinationPort: 8,
  seconds: 9, microseconds: 10, type: 11, captureId: 12, password: 14, payload: 15, correlation: 17,
} as const
const SIP = 1
const IP_PROTOCOL = { udp: 17, tcp: 6, tls: 6, ws: 6, wss: 6 } as const

export interface HepOptions {
  /** Number by which the collector knows this agent. @default 1 */
  readonly captureId?: number
  /** Shared secret, where the collector asks for one. */
  readonly password?: string
}

/** A message as a HEP version 3 packet. */
export const hepPacket = (message: TracedMessage, { captureId = 1, password }: HepOptions = {}): Buffer => {
  const from = senderOf(message)
  const to = receiverOf(message)
  const six = isIPv6(from.address)
  const chunks = [
    chunk(CHUNK.family, byte(six ? 10 : 2)),
    chunk(CHUNK.protocol, byte(IP_PROTOCOL[message.transport])),
    chunk(six ? CHUNK.source6 : CHUNK.source4, addressBytes(from.address)),
    chunk(six ? CHUNK.destination6 : CHUNK.destination4, addressBytes(to.address)),
    chunk(CHUNK.sourcePort, uint16(from.port)),
    chunk(CHUNK.destinationPort, uint16(to.port)),
    chunk(CHUNK.seconds, uint32(Math.floor(message.at / 1_000))),
    chunk(CHUNK.microseconds, uint32(Math.floor(message.at % 1_000 * 1_000))),
    chunk(CHUNK.type, byte(SIP)),
    chunk(CHUNK.captureId, uint32(captureId)),
    ...password === undefined ? [] : [chunk(CHUNK.password, Buffer.from(password))],
    chunk(CHUNK.payload, Buffer.from(message.text)),
  ]
  const length = 6 + chunks.reduce((sum, { length }) => sum + length, 0)
  return Buffer.concat([Buffer.from('HEP3'), uint16(length), ...chunks])
}

const chunk = (type: number, content: Buffer): Buffer => Buffer.concat([uint16(0), uint16(type), uint16(6 + content.length), content])

const byte = (value: number): Buffer => Buffer.from([value])

const uint16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** Bytes of a message that still fit a UDP datagram with their chunks. */
const MOST_BYTES = 65_000

/**
 * Sends messages to a Homer collector over UDP; what cannot be sent is counted, never thrown.
 *
 * @example
 * await using homer = new HepSender({ address: '127.0.0.1', port: 9060 })
 * const stop = traceMessages(message => homer.send(message))
 */
export class HepSender implements AsyncDisposable {
  readonly #socket: Socket
  #failed = 0

  constructor(readonly collector: { readonly address: string; readonly port: number }, readonly options: HepOptions = {}) {
    this.#socket = createSocket({
      type: isIPv6(collector.address) ? 'udp6' : 'udp4',
      lookup: ipLookup,
    })
    this.#socket.on('error', () => { this.#failed++ })
    this.#socket.unref()
  }

  /** Messages that could not be sent. */
  get failed(): number {
    return this.#failed
  }

  send(message: TracedMessage): void {
    if (Buffer.byteLength(message.text) > MOST_BYTES) {
      this.#failed++
      return
    }
    const packet = hepPacket(message, this.options)
    this.#socket.send(packet, this.collector.port, this.collector.address, error => { if (error) this.#failed++ })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise(resolve => this.#socket.close(() => resolve()))
  }
}
