import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { meanOpinionScore, mosOfRating, rating } from '../../src/rtp/mos.js'
import { ReceptionStatistics } from '../../src/rtp/statistics.js'

t.test('RFC 3550 A.1: a source proves itself by two packets in a row', async t => {
  const reception = new ReceptionStatistics(8000)
  t.equal(reception.packet(10, 0, 0), 'unproven')
  t.equal(reception.packet(12, 160, 20), 'unproven')
  t.equal(reception.packet(13, 320, 40), 'valid')
  t.equal(reception.received, 1)
  t.equal(reception.expected, 1)
})

t.test('RFC 3550 A.1: number 0 follows 65535, and the cycles are counted', async t => {
  const reception = new ReceptionStatistics(8000)
  for (let at = 0; at < 200_000; at++) reception.packet((65_530 + at) & 0xffff, (at * 160) >>> 0, at * 20)
  t.equal(reception.expected, 199_999)
  t.equal(reception.lost, 0)
  t.equal(reception.highestSequence, 65_530 + 199_999)
})

t.test('RFC 3550 A.1: a jump is believed when its successor comes', async t => {
  const reception = new ReceptionStatistics(8000)
  for (let at = 0; at < 10; at++) reception.packet(at, at * 160, at * 20)
  t.equal(reception.packet(40_000, 5, 200), 'unproven')
  t.equal(reception.packet(10, 1600, 200), 'valid')
  t.equal(reception.packet(40_001, 5, 220), 'restarted')
  t.equal(reception.received, 1)
  t.equal(reception.highestSequence, 40_001)
})

t.test('RFC 3550 A.3: loss since the beginning, and its share since the last report', async t => {
  const reception = new ReceptionStatistics(8000)
  for (let at = 0; at < 101; at++) if (at % 4 !== 3) reception.packet(at, at * 160, at * 20)
  t.equal(reception.expected, 100)
  t.equal(reception.lost, 25)
  t.equal(reception.fractionLost(), 64)
  for (let at = 101; at < 201; at++) reception.packet(at, at * 160, at * 20)
  t.equal(reception.fractionLost(), 0)
  t.equal(reception.lost, 25)
})

t.test('RFC 3550 A.3: duplicates can make the loss negative, and the share is then 0', async t => {
  const reception = new ReceptionStatistics(8000)
  for (let at = 0; at < 50; at++) for (let copy = 0; copy < 2; copy++) reception.packet(at, at * 160, at * 20)
  t.ok(reception.lost < 0)
  t.equal(reception.fractionLost(), 0)
})

t.test('RFC 3550 A.8: the jitter of a known path, timestamps wrapping', async t => {
  const reception = new ReceptionStatistics(8000)
  let expected = 0
  for (let at = 0; at < 400; at++) {
    const late = at % 2 === 0 ? 0 : 10
    reception.packet(at, (0xffffff00 + at * 160) >>> 0, at * 20 + late)
    // The first packet is unproven and not measured, the second has no predecessor.
    if (at > 1) expected += (80 - expected) / 16
  }
  t.ok(Math.abs(reception.jitterMs - expected / 8) < 0.01)
  t.equal(reception.jitter, Math.floor(expected))
  t.ok(reception.jitterMs > 9.9, 'steps of 10 ms')
})

t.test('uniform jitter reads a third of its span', async t => {
  const reception = new ReceptionStatistics(8000)
  const random = seededRandom(5)
  let sum = 0
  for (let at = 0; at < 5000; at++) {
    reception.packet(at & 0xffff, at * 160, at * 20 + 30 * random.float())
    if (at >= 1000) sum += reception.jitterMs
  }
  t.ok(Math.abs(sum / 4000 - 10) < 0.5)
})

t.test('who looks at the sockets every 20 ms sees no jitter of his own making, and that of the path beyond it', async t => {
  const looked = (arrival: number): number => Math.ceil(arrival / 20) * 20
  const jitterOf = (arrivals: (at: number) => number, unseen: number): number => {
    const reception = new ReceptionStatistics(8000)
    for (let at = 0; at < 2000; at++) reception.packet(at, at * 160, looked(arrivals(at)), unseen)
    return reception.jitterMs
  }
  const random = seededRandom(8)
  // Now just before a look, now just after it.
  const steady = (at: number): number => 100 + at * 20 + random.float() - 0.5
  t.ok(jitterOf(steady, 20) < 0.001)
  t.ok(jitterOf(steady, 0) > 5, 'taken for the arrival, the look makes jitter')
  const alternating = (at: number): number => 110 + at * 20 + (at % 2) * 60
  t.ok(Math.abs(jitterOf(alternating, 20) - 40) < 0.5, 'of 60 ms what must have been')
})

t.test('ITU-T G.107: the default rating is 93.2, a MOS of 4.41', async t => {
  t.equal(rating({ codec: 'PCMA', loss: 0, delay: 0 }), 93.2)
  t.ok(Math.abs(meanOpinionScore({ codec: 'PCMA', loss: 0, delay: 0 }) - 4.41) < 0.005)
})

t.test('ITU-T G.107 Annex B: ratings and scores of its table B.1', async t => {
  for (const [r, mos] of [[90, 4.34], [80, 4.03], [70, 3.6], [60, 3.1], [50, 2.58]] as const)
    t.ok(Math.abs(mosOfRating(r) - mos) < 0.01, `${r}`)
  t.equal(mosOfRating(-3), 1)
  t.equal(mosOfRating(100), 4.5)
})

t.test('ITU-T G.107 §7.4: delay costs nothing up to 100 ms, then more and more', async t => {
  const at = (delay: number): number => 93.2 - rating({ codec: 'PCMU', loss: 0, delay })
  t.equal(at(100), 0)
  t.ok(at(150) < 1)
  t.ok(Math.abs(at(400) - 24) < 2.5, `400 ms: ${at(400).toFixed(1)}`)
})

t.test('ITU-T G.107 §7.5: loss costs by the codec\'s robustness and by its bursts', async t => {
  const impairment = 93.2 - rating({ codec: 'PCMU', loss: 0.05, delay: 0 })
  t.ok(Math.abs(impairment - (95 * 5) / (5 + 25.1)) < 1e-9)
  t.ok(meanOpinionScore({ codec: 'PCMU', loss: 0.05, delay: 0, burstRatio: 2 }) < meanOpinionScore({ codec: 'PCMU', loss: 0.05, delay: 0 }))
  t.ok(meanOpinionScore({ codec: 'G726-16', loss: 0, delay: 0 }) < meanOpinionScore({ codec: 'G726-40', loss: 0, delay: 0 }))
  t.ok(meanOpinionScore({ codec: 'G722', loss: 0.02, delay: 0 }) > 3.5)
  t.equal(rating({ codec: 'PCMU', loss: 1, delay: 2000 }), 0)
})
