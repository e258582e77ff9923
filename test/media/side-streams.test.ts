import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { createMediaEngine } from '../../src/media/engine.js'
import type { MediaEngine } from '../../src/media/leg.js'
import type { SideStream } from '../../src/media/side-stream.js'
import { writeRtcp } from '../../src/rtp/rtcp.js'
import type { NegotiatedStreamCodec, StreamKind } from '../../src/sdp/negotiated.js'
import { PortThief } from './port-thief.js'
import { codec, StreamPeer } from './stream-peer.js'
import { until } from './tone-peer.js'

const random = seededRandom(27)

interface Joined {
  readonly ann: StreamPeer
  readonly bob: StreamPeer
  readonly a: SideStream
  readonly b: SideStream
  readonly end: () => Promise<void>
}

/** Ann's H.264 is 97, Bob's 120; towards us both use ours. */
const ANN = [codec('H264', 97, 97)]
const BOB = [codec('H264', 120, 120)]

/** Two peers whose streams are joined. */
const joined = async (engine: MediaEngine, options: { readonly ann?: readonly NegotiatedStreamCodec[]; readonly bob?: readonly NegotiatedStreamCodec[]; readonly kind?: StreamKind } = {}): Promise<Joined> => {
  const { ann: annCodecs = ANN, bob: bobCodecs = BOB, kind = 'video' } = options
  const [ann, bob] = [await StreamPeer.create(random.uint32()), await StreamPeer.create(random.uint32())]
  const [a, b] = [await engine.openStream({ kind }), await engine.openStream({ kind })]
  await Promise.all([a.apply(ann.agreed(annCodecs, { kind })), b.apply(bob.agreed(bobCodecs, { kind }))])
  await engine.joinStreams(a, b)
  return {
    ann, bob, a, b,
    end: async () => {
      await Promise.all([a.close(), b.close()])
      ann.close()
      bob.close()
    },
  }
}

