import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { aLawOf, muLawOf, pcmu } from '../../../src/codec/g711.js'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { ToneGenerator } from '../../../src/codec/tones.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Leg, Source } from '../../../src/media/leg.js'
import { PromptStore } from '../../../src/media/prompt/prompt-store.js'
import { goOn, talkers } from '../../media/talkers.js'
import { TonePeer, until } from '../../media/tone-peer.js'

const near = (actual: number, wanted: number, within = 0.5): boolean => Math.abs(actual - wanted) <= within
const DBM0 = -10
const PEAK = 7300

interface Kind {
  readonly code: number
  readonly bits: number
  readonly rate: number
  readonly channels: number
}

/** A WAV file of a tone, the same in each of its channels; `from` is where in the tone it begins, in ms. */
const wavOf = (kind: Kind, ms: number, frequency: number, from = 0): Buffer => {
  const { code, bits, rate, channels } = kind
  const begin = Math.round((rate * from) / 1000)
  const pcm = new Int16Array(Math.round((rate * (from + ms)) / 1000) - begin)
  const tone = new ToneGenerator({ frequencies: [frequency], dbm0: DBM0 }, rate)
  tone.skip(begin)
  tone.read(pcm)
  const width = bits / 8
  const data = Buffer.alloc(pcm.length * channels * width)
  const write = (value: number, at: number): void => {
    if (code === 6) data[at] = aLawOf(value)
    else if (code === 7) data[at] = muLawOf(value)
    else if (bits === 8) data[at] = (value >> 8) + 128
    else data.writeIntLE(value * 2 ** (bits - 16), at, width)
  }
  pcm.forEach((value, frame) => {
    for (let channel = 0; channel < channels; channel++) write(value, (frame * channels + channel) * width)
  })
  const header = Buffer.alloc(44)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(36 + data.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(code, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * channels * width, 28)
  header.writeUInt16LE(channels * width, 32)
  header.writeUInt16LE(bits, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(data.length, 40)
  return Buffer.concat([header, data])
}

/** No whole number of periods nor of packets, but one of samples at every rate: a cut somewhere within the tone's swing. */
const PIECE_MS = 410
const TONE = 437
const KINDS = [
  { code: 1, bits: 8, rate: 8000, channels: 1 },
  { code: 1, bits: 8, rate: 11_000, channels: 1 },
  { code: 1, bits: 16, rate: 8000, channels: 1 },
  { code: 1, bits: 16, rate: 22_000, channels: 2 },
  { code: 1, bits: 24, rate: 44_100, channels: 1 },
  { code: 1, bits: 32, rate: 48_000, channels: 2 },
  { code: 6, bits: 8, rate: 8000, channels: 1 },
  { code: 6, bits: 8, rate: 16_000, channels: 1 },
  { code: 7, bits: 8, rate: 8000, channels: 1 },
  { code: 7, bits: 8, rate: 32_000, channels: 2 },
] as const

const largestStep = (pcm: Int16Array, from: number, to: number): number => {
  let largest = 0
  for (let at = from + 1; at < to; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
  return largest
}
/** Largest step of the tone itself, and what mu-law adds. */
const OWN_STEP = 1.1 * 2 * PEAK * Math.sin((Math.PI * TONE) / 8000) + 512

void t.test('players', async t => {
  // Side by side: each waits most of its time.
  t.jobs = 3
  const engine = await createMediaEngine({ workers: 2, ports: [43_100, 43_299] })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-players-'))
  t.teardown(async () => {
    await engine.close()
    await rm(directory, { recursive: true })
  })
  const keep = async (name: string, bytes: Buffer): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, bytes)
    return path
  }
  const phone = async (near?: Leg): Promise<{ peer: TonePeer; leg: Leg; end: () => Promise<void> }> => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp', ...(near === undefined ? {} : { near }) })
    await leg.apply(peer.media())
    return { peer, leg, end: async () => {
      await leg.close()
      peer.close()
    } }
  }
  /** Plays all of it, and gives what the peer heard, a silence of 200 ms behind it. */
  const heard = async (sources: readonly Source[]): Promise<Int16Array> => {
    const { peer, leg, end } = await phone()
    t.same(await leg.play({ sources: [...sources, { type: 'silence', ms: 200 }] }).done, { type: 'finished' })
    const packets = (await leg.statistics()).sent.packets
    await until(() => peer.audio().length >= packets, 'all of it')
    await end()
    return peer.pcm()
  }

  void t.test('a list of WAV files of each kind and many rates: one tone at one level, no gap, no step, of exact length', { buffered: true }, async t => {
    const sources: Source[] = []
    for (const [at, kind] of KINDS.entries()) sources.push({ type: 'file', path: await keep(`${at}.wav`, wavOf(kind, PIECE_MS, TONE, at * PIECE_MS)) })
    const pcm = await heard(sources)
    const length = KINDS.length * PIECE_MS * 8
    const [first, last] = [pcm.findIndex(value => Math.abs(value) > 300), pcm.findLastIndex(value => Math.abs(value) > 300)]
    t.ok(first < 8 && Math.abs(last + 1 - length) < 16, `from ${first} to ${last} of ${length} samples`)
    for (const [at, { code, bits, rate }] of KINDS.entries()) {
      const from = at * PIECE_MS * 8
      const level = toneLevel(pcm, TONE, 8000, from, PIECE_MS * 8)
      t.ok(near(level, DBM0), `${bits} bits of ${code === 1 ? 'PCM' : code === 6 ? 'A-law' : 'mu-law'} at ${rate} Hz: ${level.toFixed(2)} dBm0`)
    }
    for (let at = 0; at + 40 <= length; at += 40) if (!pcm.subarray(at, at + 40).some(value => Math.abs(value) > PEAK / 2)) t.fail(`a gap at ${at / 8} ms`)
    // Files of 8 bits were quantized once more.
    t.ok(largestStep(pcm, 8, length) <= OWN_STEP + 512, `largest step ${largestStep(pcm, 8, length)}, the tone's own ${Math.round(OWN_STEP)}`)
  })

  void t.test('a loop has no seam, at any rate', { buffered: true }, async t => {
    // Whole periods of 425 Hz, cut at an eighth of one, and whole samples at each rate.
    const [ms, tone] = [120, 425]
    await Promise.all([8000, 11_025, 16_000, 44_100, 48_000].map(async rate => {
      const path = await keep(`loop-${rate}.wav`, wavOf({ ...KINDS[2], rate }, ms, tone, 125 / tone))
      const { peer, leg, end } = await phone()
      const playback = leg.play({ sources: [{ type: 'file', path }], loop: true })
      await until(() => peer.audio().length >= 40, 'more than six rounds')
      playback.stop()
      const pcm = peer.pcm().subarray(0, 40 * 160)
      t.ok(near(toneLevel(pcm, tone, 8000), DBM0), `${rate} Hz: level`)
      t.ok(largestStep(pcm, 1, pcm.length) <= OWN_STEP, `${rate} Hz: largest step ${largestStep(pcm, 1, pcm.length)}, the tone's own ${Math.round(OWN_STEP)}`)
      await end()
    }))
  })

  void t.test('seek finds the millisecond, in a list of several files and in a loop', { buffered: true }, async t => {
    const tones = [500, 900, 1300]
    const sources = await Promise.all(tones.map(async (tone, at): Promise<Source> => ({ type: 'file', path: await keep(`seek-${at}.wav`, wavOf(KINDS[at === 1 ? 4 : 2], 1000, tone)) })))
    const { peer, leg, end } = await phone()
    const playback = leg.play({ sources })
    playback.seek(1700)
    t.same(await playback.done, { type: 'finished' })
    await until(() => peer.audio().length >= 65, '1.3 s')
    t.equal(peer.audio().length, 65, '300 ms of the second file, and the third')
    const pcm = peer.pcm()
    t.ok(near(toneLevel(pcm, 900, 8000, 160, 2000), DBM0) && toneLevel(pcm, 1300, 8000, 160, 2000) < -40, 'the second')
    t.ok(near(toneLevel(pcm, 1300, 8000, 2480, 7840), DBM0) && toneLevel(pcm, 900, 8000, 2480, 7840) < -40, 'then the third')
    await end()
  })

  void t.test('a live source: its level at any rate, bounded in flight, silence while it stalls, and its failure is told', { buffered: true }, async t => {
    let pulled = 0
    const live = async function* blocks(rate: number, ms: number): AsyncGenerator<Int16Array> {
      const tone = new ToneGenerator({ frequencies: [TONE], dbm0: DBM0 }, rate)
      for (let at = 0; at < ms; at += 30) {
        const pcm = new Int16Array((rate * Math.min(30, ms - at)) / 1000)
        tone.read(pcm)
        pulled++
        yield await Promise.resolve(pcm)
      }
    }
    for (const rate of [8000, 16_000, 44_100, 48_000]) {
      // What follows takes up the tone at its end, within its swing.
      const rest = await keep(`rest-${rate}.wav`, wavOf(KINDS[2], 200, TONE, PIECE_MS))
      const pcm = await heard([{ type: 'pcm', rate, frames: live(rate, PIECE_MS) }, { type: 'file', path: rest }])
      const level = toneLevel(pcm, TONE, 8000, 0, (PIECE_MS + 200) * 8)
      t.ok(near(level, DBM0), `${rate} Hz: ${level.toFixed(2)} dBm0`)
      t.ok(largestStep(pcm, 1, (PIECE_MS + 200) * 8) <= OWN_STEP, `${rate} Hz: largest step ${largestStep(pcm, 1, (PIECE_MS + 200) * 8)}, the tone's own ${Math.round(OWN_STEP)}`)
      for (let at = 80; at + 40 <= (PIECE_MS + 200) * 8; at += 40) if (pcm.subarray(at, at + 40).every(value => Math.abs(value) < PEAK / 2)) t.fail(`${rate} Hz: a gap at ${at / 8} ms`)
    }
    const { peer, leg, end } = await phone()
    pulled = 0
    const playback = leg.play({ sources: [{ type: 'pcm', rate: 8000, frames: live(8000, 60_000) }] })
    await until(() => peer.audio().length >= 25, 'half a second')
    t.ok(pulled <= (peer.audio().length * 20) / 30 + 16, `${pulled} blocks pulled for ${peer.audio().length} packets`)
    playback.stop()
    t.same(await playback.done, { type: 'stopped' })
    let goOn = (): void => undefined
    const stalled = new Promise<void>(resolve => { goOn = resolve })
    const stalling = leg.play({ sources: [{ type: 'pcm', rate: 8000, frames: (async function* stall() {
      yield* live(8000, 90)
      await stalled
      yield* live(8000, 90)
      throw new Error('the microphone has gone')
    })() }] })
    const from = peer.audio().length
    await until(() => peer.audio().length >= from + 15, 'it stalls')
    goOn()
    await t.rejects(stalling.done, { code: 'MEDIA_BAD_FILE', cause: { message: 'the microphone has gone' } })
    const levels = peer.audio(0).slice(from, from + 15).map(({ payload }) => payload.filter(byte => byte !== 0xff && byte !== 0x7f).length > 80)
    t.same([levels.slice(0, 4), levels.slice(8, 15)], [[true, true, true, true], [false, false, false, false, false, false, false]], 'silence while it stalls')
    await end()
  })

  void t.test('prompts are decoded once for all workers: what is cached is played on, whichever worker plays it', { buffered: true }, async t => {
    const path = await keep('cached.wav', wavOf(KINDS[2], 400, 900))
    const written = new Date(1_700_000_000_000)
    await utimes(path, written, written)
    const playedBeside = async (neighbour: Leg): Promise<Int16Array> => {
      const { peer, leg, end } = await phone(neighbour)
      await leg.play({ sources: [{ type: 'file', path }] }).done
      await until(() => peer.audio().length >= 20, 'all of it')
      await end()
      return peer.pcm()
    }
    // What plays beside this test weighs on the workers too: sooner or later the other one is the less loaded.
    const legs = [await engine.open({ kind: 'rtp' })]
    while (new Set(legs.map(({ worker }) => worker)).size < 2) legs.push(await engine.open({ kind: 'rtp' }))
    const [one, other] = [legs[0]!, legs.at(-1)!]
    t.ok(near(toneLevel(await playedBeside(one), 900, 8000), DBM0))
    // The file changes unseen: of the same size and age, so that only a cache still has the old sound.
    await writeFile(path, wavOf(KINDS[2], 400, 1300))
    await utimes(path, written, written)
    t.ok(near(toneLevel(await playedBeside(other), 900, 8000), DBM0), 'from the cache, in another worker')
    await utimes(path, new Date(), new Date())
    t.ok(near(toneLevel(await playedBeside(one), 1300, 8000), DBM0), 'a file that has changed is read anew')
    await Promise.all(legs.map(leg => leg.close()))
    const store = new PromptStore()
    const track = await store.load(path, 'PCMU', 8000)
    t.equal(await store.load(path, 'PCMU', 8000), track)
    t.ok(track.type === 'encoded' && track.data.buffer instanceof SharedArrayBuffer, 'in shared memory')
    const wide = await store.load(path, 'G722', 8000)
    t.ok(wide.type === 'pcm' && wide.rate === 16_000 && wide.data.buffer instanceof SharedArrayBuffer)
  })
})

