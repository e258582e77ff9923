import { spawnSync } from 'node:child_process'
import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { FAX_ANSWER, FAX_CALLING, PROGRESS_TONES, type ProgressSignal, type ToneCountry } from '../../src/codec/call-progress.js'
import { AnswerClassifier, type AnswerVerdict } from '../../src/codec/answer-classifier.js'
import { BeepDetector } from '../../src/codec/beep-detector.js'
import { DtmfDetector } from '../../src/codec/dtmf-detector.js'
import { peakOf } from '../../src/codec/level.js'
import { Resampler, ResamplerFilter } from '../../src/codec/resampler.js'
import { LineListener, type LineSignal } from '../../src/codec/tone-detector.js'
import { DTMF_PAD, dtmfTone, type DtmfKey, type Tone, ToneGenerator } from '../../src/codec/tones.js'
import { VoiceActivity } from '../../src/codec/vad.js'

const RATE = 8000

/** Silence, then each sound for its time, at 8 kHz. */
const sounds = (...parts: readonly (readonly [tone: Tone | undefined, ms: number])[]): Int16Array => {
  const pcm = new Int16Array(parts.reduce((sum, [, ms]) => sum + ms * 8, 0))
  let at = 0
  for (const [tone, ms] of parts) {
    if (tone !== undefined) new ToneGenerator(tone, RATE).read(pcm, at, ms * 8)
    at += ms * 8
  }
  return pcm
}

const withNoise = (pcm: Int16Array, dbm0: number, seed = 4): Int16Array => {
  const random = seededRandom(seed)
  const peak = peakOf(dbm0) * Math.sqrt(1.5)
  return pcm.map(sample => sample + peak * (2 * random.float() - 1))
}

interface Press { readonly key: DtmfKey; readonly ms: number }

const pressesIn = (pcm: Int16Array, rate = RATE): Press[] => {
  const presses: Press[] = []
  const detector = new DtmfDetector(rate, { pressed: () => undefined, released: (key, ms) => presses.push({ key, ms }) })
  for (let at = 0; at + 160 <= pcm.length; at += 160) detector.hear(pcm.subarray(at, at + 160))
  detector.hear(new Int16Array(1600))
  return presses
}

const keysIn = (pcm: Int16Array): string => pressesIn(pcm).map(({ key }) => key).join('')

const dial = (keys: string, on: number, off: number): Int16Array =>
  sounds([undefined, 33], ...[...keys].flatMap((key): [Tone | undefined, number][] => [[dtmfTone(key as DtmfKey), on], [undefined, off]]))

t.test('ITU-T Q.23: all sixteen keys, long and short, once each', async t => {
  for (const [on, off] of [[100, 80], [50, 50], [40, 40], [600, 45]] as const) {
    t.equal(keysIn(dial(DTMF_PAD, on, off)), DTMF_PAD, `${on} ms on, ${off} ms off`)
    t.equal(keysIn(dial('5555', on, off)), '5555')
  }
})

t.test('ITU-T Q.24: 20 ms are no key, and the length of a press is told', async t => {
  t.equal(keysIn(dial('159D', 18, 100)), '')
  const [press] = pressesIn(dial('7', 300, 100))
  t.ok(Math.abs(press!.ms - 300) <= 15, `${press!.ms} ms`)
})

t.test('ITU-T Q.24: a drop-out of 10 ms does not split a press', async t => {
  t.equal(keysIn(sounds([undefined, 40], [dtmfTone('8'), 60], [undefined, 10], [dtmfTone('8'), 60], [undefined, 60])), '8')
})

const pair = (low: number, high: number, lowLevel = -9, highLevel = -9): Int16Array =>
  sounds([undefined, 40], [{ frequencies: [low, high], dbm0: [lowLevel, highLevel] }, 100], [undefined, 60])

t.test('ITU-T Q.24: frequencies off by 1.5 % are keys, by 3.5 % not', async t => {
  for (const [low, high, key] of [[697, 1209, '1'], [770, 1477, '6'], [941, 1633, 'D'], [852, 1336, '8']] as const)
    for (const sign of [-1, 1]) {
      t.equal(keysIn(pair(low * (1 + 0.015 * sign), high * (1 + 0.015 * sign))), key, `${key} ${sign * 1.5} %`)
      t.equal(keysIn(pair(low * (1 + 0.035 * sign), high * (1 + 0.035 * sign))), '', `${key} ${sign * 3.5} %`)
    }
})

