import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { ToneGenerator } from '../../../src/codec/tones.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import { wavHeader } from '../../../src/media/wav.js'
import { goOn, talkers } from '../../media/talkers.js'
import type { TonePeer } from '../../media/tone-peer.js'

const near = (actual: number, wanted: number): boolean => Math.abs(actual - wanted) <= 0.5

/** Longest time (ms) between two packets since packet number `from`. */
const gap = ({ heard }: TonePeer, from: number): number => Math.max(...heard.slice(from + 1).map((packet, next) => packet.at - heard[from + next]!.at))

const samplesOf = async (file: string): Promise<Int16Array> => {
  const bytes = await readFile(file)
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length))
}

void t.test('a worker is drained with its calls going on: bridges, a room, a recording, an echo, a prompt', { timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [46400, 46799], maxLegs: 26 })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-media-'))
  const { peers, legs } = await talkers(engine, Array.from({ length: 26 }, (_, at) => (at % 2 === 0 ? 440 : 1000)))
  const worker = legs[0]!.worker
  // All into one worker: ten bridges, a room of three that is recorded, an echo, a prompt, and one that is only open.
  for (let at = 0; at < 20; at += 2) await engine.join(legs[at]!, legs[at + 1]!, { mixed: at % 4 === 0 })
  const room = await engine.createRoom()
  for (const leg of legs.slice(20, 23)) await room.join(leg)
  room.hears(legs[20]!, legs[22]!, false)
  const file = join(directory, 'room.wav')
  const recording = await room.record(file)
  legs[23]!.echo()
  legs[24]!.play({ sources: [{ type: 'tone', frequencies: [700] }] })
  const listening = peers.slice(0, 25)
  await goOn(listening, 40)
  const from = listening.map(peer => peer.heard.length - 1)
  const drained = legs[0]!.worker
  t.equal(drained, worker)
  await engine.drainWorker(drained)
  t.ok(legs.every(leg => leg.worker !== drained), 'all are elsewhere')
  t.same((await engine.statistics()).workers.map(({ index, legs: count }) => [index, count]), [[1 - drained, 26]])
  await goOn(listening, 60)
  const gaps = listening.map((peer, at) => gap(peer, from[at]!))
  t.comment(`longest gap ${Math.round(Math.max(...gaps))} ms`)
  t.ok(Math.max(...gaps) < 500, 'gap')
  for (let at = 0; at < 20; at++) t.ok(near(peers[at]!.level(at % 2 === 0 ? 1000 : 440, 2400), -10), `bridge ${at}`)
  t.ok(peers[20]!.level(440, 2400) < -40 && near(peers[20]!.level(1000, 2400), -10), 'the room, and who hears whom in it')
  t.ok(near(peers[23]!.level(1000, 2400), -10), 'echo')
  t.ok(near(peers[24]!.level(700, 2400), -16), 'prompt')
  for (const { heard } of listening) {
    if (new Set(heard.map(({ ssrc }) => ssrc)).size !== 1) t.fail('another source')
    if (heard.some((packet, at) => at > 0 && ((packet.sequence - heard[at - 1]!.sequence) & 0xffff) > 5)) t.fail('the sequence jumps')
  }
  const { ms } = await recording.stop()
  const mix = await samplesOf(file)
  t.ok(Math.abs(mix.length / 16 - ms) < 1 && ms > 1500, 'as long as it took')
  // The median of tenths of a second: one hold-up of the machine is none of ours.
  const levels = Array.from({ length: 9 }, (_, tenth) => toneLevel(mix, 1000, 16_000, mix.length - 16_000 + 1600 * tenth, 1600)).sort((a, b) => a - b)
  t.ok(near(levels[4]!, -10), 'the recording goes on')
  await t.rejects(engine.drainWorker(1 - drained), { code: 'MEDIA_OVERLOADED' }, 'not the last')
  await t.rejects(engine.drainWorker(drained), { code: 'MEDIA_WORKER_LOST' }, 'not twice')
  for (const peer of peers) peer.close()
  await engine.close()
  await rm(directory, { recursive: true })
})

void t.test('what a leg plays goes on where it was, whatever becomes of its worker', { timeout: 60_000 }, async t => {
  const PIECE = 4_000
  const tones = [300, 500, 700, 900, 1100, 1300]
  const sound = new Int16Array(tones.length * PIECE)
  for (const [at, frequency] of tones.entries()) new ToneGenerator({ frequencies: [frequency], dbm0: -10 }, 8000).read(sound.subarray(at * PIECE, (at + 1) * PIECE))
  const file = join(t.testdir(), 'tones.wav')
  await writeFile(file, Buffer.concat([wavHeader(1, 8000, sound.byteLength), Buffer.from(sound.buffer)]))
  /** As fast as it is asked, in blocks that begin and end anywhere in a packet, from one array. */
  const live = async function* (): AsyncGenerator<Int16Array> {
    const block = new Int16Array(333)
    for (let at = 0; at < sound.length; at += block.length) {
      block.fill(0)
      block.set(sound.subarray(at, at + block.length))
      yield block
      await Promise.resolve()
    }
  }
  const engine = await createMediaEngine({ workers: 2, ports: [47600, 47799] })
  const { peers, legs } = await talkers(engine, [440, 440, 440])
  const ringing = legs[2]!.play({ sources: [{ type: 'tone', frequencies: [425], cadence: [1200, 200] }] })
  const playbacks = [
    legs[0]!.play({ sources: [{ type: 'file', path: file }] }),
    legs[1]!.play({ sources: [{ type: 'pcm', rate: 8000, frames: live() }] }),
  ]
  await goOn(peers, 30)
  await engine.drainWorker(legs[0]!.worker)
  await goOn(peers, 30)
  await engine.replaceWorker(legs[0]!.worker)
  for (const { done } of playbacks) t.same(await done, { type: 'finished' })
  for (const [at, name] of ['prompt', 'live source'].entries()) {
    const heard = peers[at]!.pcm()
    /** By tone: packets in which it is louder than half. */
    const packets = tones.map(frequency => Array.from({ length: heard.length / 160 }, (_, packet) => toneLevel(heard, frequency, 8000, packet * 160, 160) > -16).filter(Boolean).length)
    t.ok(packets.every(count => Math.abs(count - PIECE / 160) <= 5), `${name}: each tone once, and whole (${packets.join(', ')} packets)`)
  }
  ringing.stop()
  const rings = peers[2]!.audio().map(({ payload }) => payload.some(code => (code & 0x7f) < 0x70)).join('').replaceAll('true', '-').replaceAll('false', ' ').trim().split(/ {5,}/)
  t.ok(rings.length > 2 && rings.slice(0, -1).every(ring => Math.abs(ring.length - 60) <= 5), `a tone is as long as it should be (${rings.map(ring => ring.length).join(', ')} packets)`)
  for (const peer of peers) peer.close()
  await engine.close()
})

