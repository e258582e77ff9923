import { installedCodec } from '../../codec/installed.js'
import type { Codec } from '../../codec/codec.js'
import { RtpHeader, readRtp } from '../../rtp/packet.js'
import type { PlayoutFormat } from '../../rtp/playout.js'
import { EventReceiver, type KeySink } from '../../rtp/telephone-event.js'
import type { NegotiatedMedia } from '../../sdp/negotiated.js'
import { type DropReason, DROP_REASONS } from '../shared/worker-share.js'
import { Latch } from './latch.js'
import { PayloadMemory } from './payload-memory.js'
import type { Reception } from './reception.js'
import { without } from './taps.js'

/** Static payload type of comfort noise (RFC 3389). */
const COMFORT_NOISE = 13
/** An event packet is due every packet time: this long without one, the key has been let go (ms). */
export const KEY_SILENCE_MS = 200

/** Who takes what a leg hears: another leg's sender, a mixer, a recording. */
export interface AudioSink {
  /**
   * @param packet the datagram, which the receiver's one sink may overwrite (it comes after the taps).
   * @param source number of the stream: a new one for each SSRC.
   * @param past the stream so far, this packet included, where its codec adapts: for the sink.
   */
  audio(packet: Buffer, header: RtpHeader, codec: Codec, source: number, now: number, past?: PayloadMemory): void
  /** A packet of a key press. */
  event(packet: Buffer, header: RtpHeader, source: number, now: number): void
  /** What the peer's background sounds like in the pause that begins (RFC 3389). @default nothing is made of it */
  noise?(packet: Buffer, header: RtpHeader, source: number, now: number): void
}

/** What the receiver tells its leg. */
export interface ReceiverOwner extends KeySink {
  latched(address: string, port: number): void
  /** Another source is heard. */
  began(ssrc: number): void
  dropped(reason: number): void
}

const reasonIndex = (reason: DropReason): number => DROP_REASONS.indexOf(reason)
const MALFORMED = reasonIndex('malformed')
const STRANGER = reasonIndex('stranger')
const PAYLOAD_TYPE = reasonIndex('payload-type')
const DIRECTION = reasonIndex('direction')
const NOT_APPLIED = reasonIndex('not-applied')

/** Of the packet that is being received: all receivers take turns with one, which stays in the cache. */
const HEADER = new RtpHeader()

/** Numbers the streams of one worker: shared by its receivers. */
export class SourceNumbers {
  #last = 0

  next(): number {
    return ++this.#last
  }
}

/** What comes in on one leg: checks each packet, keeps count, and hands it to those who hear the leg. */
export class Receiver {
  readonly latch = new Latch()
  readonly events: EventReceiver
  sink: AudioSink | undefined
  /** SSRC heard, 0 before the first packet. */
  ssrc = 0
  lastAt = NaN
  /** What came last of the stream that it hears, where the codec adapts. */
  past: PayloadMemory | undefined
  /** They look on before the sink, which may overwrite the packet. */
  #taps: AudioSink[] | undefined
  #codecs: (Codec | undefined)[] = []
  /** The payload type that came last, nearly always the next one's too, and its codec. */
  #type = -1
  #codec: Codec | undefined
  #eventType = -1
  #receives = false
  #applied = false
  #source = 0

  /** @param words in which the past is kept; another worker may have written into them. */
  constructor(readonly owner: ReceiverOwner, readonly reception: Reception, readonly sources: SourceNumbers, readonly words?: Int32Array) {
    this.events = new EventReceiver(owner)
  }

  apply(media: NegotiatedMedia): void {
    this.latch.arm(media.remote)
    this.#codecs = []
    this.#type = -1
    for (const { name, clockRate, receive } of [...media.receivable, media.codec]) this.#codecs[receive] = installedCodec(name, clockRate)
    const codec = this.#codecs[media.codec.receive]
    if (codec?.createSplicer === undefined) this.past = undefined
    else this.#pastOf(codec)
    this.#eventType = media.dtmf?.receive ?? -1
    this.#receives = media.direction === 'sendrecv' || media.direction === 'recvonly'
    this.#applied = true
  }