t.test('ITU-T Q.24: twist and level', async t => {
  t.equal(keysIn(pair(770, 1336, -14, -10)), '5', 'high group 4 dB stronger')
  t.equal(keysIn(pair(770, 1336, -10, -18)), '5', 'low group 8 dB stronger')
  t.equal(keysIn(pair(770, 1336, -20, -8)), '', 'high group 12 dB stronger')
  t.equal(keysIn(pair(770, 1336, -5, -20)), '', 'low group 15 dB stronger')
  t.equal(keysIn(pair(770, 1336, -28, -28)), '5', 'as weak as -28 dBm0')
  t.equal(keysIn(pair(770, 1336, -50, -50)), '', 'but not -50 dBm0')
  t.equal(keysIn(pair(770, 1336, 0, 0)), '5', 'and as strong as 0 dBm0')
})

t.test('keys stand out of noise 15 dB under them', async t => {
  const keys = DTMF_PAD.repeat(5)
  t.equal(keysIn(withNoise(dial(keys, 80, 80), -22)), keys)
})

t.test('single tones, chords and noise are no keys', async t => {
  t.equal(keysIn(sounds(...[697, 770, 1209, 1477, 440, 1000].map((frequency): [Tone, number] => [{ frequencies: [frequency], dbm0: -9 }, 300]))), '')
  t.equal(keysIn(withNoise(new Int16Array(80_000), -10)), '')
  t.equal(keysIn(sounds([{ frequencies: [697, 941, 1209], dbm0: -12 }, 500])), '')
})

const wideDetector = async (): Promise<string> => {
  const narrow = dial('1470369#', 80, 80)
  const up = new Resampler(new ResamplerFilter(8000, 16_000), narrow.length)
  const pcm = new Int16Array(2 * narrow.length)
  up.process(narrow, pcm)
  return pressesIn(pcm, 16_000).map(({ key }) => key).join('')
}

t.test('digits at 16 kHz', async t => {
  t.equal(await wideDetector(), '1470369#')
})

const ESPEAK = spawnSync('espeak-ng', ['--version'])
const withoutSpeech: false | string = ESPEAK.error === undefined || process.env.CI === 'true' ? false : 'espeak-ng is not installed'

const TEXTS: readonly (readonly [voice: string, text: string])[] = [
  ['en', 'Welcome to the service centre. Five or six agents are free; please hold the line, or press nine to leave a message with your number after the tone.'],
  ['en-us+f3', 'She sells sea shells by the sea shore, and the shells that she sells are sea shells for sure. Who knew that you would do so too?'],
  ['de', 'Guten Tag, sie sind mit unserem Kundendienst verbunden. Zurzeit sind alle Plätze belegt, bitte haben Sie etwas Geduld. Übrigens finden Sie uns auch im Internet.'],
  ['fr+f2', 'Bonjour et bienvenue. Votre appel est important pour nous, un conseiller va vous répondre dans quelques minutes, merci de bien vouloir patienter.'],
  ['es', 'Buenos días, todos nuestros agentes están ocupados en este momento; por favor, permanezca en la línea y le atenderemos lo antes posible.'],
  ['it+f4', 'Buongiorno, tutti gli operatori sono al momento occupati. Vi preghiamo di rimanere in linea per non perdere la priorità acquisita.'],
  ['pl', 'Dzień dobry, wszyscy konsultanci są w tej chwili zajęci. Prosimy o pozostanie na linii, połączenie zostanie zrealizowane.'],
  ['tr+m5', 'Merhaba, müşteri hizmetlerine hoş geldiniz. Lütfen hatta kalınız, ilk müsait temsilcimiz size yardımcı olacaktır.'],
]

/** Speech of one voice at 8 kHz and about -12 dBm0 at its peaks. */
const speak = (voice: string, text: string, pitch: number, speed: number): Int16Array => {
  const { stdout } = spawnSync('espeak-ng', ['-v', voice, '-p', String(pitch), '-s', String(speed), '--stdout', text], { maxBuffer: 1 << 26 })
  const samples = new Int16Array((stdout.length - 44) >> 1)
  for (let at = 0; at < samples.length; at++) samples[at] = stdout.readInt16LE(44 + 2 * at)
  const resampler = new Resampler(new ResamplerFilter(22_050, 8000), samples.length)
  const out = new Int16Array(resampler.outputSamples(samples.length))
  return out.subarray(0, resampler.process(samples, out))
}

