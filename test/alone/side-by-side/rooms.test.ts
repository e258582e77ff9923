import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Leg } from '../../../src/media/leg.js'
import { goOn, talkers } from '../../media/talkers.js'
import { type TonePeer, until } from '../../media/tone-peer.js'

const near = (actual: number, wanted: number, within = 0.5): boolean => Math.abs(actual - wanted) <= within

const TONES = [440, 700, 1000, 1300, 1700, 2100]

/** By listener: the places of those that it hears. */
const matrix = (peers: readonly TonePeer[]): number[][] =>
  peers.map(peer => TONES.flatMap((tone, at) => (at < peers.length && peer.level(tone, 2400) > -30 ? [at] : [])))

const others = (count: number): number[][] => Array.from({ length: count }, (_, at) => Array.from({ length: count }, (_other, other) => other).filter(other => other !== at))

void t.test('rooms over several workers', { timeout: 90_000 }, async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [46000, 46399] })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-media-'))
  t.teardown(async () => {
    await engine.close()
    await rm(directory, { recursive: true })
  })

  await t.test('a small room stays in one worker', async t => {
    const { peers, legs, end } = await talkers(engine, TONES.slice(0, 4))
    t.equal(new Set(legs.map(leg => leg.worker)).size, 2, 'opened apart')
    const room = await engine.createRoom()
    for (const leg of legs) await room.join(leg)
    t.equal(new Set(legs.map(leg => leg.worker)).size, 1, 'together')
    await goOn(peers, 40)
    t.same(matrix(peers), others(4))
    await room[Symbol.asyncDispose]()
    await end()
  })

  await t.test('beyond what one takes, members stay where they are: levels, matrix, talk, recording', async t => {
    const { peers, legs, end } = await talkers(engine, TONES.slice(0, 6))
    const room = await engine.createRoom({ perWorker: 2 })
    for (const leg of legs) await room.join(leg)
    const recording = await room.record(join(directory, 'room.wav'))
    t.equal(new Set(legs.map(leg => leg.worker)).size, 2)
    const home = legs[0]!.worker
    const [far, nearby] = [legs.findIndex(leg => leg.worker !== home), legs.findLastIndex(leg => leg.worker === home)]
    await goOn(peers, 40)
    t.same(matrix(peers), others(6), 'all hear all')
    t.ok(near(peers[0]!.level(TONES[far]!), -10) && near(peers[far]!.level(TONES[0]!), -10), 'levels')
    room.hears(legs[0]!, legs[far]!, false)
    room.hears(legs[0]!, legs[nearby]!, false)
    await goOn(peers, 40)
    t.same(matrix(peers), others(6).map((heard, at) => heard.filter(other => at !== 0 || (other !== far && other !== nearby))), 'a pair in two workers, and one in one')
    room.hears(legs[0]!, legs[far]!, true)
    room.hears(legs[0]!, legs[nearby]!, true)
    room.set(legs[far]!, { muted: true })
    room.set(legs[nearby]!, { gain: -6 })
    await goOn(peers, 40)
    t.same(matrix(peers), others(6).map(heard => heard.filter(other => other !== far)), 'muted')
    t.ok(peers.every((peer, at) => at === nearby || near(peer.level(TONES[nearby]!), -16)), 'gain')
    room.set(legs[far]!, { muted: false })
    const talking = new Set<Leg>()
    room.on('talking', (leg, begun) => {
      if (begun) talking.add(leg)
      else talking.delete(leg)
    })
    await until(() => talking.size === 6, 'all talk')
    peers[far]!.quiet()
    await until(() => talking.size === 5 && !talking.has(legs[far]!), 'one ends')
    peers[far]!.talk(legs[far]!)
    t.equal((await room.levels()).size, 6)
    await until(async () => {
      const levels = await room.levels()
      return near(levels.get(legs[0]!)!, -10) && near(levels.get(legs[nearby]!)!, -16)
    }, 'levels by leg')
    await goOn(peers, 40)
    await recording.stop()
    const file = await readFile(join(directory, 'room.wav'))
    const mix = new Int16Array(file.buffer.slice(file.byteOffset + 44, file.byteOffset + file.length))
    for (const [at, tone] of TONES.entries()) {
      // The median of tenths of a second: one hold-up of the machine is none of ours.
      const found = [0, 1, 2, 3, 4].map(tenth => toneLevel(mix, tone, 16_000, mix.length - 8000 + 1600 * tenth, 1600)).sort((a, b) => a - b)[2]!
      t.ok(near(found, at === nearby ? -16 : -10), `${tone} recorded at ${found.toFixed(2)}`)
    }
    t.equal((await engine.statistics()).rooms.open, 1)
    for (const [at, peer] of peers.entries()) {
      const heard = peer.audio()
      t.ok(heard.every((packet, next) => next === 0 || ((packet.sequence - heard[next - 1]!.sequence) & 0xffff) === 1), `one timeline for ${at}`)
    }
    await room[Symbol.asyncDispose]()
    await end()
  })

  await t.test('a part ends with its last member, and a worker that dies comes back into the room', async t => {
    const { peers, legs, end } = await talkers(engine, TONES.slice(0, 4))
    const room = await engine.createRoom({ perWorker: 2 })
    for (const leg of legs) await room.join(leg)
    const workers = legs.map(leg => leg.worker)
    t.equal(new Set(workers).size, 2)
    const there = legs.findIndex(leg => leg.worker !== workers[0])
    room.hears(legs[0]!, legs[there]!, false)
    await goOn(peers, 40)
    await engine.replaceWorker(workers[0]!)
    await goOn(peers, 60)
    t.same(matrix(peers), others(4).map((heard, at) => heard.filter(other => at !== 0 || other !== there)), 'the first part')
    await engine.replaceWorker(workers[there]!)
    await goOn(peers, 60)
    t.same(matrix(peers), others(4).map((heard, at) => heard.filter(other => at !== 0 || other !== there)), 'and the other')
    for (const [at, leg] of legs.entries()) if (leg.worker !== workers[0]) await room.part(leg).then(() => peers[at]!.quiet())
    const left = peers.filter((_, at) => workers[at] === workers[0])
    await goOn(left, 40)
    t.same(left.map(peer => TONES.filter(tone => peer.level(tone, 2400) > -30).length), left.map(() => left.length - 1))
    await room[Symbol.asyncDispose]()
    await end()
  })

  await t.test('a worker that dies or is drained makes nobody begin to talk again, and who has fallen silent meanwhile has ended', async t => {
    const { peers, legs, end } = await talkers(engine, TONES.slice(0, 4))
    await using room = await engine.createRoom({ perWorker: 2 })
    for (const leg of legs) await room.join(leg)
    const told = new Map(legs.map(leg => [leg, [] as boolean[]]))
    room.on('talking', (leg, talking) => told.get(leg)!.push(talking))
    const events = (): boolean[][] => [...told.values()]
    await until(() => events().every(each => each.length === 1), 'all talk')
    const { worker } = legs[0]!
    await engine.replaceWorker(worker)
    await goOn(peers, 40)
    t.same(events(), [[true], [true], [true], [true]], 'died')
    peers[0]!.quiet()
    await engine.replaceWorker(worker)
    await until(() => events()[0]!.length === 2, 'one has ended')
    await engine.drainWorker(worker)
    await goOn(peers, 40)
    t.same(events(), [[true, false], [true], [true], [true]], 'drained')
    t.equal(await engine.addWorker(), worker)
    await end()
  })
})
