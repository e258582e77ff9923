import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Leg } from '../../../src/media/leg.js'
import { PortThief } from '../../media/port-thief.js'
import { stall, stalling } from '../../media/stalling-codec.js'
import { goOn } from '../../media/talkers.js'
import { TonePeer, until } from '../../media/tone-peer.js'

const near = (actual: number, wanted: number): boolean => Math.abs(actual - wanted) <= 0.5

const engine = await createMediaEngine({ workers: 2, ports: [48_600, 48_699], codecModules: [import.meta.resolve('../../media/stalling-codec.js')] })
const PORTS = (await engine.statistics()).portsFree
const silent = await TonePeer.create(300, stalling)
t.teardown(async () => {
  silent.close()
  await engine.close()
})

/** By worker: a leg by which it can be held up, and one that talks, with its telephone. */
interface Scene {
  readonly stallers: readonly Leg[]
  readonly legs: readonly Leg[]
  readonly peers: readonly TonePeer[]
}

const sceneFor = async (t: Test): Promise<Scene> => {
  const both: Leg[][] = [[], []]
  while (both.some(({ length }) => length < 2)) {
    const leg = await engine.open({ kind: 'rtp' })
    const opened = both[leg.worker]!
    if (opened.length < 2) opened.push(leg)
    else await leg.close()
  }
  const stallers = both.map(([leg]) => leg!)
  const legs = both.map(([, leg]) => leg!)
  const peers = await Promise.all([440, 1000].map(tone => TonePeer.create(tone)))
  for (const leg of stallers) await leg.apply(silent.media())
  for (const [at, leg] of legs.entries()) await leg.apply(peers[at]!.media())
  peers.forEach((peer, at) => peer.talk(legs[at]!))
  t.teardown(async () => {
    for (const peer of peers) peer.close()
    await Promise.all(both.flat().map(leg => leg.close()))
  })
  return { stallers, legs, peers }
}

/** Each leg that is open is in one worker, and where it says; each that is closed has given its ports back. */
const checkPlaces = async (t: Test, open: readonly Leg[]): Promise<void> => {
  const placed = async (): Promise<string> => JSON.stringify((await engine.statistics()).workers.map(({ index, legs: count }) => [index, count]))
  const wanted = async (): Promise<string> => JSON.stringify((await engine.statistics()).workers.map(({ index }) => [index, open.filter(leg => leg.worker === index).length]))
  await until(async () => await placed() === await wanted(), 'each in one worker', 5000).catch(() => undefined)
  t.equal(await placed(), await wanted(), 'each in one worker')
  const { legs: count, portsFree } = await engine.statistics()
  t.same([count, portsFree], [open.length, PORTS - open.length], 'legs and ports')
}

const checkTalk = async (t: Test, { peers }: Scene): Promise<void> => {
  const tones = peers.map(peer => peer.tone).reverse()
  await goOn(peers, 20)
  await until(() => peers.every((peer, at) => near(peer.level(tones[at]!, 1600), -10)), 'each hears the other', 5000).catch(() => undefined)
  for (const [at, peer] of peers.entries()) t.ok(near(peer.level(tones[at]!, 1600), -10), `${tones[at]} Hz at its level`)
}

void t.test('the worker that a leg leaves dies before it has let go: the leg arrives, and what it was told meanwhile is done', async t => {
  const scene = await sceneFor(t)
  const { stallers, legs: [there, mover], peers } = scene
  await stall(stallers[1]!)
  const joined = engine.join(there!, mover!)
  await engine.replaceWorker(1)
  const told = [mover!.apply(peers[1]!.media()), mover!.statistics()]
  for (const outcome of await Promise.allSettled([joined, ...told])) t.match(outcome, { status: 'fulfilled' })
  t.equal(mover!.worker, there!.worker)
  await checkTalk(t, scene)
  await checkPlaces(t, [...scene.stallers, ...scene.legs])
})

void t.test('the worker that a leg has left dies before the other has taken it: the leg arrives, and is opened nowhere else', async t => {
  const scene = await sceneFor(t)
  const { stallers, legs: [there, mover] } = scene
  await stall(stallers[0]!, 2)
  const joined = engine.join(there!, mover!)
  // Its going is answered.
  await stallers[1]!.statistics()
  await engine.replaceWorker(1)
  await t.resolves(joined)
  t.equal(mover!.worker, there!.worker)
  await checkTalk(t, scene)
  await checkPlaces(t, [...scene.stallers, ...scene.legs])
})