void t.test('a worker is started beside others: it takes legs, records, and outlives those before it', { timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [46800, 46999] })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-media-'))
  const { peers: [ann], legs: [first] } = await talkers(engine, [440])
  first!.echo()
  const before = await first!.record({ file: join(directory, 'first.wav'), tracks: 'received' })
  t.equal(await engine.addWorker(), 1)
  const { peers: [bob], legs: [second] } = await talkers(engine, [1000])
  t.equal(second!.worker, 1)
  second!.echo()
  const after = await second!.record({ file: join(directory, 'second.wav'), tracks: 'received' })
  await goOn([ann!, bob!], 40)
  await engine.drainWorker(0)
  t.equal((await engine.open({ kind: 'rtp', near: first! })).worker, 1, 'no new leg comes to the old')
  await goOn([ann!, bob!], 40)
  t.equal(await engine.addWorker(), 0, 'its place is free')
  t.equal((await engine.open({ kind: 'rtp' })).worker, 0)
  for (const [recording, tone] of [[before, 440], [after, 1000]] as const) {
    const { ms } = await recording.stop()
    const pcm = await samplesOf(recording.file)
    t.ok(Math.abs(pcm.length / 8 - ms) < 1, 'whole')
    for (const place of [0.25, 0.9]) t.ok(near(toneLevel(pcm, tone, 8000, Math.floor(pcm.length * place / 800) * 800 - 800, 800), -10), `${tone} at ${place}`)
  }
  ann!.close()
  bob!.close()
  await engine.close()
  await t.rejects(engine.addWorker(), { code: 'SERVER_CLOSED' })
  await rm(directory, { recursive: true })
})

void t.test('legs are joined and closed while their worker is drained', { timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [47000, 47399] })
  const tones = Array.from({ length: 12 }, (_, at) => 400 + 150 * at)
  const { peers, legs } = await talkers(engine, tones)
  const room = await engine.createRoom({ perWorker: 2 })
  const drained = engine.drainWorker(0)
  await Promise.all([
    ...[0, 2, 4].map(at => engine.join(legs[at]!, legs[at + 1]!)),
    ...legs.slice(6, 11).map(leg => room.join(leg)),
    legs[11]!.close(),
  ])
  await drained
  t.ok(legs.slice(0, 11).every(leg => leg.worker === 1))
  await goOn(peers.slice(0, 11), 60)
  const heard = peers.slice(0, 11).map(peer => tones.flatMap((tone, at) => (near(peer.level(tone, 2400), -10) ? [at] : [])))
  t.same(heard.slice(0, 6), [[1], [0], [3], [2], [5], [4]], 'bridges')
  t.same(heard.slice(6), [[7, 8, 9, 10], [6, 8, 9, 10], [6, 7, 9, 10], [6, 7, 8, 10], [6, 7, 8, 9]], 'room')
  for (const peer of peers) peer.close()
  await engine.close()
})

void t.test('a worker whose successors die as well is given up with its legs: others serve on, and it can be started again', { timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [47400, 47599] })
  const { peers, legs } = await talkers(engine, [440, 1000])
  const [there, here] = [legs.find(leg => leg.worker === 0)!, legs.find(leg => leg.worker === 1)!]
  const room = await engine.createRoom({ perWorker: 1 })
  for (const leg of [there, here]) await room.join(leg)
  const closed = new Promise<void>(resolve => there.once('closed', resolve))
  for (let death = 0; death < 9; death++) await engine.replaceWorker(0)
  await closed
  t.same((await engine.statistics()).workers.map(({ index }) => index), [1])
  t.equal((await engine.open({ kind: 'rtp' })).worker, 1, 'no leg comes to it')
  const more = await talkers(engine, [700])
  await room.join(more.legs[0]!)
  await goOn([peers[legs.indexOf(here)]!, more.peers[0]!], 40)
  t.ok(near(more.peers[0]!.level(here === legs[0] ? 440 : 1000, 2400), -10), 'its rooms go on elsewhere')
  t.equal(await engine.addWorker(), 0)
  t.equal((await engine.open({ kind: 'rtp' })).worker, 0)
  for (const peer of [...peers, ...more.peers]) peer.close()
  await engine.close()
})
