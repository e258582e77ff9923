import { SRTP_OVERHEAD, type SrtpRefusal, SrtpReceiver, SrtpSender } from '../../rtp/srtp.js'
import { srtpSuite } from '../../rtp/srtp-suite.js'
import type { NegotiatedMedia } from '../../sdp/negotiated.js'
import { type DropReason, DROP_REASONS } from '../shared/worker-share.js'
import type { LegSlots } from '../shared/leg-slots.js'
import type { PacketPool } from './packet-pool.js'

const reasonOf = (refusal: SrtpRefusal): number => {
  const reason: DropReason = refusal === 'malformed' ? 'malformed' : refusal === 'replayed' ? 'replay' : 'authentication'
  return DROP_REASONS.indexOf(reason)
}

/** SRTP of one leg (RFC 3711): both directions under the keys agreed on, their state in the leg's slot. */
export class Protection {
  readonly #sender: SrtpSender
  readonly #receiver: SrtpReceiver
  readonly #tagBytes: number

  private constructor(sender: SrtpSender, receiver: SrtpReceiver, tagBytes: number) {
    this.#sender = sender
    this.#receiver = receiver
    this.#tagBytes = tagBytes
  }

  /**
   * Under the agreement's keys; `current` goes on where they are the same, so that roll-over counters outlive a re-INVITE. A worker's
   * first takes the slot's state as it is: zero, or that of the worker before it.
   *
   * @throws CordboardError `MEDIA_NO_COMMON_CODEC` for a suite or key that cannot be.
   */
  static agree(current: Protection | undefined, crypto: NonNullable<NegotiatedMedia['crypto']>, slots: LegSlots, slot: number): Protection {
    let sender = current === undefined ? undefined : current.#sender
    let receiver = current === undefined ? undefined : current.#receiver
    if (sender?.has(crypto.send) !== true) {
      if (sender !== undefined) slots.sendState(slot).fill(0)
      sender = new SrtpSender(crypto.send, slots.sendState(slot))
    }
    if (receiver?.has(crypto.receive) !== true) {
      if (receiver !== undefined) slots.receiveState(slot).fill(0)
      receiver = new SrtpReceiver(crypto.receive, slots.receiveState(slot))
    }
    return new Protection(sender, receiver, srtpSuite(crypto.send.suite)?.tagBytes ?? 0)
  }

  /** A packet to send, sealed in a buffer of its own; undefined when it must not be sent. */
  seal(packet: Buffer, pool: PacketPool): Buffer | undefined {
    const sealed = pool.take(packet.length + this.#tagBytes)
    if (sealed.length < packet.length + this.#tagBytes) return undefined
    sealed.set(packet)
    return this.#sender.protect(sealed, packet.length) === sealed.length ? sealed : undefined
  }

  /** A received packet, opened in place, or the reason (index) for which it is refused. */
  open(packet: Buffer): Buffer | number {
    const length = this.#receiver.unprotect(packet, packet.length)
    return length === 0 ? reasonOf(this.#receiver.refusal) : packet.subarray(0, length)
  }

  sealRtcp(packet: Buffer): Buffer | undefined {
    const sealed = Buffer.alloc(packet.length + SRTP_OVERHEAD)
    sealed.set(packet)
    const length = this.#sender.protectRtcp(sealed, packet.length)
    return length === 0 ? undefined : sealed.subarray(0, length)
  }

  openRtcp(packet: Buffer): Buffer | number {
    const length = this.#receiver.unprotectRtcp(packet, packet.length)
    return length === 0 ? reasonOf(this.#receiver.refusal) : packet.subarray(0, length)
  }
}