void t.test('side streams', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [43600, 43699] })
  t.teardown(() => engine.close())

  await t.test('video goes through undecoded: the other party\'s payload type, one source, marks, gaps and order as they were', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    const pictures = [[100, 3000, false], [101, 3000, true], [103, 6000, true], [102, 6000, false]] as const
    for (const [sequence, timestamp, marker] of pictures) ann.send(a, { payload: `slice ${sequence}`, sequence, timestamp, marker, payloadType: 97 })
    bob.send(b, { payload: 'back', sequence: 65_535, timestamp: 9, marker: true, payloadType: 120 })
    bob.send(b, { payload: 'and on', sequence: 0, timestamp: 3009, marker: true, payloadType: 120 })
    await until(() => bob.seen.length === 4 && ann.seen.length === 2, 'both ways')
    const [first] = bob.seen
    t.same(bob.seen.map(({ payload, marker, payloadType, sequence, timestamp }) => [payload.toString(), marker, payloadType, (sequence - first!.sequence) & 0xffff, (timestamp - first!.timestamp) >>> 0]),
      [['slice 100', false, 120, 0, 0], ['slice 101', true, 120, 1, 0], ['slice 103', true, 120, 3, 3000], ['slice 102', false, 120, 2, 3000]])
    t.equal(new Set(bob.seen.map(({ ssrc }) => ssrc)).size, 1)
    t.not(first!.ssrc, ann.ssrc)
    t.same(ann.seen.map(({ payload, payloadType, marker }) => [payload.toString(), payloadType, marker]), [['back', 97, true], ['and on', 97, true]])
    t.equal((ann.seen[1]!.sequence - ann.seen[0]!.sequence) & 0xffff, 1, 'through the wrap of the sequence')
    t.match(await a.statistics(), { received: { packets: 4, lost: 0 }, sent: { packets: 2 }, dropped: {} })
    await end()
  })

  await t.test('RFC 4585 §6, RFC 5104 §4.3.1: NACK, PLI and FIR arrive in the numbers of their source', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    for (const sequence of [500, 503]) ann.send(a, { payload: `p${sequence}`, sequence, payloadType: 97 })
    await until(() => bob.seen.length === 2, 'video')
    const { ssrc: media, sequence } = bob.seen[0]!
    const { ssrc } = bob
    bob.ask(b, { type: 'nack', ssrc, media, missing: [{ packet: (sequence + 1) & 0xffff, mask: 1 }] })
    bob.ask(b, { type: 'picture-loss', ssrc, media })
    for (const number of [7, 7, 8]) bob.ask(b, { type: 'full-intra', ssrc, requests: [{ ssrc: media, sequence: number }] })
    await until(() => ann.asked().length === 5, 'requests')
    const [nack, loss, ...intra] = ann.asked()
    const source = nack!.type === 'nack' ? nack!.ssrc : 0
    t.same(nack, { type: 'nack', ssrc: source, media: ann.ssrc, missing: [{ packet: 501, mask: 1 }] })
    t.same(loss, { type: 'picture-loss', ssrc: source, media: ann.ssrc })
    t.same(intra.map(request => request.type === 'full-intra' && request.requests), [1, 1, 2].map(number => [{ ssrc: ann.ssrc, sequence: number }]), 'a repetition stays one')
    t.ok(ann.reports.some(report => report.type === 'receiver-report' && report.ssrc === source), 'RFC 4585 §3.1: behind a report')
    ann.send(a, { payload: 'again', sequence: 501, payloadType: 97 })
    await until(() => bob.seen.length === 3, 'what was asked for')
    t.equal(bob.seen[2]!.sequence, (sequence + 1) & 0xffff)
    t.equal((await b.statistics()).feedback, 5)
    await end()
  })

  await t.test('requests that are not about the stream, not agreed on or too many are dropped and counted', async t => {
    const { ann, bob, a, b, end } = await joined(engine, { ann: [codec('H264', 97, 97, { feedback: ['nack pli'] })] })
    const { ssrc } = bob
    bob.ask(b, { type: 'picture-loss', ssrc, media: 1 })
    ann.send(a, { payload: 'x', sequence: 1, payloadType: 97 })
    await until(() => bob.seen.length === 1, 'video')
    const { ssrc: media, sequence } = bob.seen[0]!
    bob.ask(b, { type: 'picture-loss', ssrc, media: media ^ 1 })
    bob.ask(b, { type: 'nack', ssrc, media, missing: [{ packet: sequence, mask: 0 }] })
    bob.ask(b, { type: 'full-intra', ssrc, requests: [{ ssrc: media, sequence: 1 }] })
    for (let count = 0; count < 250; count++) {
      bob.ask(b, { type: 'picture-loss', ssrc, media })
      if (count % 25 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    const refused = async (): Promise<number> => (await b.statistics()).dropped['feedback'] ?? 0
    let counted = 0
    // Both counts meet in the end; a second may begin in between.
    while ((counted = await refused() + (await b.statistics()).feedback) < 254) await new Promise(resolve => setTimeout(resolve, 10))
    t.equal(counted, 254)
    t.ok(await refused() >= 4 + 50, `${await refused()} refused`)
    t.ok(ann.asked().every(({ type }) => type === 'picture-loss'))
    await end()
  })

  await t.test('RFC 4961: strangers are dropped and counted, and are sent nothing', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    const stranger = await StreamPeer.create(random.uint32())
    ann.send(a, { payload: 'one', sequence: 10, payloadType: 97 })
    await until(() => bob.seen.length === 1, 'video')
    const { ssrc: media } = bob.seen[0]!
    for (let sequence = 1; sequence <= 20; sequence++) stranger.send(a, { payload: 'intruder', sequence, payloadType: 97 })
    for (let count = 0; count < 50; count++) stranger.raw(a, Buffer.from(Array.from({ length: random.uint32() % 60 }, () => random.uint32() & 0xff)))
    ann.send(a, { payload: 'wrong type', sequence: 11, payloadType: 99 })
    ann.send(a, { payload: 'two', sequence: 12, payloadType: 97 })
    bob.ask(b, { type: 'picture-loss', ssrc: bob.ssrc, media }, bob.rtp)
    await until(() => bob.seen.length === 2, 'video goes on')
    t.same(bob.seen.map(({ payload }) => payload.toString()), ['one', 'two'])
    t.same([stranger.seen, stranger.reports], [[], []])
    const { dropped } = await a.statistics()
    t.equal(dropped['stranger'], 20)
    t.ok(dropped['payload-type']! >= 1)
    t.equal((await b.statistics()).dropped['not-rtp'], 1, 'RTCP on the port of RTP, which was not agreed on')
    stranger.close()
    await end()
  })

  await t.test('a party behind a NAT is believed after some packets in order', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    await a.apply(ann.agreed(ANN, { remote: { address: '127.0.0.1', port: 9 } }))
    bob.send(b, { payload: 'to where it says', sequence: 1, payloadType: 120 })
    for (let sequence = 1; sequence <= 6; sequence++) ann.send(a, { payload: `n${sequence}`, sequence, payloadType: 97 })
    await until(() => bob.seen.length === 3, 'latched with the fourth')
    bob.send(b, { payload: 'to where it is', sequence: 2, payloadType: 120 })
    await until(() => ann.seen.length === 1, 'and back')
    t.same(ann.seen.map(({ payload }) => payload.toString()), ['to where it is'])
    await end()
  })

  await t.test('RFC 4103 §4.2, RFC 2198 §3: redundant text names its blocks by the numbers of who reads it', async t => {
    const ann = [codec('RED', 100, 100), codec('T140', 101, 101)]
    const bob = [codec('RED', 105, 105), codec('T140', 106, 106)]
    const { ann: writer, bob: reader, a, end } = await joined(engine, { ann, bob, kind: 'text' })
    const blocks = Buffer.from([0x80 | 101, 0, 4, 2, 0x80 | 101, 0, 0, 3, 101, ...Buffer.from('hiyouthere')])
    writer.send(a, { payload: blocks, sequence: 1, marker: true, payloadType: 100 })
    writer.send(a, { payload: Buffer.from([0x80 | 50, 0, 0, 0, 101]), sequence: 2, payloadType: 100 })
    writer.send(a, { payload: Buffer.from([0x80 | 101, 0]), sequence: 3, payloadType: 100 })
    writer.send(a, { payload: 'plain', sequence: 4, payloadType: 101 })
    await until(() => reader.seen.length === 2, 'text')
    t.same(reader.seen.map(({ payloadType, marker, payload }) => [payloadType, marker, payload.toString('latin1')]),
      [[105, true, Buffer.from([0x80 | 106, 0, 4, 2, 0x80 | 106, 0, 0, 3, 106, ...Buffer.from('hiyouthere')]).toString('latin1')], [106, false, 'plain']])
    t.equal((await a.statistics()).dropped['payload-type'], 2, 'blocks without a counterpart, and headers that run out')
    await end()
  })

  await t.test('RFC 3711: SRTP towards one party, RTP towards the other, and their RTCP', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    const keys = (tag: number): { suite: string; tag: number; key: Uint8Array } => ({ suite: 'AES_CM_128_HMAC_SHA1_80', tag, key: Uint8Array.from({ length: 30 }, () => random.uint32() & 0xff) })
    await a.apply(ann.agreed(ANN, { crypto: ann.secure(keys(1), keys(2)) }))
    ann.send(a, { payload: 'secret', sequence: 1, payloadType: 97 })
    bob.send(b, { payload: 'plain', sequence: 1, payloadType: 120 })
    await until(() => bob.seen.length === 1 && ann.seen.length === 1, 'both ways')
    t.same([bob.seen[0]!.payload.toString(), ann.seen[0]!.payload.toString()], ['secret', 'plain'])
    t.notOk(ann.datagrams.some(datagram => datagram.includes('plain')), 'sealed on its way')
    ann.ask(a, { type: 'picture-loss', ssrc: ann.ssrc, media: ann.seen[0]!.ssrc })
    bob.ask(b, { type: 'picture-loss', ssrc: bob.ssrc, media: bob.seen[0]!.ssrc })
    await until(() => ann.asked().length === 1 && bob.asked().length === 1, 'requests')
    ann.raw(a, Buffer.from(ann.datagrams[0]!))
    await until(async () => (await a.statistics()).dropped['authentication'] === 1, 'forgeries are counted')
    await end()
  })

  await t.test('T.38: datagrams go both ways as they are, strangers are dropped', async t => {
    const { ann, bob, a, b, end } = await joined(engine, { ann: [], bob: [], kind: 'image' })
    const stranger = await StreamPeer.create(1)
    const fax = [Buffer.from([0, 0, 1, 2, 3]), Buffer.from([0, 1, 0x80, 0, 7]), Buffer.from([0, 1, 0x80, 0, 7])]
    for (const datagram of fax) ann.raw(a, datagram)
    bob.raw(b, Buffer.from([0x80, 96, 5]))
    for (let number = 0; number < 8; number++) stranger.raw(b, Buffer.from([0, number, 9, 9]))
    ann.raw(a, Buffer.from([1]))
    await until(() => bob.datagrams.length === 3 && ann.datagrams.length === 1, 'both ways')
    t.same(bob.datagrams, fax, 'repetitions too')
    t.same(ann.datagrams, [Buffer.from([0x80, 96, 5])], 'whatever they look like')
    await until(async () => (await b.statistics()).dropped['stranger'] === 8, 'strangers')
    t.match(await a.statistics(), { received: { packets: 3, bytes: 15, lost: 0 }, sent: { packets: 1, bytes: 3 }, dropped: { malformed: 1 } })
    for (const number of [2, 6, 5, 6, 7]) ann.raw(a, Buffer.from([0, number, 1]))
    await until(() => bob.datagrams.length === 8, 'goes on')
    t.equal((await a.statistics()).received.lost, 2, 'two numbers never came; what came twice makes up for none')
    stranger.close()
    await end()
  })

  await t.test('another party takes over: one timeline goes on, its source is asked for a picture, old numbers mean nothing', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    const cleo = await StreamPeer.create(random.uint32())
    const c = await engine.openStream({ kind: 'video' })
    await c.apply(cleo.agreed([codec('H264', 110, 110)]))
    ann.send(a, { payload: 'from Ann', sequence: 900, timestamp: 1, payloadType: 97 })
    cleo.send(c, { payload: 'to nobody', sequence: 40, timestamp: 1, payloadType: 110 })
    await until(async () => bob.seen.length === 1 && (await c.statistics()).dropped['no-peer'] === 1, 'video')
    await engine.joinStreams(c, b)
    await until(() => cleo.asked().some(({ type }) => type === 'picture-loss'), 'RFC 4585 §6.3.1: a picture to begin with')
    cleo.send(c, { payload: 'from Cleo', sequence: 41, timestamp: 3001, payloadType: 110 })
    await until(() => bob.seen.length === 2, 'goes on')
    const [before, after] = bob.seen
    t.equal(after!.ssrc, before!.ssrc)
    t.equal(after!.sequence, (before!.sequence + 1) & 0xffff)
    t.ok((after!.timestamp - before!.timestamp) >>> 0 < 90_000, 'by the clock, not by Cleo\'s')
    cleo.reports.length = 0
    bob.ask(b, { type: 'nack', ssrc: bob.ssrc, media: after!.ssrc, missing: [{ packet: before!.sequence, mask: 0 }, { packet: after!.sequence, mask: 0 }] })
    await until(() => cleo.asked().length === 1, 'a request')
    t.match(cleo.asked()[0], { type: 'nack', media: cleo.ssrc, missing: [{ packet: 41, mask: 0 }] }, 'Ann\'s packet is not asked for')
    ann.send(a, { payload: 'to nobody', sequence: 901, payloadType: 97 })
    await until(async () => (await a.statistics()).dropped['no-peer'] === 1, 'Ann is parted')
    await engine.partStream(b)
    cleo.send(c, { payload: 'late', sequence: 42, payloadType: 110 })
    await until(async () => (await c.statistics()).dropped['no-peer'] === 2, 'all are parted')
    await c.close()
    cleo.close()
    await end()
  })

  await t.test('RFC 5104 §4.3.1: a source that agreed on FIR alone is asked by it for each first picture, under numbers that go up', async t => {
    const { ann, bob, a, b, end } = await joined(engine, { ann: [codec('H264', 97, 97, { feedback: ['ccm fir'] })] })
    ann.send(a, { payload: 'one', sequence: 1, payloadType: 97 })
    await until(() => bob.seen.length === 1, 'video')
    t.same(ann.asked(), [], 'who has just begun does so with a whole picture')
    const { ssrc: media } = bob.seen[0]!
    for (let join = 1; join <= 2; join++) {
      await engine.partStream(a)
      await engine.joinStreams(a, b)
      await until(() => ann.asked().length === 2 * join - 1, 'joined anew')
      bob.ask(b, { type: 'full-intra', ssrc: bob.ssrc, requests: [{ ssrc: media, sequence: 40 + join }] })
      await until(() => ann.asked().length === 2 * join, 'asked by Bob')
    }
    t.same(ann.asked().map(request => request.type === 'full-intra' && request.requests), [1, 2, 3, 4].map(sequence => [{ ssrc: ann.ssrc, sequence }]))
    await end()
  })

  await t.test('RFC 3550 §8.2, §6.6: a party that has chosen our SSRC gets another, nothing is asked of a source that has said BYE', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    bob.send(b, { payload: 'one', sequence: 1, payloadType: 120 })
    await until(() => ann.seen.length === 1, 'video')
    const { ssrc } = ann.seen[0]!
    ann.ssrc = ssrc
    ann.send(a, { payload: 'collides', sequence: 1, payloadType: 97 })
    await until(() => bob.seen.length === 1 && ann.reports.some(({ type }) => type === 'bye'), 'BYE')
    t.same(ann.reports.find(({ type }) => type === 'bye'), { type: 'bye', ssrcs: [ssrc] })
    bob.send(b, { payload: 'two', sequence: 2, payloadType: 120 })
    await until(() => ann.seen.length === 2, 'goes on')
    t.not(ann.seen[1]!.ssrc, ssrc)
    ann.rtcp.send(writeRtcp({ ssrc, cname: 'ann', reports: [], bye: true }), a.local.rtcpPort, a.local.address)
    await until(async () => {
      bob.ask(b, { type: 'picture-loss', ssrc: bob.ssrc, media: bob.seen[0]!.ssrc })
      return ((await b.statistics()).dropped['feedback'] ?? 0) > 0
    }, 'gone')
    await end()
  })

  await t.test('directions of both parties hold', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    await a.apply(ann.agreed(ANN, { direction: 'recvonly' }))
    bob.send(b, { payload: 'unwanted', sequence: 1, payloadType: 120 })
    ann.send(a, { payload: 'seen', sequence: 1, payloadType: 97 })
    await until(() => bob.seen.length === 1, 'one way')
    await until(async () => (await a.statistics()).dropped['direction'] === 1, 'the other')
    t.equal(ann.seen.length, 0)
    await end()
  })

  await t.test('a port that none follows harms nobody: no RTCP goes there', async t => {
    const { ann, bob, a, b, end } = await joined(engine)
    const last = await StreamPeer.create(random.uint32(), 65_535)
    await a.apply(last.agreed(ANN, { remoteRtcp: undefined }))
    last.send(a, { payload: 'x', sequence: 1, payloadType: 97 })
    await until(() => bob.seen.length === 1, 'video')
    bob.ask(b, { type: 'picture-loss', ssrc: bob.ssrc, media: bob.seen[0]!.ssrc })
    await until(async () => (await b.statistics()).feedback === 1, 'a request')
    last.send(a, { payload: 'y', sequence: 2, payloadType: 97 })
    await until(() => bob.seen.length === 2, 'the worker lives')
    t.equal(bob.seen[1]!.ssrc, bob.seen[0]!.ssrc)
    t.same([last.reports, ann.reports], [[], []])
    last.close()
    await end()
  })

  t.match(await engine.statistics(), { streams: 0, portsFree: 50 }, 'nothing is left')
})

