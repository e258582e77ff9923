import { pcmu } from '../../src/codec/g711.js'
import { seededRandom } from '../../src/core/random.js'
import { Playout } from '../../src/rtp/playout.js'
import { aligned, stoi } from '../stoi.js'
import { type Report, type Row, thisMachine } from '../report.js'
import { losses, type Path, speech, SPEECH_RATE as RATE } from './speech-path.js'

const FRAME = 160
const FRAME_MS = 20

interface Arrival { readonly packet: number; readonly at: number }

const arrivalsOf = (packets: number, path: Path): Arrival[] => {
  const random = seededRandom(4711)
  const isLost = losses(path, random)
  const arrivals: Arrival[] = []
  for (let packet = 0; packet < packets; packet++) {
    const late = path.jitter * random.float()
    if (!isLost()) arrivals.push({ packet, at: packet * FRAME_MS + late })
  }
  return arrivals.sort((a, b) => a.at - b.at)
}

/** What is heard over `path`, how late, and how much of it is concealed. */
const hear = (clean: Int16Array, path: Path): { heard: Int16Array; delay: number; concealed: number } => {
  const playout = new Playout({ clockRate: RATE, sampleRate: RATE, formats: new Map([[0, { type: 'audio', codec: pcmu }]]) })
  const packets = clean.length / FRAME
  const arrivals = arrivalsOf(packets, path)
  const encoder = pcmu.createEncoder()
  const payload = new Uint8Array(FRAME)
  const out = new Int16Array(FRAME)
  const heard = new Int16Array(clean.length + RATE)
  let delays = 0
  let reads = 0
  let next = 0
  let concealed = 0
  for (let now = 7, at = 0; at + FRAME <= heard.length; now += FRAME_MS, at += FRAME) {
    for (; next < arrivals.length && arrivals[next]!.at <= now; next++) {
      const { packet, at: arrival } = arrivals[next]!
      encoder.encode(clean.subarray(packet * FRAME, (packet + 1) * FRAME), payload, 0)
      playout.put(packet & 0xffff, packet * FRAME, 0, payload, 0, FRAME, arrival)
    }
    const result = playout.read(now, out)
    heard.set(out, at)
    // After the last packet the stream breaks off, which is no loss.
    if (at < clean.length) concealed = playout.buffer.counts.value('concealed')
    if (result !== 'speech') continue
    delays += playout.delay
    reads++
  }
  return { heard, delay: delays / reads, concealed: concealed / clean.length }
}

const PATHS: readonly Path[] = [
  ...[0, 0.01, 0.02, 0.05, 0.1, 0.2].map(loss => ({ loss, burst: 1, jitter: 0 })),
  ...[0.01, 0.02, 0.05, 0.1, 0.2].map(loss => ({ loss, burst: 3, jitter: 0 })),
  ...[20, 40, 60, 80, 120].map(jitter => ({ loss: 0, burst: 1, jitter })),
  ...[20, 60, 120].flatMap(jitter => [{ loss: 0.05, burst: 1, jitter }, { loss: 0.05, burst: 3, jitter }]),
]

/** Speech over paths that lose and delay packets: how late it is heard, how much of it is made up, how intelligible it is. */
export const voiceQuality = async (): Promise<Report> => {
  const clean = speech()
  const rows = PATHS.map((path): Row => {
    const { heard, delay, concealed } = hear(clean, path)
    return {
      loss: 100 * path.loss,
      pattern: path.burst === 1 ? 'random' : `bursts of ${path.burst}`,
      jitter: path.jitter,
      delay,
      concealed: 100 * concealed,
      stoi: stoi(clean, aligned(clean, heard, RATE, 40), RATE),
    }
  })
  return {
    name: 'voice-quality',
    title: 'voice quality: loss and jitter against delay, concealment and intelligibility (STOI)',
    machine: thisMachine(),
    columns: [
      { key: 'loss', title: 'loss %' },
      { key: 'pattern', title: 'pattern' },
      { key: 'jitter', title: 'jitter ms' },
      { key: 'delay', title: 'buffer delay ms', plotted: true },
      { key: 'concealed', title: 'concealed %', plotted: true },
      { key: 'stoi', title: 'STOI', plotted: true },
    ],
    rows,
  }
}
