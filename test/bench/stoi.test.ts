import t from 'tap'
import { aligned, stoi } from '../../bench/stoi.js'
import { seededRandom } from '../../src/core/random.js'

const RATE = 10_000

/** Something like speech: syllables of a gliding pitch with harmonics, pauses between them. */
const speech = (seconds: number): Int16Array => {
  const random = seededRandom(2011)
  const pcm = new Float64Array(seconds * RATE)
  for (let start = 0; start < pcm.length; start += 0.25 * RATE) {
    const pitch = 100 + 80 * random.float()
    const formants = [400 + 500 * random.float(), 1200 + 1200 * random.float(), 2700]
    let phase = 0
    for (let n = 0; n < 0.2 * RATE && start + n < pcm.length; n++) {
      phase += (2 * Math.PI * pitch * (1 + n / RATE)) / RATE
      const envelope = Math.sin((Math.PI * n) / (0.2 * RATE))
      for (let harmonic = 1; harmonic * pitch < 4000; harmonic++) {
        const weight = formants.reduce((sum, formant) => sum + 1 / (1 + ((harmonic * pitch - formant) / 150) ** 2), 0)
        pcm[start + n]! += 2500 * envelope * weight * Math.sin(harmonic * phase)
      }
    }
  }
  return Int16Array.from(pcm)
}

const noisy = (clean: Int16Array, snr: number): Int16Array => {
  const random = seededRandom(5)
  const noise = Float64Array.from(clean, () => random.float() + random.float() + random.float() - 1.5)
  const energy = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value * value, 0)
  const gain = Math.sqrt(energy(clean) / energy(noise) / 10 ** (snr / 10))
  return clean.map((sample, at) => sample + gain * noise[at]!)
}

t.test('Taal 2011: the identity scores 1, whatever its level', async t => {
  const clean = speech(3)
  t.ok(Math.abs(stoi(clean, clean, RATE) - 1) < 1e-9)
  t.ok(stoi(clean, clean.map(sample => sample / 4), RATE) > 0.999)
})

t.test('Taal 2011: the score falls as noise rises', async t => {
  const clean = speech(3)
  const scores = [30, 15, 5, -5, -15].map(snr => stoi(clean, noisy(clean, snr), RATE))
  for (let at = 1; at < scores.length; at++) t.ok(scores[at]! < scores[at - 1]!, scores.map(score => score.toFixed(2)).join(' '))
  t.ok(scores[0]! > 0.95)
  t.ok(scores[4]! < 0.6)
  const random = seededRandom(6)
  // The clipping of equation 3 alone lets noise resemble speech with pauses a little.
  const alone = stoi(clean, clean.map(() => 4000 * (random.float() - 0.5)), RATE)
  t.ok(alone < 0.45 && alone < scores[3]!, `noise alone: ${alone.toFixed(2)}`)
})

t.test('Taal 2011: pauses of the clean speech do not count', async t => {
  const clean = speech(2)
  const spaced = new Int16Array(4 * RATE)
  spaced.set(clean)
  const degraded = noisy(clean, 5)
  const withPause = new Int16Array(4 * RATE)
  withPause.set(degraded)
  const random = seededRandom(8)
  for (let at = 2 * RATE + 400; at < withPause.length; at++) withPause[at] = 300 * (random.float() - 0.5)
  t.ok(Math.abs(stoi(clean, degraded, RATE) - stoi(spaced, withPause, RATE)) < 0.02)
})

t.test('speech at 8 kHz scores too', async t => {
  const clean = speech(2)
  t.ok(stoi(clean, clean, 8000) > 0.999)
})

t.test('alignment undoes a delay, and one that changes', async t => {
  const clean = speech(4)
  const late = new Int16Array(clean.length + 2000)
  late.set(clean.subarray(0, 20_000), 450)
  late.set(clean.subarray(20_000), 20_570)
  t.ok(stoi(clean, late.subarray(0, clean.length), RATE) < 0.7, 'a delay alone spoils the score')
  t.ok(stoi(clean, aligned(clean, late, RATE, 40), RATE) > 0.97)
})