void t.test('a prompt to a member of a room, and the room again: one timeline, no step', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [48_700, 48_799] })
  const { peers: [ann, bob], legs: [a, b], end } = await talkers(engine, [440, 1000])
  const room = await engine.createRoom()
  for (const leg of [a!, b!]) await room.join(leg)
  await goOn([ann!, bob!], 40)
  const from = ann!.heard.length
  for (let time = 0; time < 4; time++) {
    const prompt = a!.play({ sources: [{ type: 'tone', frequencies: [700], dbm0: DBM0 }] })
    await goOn([ann!], 10)
    prompt.stop()
    await goOn([ann!], 20)
  }
  const heard = ann!.audio(from)
  const steps = heard.slice(1).map((packet, at) => (packet.timestamp - heard[at]!.timestamp) | 0)
  t.ok(steps.every(step => step === 160), `each packet begins where the last one ends: ${Math.min(...steps)} to ${Math.max(...steps)}`)
  t.ok(heard.every((packet, at) => at === 0 || ((packet.sequence - heard[at - 1]!.sequence) & 0xffff) === 1), 'sequence by one')
  const ahead = ((heard.at(-1)!.timestamp - heard[0]!.timestamp) | 0) / 8 - (heard.at(-1)!.at - heard[0]!.at)
  t.ok(Math.abs(ahead) < 45, `no more than the time has room for: ${ahead} ms ahead`)
  const frame = new Int16Array(160)
  let [largest, last] = [0, NaN]
  for (const { payload } of heard) {
    pcmu.createDecoder().decode(payload, 0, payload.length, frame)
    for (const value of frame) {
      if (Math.abs(value - last) > largest) largest = Math.abs(value - last)
      last = value
    }
  }
  const own = 2 * PEAK * (Math.sin((Math.PI * 1000) / 8000) + Math.sin((Math.PI * 700) / 8000)) + 1024
  t.ok(largest <= own, `largest step ${largest}, of the tones ${Math.round(own)}`)
  await room[Symbol.asyncDispose]()
  await end()
  await engine.close()
})
