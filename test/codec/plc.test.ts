import { createHash } from 'node:crypto'
import t from 'tap'
import { dbm0Of } from '../../src/codec/level.js'
import { LossConcealment } from '../../src/codec/plc.js'
import { TimeStretch } from '../../src/codec/time-stretch.js'
import { seededRandom } from '../../src/core/random.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { caseWords, withoutCases } from './cases.js'

const ERASED = 0x6b20

t.test('ITU-T G.711 Appendix I: the test vectors, bit for bit', { skip: withoutCases }, async t => {
  for (const [pattern, expected] of [['fe10', 'f2_10'], ['fe10_2', 'f2_10_2']] as const) {
    const erasures = caseWords(`itu/g711iplc/${pattern}.g192`)
    const pcm = caseWords('itu/g711iplc/f2.le')
    const concealment = new LossConcealment()
    for (let at = 0, block = 0; at < pcm.length; at += 80, block++) {
      if (erasures[block % erasures.length] === ERASED) concealment.conceal(pcm, at)
      else concealment.good(pcm, at)
    }
    // The reference program takes the delay out of its file.
    const reference = caseWords(`itu/g711iplc/${expected}.raw`)
    const heard = pcm.subarray(concealment.delay)
    t.ok(heard.every((sample, at) => sample === reference[at]), expected)
  }
})

const tone = (frequency: number, samples: number, rate = 8000): Int16Array => {
  const pcm = new Int16Array(samples)
  new ToneGenerator({ frequencies: [frequency], dbm0: -10 }, rate).read(pcm)
  return pcm
}

t.test('a good stream comes through unchanged, 3.75 ms later', async t => {
  const pcm = tone(300, 1600)
  const through = pcm.slice()
  const concealment = new LossConcealment()
  for (let at = 0; at < 1600; at += 80) concealment.good(through, at)
  t.equal(concealment.delay, 30)
  t.same(through.subarray(30), pcm.subarray(0, 1570))
})

t.test('a periodic sound is carried on for 10 ms, then fades out within 60 ms (§I.2.2, §I.2.7)', async t => {
  for (const rate of [8000, 16_000]) {
    const block = rate / 100
    const pcm = tone(200, 30 * block, rate)
    const concealment = new LossConcealment(rate)
    for (let n = 0; n < 20; n++) concealment.good(pcm, n * block)
    for (let n = 20; n < 28; n++) concealment.conceal(pcm, n * block)
    const level = (n: number): number => dbm0Of(pcm, n * block, block)
    t.ok(Math.abs(level(20) + 10) < 0.5, `${rate} Hz: the first block at full level`)
    t.ok(level(22) < -11 && level(24) < level(23), 'then less and less')
    t.equal(level(27), -Infinity, 'at last nothing')
  }
})

t.test('pieces of a block conceal as the whole block does', async t => {
  const whole = tone(230, 3200)
  const pieces = whole.slice()
  const a = new LossConcealment()
  const b = new LossConcealment()
  for (let at = 0; at < 3200; at += 80) {
    if (at >= 1600 && at < 1920) {
      a.conceal(whole, at)
      for (let done = 0; done < 80; done += 40) b.conceal(pieces, at + done, 40)
    } else {
      a.good(whole, at)
      b.good(pieces, at)
    }
  }
  let difference = 0
  for (let at = 0; at < 1920; at++) difference = Math.max(difference, Math.abs(whole[at]! - pieces[at]!))
  t.ok(difference <= 1, 'but for rounding')
})

t.test('after a reset nothing of the past is repeated', async t => {
  const concealment = new LossConcealment()
  const pcm = tone(300, 800)
  for (let at = 0; at < 800; at += 80) concealment.good(pcm, at)
  concealment.reset()
  const out = new Int16Array(80)
  concealment.conceal(out, 0)
  t.ok(out.every(sample => sample === 0))
})

t.test('speech shortened and lengthened by a period keeps its pitch, its level and its smoothness', async t => {
  for (const frequency of [110, 155, 240, 390]) {
    const stretch = new TimeStretch(8000)
    const pcm = new Int16Array(8000)
    pcm.set(tone(frequency, 6000))
    const shorter = stretch.shorten(pcm, 0, 6000, false)
    const period = 8000 / frequency
    const off = (change: number): number => Math.abs(change / period - Math.round(change / period)) * period
    t.ok(shorter < 6000 && off(6000 - shorter) <= 1, `${frequency} Hz: whole periods gone`)
    const longer = stretch.lengthen(pcm, 0, shorter, false)
    t.ok(longer > shorter && off(longer - shorter) <= 1, 'whole periods come')
    t.ok(Math.abs(toneLevel(pcm, frequency, 8000, 0, longer) + 10) < 0.3)
    let step = 0
    for (let at = 1; at < longer; at++) step = Math.max(step, Math.abs(pcm[at]! - pcm[at - 1]!))
    t.ok(step < 7220 * Math.sin((2 * Math.PI * frequency) / 8000) * 1.15, 'no step')
  }
})

t.test('what has no period is left alone, unless nobody hears it', async t => {
  const stretch = new TimeStretch(8000)
  const noise = Int16Array.from({ length: 400 }, (_, at) => 8000 * Math.sin(at * at * 1.7))
  t.equal(stretch.shorten(noise, 0, 240, false), 240)
  t.equal(stretch.lengthen(noise, 0, 240, false), 240)
  t.equal(stretch.shorten(new Int16Array(240), 0, 240, false), 120)
  t.equal(stretch.shorten(noise, 0, 30, true), 30, 'too short to compare')
})

/** Begin of SHA-256, taken when the concealment agreed with the ITU's vectors. */
const CHECKSUM = '8533d5e9e012b2c2'

t.test('a signal of our own has the checksum that the verified concealment gave', async t => {
  const random = seededRandom(711)
  const pcm = Int16Array.from({ length: 16_000 }, (_, at) => 9000 * Math.sin(at / (8 + at / 4000)) + 4000 * Math.sin(at / 3.3) + 1500 * (random.float() - 0.5))
  const concealment = new LossConcealment()
  for (let at = 0; at < pcm.length; at += 80) {
    if (random.float() < 0.25) concealment.conceal(pcm, at)
    else concealment.good(pcm, at)
  }
  t.equal(createHash('sha256').update(pcm).digest('hex').slice(0, 16), CHECKSUM)
})
