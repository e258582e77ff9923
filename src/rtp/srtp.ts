import { Counters } from '../core/counters.js'
import { CordboardError } from '../core/errors.js'
import { RTP_HEADER_BYTES } from './packet.js'
import { sessionKeys } from './srtp-keys.js'
import { SrtpStreams } from './srtp-streams.js'
import { srtpSuite } from './srtp-suite.js'
import { createTransform, SRTCP_WORD_BYTES, type SrtpTransform } from './srtp-transform.js'

/** Why a packet was refused. */
export type SrtpRefusal =
  /** No RTP or RTCP, or shorter than its tag. */
  | 'malformed'
  /** Bears the identifier of another key (RFC 3711 §3.1). */
  | 'other-key'
  /** Seen before, or too old to tell. For a sender: its key stream has been used. */
  | 'replayed'
  /** Its tag is wrong. */
  | 'forged'
  /** More sources than one direction has. */
  | 'too-many-streams'
  /** All indexes under these keys are used, or their lifetime is over. */
  | 'exhausted'

const REFUSALS: readonly SrtpRefusal[] = ['malformed', 'other-key', 'replayed', 'forged', 'too-many-streams', 'exhausted']

/** Bytes by which protection makes a packet longer at most, where its key has no identifier; its buffer must have that room. */
export const SRTP_OVERHEAD = 16 + SRTCP_WORD_BYTES

/** Shortest RTCP packet: header and SSRC. */
const RTCP_HEADER_BYTES = 8
/** Another rollover counter is tried once in so many forged packets: strangers shall not make us hash twice. */
const ROLLOVER_TRIAL = 4

/** Keys of one direction. */
export interface SrtpKeys {
  /** Name of the suite as in SDES (RFC 4568). */
  readonly suite: string
  /** Master key, then master salt. */
  readonly key: Uint8Array
  /** Identifier that each packet bears (MKI: RFC 3711 §3.1). @default none */
  readonly mki?: Uint8Array
  /** Packets that a sender protects at most, of RTP and of RTCP each (RFC 4568 §6.1). @default all that the indexes allow */
  readonly lifetime?: number
}

const NO_MKI = new Uint8Array(0)

const ssrcOf = (packet: Uint8Array, offset: number): number =>
  ((packet[offset]! << 24) | (packet[offset + 1]! << 16) | (packet[offset + 2]! << 8) | packet[offset + 3]!) >>> 0

/**
 * First byte of the payload of an RTP packet, whose padding is still encrypted and so cannot be checked.
 * @returns -1 when it is no RTP packet of `length` bytes.
 */
const payloadStartOf = (packet: Uint8Array, length: number): number => {
  const first = packet[0]!
  if (length < RTP_HEADER_BYTES || first >> 6 !== 2) return -1
  let start = RTP_HEADER_BYTES + (first & 0x0f) * 4
  if ((first & 0x10) !== 0) {
    if (start + 4 > length) return -1
    start += 4 + ((packet[start + 2]! << 8) | packet[start + 3]!) * 4
  }
  return start <= length ? start : -1
}

const sequenceOf = (packet: Uint8Array): number => (packet[2]! << 8) | packet[3]!

/** What both directions share: the transform under a master key, the streams, the count of refusals. */
abstract class SrtpDirection {
  readonly refused = new Counters<SrtpRefusal>(REFUSALS)
  /** Why the last call returned 0. */
  refusal: SrtpRefusal = 'malformed'
  protected readonly transform: SrtpTransform
  protected readonly streams: SrtpStreams
  protected mki = NO_MKI
  protected lifetime = Infinity
  readonly #keys: SrtpKeys

  /**
   * @param state where rollover counters, indexes and replay lists lie (`SRTP_STATE_BYTES`); new keys need it zeroed, those of a sender that follow
   * others `SrtpStreams.rekey()`.
   * @throws CordboardError `MEDIA_NO_COMMON_CODEC` (488) when the suite is unknown or the key has the wrong length.
   */
  constructor(keys: SrtpKeys, state?: Int32Array) {
    const suite = srtpSuite(keys.suite)
    if (suite === undefined || keys.key.length !== suite.keyBytes + suite.saltBytes)
      throw new CordboardError('MEDIA_NO_COMMON_CODEC', `no SRTP suite ${keys.suite} with ${keys.key.length} bytes of key and salt`, { status: 488 })
    this.#keys = { suite: keys.suite, key: Uint8Array.from(keys.key) }
    this.transform = createTransform(suite, sessionKeys(suite, keys.key, 'rtp'), sessionKeys(suite, keys.key, 'rtcp'))
    this.streams = new SrtpStreams(state)
    this.renew(keys)
  }

