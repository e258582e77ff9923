import { pcmu } from '../../src/codec/g711.js'
import { builtInCodecs } from '../../src/codec/registry.js'
import type { Random } from '../../src/core/random.js'
import { TimerWheel } from '../../src/core/timer-wheel.js'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { DetectionTap } from '../../src/media/worker/detection-tap.js'
import { Outbox } from '../../src/media/worker/outbox.js'
import { PacketBridge } from '../../src/media/worker/packet-bridge.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import { KEY_SILENCE_MS, Receiver, SourceNumbers } from '../../src/media/worker/receiver.js'
import { Reception } from '../../src/media/worker/reception.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { RtcpSession } from '../../src/media/worker/rtcp-session.js'
import { Sender } from '../../src/media/worker/sender.js'
import { VoiceTap } from '../../src/media/worker/voice-tap.js'
import { Playout } from '../../src/rtp/playout.js'
import type { NegotiatedMedia } from '../../src/sdp/negotiated.js'

const PEER = { address: '127.0.0.1', port: 4000 }
const FRAME_MS = 20

const codecs = builtInCodecs.map(({ name, clockRate, payloadType }, at) => {
  const type = payloadType ?? 102 + at
  return { name, clockRate, channels: 1, receive: type, send: type }
})
const narrow = codecs.filter(({ clockRate }) => clockRate === 8000)

const MEDIA: NegotiatedMedia = {
  remote: PEER, remoteRtcp: PEER, rtcpMux: true, codec: narrow[0]!, receivable: narrow, dtmf: { receive: 101, send: 101 }, ptime: 20, direction: 'sendrecv',
  extendedReports: { roundTrip: true, voip: true },
}

/** All that hears a leg: a bridge, a jitter buffer with its decoders, detectors, keys, reports. */
export class MediaVictim {
  readonly payloadTypes: readonly number[] = [...narrow.map(({ receive }) => receive), 101, 13]
  #now = 0
  #read = 0
  readonly #receiver: Receiver
  readonly #rtcp: RtcpSession
  readonly #playout: Playout
  readonly #wheel = new TimerWheel(100, 256, 0)
  readonly #out = new Int16Array(960)

  constructor(readonly random: Random) {
    const nothing = (): void => undefined
    const owner = { pressed: nothing, released: nothing, latched: nothing, began: nothing, dropped: nothing }
    const sender = new Sender({ open: true, send: nothing }, new PacketPool(), new LegSlots(LegSlots.allocate(1)), 0, random, 0)
    sender.apply(MEDIA, pcmu)
    this.#receiver = new Receiver(owner, new Reception(), new SourceNumbers())
    this.#receiver.apply(MEDIA)
    this.#playout = new Playout({ clockRate: 8000, sampleRate: 48_000, formats: this.#receiver.formats })
    const filters = new ResamplerFilters()
    const detected = { pressed: nothing, released: nothing, detected: nothing }
    const bridge = new PacketBridge(sender)
    this.#receiver.tap(new DetectionTap({ digits: true, line: 'us', answerer: true, beep: true }, filters, detected))
    this.#receiver.tap(new VoiceTap(nothing))
    this.#receiver.tap({
      audio: (packet, header, _codec, _source, now) => {
        this.#playout.put(header.sequence, header.timestamp, header.payloadType, packet, header.payloadStart, header.payloadEnd - header.payloadStart, now)
      },
      event: (_packet, header) => this.#playout.pass(header.sequence),
    })
    this.#receiver.sink = bridge
    this.#rtcp = new RtcpSession({
      context: { wheel: this.#wheel, now: () => this.#now, random, cname: 'victim', outbox: new Outbox(), loop: { unseen: 0 } }, sender, receiver: this.#receiver,
      address: '127.0.0.1', port: 4001, transport: { port: 4000, send: nothing, pin: nothing, close: nothing }, protection: () => undefined, dropped: nothing, interval: nothing,
      heard: () => ({ codec: 'PCMU', loss: 0, delay: 0 }),
    })
    this.#rtcp.apply(MEDIA)
  }

  /** Milliseconds of audio that wait to be heard. */
  get kept(): number {
    return this.#playout.buffer.held / 8
  }

  /** @returns whether anybody believed it. */
  receive(packet: Buffer): boolean {
    this.#goOn()
    return this.#receiver.receive(packet, PEER.address, PEER.port, this.#now)
  }

  receiveRtcp(packet: Buffer): void {
    this.#goOn()
    this.#rtcp.receive(packet, PEER.address, this.#now)
  }

  #goOn(): void {
    this.#now += this.random.float() * 2 * FRAME_MS
    this.#wheel.advance(this.#now)
    if (this.#receiver.events.pressed) this.#receiver.events.expire(this.#now, KEY_SILENCE_MS)
    for (; this.#read + FRAME_MS <= this.#now; this.#read += FRAME_MS) this.#playout.read(this.#read, this.#out)
  }
}
