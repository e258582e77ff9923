import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { ipDatagram } from './datagram.js'
import { receiverOf, senderOf, type TracedMessage } from './traced-message.js'

/** LINKTYPE_RAW: each record begins with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101
/** Bytes that may wait for a slow disk before messages are left out and counted. */
const PENDING_BYTES = 4 * 2 ** 20

/** Head of a capture file in the classic libpcap format, microsecond time stamps, little-endian. */
export const pcapHeader = (): Buffer => {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(0x40000, 16)
  header.writeUInt32LE(LINKTYPE_RAW, 20)
  return header
}

/** One message as a record of a capture. */
export const pcapRecord = (message: TracedMessage): Buffer => {
  const datagram = ipDatagram(senderOf(message), receiverOf(message), Buffer.from(message.text))
  const record = Buffer.alloc(16 + datagram.length)
  record.writeUInt32LE(Math.floor(message.at / 1_000), 0)
  record.writeUInt32LE(Math.floor(message.at % 1_000 * 1_000), 4)
  record.writeUInt32LE(datagram.length, 8)
  record.writeUInt32LE(datagram.length, 12)
  datagram.copy(record, 16)
  return record
}

/**
 * A capture file that Wireshark opens: give it messages as they come.
 *
 * @example
 * await using capture = new PcapFile('calls.pcap')
 * const stop = traceMessages(message => capture.write(message))
 */
export class PcapFile implements AsyncDisposable {
  readonly #stream
  #dropped = 0
  #failure: Error | undefined

  constructor(readonly file: string) {
    this.#stream = createWriteStream(file)
    this.#stream.on('error', error => { this.#failure = error })
    this.#stream.write(pcapHeader())
  }

  /** Messages left out because the disk was slow or full. */
  get dropped(): number {
    return this.#dropped
  }

  write(message: TracedMessage): void {
    if (this.#failure !== undefined || this.#stream.writableEnded || this.#stream.writableLength > PENDING_BYTES) this.#dropped++
    else this.#stream.write(pcapRecord(message))
  }

  /** Resolves when all is on disk. @throws the file system's error. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (!this.#stream.writableEnded) this.#stream.end()
    await finished(this.#stream)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