  /** Takes over what may be agreed anew for the same key: identifier and lifetime. */
  renew({ mki = NO_MKI, lifetime = Infinity }: SrtpKeys): void {
    this.mki = Uint8Array.from(mki)
    this.lifetime = lifetime
  }

  /** Bytes by which a packet of RTP gets longer. */
  get overhead(): number {
    return this.transform.tagBytes + this.mki.length
  }

  /** Bytes by which a packet of RTCP gets longer. */
  get rtcpOverhead(): number {
    return this.transform.rtcpTagBytes + SRTCP_WORD_BYTES + this.mki.length
  }

  /** True for the keys in force: then the rollover counters go on (RFC 3711 §3.3.1), whatever else was agreed anew. */
  has(keys: SrtpKeys): boolean {
    const mine = this.#keys
    return keys.suite === mine.suite && keys.key.length === mine.key.length && keys.key.every((byte, at) => byte === mine.key[at])
  }

  /** Rollover counter of a source, 0 before its first packet. */
  rollover(ssrc: number): number {
    const stream = this.streams.find(ssrc)
    return stream < 0 ? 0 : this.streams.currentRollover(stream)
  }

  protected refuse(reason: SrtpRefusal): 0 {
    this.refusal = reason
    this.refused.bump(reason)
    return 0
  }
}

/**
 * Protects what one side sends (RFC 3711; AES-GCM by RFC 7714, AES-192 and -256 by RFC 6188), in place.
 *
 * @example
 * const sender = new SrtpSender({ suite: 'AES_CM_128_HMAC_SHA1_80', key })
 * const length = sender.protect(buffer, rtpLength) // 0: refused, see `sender.refusal`
 */
export class SrtpSender extends SrtpDirection {
  /** Makes the RTP packet `packet[0..length)` an SRTP packet. @returns its new length, 0 when refused. */
  protect(packet: Uint8Array, length: number): number {
    const start = payloadStartOf(packet, length)
    if (start < 0) return this.refuse('malformed')
    const ssrc = ssrcOf(packet, 8)
    const sequence = sequenceOf(packet)
    let stream = this.streams.find(ssrc)
    if (stream < 0) stream = this.streams.add(ssrc)
    if (stream < 0) return this.refuse('too-many-streams')
    const roc = this.streams.rollover(stream, sequence)
    if (roc < 0 || this.streams.replayed(stream, roc, sequence)) return this.refuse('replayed')
    if (this.lifetime !== Infinity && this.streams.sent >= this.lifetime) return this.refuse('exhausted')
    // Noted before it is sealed: a thread that dies in between must not use this key stream again.
    this.streams.note(stream, roc, sequence)
    this.streams.countSent(stream)
    return this.#withMki(packet, this.transform.sealRtp(packet, start, length, ssrc, roc, sequence), this.transform.tagBytes)
  }

  /** Makes a compound RTCP packet an SRTCP packet. @returns its new length, 0 when refused. */
  protectRtcp(packet: Uint8Array, length: number): number {
    if (length < RTCP_HEADER_BYTES) return this.refuse('malformed')
    const ssrc = ssrcOf(packet, 4)
    let stream = this.streams.find(ssrc)
    if (stream < 0) stream = this.streams.add(ssrc)
    if (stream < 0) return this.refuse('too-many-streams')
    if (this.lifetime !== Infinity && this.streams.rtcpSent >= this.lifetime) return this.refuse('exhausted')
    const index = this.streams.nextRtcpIndex(stream)
    if (index < 0) return this.refuse('exhausted')
    return this.#withMki(packet, this.transform.sealRtcp(packet, length, ssrc, index), this.transform.rtcpTagBytes)
  }

  /** Writes the key's identifier into the sealed packet `packet[0..end)`. @returns the new end. */
  #withMki(packet: Uint8Array, end: number, tagBytes: number): number {
    const { mki } = this
    if (mki.length === 0) return end
    const at = this.transform.tagLast ? end - tagBytes : end
    packet.copyWithin(at + mki.length, at, end)
    packet.set(mki, at)
    return end + mki.length
  }

  /** Starts a source at a rollover counter other than 0: where a call goes on that began elsewhere. */
  startAt(ssrc: number, roc: number): void {
    const stream = this.streams.find(ssrc)
    this.streams.startRollover(stream < 0 ? this.streams.add(ssrc) : stream, roc)
  }
}