void t.test('RFC 3711 §9.1: ends of two workers are joined in one, and go on in the same timelines when it dies', async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [43700, 43799] })
  t.teardown(() => engine.close())
  const legs = [await engine.open({ kind: 'rtp' }), await engine.open({ kind: 'rtp' })]
  t.not(legs[0]!.worker, legs[1]!.worker)
  const [ann, bob] = [await StreamPeer.create(11), await StreamPeer.create(12)]
  const [a, b] = [await engine.openStream({ kind: 'video', near: legs[0]! }), await engine.openStream({ kind: 'video', near: legs[1]! })]
  await Promise.all([a.apply(ann.agreed(ANN)), b.apply(bob.agreed(BOB))])
  bob.send(b, { payload: 'to nobody', sequence: 1, payloadType: 120 })
  await until(async () => (await b.statistics()).dropped['no-peer'] === 1, 'under way')
  await engine.joinStreams(a, b)
  t.equal(a.worker, b.worker)
  bob.send(b, { payload: 'from the middle of a picture', sequence: 2, payloadType: 120 })
  await until(() => bob.asked().some(({ type }) => type === 'picture-loss'), 'who moved is asked for a picture')
  t.match(await b.statistics(), { received: { packets: 2 }, dropped: { 'no-peer': 1 } }, 'counted on')
  let sequence = 0
  const again = (): void => ann.send(a, { payload: 'x', sequence: sequence++, timestamp: sequence * 3000, payloadType: 97 })
  again()
  await until(() => bob.seen.length === 1, 'joined')
  await engine.replaceWorker(a.worker)
  await until(() => {
    again()
    return bob.seen.length > 4
  }, 'goes on')
  t.equal(new Set(bob.seen.map(({ ssrc }) => ssrc)).size, 1, 'the source that it was')
  t.ok(bob.seen.every(({ sequence: number }, at) => at === 0 || ((number - bob.seen[at - 1]!.sequence) & 0xffff) === 1), 'no number twice')
  await until(() => ann.asked().some(({ type }) => type === 'picture-loss'), 'what was lost meanwhile shows in no number: a picture is asked for')
  await Promise.all([a.close(), b.close()])
  ann.close()
  bob.close()
})

