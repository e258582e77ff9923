import { type SrtpRefusal, SrtpReceiver, SrtpSender } from '../../rtp/srtp.js'
import { SrtpStreams } from '../../rtp/srtp-streams.js'
import type { CryptoKeys, NegotiatedMedia } from '../../sdp/negotiated.js'
import { type DropReason, DROP_REASONS } from '../shared/worker-share.js'
import type { LegSlots } from '../shared/leg-slots.js'
import type { PacketPool } from './packet-pool.js'

const reasonOf = (refusal: SrtpRefusal): number => {
  const reason: DropReason = refusal === 'malformed' ? 'malformed' : refusal === 'replayed' ? 'replay' : 'authentication'
  return DROP_REASONS.indexOf(reason)
}

/** After new keys, packets that were on their way under those before are still taken until so many have come under the new ones. */
const FORMER_PACKETS = 50

/** SRTP of one leg (RFC 3711): both directions under the keys agreed on, their state in the leg's slot. */
export class Protection {
  readonly #sender: SrtpSender
  readonly #receiver: SrtpReceiver
  /** What `#receiver` was made with. */
  readonly #keys: CryptoKeys
  /** Under the peer's keys before these, for a while. */
  #former: SrtpReceiver | undefined
  #sinceFormer = 0

  private constructor(sender: SrtpSender, receiver: SrtpReceiver, keys: CryptoKeys, former: SrtpReceiver | undefined) {
    this.#sender = sender
    this.#receiver = receiver
    this.#keys = keys
    this.#former = former
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
    let former = current === undefined ? undefined : current.#former
    if (sender?.has(crypto.send) !== true) {
      if (sender !== undefined) new SrtpStreams(slots.sendState(slot)).rekey()
      sender = new SrtpSender(crypto.send, slots.sendState(slot))
    }
    if (receiver?.has(crypto.receive) !== true) {
      const state = slots.receiveState(slot)
      if (current !== undefined) former = new SrtpReceiver(current.#keys, state.slice())
      if (former !== undefined) state.fill(0)
      receiver = new SrtpReceiver(crypto.receive, state)
      if (former !== undefined) receiver.follow(former)
    }
    sender.renew(crypto.send)
    receiver.renew(crypto.receive)
    return new Protection(sender, receiver, crypto.receive, former)
  }

  /** A packet to send, sealed in a buffer of its own; undefined when it must not be sent. */
  seal(packet: Buffer, pool: PacketPool): Buffer | undefined {
    const length = packet.length + this.#sender.overhead
    const sealed = pool.take(length)
    if (sealed.length < length) return undefined
    sealed.set(packet)
    return this.#sender.protect(sealed, packet.length) === sealed.length ? sealed : undefined
  }

  /** A received packet, opened in place, or the reason (index) for which it is refused. */
  open(packet: Buffer): Buffer | number {
    if (this.#former !== undefined) return this.#openEither(packet, this.#former)
    const length = this.#receiver.unprotect(packet, packet.length)
    return length === 0 ? reasonOf(this.#receiver.refusal) : packet.subarray(0, length)
  }

  #openEither(packet: Buffer, former: SrtpReceiver): Buffer | number {
    const copy = Buffer.from(packet)
    const length = this.#receiver.unprotect(packet, packet.length)
    if (length > 0) {
      if (++this.#sinceFormer >= FORMER_PACKETS) this.#former = undefined
      return packet.subarray(0, length)
    }
    const late = former.unprotect(copy, copy.length)
    return late === 0 ? reasonOf(this.#receiver.refusal) : copy.subarray(0, late)
  }

  sealRtcp(packet: Buffer): Buffer | undefined {
    const sealed = Buffer.alloc(packet.length + this.#sender.rtcpOverhead)
    sealed.set(packet)
    const length = this.#sender.protectRtcp(sealed, packet.length)
    return length === 0 ? undefined : sealed.subarray(0, length)
  }

  openRtcp(packet: Buffer): Buffer | number {
    const length = this.#receiver.unprotectRtcp(packet, packet.length)
    return length === 0 ? reasonOf(this.#receiver.refusal) : packet.subarray(0, length)
  }
}
