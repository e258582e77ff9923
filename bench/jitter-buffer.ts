import { seededRandom } from '../src/core/random.js'
import { pcmu } from '../src/codec/g711.js'
import { LossConcealment } from '../src/codec/plc.js'
import { createTaken, JitterBuffer } from '../src/rtp/jitter-buffer.js'
import { Playout } from '../src/rtp/playout.js'
import { type BenchResult, measure } from './micro.js'

const UNITS = 160

/** A packet in and a packet out, without and with decoding, concealment and stretching. */
export const run = async (): Promise<BenchResult[]> => {
  const payload = new Uint8Array(UNITS).fill(0x55)
  const random = seededRandom(1)
  const buffer = new JitterBuffer({ clockRate: 8000 })
  const taken = createTaken()
  let packet = 0
  const bare = await measure('jitter buffer: a packet in and out', () => {
    buffer.put(packet & 0xffff, (packet * UNITS) >>> 0, 0, payload, 0, UNITS, packet * 20 + 4 * random.float())
    buffer.take(packet * 20 + 5, UNITS, taken)
    packet++
  }, 2)
  const playout = new Playout({ clockRate: 8000, sampleRate: 8000, formats: new Map([[0, { type: 'audio', codec: pcmu }]]) })
  const frame = new Int16Array(UNITS)
  packet = 0
  const whole = await measure('playout: a packet in, 20 ms of PCM out', () => {
    playout.put(packet & 0xffff, (packet * UNITS) >>> 0, 0, payload, 0, UNITS, packet * 20 + 4 * random.float())
    playout.read(packet * 20 + 5, frame)
    packet++
  })
  const concealment = new LossConcealment()
  const concealed = await measure('concealment: 20 ms lost after 20 ms heard', () => {
    concealment.good(frame, 0)
    concealment.good(frame, 80)
    concealment.conceal(frame, 0)
    concealment.conceal(frame, 80)
  })
  return [bare, whole, concealed]
}
