import type { Codec } from '../../src/codec/codec.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { seededRandom } from '../../src/core/random.js'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { PacketBridge } from '../../src/media/worker/packet-bridge.js'
import { PayloadMemory } from '../../src/media/worker/payload-memory.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import type { AudioSink } from '../../src/media/worker/receiver.js'
import { Sender } from '../../src/media/worker/sender.js'
import type { JoinedLeg } from '../../src/media/worker/topology.js'
import { RtpHeader, readRtp, writeRtp } from '../../src/rtp/packet.js'
import type { PlayoutFormat } from '../../src/rtp/playout.js'

const pastFor = (codec: Codec, slots: LegSlots): PayloadMemory | undefined => codec.createSplicer === undefined ? undefined : new PayloadMemory(codec, slots.heard(0))

/** A leg without a socket, in virtual time: a tone comes in, packets go out into a list. */
export class DryLeg implements JoinedLeg {
  readonly receiver: { formats: ReadonlyMap<number, PlayoutFormat>; past: PayloadMemory | undefined }
  readonly sender: Sender
  changed: (() => void) | undefined
  sink: AudioSink | undefined
  echoes = false
  source = 0
  readonly out: { timestamp: number; sequence: number; payload: Uint8Array; codec: Codec }[] = []
  #tone: ToneGenerator
  #encoder: ReturnType<Codec['createEncoder']>
  #samples: number
  #type = 0
  #sequence = 100
  #timestamp = 5000

  constructor(readonly id: number, public codec: Codec, readonly frequency: number, readonly slots = new LegSlots(LegSlots.allocate(1))) {
    this.source = id
    this.#tone = new ToneGenerator({ frequencies: [frequency], dbm0: -10 }, codec.sampleRate)
    this.#encoder = codec.createEncoder()
    this.#samples = codec.sampleRate / 50
    this.receiver = { formats: new Map([[0, { type: 'audio', codec }]]), past: pastFor(codec, slots) }
    const send = (packet: Buffer): void => {
      const header = new RtpHeader()
      readRtp(packet, header)
      this.out.push({ timestamp: header.timestamp, sequence: header.sequence, payload: Uint8Array.from(packet.subarray(12)), codec: this.codec })
    }
    this.sender = new Sender({ open: true, send }, new PacketPool(), slots, 0, seededRandom(id + 1), 0)
    this.#agree()
  }

  #agree(): void {
    const { codec } = this
    const agreed = { name: codec.name, clockRate: codec.clockRate, channels: 1, receive: 0, send: 0 }
    this.sender.apply({
      remote: undefined, remoteRtcp: undefined, rtcpMux: false, codec: agreed, receivable: [agreed], ptime: 20, direction: 'sendrecv',
    }, codec)
  }

  /** The same leg as another worker takes it over: what it sends goes on in its timeline, and its peer goes on to talk. */
  inAnotherWorker(): DryLeg {
    const leg = new DryLeg(this.id, this.codec, this.frequency, this.slots)
    leg.#tone = this.#tone
    leg.#encoder = this.#encoder
    leg.#sequence = this.#sequence
    leg.#timestamp = this.#timestamp
    return leg
  }

  connect(sink: AudioSink | undefined): void {
    this.sink = sink
    this.source += 10
    this.echoes = false
  }

  echo(): void {
    this.connect(new PacketBridge(this.sender))
    this.echoes = true
  }

  /** A re-INVITE brings another codec, of the same clock: from now on the peer sends it. @param type payload type, by default another than so far. */
  recode(codec: Codec, type = this.#type + 1): void {
    this.#type = type
    this.codec = codec
    this.#tone = new ToneGenerator({ frequencies: [this.frequency], dbm0: -10 }, codec.sampleRate)
    this.#encoder = codec.createEncoder()
    this.#samples = codec.sampleRate / 50
    this.receiver.past = pastFor(codec, this.slots)
    this.receiver.formats = new Map([...this.receiver.formats, [type, { type: 'audio', codec }]])
    this.#agree()
    this.changed?.()
  }

  /** One packet from the peer. */
  hear(now: number): void {
    const pcm = new Int16Array(this.#samples)
    this.#tone.read(pcm)
    const room = Buffer.alloc(12 + 2 * this.#samples)
    const packet = room.subarray(0, 12 + this.#encoder.encode(pcm, room, 12))
    writeRtp(packet, 0, false, this.#type, ++this.#sequence, this.#timestamp += this.codec.clockRate / 50, this.id)
    const header = new RtpHeader()
    readRtp(packet, header)
    this.receiver.past?.note(packet, header.payloadStart, header.payloadEnd)
    this.sink?.audio(packet, header, this.codec, this.source, now, this.receiver.past)
  }

  /** The peer sends nothing for the time of a packet. */
  rest(): void {
    this.#timestamp += this.codec.clockRate / 50
  }

  /** What its peer decodes, packet by packet. */
  decoded(): { readonly timestamp: number; readonly pcm: Int16Array }[] {
    let coded = this.codec
    let decoder = coded.createDecoder()
    return this.out.map(({ timestamp, payload, codec }) => {
      if (codec !== coded) decoder = codec.createDecoder()
      coded = codec
      const pcm = new Int16Array(codec.sampleRate / 50)
      decoder.decode(payload, 0, payload.length, pcm)
      return { timestamp, pcm }
    })
  }

  /** What its peer hears, by timestamps. */
  heard(): Int16Array {
    const first = this.out[0]!.timestamp
    const scale = this.codec.sampleRate / this.codec.clockRate
    const heard = new Int16Array(((this.out.at(-1)!.timestamp - first) >>> 0) * scale + this.#samples)
    for (const { timestamp, pcm } of this.decoded()) heard.set(pcm, ((timestamp - first) >>> 0) * scale)
    return heard
  }
}
