import { distance16 } from '../../core/serial.js'
import type { StreamStatistics } from '../side-stream.js'
import { StreamEnd } from './stream-end.js'

/** Number of a datagram of UDPTL, which comes first in it (ITU-T T.38 §9.1). */
const NUMBER_BYTES = 2
const NONE = -1

/** One party's end of a fax (T.38 over UDPTL): datagrams go on as they are. Their numbers are read, for the latch and the counts. */
export class FaxEnd extends StreamEnd {
  #other: FaxEnd | undefined
  #received = { packets: 0, bytes: 0 }
  /** Numbers of the first datagram and of the newest, unwrapped, and datagrams that bore the newest's once more. */
  #first = NONE
  #newest = NONE
  #repeated = 0
  #sent = { packets: 0, bytes: 0 }

  connect(other: StreamEnd | undefined): void {
    this.#other = other instanceof FaxEnd ? other : undefined
  }

  protected received(packet: Buffer, address: string, port: number, now: number): boolean {
    if (!this.applied) return this.drop('not-applied')
    if (packet.length <= NUMBER_BYTES) return this.drop('malformed')
    if (!this.latch.accept(address, port, 0, packet.readUInt16BE(0), now)) return this.drop('stranger')
    if (!this.receives) return this.drop('direction')
    this.#received.packets++
    this.#received.bytes += packet.length
    this.#count(packet.readUInt16BE(0))
    return this.#other === undefined ? this.drop('no-peer') : this.#other.#forward(packet)
  }

  #count(number: number): void {
    if (this.#newest === NONE) this.#first = this.#newest = number
    else {
      const ahead = distance16(this.#newest & 0xffff, number)
      if (ahead > 0) this.#newest += ahead
      else if (ahead === 0) this.#repeated++
    }
  }

  /** As of RTP (RFC 3550 A.3): what should have come less what came; a datagram that is sent again counts once. */
  get #lost(): number {
    return this.#newest === NONE ? 0 : Math.max(0, this.#newest - this.#first + 1 - (this.#received.packets - this.#repeated))
  }

  #forward(packet: Buffer): boolean {
    if (!this.open) return this.drop('direction')
    this.#sent.packets++
    this.#sent.bytes += packet.length
    this.send(packet)
    return true
  }

  statistics(): StreamStatistics {
    return { received: { ...this.#received, lost: this.#lost }, sent: { ...this.#sent }, feedback: 0, dropped: this.drops }
  }
}
