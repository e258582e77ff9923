import type { Codec } from '../../codec/codec.js'
import type { Random } from '../../core/random.js'
import { type RtpHeader, RTP_HEADER_BYTES, writeRtp } from '../../rtp/packet.js'
import type { NegotiatedMedia } from '../../sdp/negotiated.js'
import type { LegSlots } from '../shared/leg-slots.js'
import type { PacketPool } from './packet-pool.js'
import type { PayloadMemory } from './payload-memory.js'
import { type Seam, type SeamBegin, seamFor } from './seam.js'
import { NO_SOURCE, SendTimeline } from './send-timeline.js'
import { without } from './taps.js'

/** Where finished packets go. */
export interface PacketSink {
  /** False while there is nowhere to send, or the agreement does not let us. */
  readonly open: boolean
  send(packet: Buffer): void
}

/** Told of each audio frame that a leg sends, for recordings. */
export interface SentTap {
  sent(payload: Uint8Array, start: number, end: number, timestamp: number): void
}

/** Source number of what the leg makes itself; packet sources are numbered from 1. */
const OWN = 0
/** What the leg has made itself so far. */
const FORMER = -2
const LARGEST_PENDING = 2048
/** Of what is made here. */
const FRAME_MS = 20
/** By so many packets the timeline may be ahead of the clock for the first packet of another leg; it begins with the next one where it would be by more. */
const MOST_LEAD = 1.5
/** After a pause of so long (ms) the receiver hears silence, and a new sound begins from there. */
const PAUSE_MS = 80

/** What a leg sends: packets of other legs, shifted into its timeline, and frames made here, which lie where the clock puts them. */
export class Sender extends SendTimeline {
  /** Set while a player or a sender of digits has the line: what others forward or mix is not heard. */
  held = false
  #taps: SentTap[] | undefined
  #anchorTimestamp = 0
  #anchorAt = 0
  #marker = true
  #payloadType = 0
  #eventType = -1
  #packetUnits = 160
  #pending = new Uint8Array(LARGEST_PENDING)
  #pendingBytes = 0
  #pendingUnits = 0
  #seam: Seam | undefined
  #seamCodec: Codec | undefined
  /** The next frame is another's than the last: it, and those after it for as long as the seam needs, are bent to go on where it ended. */
  #bending = false
  /** Until its first frame is bent. */
  #begin: SeamBegin | undefined
  /** The next frame comes from another encoder. */
  #changed: SeamBegin | undefined
  readonly #bent = new Uint8Array(LARGEST_PENDING)

  constructor(readonly sink: PacketSink, readonly pool: PacketPool, slots: LegSlots, slot: number, random: Random, now: number) {
    super(slots, slot, random, now)
  }

  override changeSource(): void {
    super.changeSource()
    this.#marker = true
  }

  /** What it has sent last, where the codec adapts. */
  get past(): PayloadMemory | undefined {
    return this.#seam?.past
  }

  /** Units in a packet that we make. */
  get packetUnits(): number {
    return this.#packetUnits
  }

  /** False where telephone-event was not agreed. */
  get sendsEvents(): boolean {
    return this.#eventType >= 0
  }

  apply(media: NegotiatedMedia, codec: Codec): void {
    if (codec.clockRate / 1000 !== this.unitsPerMs) this.source = NO_SOURCE
    this.#payloadType = media.codec.send
    this.#eventType = media.dtmf?.send ?? -1
    this.unitsPerMs = codec.clockRate / 1000
    // Frames of no fixed size can be neither joined nor cut.
    const fixed = codec.payloadBytes(codec.sampleRate / 100) !== undefined
    this.#packetUnits = (fixed ? media.ptime : FRAME_MS) * this.unitsPerMs
    if (codec !== this.#seamCodec) {
      this.#seam = seamFor(codec, this.slots.sent(this.slot), this.#seam?.end())
      this.#seamCodec = codec
      this.#bending = false
    }
    this.#pendingBytes = this.#pendingUnits = 0
  }

