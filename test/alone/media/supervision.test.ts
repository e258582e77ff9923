import { createSocket } from 'node:dgram'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { legRounds, useOf } from '../../../bench/load/leg-use.js'
import { pcmu } from '../../../src/codec/g711.js'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { seededRandom } from '../../../src/core/random.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import { writeRtp } from '../../../src/rtp/packet.js'
import { goOn, talkers } from '../../media/talkers.js'
import { calls, longestGap } from '../../media/telephones.js'
import { TonePeer, until } from '../../media/tone-peer.js'

// Side by side: each waits most of its time. Those with many calls, or with the use of the whole process, have it to themselves.
t.jobs = 3
const ALONE = { buffered: false }

const near = (actual: number, wanted: number, within = 0.5): boolean => Math.abs(actual - wanted) <= within

void t.test('strangers and random bytes harm nothing and are counted', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [40800, 40899] })
  const peer = await TonePeer.create(1004)
  const leg = await engine.open({ kind: 'rtp' })
  await leg.apply(peer.media())
  const latched: unknown[] = []
  leg.on('latched', remote => latched.push(remote))
  leg.echo()
  peer.talk(leg)
  await until(() => peer.heard.length > 5, 'echo')
  const stranger = createSocket('udp4')
  const random = seededRandom(7)
  let heardByStranger = 0
  stranger.on('message', () => heardByStranger++)
  for (let n = 0; n < 3000; n++) {
    const bytes = Buffer.from(Array.from({ length: random.uint32() % 200 }, () => random.uint32() & 0xff))
    if (n % 3 === 0 && bytes.length >= 12) writeRtp(bytes, 0, false, 0, n, n * 160, 1234)
    stranger.send(bytes, leg.local.port, leg.local.address)
    if (n % 100 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  const from = peer.heard.length
  await until(() => peer.heard.length > from + 40, 'echo goes on')
  t.ok(near(peer.level(1004), -10), 'the call is unharmed')
  t.equal(heardByStranger, 0, 'nobody else hears it')
  t.same(latched, [{ address: '127.0.0.1', port: peer.port }], 'latched once')
  const { dropped } = await leg.statistics()
  t.ok(dropped['stranger']! > 100 && dropped['not-rtp']! > 100, 'counted by reason')
  t.equal((await engine.statistics()).dropped['stranger'], dropped['stranger'])
  stranger.close()
  peer.close()
  await engine.close()
})

void t.test('RFC 4961: a peer behind a NAT is believed after some packets in order, and once', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [40900, 40999] })
  const [peer, other] = [await TonePeer.create(1004), await TonePeer.create(500)]
  const leg = await engine.open({ kind: 'rtp' })
  await leg.apply(peer.media({ remote: { address: '127.0.0.1', port: 9 } }))
  leg.echo()
  peer.talk(leg)
  await until(() => peer.heard.length > 5, 'echo to where the packets come from')
  other.talk(leg)
  await until(() => peer.heard.length > 25, 'echo goes on')
  t.equal(other.heard.length, 0)
  await leg.apply(peer.media({ remote: { address: '127.0.0.1', port: other.port } }))
  await until(() => other.heard.length > 5, 'a new agreement latches anew')
  const count = peer.heard.length
  const from = other.heard.length
  await until(() => other.heard.length > from + 10, 'goes on')
  t.ok(peer.heard.length <= count + 3, 'the old source hears no more')
  peer.close()
  other.close()
  await engine.close()
})

void t.test('a peer that has been alone for a while is the only one who is heard, until there is another agreement', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [47900, 47999] })
  const [peer, other] = [await TonePeer.create(1004), await TonePeer.create(500)]
  const leg = await engine.open({ kind: 'rtp' })
  await leg.apply(peer.media())
  leg.echo()
  peer.talk(leg)
  other.talk(leg)
  await until(() => peer.heard.length > 60, 'echo among strangers')
  const strangers = async (): Promise<number> => (await leg.statistics()).dropped['stranger'] ?? 0
  t.ok(await strangers() > 50, 'as long as they come they are counted')
  other.quiet()
  await until(() => peer.heard.length > 140, 'the peer alone')
  const [before, sent] = [await strangers(), other.sent]
  other.talk(leg)
  await until(() => other.sent > sent + 10, 'a stranger')
  t.equal(await strangers(), before, 'does not come as far as the leg')
  await leg.apply(other.media())
  await until(() => other.heard.length > 5, 'is heard at once when it is agreed on')
  peer.close()
  other.close()
  await engine.close()
})

