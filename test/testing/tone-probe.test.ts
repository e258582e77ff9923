import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav, writeWav } from '../../src/testing/wav-file.js'

const tone = (frequency: number, ms: number, dbm0 = -16): Int16Array => {
  const pcm = new Int16Array(8 * ms)
  new ToneGenerator({ frequencies: [frequency], dbm0 }, 8000).read(pcm)
  return pcm
}

const mix = (...sounds: readonly Int16Array[]): Int16Array =>
  Int16Array.from({ length: sounds[0]!.length }, (_, at) => sounds.reduce((sum, sound) => sum + sound[at]!, 0))

const companded = (pcm: Int16Array, codec: typeof pcmu): Int16Array => {
  const payload = new Uint8Array(pcm.length)
  codec.createEncoder().encode(pcm, payload, 0)
  const out = new Int16Array(pcm.length)
  codec.createDecoder().decode(payload, 0, payload.length, out)
  return out
}

t.test('level: of each tone in a mixture, within 0.2 dB', async t => {
  const probe = new ToneProbe(mix(tone(500, 1_000, -16), tone(1_300, 1_000, -25)))
  t.ok(Math.abs(probe.level(500) + 16) < 0.2, `${probe.level(500)}`)
  t.ok(Math.abs(probe.level(1_300) + 25) < 0.2, `${probe.level(1_300)}`)
  t.ok(probe.hears(500) && probe.hears(1_300))
  t.notOk(probe.hears(2_100))
  t.equal(probe.levels(500).length, 50)
  t.equal(new ToneProbe(new Int16Array(0)).level(500), -Infinity)
})

t.test('gaps: found where the tone is missing, to 10 ms', async t => {
  const sound = tone(1_004, 2_000)
  sound.fill(0, 8 * 700, 8 * 780)
  const probe = new ToneProbe(sound)
  const [gap, ...others] = probe.gaps(1_004, 40)
  t.same(others, [])
  t.ok(Math.abs(gap!.at - 700) <= 10 && Math.abs(gap!.ms - 80) <= 10, JSON.stringify(gap))
  t.same(probe.gaps(1_004, 100), [], 'none longer than 100 ms')
  sound.fill(0, 8 * 1_900)
  t.ok(Math.abs(new ToneProbe(sound).gaps(1_004, 90)[0]!.ms - 100) <= 10, 'one that lasts to the end')
})

t.test('a gap in one tone shows although another tone goes on', async t => {
  const broken = tone(1_004, 1_000)
  broken.fill(0, 8 * 400, 8 * 500)
  const probe = new ToneProbe(mix(broken, tone(600, 1_000)))
  t.equal(probe.gaps(1_004, 60).length, 1)
  t.same(probe.gaps(600, 20), [])
})

t.test('dominant: the strongest frequency, to 1 Hz; nothing for silence', async t => {
  const found = new ToneProbe(mix(tone(437, 1_000), tone(2_000, 1_000, -30))).dominant()
  t.ok(Math.abs(found! - 437) <= 1, `${found}`)
  t.equal(new ToneProbe(new Int16Array(8_000)).dominant(), undefined)
})

for (const codec of [pcmu, pcma])
  t.test(`steps: a click is found, ${codec.name}'s own coarseness is not one`, async t => {
    const tones = [{ frequency: 500, dbm0: -10 }, { frequency: 1_300, dbm0: -16 }]
    const clean = companded(mix(tone(500, 1_000, -10), tone(1_300, 1_000, -16)), codec)
    t.same(new ToneProbe(clean).steps(tones), [])
    clean[4_000]! += clean[4_000]! > 0 ? -22_000 : 22_000
    t.equal(new ToneProbe(clean).steps(tones).length, 2, 'into the click and out of it')
  })

t.test('part and trimmed cut by time and by silence', async t => {
  const sound = new Int16Array(8 * 1_000)
  sound.set(tone(700, 400), 8 * 300)
  const probe = new ToneProbe(sound)
  t.equal(probe.ms, 1_000)
  t.equal(probe.part(100, 350).ms, 250)
  t.equal(probe.trimmed().ms, 400)
  t.equal(new ToneProbe(new Int16Array(800)).trimmed().ms, 0)
})

t.test('WAV files: what is written is read again, channel by channel', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-wav-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [left, right] = [tone(500, 100), tone(900, 100)]
  writeWav(join(folder, 'stereo.wav'), [left, right], 16_000)
  const read = readWav(join(folder, 'stereo.wav'))
  t.same(read.channels, [left, right])
  t.equal(read.sampleRate, 16_000)
  t.equal(read.ms, 50)
})
