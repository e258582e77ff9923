import { distance16 } from '../../core/serial.js'
import type { HostPort } from '../../sdp/negotiated.js'

/** Packets in a row that a source other than the signalled one must send, with its numbers in order, before it is believed. */
const PROBATION = 4
/** For so long after latching onto an unexpected source, the signalled one may still take its place. */
const SECOND_CHANCE_MS = 5000

/** So many packets in a row without a stranger's between them: the source is alone. */
const ALONE = 50
/** A source that has sent nothing for so long (ms) may have moved. */
const SILENT_MS = 1000

/**
 * Symmetric RTP (RFC 4961) with a guard: the leg latches once for each agreement onto the source of its packets. The signalled
 * address is believed at once; any other (a peer behind a NAT) only after several packets of one stream in order, and never while
 * the signalled one is heard. All else is a stranger: nobody who guesses the port gets into the call or gets its audio.
 */
export class Latch {
  #signalled: HostPort | undefined
  #address = ''
  #port = 0
  #latched = false
  #latchedAt = 0
  #lastAt = 0
  /** Packets of the latched source since a stranger was heard. */
  #inRow = 0
  #excludedAddress = ''
  #excludedPort = 0
  #candidateAddress = ''
  #candidatePort = 0
  #candidateSsrc = 0
  #candidateSequence = 0
  #candidateCount = 0

  /** Where our packets go: the latched source, before that the signalled address. Port 0: nowhere yet. */
  get address(): string {
    return this.#address
  }

  get port(): number {
    return this.#port
  }

  get latched(): boolean {
    return this.#latched
  }

  /** No other source can be believed before the next agreement, and none is heard: nobody else needs to be listened to. */
  certain(now: number): boolean {
    if (!this.#latched || this.#inRow < ALONE || now - this.#lastAt > SILENT_MS) return false
    return this.#isSignalled(this.#address, this.#port) || now - this.#latchedAt >= SECOND_CHANCE_MS
  }

  /** The source is to be looked at anew before it counts as certain. */
  doubt(): void {
    this.#inRow = 0
  }

  #isSignalled(address: string, port: number): boolean {
    return this.#signalled !== undefined && port === this.#signalled.port && address === this.#signalled.address
  }

  /** A new agreement. The destination stays as latched while the signalled address is the same. */
  arm(signalled: HostPort | undefined): void {
    const same = signalled?.address === this.#signalled?.address && signalled?.port === this.#signalled?.port
    if (!same) {
      // Packets of the old source are still under way: they must not win the new latch.
      this.#excludedAddress = this.#latched ? this.#address : ''
      this.#excludedPort = this.#latched ? this.#port : 0
      this.#address = signalled?.address ?? ''
      this.#port = signalled?.port ?? 0
    }
    this.#signalled = signalled
    this.#latched = false
    this.#inRow = 0
    this.#candidateCount = 0
  }

  /** Goes on where another worker's latch was. */
  restore(address: string, port: number): void {
    this.#address = address
    this.#port = port
  }

  /**
   * Whether a packet that passed all other checks comes from the peer.
   * @param now ms.
   */
  accept(address: string, port: number, ssrc: number, sequence: number, now: number): boolean {
    if (this.#latched && port === this.#port && address === this.#address) {
      this.#inRow++
      this.#lastAt = now
      return true
    }
    this.#inRow = 0
    return this.#acceptOther(address, port, ssrc, sequence, now)
  }

  #acceptOther(address: string, port: number, ssrc: number, sequence: number, now: number): boolean {
    // Nobody can be answered there.
    if (port === 0) return false
    const expected = this.#isSignalled(address, port)
    if (expected && (!this.#latched || now - this.#latchedAt < SECOND_CHANCE_MS)) return this.#latchOnto(address, port, now)
    if (this.#latched) return false
    // The same source as before this agreement, which kept the signalled address.
    if (port === this.#port && address === this.#address) return this.#latchOnto(address, port, now)
    if (port === this.#excludedPort && address === this.#excludedAddress) return false
    return this.#probe(address, port, ssrc, sequence) && this.#latchOnto(address, port, now)
  }

  #probe(address: string, port: number, ssrc: number, sequence: number): boolean {
    const goesOn = this.#candidateCount > 0 && port === this.#candidatePort && address === this.#candidateAddress &&
      ssrc === this.#candidateSsrc && distance16(this.#candidateSequence, sequence) === 1
    this.#candidateCount = goesOn ? this.#candidateCount + 1 : 1
    this.#candidateAddress = address
    this.#candidatePort = port
    this.#candidateSsrc = ssrc
    this.#candidateSequence = sequence
    return this.#candidateCount >= PROBATION
  }

  #latchOnto(address: string, port: number, now: number): true {
    this.#latched = true
    this.#latchedAt = now
    this.#address = address
    this.#port = port
    return true
  }
}
