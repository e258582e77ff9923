import { builtInCodecs } from '../../src/codec/registry.js'
import { isCordboardError } from '../../src/core/errors.js'
import { type Random, seededRandom } from '../../src/core/random.js'
import { readRtcp, writeRtcp } from '../../src/rtp/rtcp.js'
import { writeRtp } from '../../src/rtp/packet.js'
import { SrtpReceiver, SrtpSender } from '../../src/rtp/srtp.js'
import { SRTP_SUITES } from '../../src/rtp/srtp-suite.js'
import type { LocalMedia } from '../../src/sdp/negotiated.js'
import { createOfferAnswer } from '../../src/sdp/offer-answer.js'
import { DESCRIPTIONS } from './corpus.js'
import { MediaVictim } from './media-victim.js'
import { mutated, oneOf } from './mutation.js'
import { SLOW_MS, Stopwatch } from './stopwatch.js'

export type FuzzedMedium = 'RTP' | 'RTCP' | 'SRTP' | 'SDP'

/** What a run found. */
export interface MediaFuzzReport {
  readonly datagrams: number
  /** Those that were believed in spite of all. */
  readonly believed: number
  /** The longest that one took, in ms of CPU time. */
  readonly slowest: Readonly<Record<FuzzedMedium, number>>
  readonly failures: readonly string[]
}

export interface MediaFuzzOptions {
  readonly seed: number
  /** Asked before each batch. */
  readonly goOn: (datagrams: number) => boolean
}

const BATCH = 500
/** Milliseconds that a peer's audio may be kept at most. */
const LONGEST_DELAY_MS = 2_000

/**
 * Throws mutated datagrams at all that hears a leg (bridge, jitter buffer, detectors, keys), at RTCP and SRTP in every suite, and mutated
 * descriptions at offer and answer.
 */
export const fuzzMedia = ({ seed, goOn }: MediaFuzzOptions): MediaFuzzReport => new Run(seed).run(goOn)

class Run {
  readonly #random: Random
  readonly #watch = new Stopwatch<FuzzedMedium>(['RTP', 'RTCP', 'SRTP', 'SDP'], SLOW_MS)
  readonly #victim: MediaVictim
  readonly #ciphers = SRTP_SUITES.flatMap(({ name: suite, keyBytes, saltBytes }) => [0, 4].map(length => {
    const key = Uint8Array.from({ length: keyBytes + saltBytes }, (_, at) => at)
    const keys = { suite, key, mki: new Uint8Array(length).fill(1) }
    return { sender: new SrtpSender(keys), receiver: new SrtpReceiver(keys) }
  }))
  #datagrams = 0
  #believed = 0
  #sequence = 0
  #timestamp = 0
  #ssrc = 7

  constructor(readonly seed: number) {
    this.#random = seededRandom(seed)
    this.#victim = new MediaVictim(this.#random)
  }

  run(goOn: (datagrams: number) => boolean): MediaFuzzReport {
    while (goOn(this.#datagrams)) this.#batch()
    return { datagrams: this.#datagrams, believed: this.#believed, slowest: this.#watch.slowest, failures: this.#watch.failures }
  }

  #batch(): void {
    for (let count = 0; count < BATCH; count++) {
      this.#datagrams++
      const kind = this.#random.float()
      if (kind < 0.55) this.#rtp()
      else if (kind < 0.7) this.#rtcp()
      else if (kind < 0.9) this.#srtp()
      else this.#sdp()
    }
    const { kept } = this.#victim
    if (kept > LONGEST_DELAY_MS) this.#watch.failures.push(`${kept} ms of audio kept after datagram ${this.#datagrams} of seed ${this.seed}`)
  }

  /** A packet of a stream that goes on, jumps, or is another now and then. */
  #packet(): Buffer {
    const random = this.#random
    const chance = random.float()
    this.#sequence = chance < 0.9 ? (this.#sequence + 1) & 0xffff : random.uint32() & 0xffff
    this.#timestamp = chance < 0.9 ? (this.#timestamp + 160) >>> 0 : random.uint32()
    if (chance > 0.99) this.#ssrc = random.uint32()
    const type = random.float() < 0.8 ? 0 : oneOf([...this.#victim.payloadTypes], random)
    const packet = Buffer.alloc(12 + (random.float() < 0.8 ? 160 : random.uint32() % 1_400))
    for (let at = 12; at < packet.length; at++) packet[at] = random.uint32() & 0xff
    writeRtp(packet, 0, random.float() < 0.1, type, this.#sequence, this.#timestamp, this.#ssrc)
    if (random.float() < 0.1) packet[0]! |= random.uint32() & 0x3f
    return packet
  }

  #harmed(packet: Buffer): Buffer {
    return this.#random.float() < 0.5 ? Buffer.from(packet) : Buffer.from(mutated(packet, this.#random).subarray(0, 2_048))
  }

  #rtp(): void {
    const packet = this.#harmed(this.#packet())
    this.#watch.run('RTP', packet, () => { if (this.#victim.receive(Buffer.from(packet))) this.#believed++ })
  }

  #rtcp(): void {
    const random = this.#random
    const report = writeRtcp({
      ssrc: this.#ssrc, cname: 'fuzz', bye: random.float() < 0.1,
      reports: [{ ssrc: random.uint32(), fractionLost: 1, lost: 2, highestSequence: 3, jitter: 4, lastSenderReport: random.uint32(), delaySinceLast: 6 }],
      ...random.float() < 0.5 ? { sender: { ntpSeconds: 1, ntpFraction: 2, timestamp: 3, packets: 4, bytes: 5 } } : {},
      extended: [{ type: 'reference-time', ntpSeconds: 1, ntpFraction: 2 }, { type: 'delay-since-reference', receivers: [{ ssrc: 1, lastReference: 2, delaySinceLast: 3 }] }],
    })
    const packet = this.#harmed(report)
    this.#watch.run('RTCP', packet, () => {
      if (readRtcp(packet) !== undefined) this.#believed++
      this.#victim.receiveRtcp(packet)
    })
  }

  #srtp(): void {
    const { sender, receiver } = oneOf(this.#ciphers, this.#random)
    const plain = this.#packet()
    const room = Buffer.concat([plain, Buffer.alloc(sender.overhead)])
    const sealed = this.#harmed(room.subarray(0, sender.protect(room, plain.length)))
    this.#watch.run('SRTP', sealed, () => {
      receiver.unprotect(Buffer.from(sealed), sealed.length)
      receiver.unprotectRtcp(Buffer.from(sealed), sealed.length)
    })
  }

  #sdp(): void {
    const bytes = mutated(Buffer.from(oneOf(DESCRIPTIONS, this.#random)), this.#random)
    this.#watch.run('SDP', bytes, () => {
      const session = createOfferAnswer({ random: this.#random })
      try {
        const { text } = session.answer(bytes.toString('latin1'), LOCAL)
        this.#believed++
        createOfferAnswer({ random: this.#random }).answer(text, LOCAL)
      } catch (error) {
        if (!isCordboardError(error)) throw error
      }
    })
  }
}

const LOCAL: LocalMedia = {
  address: '192.0.2.10', port: 20_000, rtcpPort: 20_001, rtcpMux: true, dtmf: true, direction: 'sendrecv', srtp: 'optional',
  codecs: builtInCodecs.map((codec, at) => ({ name: codec.name, clockRate: codec.clockRate, channels: 1, payloadType: codec.payloadType ?? 102 + at })),
}