void t.test('what is whispered to an agent is not heard by the caller when the two are joined to each other again', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [48000, 48099] })
  const { peers: [caller, agent], legs, end } = await talkers(engine, [500, 800, 1300])
  for (const silent of [false, true]) {
    await using room = await engine.createRoom()
    for (const leg of legs) await room.join(leg)
    room.hears(legs[0]!, legs[2]!, false)
    await until(() => caller!.level(800) > -11, 'the agent in the room')
    if (silent) agent!.quiet()
    const from = caller!.heard.length
    await engine.join(legs[0]!, legs[1]!)
    await new Promise(resolve => setTimeout(resolve, 400))
    const pcm = caller!.pcm(from)
    for (let at = 0; at + 160 <= pcm.length; at += 160) t.ok(toneLevel(pcm, 1300, 8000, at, 160) < -50, 'nothing of the supervisor')
  }
  await end()
  await engine.close()
})

void t.test('a worker that ends does not end its calls', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [41000, 41099] })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-media-'))
  const [ann, bob, guest] = [await TonePeer.create(440), await TonePeer.create(1000), await TonePeer.create(700)]
  const legs = await Promise.all([ann, bob, guest].map(() => engine.open({ kind: 'rtp' })))
  const [a, b, c] = legs
  await Promise.all([a!.apply(ann.media()), b!.apply(bob.media()), c!.apply(guest.media())])
  await engine.join(a!, b!)
  const room = await engine.createRoom()
  await room.join(c!)
  const file = join(directory, 'talk.wav')
  const recording = await a!.record({ file })
  ann.talk(a!)
  bob.talk(b!)
  guest.talk(c!)
  await until(() => ann.heard.length > 30, 'bridge')
  await new Promise(resolve => setTimeout(resolve, 1_200))
  const before = await a!.statistics()
  t.ok(before.received.packets > 60, 'counted')
  await engine.replaceWorker(0)
  const from = ann.heard.length
  const guestFrom = guest.heard.length
  await until(() => ann.heard.length > from + 40 && guest.heard.length > guestFrom + 10, 'bridge and room go on')
  t.ok(near(ann.level(1000), -10) && near(bob.level(440), -10))
  // What a worker has counted is kept once a second.
  const after = await a!.statistics()
  const counts = (packets: 'received' | 'sent'): string => `${packets}: ${before[packets].packets}, then ${after[packets].packets}`
  for (const side of ['received', 'sent'] as const) t.ok(after[side].packets >= before[side].packets - 20 && after[side].packets <= before[side].packets + 60, counts(side))
  t.equal(new Set(ann.heard.map(({ ssrc }) => ssrc)).size, 1, 'the same source')
  t.ok(ann.heard.every((packet, at) => at === 0 || ((packet.sequence - ann.heard[at - 1]!.sequence) & 0xffff) === 1), 'the sequence goes on')
  const step = (ann.heard[from]!.timestamp - ann.heard[from - 1]!.timestamp) | 0
  const elapsed = ann.heard[from]!.at - ann.heard[from - 1]!.at
  t.ok(Math.abs(step / 8 - elapsed) < 60, `the timestamp tells the gap: ${step / 8} of ${elapsed} ms`)
  const { ms } = await recording.stop()
  const wav = await readFile(file)
  t.ok(Math.abs((wav.length - 44) / 4 - ms * 8) <= 8, 'the recording is whole')
  const right = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length)).filter((_sample, at) => at % 2 === 1)
  t.ok(near(toneLevel(right, 1000, 8000, right.length - 4000), -10), 'and goes on')
  for (const peer of [ann, bob, guest]) peer.close()
  await engine.close()
  await rm(directory, { recursive: true })
})