  /**
   * Sends another leg's packet on, its header rewritten in place (`packet` is lost to the caller).
   * @param source number of the packet's stream: another number is another timeline.
   * @param event true for a telephone-event.
   * @param past the stream so far, this packet included, where its codec adapts.
   * @returns false when it was not sent.
   */
  forward(packet: Buffer, header: RtpHeader, source: number, event: boolean, now: number, past?: PayloadMemory): boolean {
    if (this.held || !this.sink.open || (event && this.#eventType < 0)) return false
    if (source !== this.source) {
      if (this.#wouldLead(MOST_LEAD, now)) return false
      this.#take(header, source, now, past)
    }
    if (!this.shift(header)) return false
    const timestamp = this.shiftedTimestamp
    // The header is written right before the payload: CSRC list and extension mean nothing to the other peer.
    const start = header.payloadStart - RTP_HEADER_BYTES
    writeRtp(packet, start, header.marker || this.#marker, event ? this.#eventType : this.#payloadType, this.shiftedSequence, timestamp, this.ssrc)
    this.#marker = false
    if (!event) this.#sound(packet, header.payloadStart, header.payloadEnd, timestamp, now)
    const whole = start === 0 && header.payloadEnd === packet.length
    this.#emit(whole ? packet : packet.subarray(start, header.payloadEnd), header.payloadEnd - header.payloadStart)
    this.noteShifted(now)
    return true
  }

  /** Another stream goes on to the peer. */
  #take(header: RtpHeader, source: number, now: number, past: PayloadMemory | undefined): void {
    this.#bend(past ?? 'fresh')
    this.adopt(header, source, this.#goOn(now))
    this.#marker = true
    this.#pendingBytes = this.#pendingUnits = 0
  }

  /** Length of a packet that we make, in ms. */
  get #packetMs(): number {
    return this.#packetUnits / this.unitsPerMs
  }

  /**
   * Where another source goes on: right after the last packet where it is there before a second one would be missed, since its packets lie at
   * another phase of the clock; after a pause where the clock says that the timeline is.
   */
  #goOn(now: number): number {
    if (Number.isNaN(this.sentAt)) return this.timestamp
    const packet = this.#packetMs
    const passed = now - this.sentAt
    const step = passed + this.lead < 2 * packet ? packet : Math.max(packet, passed)
    this.lead = step - passed
    return (this.timestamp + Math.round(step * this.unitsPerMs)) >>> 0
  }

  /** If another source went on now, the timeline would be ahead of the clock by more than so many packets. */
  #wouldLead(packets: number, now: number): boolean {
    return this.sentAt + this.#packetMs - now > packets * this.#packetMs
  }

  /** A frame made here would come too early after what others have sent: the next one is soon enough. Each change would put a frame too many into the timeline. */
  early(at: number): boolean {
    return this.source !== OWN && this.#wouldLead(0.5, at)
  }

  /** Timestamp of a frame made here for the schedule's time `at`. */
  timestampFor(at: number): number {
    if (this.source !== OWN) {
      this.#bend('fresh')
      this.source = OWN
      this.#anchorTimestamp = this.#goOn(at)
      this.#anchorAt = at
      this.#marker = true
      this.#pendingBytes = this.#pendingUnits = 0
    }
    return (this.#anchorTimestamp + Math.round((at - this.#anchorAt) * this.unitsPerMs)) >>> 0
  }

  /** The next frame is made by another maker, on another phase of the clock: it begins at least one packet past the last. */
  changeMaker(): void {
    if (this.source === OWN) this.source = FORMER
  }

  /** The next frame begins a talk spurt: something else, or nothing, was sent in between. */
  markNext(): void {
    this.#marker = true
    this.#bend('fresh')
    this.#pendingBytes = this.#pendingUnits = 0
  }

  /** The next frame, of the same sound, comes from another encoder; to whoever else has the line it means nothing. */
  changeEncoder(begin: SeamBegin): void {
    if (!this.held) this.#changed = begin
  }

  /** What the peer has heard so far ends here; unless it has heard nothing. */
  #bend(begin: SeamBegin): void {
    const seam = this.#seam
    this.#bending = seam !== undefined && (this.source !== NO_SOURCE || seam.remembers)
    this.#begin = begin
  }

  /** Sends a frame made here: `length` bytes of `payload` from `start`, worth `units` of RTP clock, due at `at`. */
  frame(payload: Uint8Array, start: number, length: number, units: number, at: number): void {
    if (!this.sink.open) return
    const timestamp = this.timestampFor(at)
    if (this.#changed !== undefined) {
      this.#bend(this.#changed)
      this.#changed = undefined
    }
    if (this.#bending && length <= LARGEST_PENDING) {
      // The payload may be a prompt that others play too.
      for (let from = 0; from < length; from++) this.#bent[from] = payload[start + from]!
      payload = this.#bent
      start = 0
    }
    this.#sound(payload, start, start + length, timestamp, at)
    if (units === this.#packetUnits && this.#pendingBytes === 0) {
      this.#packet(payload, start, length, timestamp, at)
      return
    }
    this.#repacket(payload, start, length, units, timestamp, at)
  }

  /** Packet times other than the frame's: gathers or cuts (of a codec with a constant rate of bytes). */
  #repacket(payload: Uint8Array, start: number, length: number, units: number, timestamp: number, at: number): void {
    if (this.#pendingBytes + length > LARGEST_PENDING) this.#pendingBytes = this.#pendingUnits = 0
    const first = timestamp - this.#pendingUnits
    for (let from = 0; from < length; from++) this.#pending[this.#pendingBytes + from] = payload[start + from]!
    this.#pendingBytes += length
    this.#pendingUnits += units
    const packetBytes = Math.round((this.#packetUnits * length) / units)
    let sent = 0
    while (this.#pendingUnits >= this.#packetUnits) {
      this.#packet(this.#pending, sent, packetBytes, (first + (sent / packetBytes) * this.#packetUnits) >>> 0, at)
      sent += packetBytes
      this.#pendingUnits -= this.#packetUnits
    }
    this.#pending.copyWithin(0, sent, this.#pendingBytes)
    this.#pendingBytes -= sent
  }

  #packet(payload: Uint8Array, start: number, length: number, timestamp: number, at: number): void {
    const sequence = (this.sequence + 1) & 0xffff
    const packet = this.pool.take(RTP_HEADER_BYTES + length)
    writeRtp(packet, 0, this.#marker, this.#payloadType, sequence, timestamp, this.ssrc)
    // What is whole is one move of memory.
    if (length === payload.length) packet.set(payload, RTP_HEADER_BYTES)
    else for (let from = start, to = RTP_HEADER_BYTES; from < start + length; from++, to++) packet[to] = payload[from]!
    this.#marker = false
    this.#emit(packet, length)
    this.note(sequence, timestamp, at)
  }

  /** Sends four bytes of telephone-event under `timestamp` (from `timestampFor`). */
  event(payload: Uint8Array, marker: boolean, timestamp: number, at: number): void {
    if (!this.sink.open || this.#eventType < 0) return
    const sequence = (this.sequence + 1) & 0xffff
    const packet = this.pool.take(RTP_HEADER_BYTES + payload.length)
    writeRtp(packet, 0, marker, this.#eventType, sequence, timestamp, this.ssrc)
    packet.set(payload, RTP_HEADER_BYTES)
    this.#emit(packet, payload.length)
    this.note(sequence, timestamp, at)
  }

  tap(tap: SentTap): void {
    this.#taps ??= []
    this.#taps.push(tap)
  }

  untap(tap: SentTap): void {
    this.#taps = without(this.#taps, tap)
  }

  /** Audio is about to be sent: joined to what was sent before, and shown to the taps. */
  #sound(payload: Uint8Array, start: number, end: number, timestamp: number, now: number): void {
    const seam = this.#seam
    if (seam !== undefined && end - start >= 2) {
      if (this.#bending) {
        this.#bending = !seam.bend(payload, start, end, this.#begin, now - this.sentAt + this.lead > PAUSE_MS)
        this.#begin = undefined
      }
      seam.note(payload, start, end)
    }
    const taps = this.#taps
    if (taps !== undefined) for (let at = 0; at < taps.length; at++) taps[at]!.sent(payload, start, end, timestamp)
  }

  #emit(packet: Buffer, payloadBytes: number): void {
    this.packets++
    this.bytes += payloadBytes
    this.sink.send(packet)
  }
}
