import type { Codec } from '../../codec/codec.js'
import type { RtpHeader } from '../../rtp/packet.js'
import type { PayloadMemory } from './payload-memory.js'
import type { AudioSink } from './receiver.js'
import type { Sender } from './sender.js'

/** One direction of a packet bridge: what a leg receives goes out of `target` at once, undecoded. Echo is a bridge to oneself. */
export class PacketBridge implements AudioSink {
  constructor(readonly target: Sender) {}

  audio(packet: Buffer, header: RtpHeader, _codec: Codec, source: number, now: number, past?: PayloadMemory): void {
    this.target.forward(packet, header, source, false, now, past)
  }

  event(packet: Buffer, header: RtpHeader, source: number, now: number): void {
    this.target.forward(packet, header, source, true, now)
  }
}

/** A packet bridge that takes over from something else with the first packet that it has. */
export class TakingOver extends PacketBridge {
  #begun = false

  constructor(target: Sender, readonly begun: () => void) {
    super(target)
  }

  override audio(packet: Buffer, header: RtpHeader, codec: Codec, source: number, now: number, past?: PayloadMemory): void {
    this.#begin()
    super.audio(packet, header, codec, source, now, past)
  }

  override event(packet: Buffer, header: RtpHeader, source: number, now: number): void {
    this.#begin()
    super.event(packet, header, source, now)
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.begun()
  }
}