void t.test('fifty bridged calls outlive their worker, and hear a gap of less than half a second', { ...ALONE, timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [42400, 42799] })
  const { phones } = await calls(engine, 50)
  for (let time = 0; time < 2; time++) {
    // By then another worker stands ready.
    await phones.goOn(90)
    await engine.replaceWorker(0)
  }
  await phones.goOn(10)
  const told = await phones.end()
  const gap = Math.max(...told.map(({ heard }) => longestGap(heard)))
  t.ok(gap < 500, `longest gap ${Math.round(gap)} ms`)
  for (const { heard } of told) {
    if (new Set(heard.map(({ ssrc }) => ssrc)).size !== 1) t.fail('another source')
    // What the dead worker had still to send is lost, no more.
    if (heard.some((packet, at) => at > 0 && ((packet.sequence - heard[at - 1]!.sequence) & 0xffff) > 25)) t.fail('the sequence jumps')
  }
  await engine.close()
})

void t.test('a worker that has just started refuses nobody for its own start', { ...ALONE }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [42800, 42999] })
  const legs = await Promise.all(Array.from({ length: 60 }, () => engine.open({ kind: 'rtp' })))
  for (let end = performance.now() + 1000; performance.now() < end;) {
    await (await engine.open({ kind: 'rtp' })).close()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.equal(legs.length, 60)
  await engine.close()
})

void t.test('legs of different workers are joined in mid-call: at most one packet lost each way', { ...ALONE }, async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [41100, 41199] })
  /** Packets that are not there half a second after the last was sent. */
  const lost = async (sent: number, arrived: () => number | Promise<number>): Promise<number> => {
    await until(async () => await arrived() >= sent, 'all', 500).catch(() => undefined)
    return sent - await arrived()
  }
  const tones = [500, 900, 1300, 1700]
  for (let time = 0; time < 3; time++) {
    const peers = await Promise.all(tones.map(tone => TonePeer.create(tone)))
    const [a, b] = await Promise.all([engine.open({ kind: 'rtp' }), engine.open({ kind: 'rtp' })])
    t.not(a.worker, b.worker, 'placed apart, although opened at once')
    const legs = [a, b, await engine.open({ kind: 'rtp', near: a }), await engine.open({ kind: 'rtp', near: b })]
    t.same(legs.map(({ worker }) => worker), [a.worker, b.worker, a.worker, b.worker], 'near')
    await Promise.all(legs.map((leg, at) => leg.apply(peers[at]!.media())))
    await engine.join(a, legs[2]!)
    await engine.join(b, legs[3]!)
    peers.forEach((peer, at) => peer.talk(legs[at]!))
    await goOn(peers, 5)
    // Elsewhere between two packets each time.
    await new Promise(resolve => setTimeout(resolve, 7 * time))
    const [ann, bob] = peers as [TonePeer, TonePeer]
    const before = [ann.sent, bob.sent]
    await engine.join(a, b)
    t.equal(a.worker, b.worker)
    await goOn([ann, bob], 20)
    t.ok(near(ann.level(900, 2400), -10) && near(bob.level(500, 2400), -10))
    for (const peer of peers) peer.quiet()
    /** Packets of the other's tone. */
    const heard = (peer: TonePeer, tone: number): number => peer.heard.filter(({ payload }) => {
      const pcm = new Int16Array(payload.length)
      pcmu.createDecoder().decode(payload, 0, payload.length, pcm)
      return near(toneLevel(pcm, tone, 8000, 0, pcm.length), -10, 1)
    }).length
    const losses = await Promise.all([
      lost(ann.sent, async () => (await a.statistics()).received.packets), lost(bob.sent, async () => (await b.statistics()).received.packets),
      lost(ann.sent - before[0]!, () => heard(bob, 500)), lost(bob.sent - before[1]!, () => heard(ann, 900)),
    ])
    t.comment(`lost on the way to the legs: ${losses.slice(0, 2).join(' and ')}, to each other since they were joined: ${losses.slice(2).join(' and ')}`)
    t.ok(Math.max(...losses) <= 1, 'at most one packet each way')
    for (const { heard } of [ann, bob]) t.equal(new Set(heard.map(({ ssrc }) => ssrc)).size, 1)
    for (const peer of peers) peer.close()
    await Promise.all(legs.map(leg => leg.close()))
  }
  await engine.close()
})

