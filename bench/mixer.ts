import { pcmu } from '../src/codec/g711.js'
import { ToneGenerator } from '../src/codec/tones.js'
import { WorkerShare } from '../src/media/shared/worker-share.js'
import type { MixedLeg } from '../src/media/worker/member.js'
import { Mixer } from '../src/media/worker/mixer.js'
import { type AudioSink } from '../src/media/worker/receiver.js'
import { ResamplerFilters } from '../src/media/worker/resampler-filters.js'
import { StretchAllowance } from '../src/rtp/stretch-allowance.js'
import { Ticker } from '../src/media/worker/ticker.js'
import { RtpHeader } from '../src/rtp/packet.js'
import { type BenchResult, measure } from './micro.js'

const EQUAL = { muted: false, deaf: false, gain: 1, apart: false }

/** A room whose first `talkers` members speak; each call is one tick, with the packets that come in it. */
const room = (members: number, talkers: number): (() => void) => {
  const mixer = new Mixer({ filters: new ResamplerFilters(), stretches: new StretchAllowance(), ticker: new Ticker(new WorkerShare(WorkerShare.allocate())), now: () => 0 })
  const sinks: AudioSink[] = []
  const formats = new Map([[0, { type: 'audio', codec: pcmu } as const]])
  for (let id = 0; id < members; id++) {
    const leg: MixedLeg = {
      id, codec: pcmu, receiver: { formats, past: undefined }, sender: { held: false, early: () => false, frame: () => undefined, changeMaker: () => undefined, changeEncoder: () => undefined }, changed: undefined,
      connect: sink => { if (sink !== undefined) sinks.push(sink) },
    }
    mixer.join(leg, EQUAL)
  }
  const packet = Buffer.alloc(172)
  const pcm = new Int16Array(160)
  new ToneGenerator({ frequencies: [440], dbm0: -20 }, 8000).read(pcm)
  pcmu.createEncoder().encode(pcm, packet, 12)
  const silence = Buffer.alloc(172, 0xff)
  const header = new RtpHeader()
  header.payloadEnd = 172
  let now = 0
  return () => {
    header.sequence = (header.sequence + 1) & 0xffff
    header.timestamp = (header.timestamp + 160) >>> 0
    now += 20
    for (let member = 0; member < members; member++) sinks[member]!.audio(member < talkers ? packet : silence, header, pcmu, 1, now)
    mixer.tick(now + 1)
  }
}

/** One tick (20 ms) of a room: jitter buffers, decoding, mixing, encoding. */
export const run = async (): Promise<BenchResult[]> => [
  await measure('room of 2, both talk', room(2, 2)),
  await measure('room of 3, all talk', room(3, 3)),
  await measure('room of 50, all talk', room(50, 50)),
  await measure('room of 50, 5 talk', room(50, 5)),
  await measure('room of 1,000, 5 talk', room(1000, 5)),
]