  /** What the agreement lets the peer send, for those who decode it. */
  get formats(): ReadonlyMap<number, PlayoutFormat> {
    const formats = new Map<number, PlayoutFormat>([[COMFORT_NOISE, { type: 'comfort-noise' }]])
    this.#codecs.forEach((codec, type) => {
      if (codec !== undefined) formats.set(type, { type: 'audio', codec })
    })
    return formats
  }

  /**
   * @param unseen it may have come so many ms before `now`.
   * @returns true when it went on to a sink.
   */
  receive(packet: Buffer, address: string, port: number, now: number, unseen = 0): boolean {
    const header = HEADER
    if (!readRtp(packet, header)) return this.#drop(MALFORMED)
    if (!this.#applied) return this.#drop(NOT_APPLIED)
    const type = header.payloadType
    const codec = type === this.#type ? this.#codec : this.#codecOf(type)
    if (codec === undefined && type !== this.#eventType && type !== COMFORT_NOISE) return this.#drop(PAYLOAD_TYPE)
    const before = this.latch.latched
    if (!this.latch.accept(address, port, header.ssrc, header.sequence, now)) return this.#drop(STRANGER)
    if (!before) this.owner.latched(address, port)
    if (!this.#receives) return this.#drop(DIRECTION)
    if (header.ssrc !== this.ssrc || this.#source === 0) this.#begin(header)
    this.lastAt = now
    if (!this.reception.packet(header, packet.length, now, unseen)) return false
    if (this.reception.verdict === 'restarted') this.#restart()
    if (type === this.#eventType) return this.#event(packet, header, now)
    if (codec === undefined) return this.#noise(packet, header, now)
    const taps = this.#taps
    // Backwards: a tap may take itself off.
    if (taps !== undefined) for (let at = taps.length - 1; at >= 0; at--) taps[at]!.audio(packet, header, codec, this.#source, now)
    if (codec.createSplicer !== undefined) this.#pastOf(codec).note(packet, header.payloadStart, header.payloadEnd)
    if (this.sink === undefined) return false
    this.sink.audio(packet, header, codec, this.#source, now, this.past)
    return true
  }

  #codecOf(type: number): Codec | undefined {
    this.#type = type
    return this.#codec = this.#codecs[type]
  }

  tap(tap: AudioSink): void {
    this.#taps ??= []
    this.#taps.push(tap)
  }

  untap(tap: AudioSink): void {
    this.#taps = without(this.#taps, tap)
  }

  /** Of the codec that comes, which adapts; what came in another is forgotten. */
  #pastOf(codec: Codec): PayloadMemory {
    if (this.past?.codec !== codec) this.past = new PayloadMemory(codec, this.words)
    return this.past
  }

  /** A change of SSRC is another stream (RFC 3550 §8): its numbers mean nothing to the old one's. */
  #begin(header: RtpHeader): void {
    // The first stream of a leg that was another worker's goes on.
    if (this.ssrc !== 0) this.past?.forget()
    this.ssrc = header.ssrc
    this.#source = this.sources.next()
    this.reception.begin()
    this.owner.began(header.ssrc)
  }

  /** The source has begun its numbers anew (RFC 3550 A.1): they mean as little to the old ones as another source's. */
  #restart(): void {
    this.past?.forget()
    this.#source = this.sources.next()
  }

  /** The source says BYE: it is not reported on any more (RFC 3550 §6.3.4). */
  left(ssrc: number): void {
    if (ssrc === this.ssrc) this.ssrc = 0
  }

  /** The sink hears the next packet as a new stream: something else was heard in between. */
  renumber(): void {
    if (this.#source !== 0) this.#source = this.sources.next()
  }

  #event(packet: Buffer, header: RtpHeader, now: number): boolean {
    this.events.receive(packet, header.payloadStart, header.payloadEnd, header.timestamp, now)
    const taps = this.#taps
    if (taps !== undefined) for (let at = 0; at < taps.length; at++) taps[at]!.event(packet, header, this.#source, now)
    this.sink?.event(packet, header, this.#source, now)
    return this.sink !== undefined
  }

  /** Nobody but the sink: to recordings and detectors the pause is silent. */
  #noise(packet: Buffer, header: RtpHeader, now: number): boolean {
    this.sink?.noise?.(packet, header, this.#source, now)
    return this.sink !== undefined
  }

  #drop(reason: number): false {
    this.owner.dropped(reason)
    return false
  }
}