t.test('no key in ten minutes of speech of eight languages and many pitches', { skip: withoutSpeech }, async t => {
  let seconds = 0
  const presses: string[] = []
  for (let pitch = 5; pitch < 100 && seconds < 600; pitch += 9)
    for (const [voice, text] of TEXTS) {
      const pcm = speak(voice, text, pitch, 120 + pitch)
      seconds += pcm.length / RATE
      for (const { key } of pressesIn(pcm)) presses.push(`${voice} at pitch ${pitch}: ${key}`)
    }
  t.ok(seconds >= 600, `${Math.round(seconds)} s of speech`)
  t.same(presses, [])
})

const notes = Array.from({ length: 45 }, (_, step) => {
  const frequency = 110 * 2 ** (step / 12)
  return Float64Array.from({ length: 0.6 * RATE }, (_, n) => {
    let sample = 0
    for (let harmonic = 1; harmonic * frequency < 3800 && harmonic <= 5; harmonic++) sample += Math.sin((2 * Math.PI * harmonic * frequency * n) / RATE) / harmonic
    return 2000 * Math.exp(-n / (0.15 * RATE)) * sample
  })
})

/** Music: chords of plucked strings with all their harmonics, and a scale on top. */
const music = (seconds: number): Int16Array => {
  const random = seededRandom(88)
  const pcm = new Float64Array(seconds * RATE)
  for (let beat = 0; beat * 0.2 < seconds; beat++)
    for (let voice = 0; voice < 4; voice++) {
      const note = notes[Math.floor(random.float() * 45)]!
      const start = Math.floor(beat * 0.2 * RATE)
      for (let n = 0; n < note.length && start + n < pcm.length; n++) pcm[start + n]! += note[n]!
    }
  return Int16Array.from(pcm, sample => Math.max(-32768, Math.min(32767, sample)))
}

t.test('no key in ten minutes of music', async t => {
  t.same(pressesIn(music(600)), [])
})

const signalsIn = (country: ToneCountry, pcm: Int16Array): LineSignal[] => {
  const listener = new LineListener(country, RATE)
  const found: LineSignal[] = []
  for (let at = 0; at + 160 <= pcm.length; at += 160) {
    const signal = listener.hear(pcm.subarray(at, at + 160))
    if (signal !== undefined) found.push(signal)
  }
  return found
}

t.test('ITU-T E.180: each country\'s tones are recognized, and for nothing else', async t => {
  for (const country of Object.keys(PROGRESS_TONES) as ToneCountry[])
    for (const signal of ['dial', 'ringing', 'busy', 'congestion'] as const satisfies ProgressSignal[]) {
      const tone = PROGRESS_TONES[country][signal]
      const found = signalsIn(country, sounds([undefined, 300], [tone, 7500]))
      // Some countries make the two busy tones alike.
      const alike = (['busy', 'congestion'] as const).find(other => JSON.stringify(PROGRESS_TONES[country][other]) === JSON.stringify(tone))
      t.equal(found[0], alike ?? signal, `${country} ${signal}: ${found.join()}`)
      t.ok(found.length >= 1 && found.every(other => other === found[0] || alike !== undefined), `${country} ${signal}: nothing else`)
    }
})

t.test('ITU-T T.30: fax machines are noticed within a second or two', async t => {
  t.same(signalsIn('us', sounds([undefined, 200], [FAX_CALLING, 600])), ['fax-calling'])
  t.same(signalsIn('us', sounds([undefined, 200], [FAX_ANSWER, 1500])), ['fax-answer'])
  t.same(signalsIn('us', withNoise(sounds([FAX_CALLING, 600]), -35)), ['fax-calling'])
  t.same(signalsIn('us', sounds([{ frequencies: [1100], dbm0: -12 }, 200], [undefined, 500])), [], 'a short beep is no fax')
})

t.test('speech and music are no line signals', { skip: withoutSpeech }, async t => {
  const [voice, text] = TEXTS[0]!
  t.same(signalsIn('us', speak(voice, text, 50, 150)), [])
  t.same(signalsIn('de', music(10)), [])
})

