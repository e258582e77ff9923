import t from 'tap'
import { pcmu } from '../../src/codec/g711.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { Playout, type PlayoutFormat } from '../../src/rtp/playout.js'
import { StretchAllowance } from '../../src/rtp/stretch-allowance.js'

void t.test('so many searches at once, and so many a second', async t => {
  const allowance = new StretchAllowance(100, 3)
  const spent = (now: number): number => {
    let count = 0
    for (; allowance.allows(now); count++) allowance.spend()
    return count
  }
  t.equal(spent(1000), 3)
  t.equal(spent(1000), 0)
  t.equal(spent(1009), 0)
  t.equal(spent(1010), 1)
  t.equal(spent(900), 0, 'a time that has been is none to save')
  t.equal(spent(99_000), 3, 'no more is saved up')
})

/** Streams whose packets all came in one burst, 300 ms of them: read for so many ticks by playouts that share an allowance. */
const stretchedOf = (streams: number, ticks: number, allowance?: StretchAllowance): readonly number[] => {
  const formats = new Map<number, PlayoutFormat>([[0, { type: 'audio', codec: pcmu }]])
  const playouts = Array.from({ length: streams }, () => new Playout({ clockRate: 8000, sampleRate: 8000, formats, allowance }))
  const tone = new ToneGenerator({ frequencies: [200], dbm0: -10 }, 8000)
  const encoder = pcmu.createEncoder()
  const pcm = new Int16Array(160)
  const payload = new Uint8Array(160)
  const out = new Int16Array(160)
  for (let tick = 0, sequence = 0; tick < ticks; tick++) {
    // The first packet comes in time; then none for 300 ms, and then all that are missing.
    const count = tick === 0 ? 1 : tick < 15 ? 0 : tick === 15 ? 15 : 1
    for (let packet = 0; packet < count; packet++, sequence++) {
      tone.read(pcm)
      encoder.encode(pcm, payload, 0)
      for (const playout of playouts) playout.put(sequence, sequence * 160, 0, payload, 0, 160, tick * 20)
    }
    for (const playout of playouts) playout.read(tick * 20 + 5, out)
  }
  return playouts.map(({ stretched }) => stretched)
}

void t.test('streams that share an allowance go back to their delay one after the other, each as far as it would alone', async t => {
  const alone = stretchedOf(1, 400)[0]!
  t.ok(alone < -800, `${alone} samples taken out`)
  const early = stretchedOf(50, 40, new StretchAllowance(100, 4))
  const adapting = early.filter(stretched => stretched !== 0).length
  t.ok(adapting > 0 && adapting <= 4 + 0.1 * 800, `${adapting} of 50 soon`)
  t.ok(early.some(stretched => stretched === 0), 'others wait')
  const late = stretchedOf(50, 2_000, new StretchAllowance(100, 4))
  t.ok(late.every(stretched => Math.abs(stretched - alone) <= 400), `all in the end: ${late.join(' ')}, alone ${alone}`)
})
