import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { codecFor } from '../../src/codec/registry.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { seededRandom } from '../../src/core/random.js'
import { Recorder } from '../../src/media/recorder/recorder.js'
import { FrameRing } from '../../src/media/shared/frame-ring.js'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import { Receiver, SourceNumbers } from '../../src/media/worker/receiver.js'
import { Reception } from '../../src/media/worker/reception.js'
import { Sender } from '../../src/media/worker/sender.js'
import { RecordingTap } from '../../src/media/worker/tap.js'
import { writeRtp } from '../../src/rtp/packet.js'

const RECORDING = 7
const [HEARD, SAID] = [500, 1300]
const ADDRESS = '192.0.2.1'

const ignore = (): void => undefined

/** A leg in virtual time which hears one tone and says another, and its recording. */
class Recorded {
  now = 1000
  readonly receiver = new Receiver({ latched: ignore, began: ignore, dropped: ignore, pressed: ignore, released: ignore }, new Reception(), new SourceNumbers())
  readonly sender = new Sender({ open: true, send: ignore }, new PacketPool(), new LegSlots(LegSlots.allocate(1)), 0, seededRandom(1), 0)
  readonly path: string
  tap: RecordingTap | undefined
  ssrc = 5
  readonly #ring = new FrameRing(FrameRing.allocate(1 << 20))
  readonly #recorder = new Recorder([this.#ring], () => this.now, ignore)
  #sequence = 0
  #timestamp = 0
  readonly #talkers: ReturnType<Recorded['talker']>[]

  constructor(t: Test, readonly codec: Codec) {
    const directory = mkdtempSync(join(tmpdir(), 'cordboard-tap-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    this.path = join(directory, 'a.wav')
    const agreed = { name: codec.name, clockRate: codec.clockRate, channels: 1, receive: 96, send: 96 }
    const media = {
      remote: { address: ADDRESS, port: 9 }, remoteRtcp: undefined, rtcpMux: false, codec: agreed, receivable: [agreed], ptime: 20, direction: 'sendrecv',
    } as const
    this.receiver.apply(media)
    this.sender.apply(media, codec)
    this.#talkers = [HEARD, SAID].map(frequency => this.talker(frequency))
  }

  talker(frequency: number): { readonly tone: ToneGenerator; readonly encoder: ReturnType<Codec['createEncoder']> } {
    return { tone: new ToneGenerator({ frequencies: [frequency], dbm0: -10 }, this.codec.sampleRate), encoder: this.codec.createEncoder() }
  }

  /** Another stream of the peer's begins. */
  begin(): void {
    this.ssrc++
    this.#timestamp += 100_000
    this.#talkers[0] = this.talker(HEARD)
  }

  talk(ms: number): void {
    const { codec, receiver, sender } = this
    for (const end = this.now + ms; this.now < end; this.now += 20) {
      const [heard, said] = this.#talkers.map(({ tone, encoder }) => {
        const pcm = new Int16Array(codec.sampleRate / 50)
        tone.read(pcm)
        const payload = new Uint8Array(codec.payloadBytes(pcm.length)!)
        encoder.encode(pcm, payload, 0)
        return payload
      }) as [Uint8Array, Uint8Array]
      const packet = Buffer.alloc(12 + heard.length)
      writeRtp(packet, 0, false, 96, ++this.#sequence, this.#timestamp += 160, this.ssrc)
      packet.set(heard, 12)
      receiver.receive(packet, ADDRESS, 9, this.now)
      sender.frame(said, 0, said.length, 160, this.now)
      this.#recorder.turn()
    }
  }

  record(): RecordingTap {
    this.#recorder.run({
      rate: 16_000, type: 'open', request: 1, recording: RECORDING, files: [{ path: this.path, channels: 2 }], tracks: [{ file: 0, channel: 0 }, { file: 0, channel: 1 }],
    })
    const context = { frames: this.#ring, share: new WorkerShare(WorkerShare.allocate()), now: () => this.now, report: ignore }
    const tap = new RecordingTap(context, RECORDING, 0, 1, this)
    this.receiver.tap(tap)
    this.sender.tap(tap)
    return tap
  }

  /** Fills the ring with what belongs to no recording, until the recorder's next turn. */
  fill(): void {
    for (const bytes of [160, 0]) while (this.#ring.write(0, 0, 0, 0, 0, 0, new Uint8Array(bytes), 0, bytes));
  }

  /** Ends the recording. @returns the levels of what was heard and said, in packets of 20 ms from `from` (ms) on. */
  levels(from: number, packets: number): number[][] {
    this.#recorder.run({ type: 'close', request: 2, recording: RECORDING, at: this.now * 8 })
    const file = readFileSync(this.path)
    return [HEARD, SAID].map((frequency, channel) => {
      const pcm = Int16Array.from({ length: (file.length - 44) / 4 }, (_, at) => file.readInt16LE(44 + 4 * at + 2 * channel))
      return Array.from({ length: packets }, (_, at) => toneLevel(pcm, frequency, 16_000, 16 * (from + 20 * at), 320))
    })
  }
}

const atLevel = (levels: readonly number[]): boolean => levels.every(level => Math.abs(level + 10) < 0.5)
const shown = (levels: readonly number[]): string => levels.map(level => level.toFixed(1)).join(' ')

for (const name of ['G722', 'G726-32', 'G726-40']) {
  const codec = codecFor(name, 8000)!

  void t.test(`${name}: a recording that begins in the middle of a call has both parties at their level from the first packet on`, t => {
    const recorded = new Recorded(t, codec)
    recorded.talk(500)
    recorded.record()
    recorded.talk(200)
    for (const levels of recorded.levels(0, 8)) t.ok(atLevel(levels), shown(levels))
    t.end()
  })

  void t.test(`${name}: so has one that goes on after a pause`, t => {
    const recorded = new Recorded(t, codec)
    const tap = recorded.record()
    tap.paused = true
    recorded.talk(400)
    tap.paused = false
    recorded.talk(200)
    const [heard, said] = recorded.levels(380, 9) as [number[], number[]]
    for (const levels of [heard, said]) {
      t.ok(levels[0]! < -60, 'silent until then')
      t.ok(atLevel(levels.slice(1)), shown(levels))
    }
    t.end()
  })

  void t.test(`${name}: streams that begin while they are recorded are no louder for it`, t => {
    const recorded = new Recorded(t, codec)
    recorded.record()
    recorded.talk(400)
    recorded.begin()
    recorded.talk(200)
    const [heard, said] = recorded.levels(0, 29) as [number[], number[]]
    // The first packets of a stream begin from silence.
    t.ok(atLevel(heard.filter((_, at) => at !== 0 && at !== 20)) && heard.every(level => level < -9.5), shown(heard))
    t.ok(atLevel(said.slice(1)) && said[0]! < -9.5, shown(said))
    t.end()
  })
}

void t.test('a recording that begins while the ring is full begins then, not when there is room again', t => {
  const recorded = new Recorded(t, codecFor('PCMU', 8000)!)
  recorded.fill()
  recorded.record()
  recorded.talk(200)
  for (const levels of recorded.levels(0, 10)) {
    t.ok(levels[0]! < -60, 'what found no room is silence')
    t.ok(atLevel(levels.slice(2)), shown(levels))
  }
  t.end()
})