/** Checks and decrypts what the other side sends, in place. A packet that is refused changes no state. */
export class SrtpReceiver extends SrtpDirection {
  #forged = 0
  #before: SrtpReceiver | undefined

  /**
   * Comes after `before`, which had other keys. Some senders begin anew with their keys, others let the rollover counter go on (RFC 3711
   * §3.3.1): the first packet of a source may be of either.
   */
  follow(before: SrtpReceiver): void {
    this.#before = before
  }

  /** Makes the SRTP packet `packet[0..sealed)` an RTP packet again. @returns its length, 0 when refused. */
  unprotect(packet: Uint8Array, sealed: number): number {
    const start = payloadStartOf(packet, sealed - this.overhead)
    if (start < 0) return this.refuse('malformed')
    const length = this.#withoutMki(packet, sealed, this.transform.tagBytes)
    if (length < 0) return this.refuse('other-key')
    const ssrc = ssrcOf(packet, 8)
    const sequence = sequenceOf(packet)
    const stream = this.streams.find(ssrc)
    const roc = this.streams.rollover(stream, sequence)
    if (roc < 0 || this.streams.replayed(stream, roc, sequence)) return this.refuse('replayed')
    const end = this.transform.openRtp(packet, start, length, ssrc, roc, sequence)
    if (end >= 0) return this.#accept(stream, ssrc, roc, sequence, end)
    return this.#tryOtherRollover(packet, start, length, stream, roc)
  }

  /** Makes the SRTCP packet `packet[0..sealed)` a compound RTCP packet again. @returns its length, 0 when refused. */
  unprotectRtcp(packet: Uint8Array, sealed: number): number {
    if (sealed < RTCP_HEADER_BYTES + this.rtcpOverhead || packet[0]! >> 6 !== 2) return this.refuse('malformed')
    const length = this.#withoutMki(packet, sealed, this.transform.rtcpTagBytes)
    if (length < 0) return this.refuse('other-key')
    const word = ssrcOf(packet, this.transform.rtcpWordAt(length))
    const index = word & 0x7fff_ffff
    const ssrc = ssrcOf(packet, 4)
    let stream = this.streams.find(ssrc)
    if (this.streams.rtcpReplayed(stream, index)) return this.refuse('replayed')
    const end = this.transform.openRtcp(packet, length, ssrc, word)
    if (end < 0) return this.refuse('forged')
    if (stream < 0) stream = this.streams.add(ssrc)
    if (stream < 0) return this.refuse('too-many-streams')
    this.streams.noteRtcp(stream, index)
    return end
  }

  /** Takes the key's identifier out of the sealed packet `packet[0..end)`. @returns the new end; -1 when it is another's. */
  #withoutMki(packet: Uint8Array, end: number, tagBytes: number): number {
    const { mki } = this
    if (mki.length === 0) return end
    const at = end - mki.length - (this.transform.tagLast ? tagBytes : 0)
    for (let n = 0; n < mki.length; n++) if (packet[at + n] !== mki[n]) return -1
    packet.copyWithin(at, at + mki.length, end)
    return end - mki.length
  }

  #accept(known: number, ssrc: number, roc: number, sequence: number, end: number): number {
    // A record is given only to a source that has the key.
    const stream = known < 0 ? this.streams.add(ssrc) : known
    if (stream < 0) return this.refuse('too-many-streams')
    this.streams.note(stream, roc, sequence)
    this.#forged = 0
    return end
  }

  /**
   * All packets around a wrap of the sequence number were lost: ours is one behind. A new source may go on under new keys, or have wrapped
   * before anything of it came.
   */
  #tryOtherRollover(packet: Uint8Array, start: number, length: number, stream: number, roc: number): number {
    const ssrc = ssrcOf(packet, 8)
    const sequence = sequenceOf(packet)
    const inherited = stream < 0 && this.#before !== undefined ? this.#before.rollover(ssrc) : 0
    if (this.#forged++ % ROLLOVER_TRIAL !== 0) return this.refuse('forged')
    const next = inherited > 0 ? inherited : (roc + 1) >>> 0
    const end = this.transform.openRtp(packet, start, length, ssrc, next, sequence)
    return end < 0 ? this.refuse('forged') : this.#accept(stream, ssrc, next, sequence, end)
  }
}