void t.test('a worker is drained with its side streams: video, SRTP and fax go on in another, in their timelines and counts', async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [43800, 43899] })
  t.teardown(() => engine.close())
  const leg = await engine.open({ kind: 'rtp' })
  const keys = (tag: number): { suite: string; tag: number; key: Uint8Array } => ({ suite: 'AES_CM_128_HMAC_SHA1_80', tag, key: Uint8Array.from({ length: 30 }, () => random.uint32() & 0xff) })
  const pair = async (kind: StreamKind): Promise<Joined> => {
    const [ann, bob] = [await StreamPeer.create(random.uint32()), await StreamPeer.create(random.uint32())]
    const [a, b] = [await engine.openStream({ kind, near: leg }), await engine.openStream({ kind, near: leg })]
    await a.apply(ann.agreed(kind === 'image' ? [] : ANN, kind === 'image' ? { kind } : { crypto: ann.secure(keys(1), keys(2)) }))
    await b.apply(bob.agreed(kind === 'image' ? [] : BOB, { kind }))
    await engine.joinStreams(a, b)
    return { ann, bob, a, b, end: () => Promise.resolve() }
  }
  const [video, fax] = [await pair('video'), await pair('image')]
  let sent = 0
  /** Sends until each has seen some more: what comes between two sockets is lost. */
  const goOn = async (what: string): Promise<void> => {
    const from = [video.bob.seen.length, video.ann.seen.length, fax.bob.datagrams.length]
    await until(() => {
      sent++
      video.ann.send(video.a, { payload: 'x', sequence: sent, timestamp: sent * 3000, payloadType: 97 })
      video.bob.send(video.b, { payload: 'y', sequence: sent, timestamp: sent * 3000, payloadType: 120 })
      fax.ann.raw(fax.a, Buffer.from([sent >> 8, sent & 0xff, 7]))
      return [video.bob.seen.length, video.ann.seen.length, fax.bob.datagrams.length].every((count, at) => count > from[at]! + 3)
    }, what)
  }
  await goOn('before')
  const before = await video.a.statistics()
  await engine.drainWorker(leg.worker)
  const { workers } = await engine.statistics()
  t.ok(workers.length === 1 && [video.a, video.b, fax.a, fax.b, leg].every(({ worker }) => worker === workers[0]!.index), 'all are elsewhere')
  await goOn('after')
  for (const { seen } of [video.ann, video.bob]) {
    t.equal(new Set(seen.map(({ ssrc }) => ssrc)).size, 1, 'one source')
    t.ok(seen.every(({ sequence }, at) => at === 0 || ((sequence - seen[at - 1]!.sequence) & 0xffff) === 1), 'by one')
  }
  await until(() => video.ann.asked().length === 1 && video.bob.asked().length === 1, 'a picture of each')
  t.ok((await video.a.statistics()).received.packets > before.received.packets, 'counted on')
  for (const { ann, bob } of [video, fax]) {
    ann.close()
    bob.close()
  }
})

