import t from 'tap'
import { pcmu } from '../../src/codec/g711.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { seededRandom } from '../../src/core/random.js'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import type { MixedLeg } from '../../src/media/worker/member.js'
import { Mixer } from '../../src/media/worker/mixer.js'
import { PacketBridge } from '../../src/media/worker/packet-bridge.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import type { AudioSink } from '../../src/media/worker/receiver.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { Sender } from '../../src/media/worker/sender.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { RtpHeader, readRtp, writeRtp } from '../../src/rtp/packet.js'

const FREQUENCY = 1000
const PEAK = 7300
/** Largest step between two samples of the tone, and of its quantization. */
const OWN_STEP = 2 * PEAK * Math.sin((Math.PI * FREQUENCY) / 8000) + 512

/** A leg without a socket, in virtual time: a tone comes in, packets go out into a list. */
class DryLeg implements MixedLeg {
  readonly codec = pcmu
  readonly receiver = { formats: new Map([[0, { type: 'audio', codec: pcmu } as const]]) }
  readonly sender: Sender
  changed: (() => void) | undefined
  sink: AudioSink | undefined
  source = 0
  readonly out: { timestamp: number; sequence: number; payload: Uint8Array }[] = []
  readonly #tone = new ToneGenerator({ frequencies: [FREQUENCY], dbm0: -10 }, 8000)
  #sequence = 100
  #timestamp = 5000

  constructor(readonly id: number, sources: { next: number }) {
    this.source = sources.next++
    const codec = { name: 'PCMU', clockRate: 8000, channels: 1, receive: 0, send: 0 }
    const send = (packet: Buffer): void => {
      const header = new RtpHeader()
      readRtp(packet, header)
      this.out.push({ timestamp: header.timestamp, sequence: header.sequence, payload: Uint8Array.from(packet.subarray(12)) })
    }
    this.sender = new Sender({ open: true, send }, new PacketPool(), new LegSlots(LegSlots.allocate(1)), 0, seededRandom(id + 1), 0)
    this.sender.apply({
      remote: undefined, remoteRtcp: undefined, rtcpMux: false, codec, receivable: [codec], ptime: 20, direction: 'sendrecv',
    }, pcmu)
  }

  connect(sink: AudioSink | undefined): void {
    this.sink = sink
    this.source += 10
  }

  /** One packet from the peer. */
  hear(now: number): void {
    const pcm = new Int16Array(160)
    this.#tone.read(pcm)
    const packet = Buffer.alloc(172)
    pcmu.createEncoder().encode(pcm, packet, 12)
    writeRtp(packet, 0, false, 0, ++this.#sequence, this.#timestamp += 160, this.id)
    const header = new RtpHeader()
    readRtp(packet, header)
    this.sink?.audio(packet, header, pcmu, this.source, now)
  }

  /** What its peer hears, by timestamps. */
  heard(): Int16Array {
    const first = this.out[0]!.timestamp
    const pcm = new Int16Array(((this.out.at(-1)!.timestamp - first) >>> 0) + 160)
    const frame = new Int16Array(160)
    for (const { timestamp, payload } of this.out) {
      pcmu.createDecoder().decode(payload, 0, 160, frame)
      pcm.set(frame, (timestamp - first) >>> 0)
    }
    return pcm
  }
}

void t.test('from packets to the mixer and back: no gap, no click, one timeline', t => {
  const sources = { next: 1 }
  const [a, b] = [new DryLeg(1, sources), new DryLeg(2, sources)]
  const mixer = new Mixer({ filters: new ResamplerFilters(), ticker: new Ticker(new WorkerShare(WorkerShare.allocate())), now: () => 0 })
  const bridge = (): void => {
    a.connect(new PacketBridge(b.sender))
    b.connect(new PacketBridge(a.sender))
  }
  const equal = { muted: false, deaf: false, gain: 1 }
  bridge()
  for (let tick = 0; tick < 150; tick++) {
    const now = tick * 20
    if (tick === 50) mixer.takeOver(a, b, equal, new PacketBridge(b.sender), new PacketBridge(a.sender))
    if (tick === 100) {
      mixer.close()
      bridge()
    }
    a.hear(now + 3)
    b.hear(now + 4)
    if (tick >= 50 && tick < 100) mixer.tick(now + 10)
  }
  for (const leg of [a, b]) {
    const pcm = leg.heard()
    t.ok(leg.out.every((packet, at) => at === 0 || ((packet.sequence - leg.out[at - 1]!.sequence) & 0xffff) === 1), 'sequence by one')
    t.ok(pcm.length >= 150 * 160 - 160 && pcm.length <= 150 * 160 + 320, 'as long as it took')
    let largest = 0
    for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
    t.ok(largest <= OWN_STEP, `largest step ${largest}, the tone's own ${Math.round(OWN_STEP)}`)
    let silent = 0
    for (let at = 0; at + 160 <= pcm.length; at += 160) if (pcm.subarray(at, at + 160).every(value => Math.abs(value) < 1000)) silent++
    t.equal(silent, 0, 'no gap')
  }
  t.end()
})