void t.test('RFC 3711: an SRTP leg bridged to an RTP leg, through the wrap of the sequence, a re-INVITE and a change of worker', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [42300, 42399] })
  const [ann, bob] = [await TonePeer.create(440), await TonePeer.create(1000)]
  const [a, b] = [await engine.open({ kind: 'srtp' }), await engine.open({ kind: 'rtp' })]
  const keys = (seed: number): { suite: string; tag: number; key: Uint8Array } =>
    ({ suite: 'AES_CM_128_HMAC_SHA1_80', tag: 1, key: Uint8Array.from({ length: 30 }, (_, at) => at * seed) })
  // Keys from outside, not from a description.
  const crypto = ann.secure({ ...keys(3), mki: Uint8Array.of(1, 2, 3) }, { ...keys(5), mki: Uint8Array.of(9), lifetime: 100_000 })
  const secured = ann.media({ crypto })
  await Promise.all([a.apply(secured), b.apply(bob.media())])
  await engine.join(a, b)
  ann.talk(a)
  bob.talk(b)
  const goesOn = async (): Promise<void> => {
    const [fromAnn, fromBob] = [ann.heard.length, bob.heard.length]
    await until(() => ann.heard.length > fromAnn + 26 && bob.heard.length > fromBob + 26, 'audio both ways')
    t.ok(near(ann.level(1000, 3000), -10) && near(bob.level(440, 3000), -10))
  }
  await goesOn()
  await a.apply(secured)
  await goesOn()
  await engine.replaceWorker(0)
  await goesOn()
  t.ok(ann.sequence < 60_000, 'the sequence number has wrapped')
  const { dropped } = await a.statistics()
  t.same(dropped, {}, 'nothing refused')
  const forger = createSocket('udp4')
  for (let n = 0; n < 50; n++) {
    const packet = Buffer.alloc(182)
    writeRtp(packet, 0, false, 0, n, n * 160, ann.ssrc)
    forger.send(packet, a.local.port, a.local.address)
  }
  await goesOn()
  t.ok(((await a.statistics()).dropped['authentication'] ?? 0) + ((await a.statistics()).dropped['replay'] ?? 0) > 20, 'forgeries are counted')
  forger.close()
  ann.close()
  bob.close()
  await engine.close()
})

void t.test('limits: no port, too many legs', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [41200, 41203], maxLegs: 5 })
  const taken = createSocket('udp4')
  await new Promise<void>(resolve => taken.bind(41200, '127.0.0.1', resolve))
  const leg = await engine.open({ kind: 'rtp' })
  t.equal(leg.local.port, 41202, 'a port that somebody else has is passed over')
  await t.rejects(engine.open({ kind: 'rtp' }), { code: 'MEDIA_PORTS_EXHAUSTED', status: 503 })
  taken.close()
  await engine.close()
  const small = await createMediaEngine({ workers: 1, ports: [41200, 41299], maxLegs: 1 })
  await small.open({ kind: 'rtp' })
  await t.rejects(small.open({ kind: 'rtp' }), { code: 'MEDIA_OVERLOADED', status: 503 })
  await small.close()
})

void t.test('legs made and ended leave nothing behind', { ...ALONE }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [41300, 42299] })
  await legRounds(engine, 8_000)
  const before = await useOf(engine)
  await legRounds(engine, 4_000)
  const after = await useOf(engine)
  const grown = ((after.resident - before.resident) * 2 ** 20) / 4_000
  t.ok(grown < 8192, `${Math.round(grown)} bytes a leg`)
  const { sockets, threads } = before
  t.match(after, { legs: 0, portsFree: 500, sockets, threads })
  const { workers } = await engine.statistics()
  t.equal(workers[0]!.legs, 0)
  await engine.close()
})