void t.test('a port that another program takes while an end or a leg changes its worker: it is closed, and the caller told; everything else goes on', async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [43900, 43999] })
  t.teardown(() => engine.close())
  const legs = [await engine.open({ kind: 'rtp' }), await engine.open({ kind: 'rtp' })] as const
  t.not(legs[0].worker, legs[1].worker)
  const [a, b] = [await engine.openStream({ kind: 'video', near: legs[0] }), await engine.openStream({ kind: 'video', near: legs[1] })]
  const [ann, cleo] = [await StreamPeer.create(21), await StreamPeer.create(22)]
  await a.apply(ann.agreed(ANN))
  const thief = new PortThief(b.local.port)
  await t.rejects(engine.joinStreams(a, b), { code: 'MEDIA_PORTS_EXHAUSTED' })
  t.ok(thief.succeeded && b.closed && !a.closed)
  const c = await engine.openStream({ kind: 'video', near: legs[0] })
  await c.apply(cleo.agreed(BOB))
  await engine.joinStreams(a, c)
  ann.send(a, { payload: 'x', sequence: 1, payloadType: 97 })
  await until(() => cleo.seen.length === 1, 'who is left is joined to another')
  const other = new PortThief(legs[1].local.port)
  const closed = new Promise<void>(resolve => legs[1].once('closed', resolve))
  await t.rejects(engine.join(legs[0], legs[1]), { code: 'MEDIA_PORTS_EXHAUSTED' })
  await closed
  await legs[0].statistics()
  t.match(await engine.statistics(), { legs: 1, streams: 2 })
  thief.close()
  other.close()
  ann.close()
  cleo.close()
})
