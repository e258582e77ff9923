import type { StreamStatistics } from '../side-stream.js'
import { StreamEnd } from './stream-end.js'

/** Number of a datagram of UDPTL, which comes first in it (ITU-T T.38 §9.1). */
const NUMBER_BYTES = 2

/** One party's end of a fax (T.38 over UDPTL): datagrams go on as they are. Their numbers are read, for the latch alone. */
export class FaxEnd extends StreamEnd {
  #other: FaxEnd | undefined
  #received = { packets: 0, bytes: 0 }
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
    return this.#other === undefined ? this.drop('no-peer') : this.#other.#forward(packet)
  }

  #forward(packet: Buffer): boolean {
    if (!this.open) return this.drop('direction')
    this.#sent.packets++
    this.#sent.bytes += packet.length
    this.send(packet)
    return true
  }

  statistics(): StreamStatistics {
    return { received: { ...this.#received, lost: 0 }, sent: { ...this.#sent }, feedback: 0, dropped: this.drops }
  }
}