void t.test('the worker that a leg goes to dies', async t => {
  const scene = await sceneFor(t)
  const { stallers, legs: [there, mover] } = scene
  await stall(stallers[0]!)
  const joined = engine.join(there!, mover!)
  await stallers[1]!.statistics()
  await engine.replaceWorker(0)
  await t.resolves(joined)
  t.equal(mover!.worker, there!.worker)
  await checkTalk(t, scene)
  await checkPlaces(t, [...scene.stallers, ...scene.legs])
})

void t.test('a worker is drained while a leg comes to it: both go on together elsewhere', async t => {
  const scene = await sceneFor(t)
  const { stallers, legs: [there, mover] } = scene
  await stallers[0]!.close()
  await stall(stallers[1]!)
  const joined = engine.join(there!, mover!)
  await turn()
  const drained = engine.drainWorker(0)
  await t.resolves(joined)
  await t.resolves(drained)
  t.same([there!.worker, mover!.worker], [1, 1])
  await checkTalk(t, scene)
  await checkPlaces(t, [there!, mover!, stallers[1]!])
  t.equal(await engine.addWorker(), 0)
})

void t.test('a leg that closes before its turn to move is not opened again', async t => {
  const { stallers, legs: [there, mover] } = await sceneFor(t)
  await using room = await engine.createRoom()
  await room.join(there!)
  const third = await engine.open({ kind: 'rtp', near: mover! })
  await stall(stallers[1]!)
  const moved = room.join(mover!)
  const joined = engine.join(mover!, third)
  await third.close()
  await t.rejects(joined, { code: 'MEDIA_LEG_CLOSED' })
  await moved
  await checkPlaces(t, [there!, mover!, ...stallers])
})

void t.test('a leg that is being opened when its worker dies, and cannot have that port, gives it back once', async t => {
  const { stallers, legs } = await sceneFor(t)
  await stall(stallers[0]!)
  const sockets: Socket[] = []
  const held = new Set([...stallers, ...legs].map(leg => leg.local.port))
  for (let port = 48_600; port < 48_700; port += 2) {
    if (held.has(port)) continue
    const socket = createSocket('udp4')
    socket.bind(port, '127.0.0.1')
    // Who has it already holds it as well.
    await once(socket, 'listening').catch(() => undefined)
    sockets.push(socket)
  }
  const opened = engine.open({ kind: 'rtp', near: legs[0]! })
  await engine.replaceWorker(0)
  await t.rejects(opened, { code: 'MEDIA_PORTS_EXHAUSTED' })
  for (const socket of sockets) socket.close()
  await checkPlaces(t, [...legs, ...stallers])
})

void t.test('a leg whose port is taken by another program when its worker dies is closed', async t => {
  const scene = await sceneFor(t)
  const { stallers, legs: [leg, other] } = scene
  const closed = new Promise<void>(resolve => leg!.once('closed', resolve))
  const thief = new PortThief(leg!.local.port)
  await engine.replaceWorker(0)
  await closed
  t.ok(thief.succeeded)
  thief.close()
  await checkPlaces(t, [other!, ...stallers])
})

void t.test('a recording goes on in the worker that its leg comes back to', async t => {
  const { legs: [there, mover], peers } = await sceneFor(t)
  const file = join(t.testdir(), 'back.wav')
  const neighbour = await engine.open({ kind: 'rtp', near: mover! })
  const recording = await mover!.record({ file, tracks: 'received' })
  await engine.join(there!, mover!)
  await engine.join(neighbour, mover!)
  t.equal(mover!.worker, 1)
  const { sent } = peers[1]!
  await until(() => peers[1]!.sent > sent + 30, 'talks on')
  const { ms } = await recording.stop()
  await neighbour.close()
  const bytes = await readFile(file)
  const pcm = new Int16Array(bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length))
  t.ok(Math.abs(pcm.length / 8 - ms) < 1 && near(toneLevel(pcm, peers[1]!.tone, 8000, pcm.length - 2400, 1600), -10), 'to its end')
})

void t.test('a worker that dies while the engine closes does not hold it up', async t => {
  const { stallers } = await sceneFor(t)
  await stall(stallers[0]!)
  const closed = engine.close()
  await engine.replaceWorker(0)
  await t.resolves(closed)
})

void t.test('two joins at once of one leg, to legs in different workers, both end', async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [48_100, 48_199] })
  t.teardown(() => engine.close())
  const legs: Leg[] = []
  for (let at = 0; at < 4; at++) legs.push(await engine.open({ kind: 'rtp' }))
  const [x, y, z] = [legs[0]!, legs[1]!, legs[3]!]
  t.not(x.worker, y.worker)
  t.equal(y.worker, z.worker)
  for (let round = 0; round < 3; round++) await Promise.all([engine.join(x, z), engine.join(y, z)])
  t.pass('neither pulls the leg back for ever')
})
