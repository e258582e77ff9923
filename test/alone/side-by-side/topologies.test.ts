import t from 'tap'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { ToneGenerator } from '../../../src/codec/tones.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Leg } from '../../../src/media/leg.js'
import { repairRecordings } from '../../../src/media/repair.js'
import { wavHeader } from '../../../src/media/wav.js'
import { silences } from '../../media/silences.js'
import { talkers } from '../../media/talkers.js'
import { pcma, TonePeer, until } from '../../media/tone-peer.js'

const near = (actual: number, wanted: number, within = 0.5): boolean => Math.abs(actual - wanted) <= within

/** Levels of the channels' tones in a stereo or mono recording. */
const readRecording = async (path: string): Promise<{ frames: number; channels: Int16Array[] }> => {
  const file = await readFile(path)
  const channels = file.readUInt16LE(22)
  const samples = new Int16Array(file.buffer.slice(file.byteOffset + 44, file.byteOffset + file.length))
  const frames = samples.length / channels
  return { frames, channels: Array.from({ length: channels }, (_, channel) => samples.filter((_sample, at) => at % channels === channel)) }
}

void t.test('topologies', async t => {
  // Side by side: each waits most of its time.
  t.jobs = 3
  const engine = await createMediaEngine({ workers: 1, ports: [40400, 40799] })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-media-'))
  t.teardown(async () => {
    await engine.close()
    await rm(directory, { recursive: true })
  })

  void t.test('the mixed bridge: each hears the other at its level, in one timeline through a change of bridge', { buffered: true }, async t => {
    const { peers: [ann, bob], legs: [a, b], end } = await talkers(engine, [440, 1000])
    await engine.join(a!, b!)
    await until(() => ann!.heard.length > 20, 'packets')
    await engine.join(a!, b!, { mixed: true })
    const from = ann!.heard.length
    await until(() => ann!.heard.length > from + 40, 'mixed')
    t.ok(near(ann!.level(1000), -10) && near(bob!.level(440), -10), 'levels')
    t.ok(ann!.level(440) < -50 && bob!.level(1000) < -50, 'nobody hears itself')
    await engine.join(a!, b!)
    const again = ann!.heard.length
    await until(() => ann!.heard.length > again + 20, 'packets again')
    for (const heard of [ann!.audio(), bob!.audio()]) {
      t.equal(new Set(heard.map(({ ssrc }) => ssrc)).size, 1, 'one source')
      t.ok(heard.every((packet, at) => at === 0 || ((packet.sequence - heard[at - 1]!.sequence) & 0xffff) === 1), 'sequence goes on by one')
      t.ok(heard.every((packet, at) => at === 0 || ((packet.timestamp - heard[at - 1]!.timestamp) | 0) > 0), 'timestamps only go on')
    }
    await end()
  })

  void t.test('legs of different codecs are transcoded', { buffered: true }, async t => {
    const [ann, bob] = [await TonePeer.create(440), await TonePeer.create(1000, pcma)]
    const [a, b] = [await engine.open({ kind: 'rtp' }), await engine.open({ kind: 'rtp' })]
    await Promise.all([a.apply(ann.media()), b.apply(bob.media())])
    await engine.join(a, b)
    ann.talk(a)
    bob.talk(b)
    await until(() => ann.heard.length > 60 && bob.heard.length > 60, 'audio')
    t.ok(near(ann.level(1000), -10) && near(bob.level(440), -10))
    ann.close()
    bob.close()
    await Promise.all([a.close(), b.close()])
  })

  void t.test('a room: who hears whom is a matrix', { buffered: true }, async t => {
    const tones = [440, 800, 1300]
    const { peers, legs, end } = await talkers(engine, tones)
    const room = await engine.createRoom()
    for (const leg of legs) await room.join(leg)
    const recording = await room.record(join(directory, 'room.wav'))
    const settle = async (): Promise<void> => {
      const from = peers[0]!.heard.length
      await until(() => peers[0]!.heard.length > from + 40, 'room audio')
    }
    const heardBy = (listener: number): boolean[] => tones.map(tone => peers[listener]!.level(tone) > -30)
    await settle()
    t.same([0, 1, 2].map(heardBy), [[false, true, true], [true, false, true], [true, true, false]])
    t.ok(near(peers[0]!.level(800), -10) && near(peers[0]!.level(1300), -10), 'levels')
    room.hears(legs[0]!, legs[2]!, false)
    room.set(legs[1]!, { muted: true })
    await settle()
    t.same([0, 1, 2].map(heardBy), [[false, false, false], [true, false, true], [true, false, false]])
    room.set(legs[1]!, { muted: false, gain: -6 })
    room.set(legs[2]!, { deaf: true })
    await settle()
    t.ok(near(peers[0]!.level(800), -16), 'gain')
    const talking: [Leg, boolean][] = []
    room.on('talking', (leg, begun) => talking.push([leg, begun]))
    await until(() => talking.length === 3, 'all three talk')
    t.ok(near((await room.levels()).get(legs[0]!)!, -10), 'levels')
    peers[0]!.quiet()
    await until(() => talking.length === 4, 'one ends')
    t.same([talking[3]![0].id, talking[3]![1]], [legs[0]!.id, false])
    peers[0]!.talk(legs[0]!)
    await settle()
    t.same(heardBy(2), [false, false, false], 'deaf')
    const { ms } = await recording.stop()
    const { channels: [mix] } = await readRecording(join(directory, 'room.wav'))
    t.ok(ms > 2000)
    t.ok(near(toneLevel(mix!, 1300, 16000, mix!.length - 8000), -10), 'the mix of all is recorded')
    await room[Symbol.asyncDispose]()
    await end()
  })

  void t.test('a prompt list plays without a gap, from any rate, and loops', { buffered: true }, async t => {
    const write = async (name: string, rate: number, ms: number): Promise<string> => {
      const pcm = new Int16Array((rate * ms) / 1000)
      new ToneGenerator({ frequencies: [500], dbm0: -10 }, rate).read(pcm)
      const path = join(directory, name)
      await writeFile(path, Buffer.concat([wavHeader(1, rate, pcm.byteLength), Buffer.from(pcm.buffer)]))
      return path
    }
    const [one, two] = [await write('one.wav', 8000, 210), await write('two.wav', 16000, 330)]
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    t.same(await leg.play({ sources: [{ type: 'file', path: one }, { type: 'file', path: two }] }).done, { type: 'finished' })
    await until(() => peer.audio().length >= 27, 'all of it')
    t.equal(peer.audio().length, 27, '540 ms')
    const pcm = peer.pcm()
    for (let at = 80; at + 80 <= 4240; at += 80) t.ok(pcm.subarray(at, at + 80).some(value => Math.abs(value) > 2000), `sound at ${at / 8} ms`)
    const looped = leg.play({ sources: [{ type: 'file', path: one }], loop: true })
    await until(() => peer.audio().length > 60, 'loop')
    looped.stop()
    t.same(await looped.done, { type: 'stopped' })
    await t.rejects(leg.play({ sources: [{ type: 'file', path: join(directory, 'none.wav') }] }).done, { code: 'MEDIA_BAD_FILE' })
    const live = leg.play({ sources: [{ type: 'pcm', rate: 16000, frames: (async function* frames() {
      for (let block = 0; block < 20; block++) yield await Promise.resolve(new Int16Array(320).fill(1000))
    })() }] })
    t.same(await live.done, { type: 'finished' })
    await leg.close()
    peer.close()
  })

  void t.test('a playback waits, goes on elsewhere, changes its volume, and ends when the peer speaks', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    // A second each of 500, 900 and 1300 Hz.
    const tones = [500, 900, 1300]
    const pcm = new Int16Array(24_000)
    tones.forEach((tone, at) => new ToneGenerator({ frequencies: [tone], dbm0: -10 }, 8000).read(pcm, at * 8000, 8000))
    const path = join(directory, 'three.wav')
    await writeFile(path, Buffer.concat([wavHeader(1, 8000, pcm.byteLength), Buffer.from(pcm.buffer)]))
    const playback = leg.play({ sources: [{ type: 'file', path }, { type: 'silence', ms: 5000 }] })
    const heardFrom = async (from: number): Promise<void> => until(() => peer.audio().length >= from + 25, 'half a second')
    await heardFrom(0)
    t.ok(near(peer.level(500, 2400), -10), 'the begin')
    playback.pause()
    await new Promise(resolve => setTimeout(resolve, 200))
    const paused = peer.audio().length
    await new Promise(resolve => setTimeout(resolve, 200))
    t.equal(peer.audio().length, paused, 'silence')
    playback.seek(2000)
    playback.volume = -6
    playback.resume()
    await heardFrom(paused)
    t.ok(near(peer.level(1300, 2400), -16), 'elsewhere, at another volume')
    playback.seek(1000)
    playback.volume = 0
    const moved = peer.audio().length
    await heardFrom(moved)
    t.ok(near(peer.level(900, 2400), -10), 'and back')
    playback.seek(60_000)
    t.same(await playback.done, { type: 'finished' }, 'past its end')
    const prompt = leg.play({ sources: [{ type: 'tone', frequencies: [700] }], interruptByVoice: true })
    await heardFrom(peer.audio().length)
    peer.talk(leg)
    t.same(await prompt.done, { type: 'spoken' })
    await leg.close()
    peer.close()
  })

  void t.test('a recording is what was heard, and as long as it took, at 15 % loss', { buffered: true }, async t => {
    const { peers: [ann], legs: [a, b], end } = await talkers(engine, [440, 1000])
    ann!.lose = packet => packet % 20 < 3
    await engine.join(a!, b!)
    await until(() => ann!.heard.length > 10, 'bridge')
    const file = join(directory, 'talk.wav')
    const began = performance.now()
    const recording = await a!.record({ file })
    const opened = performance.now()
    await until(() => ann!.heard.length > 90, 'talk')
    t.ok((await a!.statistics()).mos! < (await b!.statistics()).mos! - 0.5, 'G.107: loss is heard')
    const stopping = performance.now()
    const { ms } = await recording.stop()
    const [least, most] = [stopping - opened, performance.now() - began]
    t.ok(ms > least - 20 && ms < most + 20, `${ms} of ${least.toFixed(1)} to ${most.toFixed(1)} ms`)
    const { frames, channels: [left, right] } = await readRecording(file)
    t.ok(Math.abs(frames - ms * 8) <= 8, 'file as long as said')
    t.ok(near(toneLevel(right!, 1000, 8000, 1600, 8000), -10), 'right: what the leg was sent')
    t.ok(toneLevel(left!, 440, 8000, 1600, 8000) > -13, 'left: what it said')
    t.ok(toneLevel(left!, 1000, 8000) < -50 && toneLevel(right!, 440, 8000) < -50, 'and not the other way')
    const gaps = silences(left!).filter(({ from, to }) => from > 0 && to < left!.length)
    t.ok(gaps.length >= 3 && gaps.every(({ from, to }) => near(to - from, 480, 4)), 'each three packets that are lost are silence')
    t.ok(gaps.every(({ from }, at) => near(from - gaps[0]!.from, 3200 * at, 4)), 'and what lies between them is where it belongs')
    await end()
  })

  void t.test('pause writes silence; a file left by a crash is repaired', { buffered: true }, async t => {
    const { peers: [ann], legs: [a], end } = await talkers(engine, [440])
    const directory = t.testdir()
    const file = join(directory, 'paused.wav')
    const recording = await a!.record({ file, tracks: 'received' })
    await new Promise(resolve => setTimeout(resolve, 300))
    recording.pause()
    await new Promise(resolve => setTimeout(resolve, 300))
    recording.resume()
    await new Promise(resolve => setTimeout(resolve, 300))
    const { ms } = await recording.stop()
    const { channels: [heard] } = await readRecording(file)
    t.ok(ms >= 880)
    t.ok(toneLevel(heard!, 440, 8000, 0, 1600) > -12 && toneLevel(heard!, 440, 8000, 3200, 800) < -60 && toneLevel(heard!, 440, 8000, 5400, 1200) > -12)
    t.ok(ann !== undefined)
    const whole = await readFile(file)
    await writeFile(join(directory, 'left.wav'), Buffer.concat([wavHeader(1, 8000, 0), whole.subarray(44)]))
    t.same(await repairRecordings(directory), ['left.wav'])
    t.same(await readFile(join(directory, 'left.wav')), whole)
    await end()
  })
})