t.test('voice activity: speech stands out of its background, whatever its level', async t => {
  for (const background of [-70, -45, -35]) {
    const voice = new VoiceActivity(RATE)
    const quiet = withNoise(new Int16Array(10 * RATE), background)
    const loud = withNoise(new Int16Array(RATE), background + 20, 9)
    let early = false
    let late = false
    for (let at = 0; at + 160 <= quiet.length; at += 160) {
      const speaking = voice.hear(quiet.subarray(at, at + 160))
      if (at > 8 * RATE) late ||= speaking
      else early ||= speaking
    }
    t.notOk(late, `${background} dBm0 of noise is background`)
    if (background > -70) {
      t.ok(voice.hear(loud.subarray(0, 160)))
      t.ok(voice.hear(quiet.subarray(0, 160)), 'pauses between words belong to it')
      let speaking = true
      for (let at = 0; at < 12 * 160; at += 160) speaking = voice.hear(quiet.subarray(at, at + 160))
      t.notOk(speaking, 'it ends')
    }
    t.ok(Math.abs(voice.background - background) < 3 || background === -70)
  }
  const voice = new VoiceActivity(RATE)
  t.notOk(voice.hear(new Int16Array(160)))
  t.equal(voice.level, -Infinity)
  voice.reset()
  t.equal(voice.background, -50)
})

const beepsIn = (pcm: Int16Array): number[] => {
  const detector = new BeepDetector(RATE)
  const found: number[] = []
  for (let at = 0; at + 160 <= pcm.length; at += 160) {
    const beep = detector.hear(pcm.subarray(at, at + 160))
    if (beep !== undefined) found.push(beep.frequency)
  }
  return found
}

t.test('a beep of any pitch is found once; digits, noise and short clicks are none', async t => {
  for (const frequency of [400, 1000, 1400, 2100]) {
    const [found, ...more] = beepsIn(withNoise(sounds([undefined, 200], [{ frequencies: [frequency], dbm0: -15 }, 400], [undefined, 200]), -45))
    t.ok(Math.abs(found! - frequency) < 0.02 * frequency, `${found} Hz of ${frequency}`)
    t.same(more, [])
  }
  t.same(beepsIn(dial(DTMF_PAD, 200, 50)), [])
  t.same(beepsIn(withNoise(new Int16Array(80_000), -20)), [])
  t.same(beepsIn(sounds([{ frequencies: [1000], dbm0: -15 }, 100], [undefined, 100])), [])
})

const verdictOn = (pcm: Int16Array): AnswerVerdict | undefined => {
  const classifier = new AnswerClassifier(RATE)
  let verdict: AnswerVerdict | undefined
  for (let at = 0; at + 160 <= pcm.length; at += 160) verdict ??= classifier.hear(pcm.subarray(at, at + 160))
  return verdict
}

/** What is said after `before` ms, with the line's noise around it. */
const answered = (before: number, said: Int16Array, after: number, beep?: Tone): Int16Array => {
  const pcm = new Int16Array(8 * (before + after + 400) + said.length)
  pcm.set(said, 8 * before)
  if (beep !== undefined) new ToneGenerator(beep, RATE).read(pcm, 8 * before + said.length + 2400, 3200)
  return withNoise(pcm, -62)
}

t.test('a short greeting is a person, a long one a machine, a beep all the more', { skip: withoutSpeech }, async t => {
  const human = verdictOn(answered(700, speak('en', 'Hello?', 50, 160), 2000))
  t.equal(human?.type, 'human')
  t.ok(human!.confidence >= 0.9)
  t.equal(verdictOn(answered(500, speak('de', 'Meier, guten Tag?', 40, 150), 2000))?.type, 'human')
  const machine = verdictOn(answered(600, speak('en-us+f3', 'You have reached the voice mail of Bob. I am not at home now; please leave a message after the tone.', 50, 160), 2000))
  t.equal(machine?.type, 'machine')
  const beeped = verdictOn(answered(300, speak('en', 'Leave a message.', 50, 170), 1500, { frequencies: [1000], dbm0: -12 }))
  t.equal(beeped?.type, 'machine')
  t.ok(beeped!.confidence > 0.9)
})

t.test('an answer without a word is told after four seconds', async t => {
  const verdict = verdictOn(withNoise(new Int16Array(8 * 6000), -62))
  t.equal(verdict?.type, 'silence')
  t.equal(verdict?.after, 4000)
})
