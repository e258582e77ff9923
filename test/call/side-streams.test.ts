import t from 'tap'
import type { Test } from 'tap'
import { once } from 'node:events'
import { seededRandom } from '../../src/core/random.js'
import type { Call, CallHandler, Server, StreamStatistics } from '../../src/index.js'
import { PortThief } from '../media/port-thief.js'
import { until } from '../media/tone-peer.js'
import { AUDIO, FAX, h264, KEY, lineOf, type OwnLines, SECURE_AUDIO, sections, StreamPhone, text, video } from './stream-phone.js'
import { received, sharedServers, twoServers } from './two-servers.js'

const random = seededRandom(6184)
const servers = sharedServers(t)
let users = 0

const ANN: OwnLines = {
  audio: AUDIO, image: FAX, text: text(100, 101),
  video: video('97 99 98 96', [...h264(97, 1), ...h264(99, 0), 'a=rtpmap:98 VP8/90000', 'a=rtpmap:96 rtx/90000', 'a=fmtp:96 apt=97']),
}
const BOB: OwnLines = { audio: AUDIO, image: FAX, text: text(105, 106), video: video('120', h264(120, 1)) }

const phone = async (t: Test, own: OwnLines): Promise<StreamPhone> => {
  const made = await StreamPhone.create(own, random.uint32() >>> 1)
  t.teardown(() => made[Symbol.asyncDispose]())
  return made
}

/** Says what the server does with a call of Ann's, and has her make it. */
const called = async (t: Test, ann: StreamPhone, kinds: readonly string[], handler: CallHandler, from = servers): Promise<Call> => {
  const { callee, uri } = await from(t)
  const user = `side${users++}`
  const call = received(callee, user, handler)
  await ann.call(uri(user), kinds)
  return call
}

/** Ann calls, Bob is dialled for her, and the two are bridged until one hangs up. */
const bridged = (t: Test, ann: StreamPhone, bob: StreamPhone, kinds: readonly string[], from = servers): Promise<Call> => called(t, ann, kinds, async call => {
  const outcome = await call.dial(bob.uri)
  if (outcome.type !== 'answered') throw new Error(outcome.type)
  await call.answer()
  void call.bridge(outcome.call).finally(() => outcome.call.hangup())
}, from)

/** Packets of both go through, and each sees them under its own payload type. */
const videoFlows = async (t: Test, ann: StreamPhone, bob: StreamPhone): Promise<void> => {
  const [seenByBob, seenByAnn] = [bob.peers['video']!.seen.length, ann.peers['video']!.seen.length]
  let sequence = 100
  await until(() => {
    ann.peers['video']!.send(ann.target('video'), { payload: 'from Ann', sequence, marker: true, payloadType: ann.type('video') })
    bob.peers['video']!.send(bob.target('video'), { payload: 'from Bob', sequence: sequence++, marker: true, payloadType: bob.type('video') })
    return bob.peers['video']!.seen.length > seenByBob && ann.peers['video']!.seen.length > seenByAnn
  }, 'video both ways')
  t.match(bob.peers['video']!.seen.at(-1), { payloadType: 120, marker: true, payload: Buffer.from('from Ann') })
  t.match(ann.peers['video']!.seen.at(-1), { payloadType: 97, marker: true, payload: Buffer.from('from Bob') })
}

/** Sequence number of the audio of all phones: one that went back would be of packets from before. */
let spoken = 100

const audioFlows = async (ann: StreamPhone, bob: StreamPhone): Promise<void> => {
  const [heardByBob, heardByAnn] = [bob.peers['audio']!.seen.length, ann.peers['audio']!.seen.length]
  await until(() => {
    spoken++
    for (const phone of [ann, bob]) phone.peers['audio']!.send(phone.target('audio'), { payload: Buffer.alloc(160, 0x55), sequence: spoken & 0xffff, timestamp: spoken * 160, payloadType: 0 })
    return bob.peers['audio']!.seen.length > heardByBob + 3 && ann.peers['audio']!.seen.length > heardByAnn + 3
  }, 'audio both ways')
}

/** Ends of side streams that the server has open. */
const ends = async (server: Server): Promise<number> => (await server.metrics.getSingleMetric('cordboard_side_streams')!.get()).values[0]!.value

const hungUp = async (call: Call, ann: StreamPhone): Promise<void> => {
  await ann.session!.bye()
  if (call.state !== 'ended') await once(call, 'ended')
}

void t.test('RFC 6184 §8.2.2: who is dialled is offered the caller\'s video, the caller answered what was taken; each keeps its numbers', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio', 'video'])
  const [offer] = bob.offers
  t.equal(lineOf(offer!, 'video')?.replace(/ \d+/, ''), 'm=video RTP/AVPF 97 99 98', 'without RTX')
  t.match(offer, /a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n/)
  t.equal(lineOf(ann.remote, 'video')?.replace(/ \d+/, ''), 'm=video RTP/AVPF 97', 'one packetization mode, as Bob has it')
  t.match(ann.remote, /a=rtcp-fb:97 nack pli\r\n/)
  await videoFlows(t, ann, bob)
  const [{ ssrc: media }] = [bob.peers['video']!.seen.at(-1)!]
  bob.peers['video']!.ask(bob.target('video'), { type: 'picture-loss', ssrc: bob.peers['video']!.ssrc, media })
  await until(() => ann.peers['video']!.asked().some(request => request.type === 'picture-loss' && request.media === ann.peers['video']!.ssrc), 'PLI')
  await audioFlows(ann, bob)
  t.same([ann.offers.length, bob.offers.length], [0, 1], 'no re-INVITE')
  for (const sequence of [900, 903]) ann.peers['video']!.send(ann.target('video'), { payload: 'after a gap', sequence, payloadType: 97 })
  const { callee } = await servers(t)
  const counted = async (): Promise<StreamStatistics> => (await call.statistics()).streams.video!
  await until(() => bob.peers['video']!.seen.filter(({ payload }) => payload.toString() === 'after a gap').length === 2, 'all that was sent has come')
  t.ok((await counted()).received.lost > 2)
  t.match(await counted(), { sent: { packets: ann.peers['video']!.seen.length }, feedback: 0, dropped: {} }, 'of what Ann is sent')
  const metric = async (name: string, direction?: string): Promise<number> =>
    (await callee.metrics.getSingleMetric(`cordboard_side_stream_${name}_total`)!.get()).values.find(({ labels }) => labels.kind === 'video' && labels.direction === direction)?.value ?? 0
  const before = [await metric('packets', 'received'), await metric('packets', 'sent'), await metric('lost')]
  await hungUp(call, ann)
  await until(async () => await ends(callee) === 0, 'all ends are closed')
  const { received: came, sent } = await counted()
  t.ok(came.packets > 2 && came.packets >= bob.peers['video']!.seen.length, 'what was counted stays readable')
  const [packets, relayed, lost] = [await metric('packets', 'received'), await metric('packets', 'sent'), await metric('lost')].map((value, at) => value - before[at]!)
  const seen = (): number => ann.peers['video']!.seen.length + bob.peers['video']!.seen.length
  await until(() => seen() === relayed, 'all that was passed on was seen')
  t.equal(lost, came.lost, 'Bob\'s stream lost nothing')
  t.ok(packets! >= relayed! && relayed! > sent.packets)
})

void t.test('RFC 3264 §6: what the one dialled refuses is refused to the caller, and the audio goes on', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, { audio: AUDIO })]
  const call = await bridged(t, ann, bob, ['audio', 'video', 'text'])
  t.same(sections(ann.remote).map(({ kind, port }) => [kind, port === 0]), [['audio', false], ['video', true], ['text', true]])
  await audioFlows(ann, bob)
  t.same([ann.offers.length, bob.offers.length], [0, 1], 'nobody is asked again')
  await hungUp(call, ann)
})

void t.test('a voice menu has no video: the bridge behind it brings it, by re-INVITE', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  let parted = new AbortController()
  let dialled: Call | undefined
  const call = await called(t, ann, ['audio', 'video'], async call => {
    await call.answer()
    const outcome = await call.dial(bob.uri)
    if (outcome.type !== 'answered') throw new Error(outcome.type)
    dialled = outcome.call
    void call.bridge(dialled, { signal: parted.signal })
  })
  t.match(lineOf(ann.remote, 'video'), /^m=video 0 /)
  await until(() => ann.offers.length === 1, 'the re-INVITE')
  t.equal(lineOf(ann.offers[0]!, 'video')?.replace(/ \d+/, ''), 'm=video RTP/AVPF 97', 'under the number that Ann gave it')
  await videoFlows(t, ann, bob)
  t.equal(bob.offers.length, 1, 'Bob was offered it at once')
  parted.abort()
  parted = new AbortController()
  ann.peers['video']!.send(ann.target('video'), { payload: 'to nobody', sequence: 9, payloadType: 97 })
  void call.bridge(dialled!, { signal: parted.signal })
  await videoFlows(t, ann, bob)
  t.same([ann.offers.length, bob.offers.length], [1, 1], 'bridged again without a word')
  await dialled!.hangup()
  await hungUp(call, ann)
})

void t.test('who was dialled for nobody is offered the video when bridged, once', async t => {
  const { callee } = await servers(t)
  const [ann, agent, mute] = [await phone(t, ANN), await phone(t, BOB), await phone(t, { audio: AUDIO })]
  const call = await called(t, ann, ['audio', 'video'], call => call.answer())
  for (const [bob, offers] of [[mute, [1, 0]], [agent, [1, 1]]] as const) {
    const outcome = await callee.dial(bob.uri)
    if (outcome.type !== 'answered') return t.fail(outcome.type)
    const before = [bob.offers.length, ann.offers.length] as const
    const bridge = call.bridge(outcome.call)
    await until(() => bob.offers.length === before[0] + offers[0] && ann.offers.length === before[1] + offers[1], 're-INVITE')
    if (bob === agent) await videoFlows(t, ann, bob)
    await audioFlows(ann, bob)
    t.same([bob.offers.length - before[0], ann.offers.length - before[1]], offers)
    await outcome.call.hangup()
    await bridge
  }
  await hungUp(call, ann)
})

void t.test('RFC 3264 §8: video added and taken away in mid-call is passed on', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio'])
  t.equal(bob.offers.length, 1)
  t.equal(await ann.reinvite(['audio', 'video']), undefined)
  t.equal(bob.offers.length, 2)
  await videoFlows(t, ann, bob)
  t.equal(await bob.reinvite(['audio', 'video']), undefined, 'the same again')
  t.equal(ann.offers.length, 0, 'is no business of Ann\'s')
  await videoFlows(t, ann, bob)
  t.equal(await bob.reinvite(['audio', 'video!']), undefined)
  t.match(lineOf(ann.offers[0]!, 'video'), /^m=video 0 /)
  bob.refuseWith = 488
  t.equal(await ann.reinvite(['audio', 'video']), undefined, 'Bob will not')
  t.match(lineOf(ann.remote, 'video'), /^m=video 0 /)
  t.equal(bob.offers.length, 3, 'asked again')
  await audioFlows(ann, bob)
  bob.refuseWith = undefined
  t.equal(await bob.reinvite(['audio', 'video']), undefined, 'but later')
  await videoFlows(t, ann, bob)
  await hungUp(call, ann)
})

void t.test('early media of the one dialled, and its answer at once: the caller has the video, and one answer', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  bob.early = true
  const call = await bridged(t, ann, bob, ['audio', 'video'])
  await videoFlows(t, ann, bob)
  t.same([ann.offers.length, bob.offers.length], [0, 1], 'no re-INVITE')
  await hungUp(call, ann)
})

void t.test('RFC 3264 §6.1: a camera switched off and on again is told to the other party, a hold is not', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio', 'video'])
  await videoFlows(t, ann, bob)
  const direction = (sdp: string): string | undefined => /a=(sendrecv|sendonly|recvonly|inactive)/.exec(sections(sdp).find(({ kind }) => kind === 'video')!.text)?.[1]
  const turned = (kind: string, way: string) => (peer: Parameters<OwnLines[string]>[0]): string => `${ANN[kind]!(peer)}a=${way}\r\n`
  ann.own = { ...ANN, video: turned('video', 'recvonly') }
  t.equal(await ann.reinvite(['audio', 'video']), undefined)
  t.same([bob.offers.length, direction(bob.offers.at(-1)!), direction(ann.remote)], [2, 'recvonly', 'sendonly'])
  ann.own = ANN
  t.equal(await ann.reinvite(['audio', 'video']), undefined)
  t.equal(bob.offers.length, 3)
  await videoFlows(t, ann, bob)
  ann.own = { ...ANN, audio: turned('audio', 'sendonly'), video: turned('video', 'inactive') }
  t.equal(await ann.reinvite(['audio', 'video']), undefined)
  t.equal(direction(ann.remote), 'inactive')
  ann.own = ANN
  t.equal(await ann.reinvite(['audio', 'video']), undefined)
  t.equal(bob.offers.length, 3, 'Bob hears nothing of the hold')
  await videoFlows(t, ann, bob)
  await hungUp(call, ann)
})

void t.test('a telephone that leaves the video out of its answer is called all the same', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, { audio: AUDIO })]
  bob.short = true
  const call = await bridged(t, ann, bob, ['audio', 'video'])
  t.match(lineOf(ann.remote, 'video'), /^m=video 0 /)
  await audioFlows(ann, bob)
  await hungUp(call, ann)
})

void t.test('RFC 3891: who takes a party\'s place has its video', async t => {
  const [ann, bob, cleo] = [await phone(t, ANN), await phone(t, BOB), await phone(t, ANN)]
  const call = await bridged(t, ann, bob, ['audio', 'video'])
  await videoFlows(t, ann, bob)
  const { callId, localTag, remoteTag } = ann.session!
  const { uri } = await servers(t)
  await cleo.call(uri('anybody'), ['audio', 'video'], { Replaces: `${callId};to-tag=${remoteTag};from-tag=${localTag}` })
  await videoFlows(t, cleo, bob)
  t.same([cleo.offers.length, bob.offers.length], [0, 1], 'no re-INVITE')
  await hungUp(call, cleo)
})

void t.test('RFC 3891, RFC 3264 §8: who takes a party\'s place without its video: the other is asked to do without, and re-INVITEs bring it back', async t => {
  const [ann, bob, cleo, dora] = [await phone(t, ANN), await phone(t, BOB), await phone(t, ANN), await phone(t, { ...BOB, video: video('99', ['a=rtpmap:99 VP8/90000']) })]
  const call = await bridged(t, ann, bob, ['audio', 'video'])
  await videoFlows(t, ann, bob)
  const { uri } = await servers(t)
  /** `next` takes the place of `peer`. */
  const replace = (peer: StreamPhone, next: StreamPhone, kinds: readonly string[]): Promise<void> => {
    const { callId, localTag, remoteTag } = peer.session!
    return next.call(uri('anybody'), kinds, { Replaces: `${callId};to-tag=${remoteTag};from-tag=${localTag}` })
  }
  await replace(ann, cleo, ['audio'])
  await until(() => bob.offers.length === 2, 'Bob is asked')
  t.match(lineOf(bob.offers[1]!, 'video'), /^m=video 0 /)
  await audioFlows(cleo, bob)
  t.equal(await cleo.reinvite(['audio', 'video']), undefined)
  await videoFlows(t, cleo, bob)
  t.same([cleo.offers.length, bob.offers.length], [0, 3])
  bob.own = { audio: AUDIO }
  await replace(cleo, dora, ['audio', 'video'])
  t.match(lineOf(dora.remote, 'video'), /^m=video 0 /, 'Bob has nothing of what Dora has')
  await until(() => bob.offers.length === 4, 'Bob is asked whether he has')
  t.match(bob.offers[3], /a=rtpmap:\d+ VP8\/90000/)
  await audioFlows(dora, bob)
  await hungUp(call, dora)
})

void t.test('RFC 3891 while parties are asked for video: the offers under way come first, then those who are there now are brought together', async t => {
  const [ann, bob, cleo, dora] = [await phone(t, ANN), await phone(t, BOB), await phone(t, ANN), await phone(t, BOB)]
  const { uri } = await servers(t)
  const replace = (peer: StreamPhone, next: StreamPhone, kinds: readonly string[]): Promise<void> => {
    const { callId, localTag, remoteTag } = peer.session!
    return next.call(uri('anybody'), kinds, { Replaces: `${callId};to-tag=${remoteTag};from-tag=${localTag}` })
  }
  const slow = (peer: StreamPhone): () => void => {
    let answer = (): void => undefined
    peer.whenAsked = new Promise<void>(resolve => { answer = resolve })
    return () => answer()
  }
  // Ann is offered what Bob wants when Cleo takes her place.
  const call = await bridged(t, ann, bob, ['audio'])
  await audioFlows(ann, bob)
  let answer = slow(ann)
  const asked = bob.reinvite(['audio', 'video'])
  await until(() => ann.offers.length === 1, 'Ann is asked')
  const replaced = replace(ann, cleo, ['audio', 'video'])
  answer()
  t.equal(await asked, undefined)
  await replaced
  await videoFlows(t, cleo, bob)
  // Cleo is offered what Bob wants again when Dora, who will have no video, takes Bob's place.
  t.equal(await bob.reinvite(['audio', 'video!']), undefined)
  t.match(lineOf(cleo.offers.at(-1)!, 'video'), /^m=video 0 /)
  answer = slow(cleo)
  const before = cleo.offers.length
  const again = bob.reinvite(['audio', 'video']).catch(() => undefined)
  await until(() => cleo.offers.length === before + 1, 'Cleo is asked')
  await replace(bob, dora, ['audio'])
  answer()
  await again
  await until(() => cleo.offers.length === before + 2, 'and asked to do without')
  t.match(lineOf(cleo.offers.at(-1)!, 'video'), /^m=video 0 /)
  await audioFlows(cleo, dora)
  await hungUp(call, cleo)
})

void t.test('RFC 4103: text goes through, its redundancy in the numbers of who reads it', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio', 'text'])
  t.equal(lineOf(ann.remote, 'text')?.replace(/ \d+/, ''), 'm=text RTP/AVP 100 101')
  t.match(ann.remote, /a=fmtp:100 101\/101/)
  let sequence = 1
  await until(() => {
    ann.peers['text']!.send(ann.target('text'), { payload: Buffer.from([0x80 | 101, 0, 0, 1, 101, 0x68, 0x69]), sequence: sequence++, marker: true, payloadType: 100 })
    return bob.peers['text']!.seen.length > 0
  }, 'text')
  t.match(bob.peers['text']!.seen[0], { payloadType: 105, marker: true, payload: Buffer.from([0x80 | 106, 0, 0, 1, 106, 0x68, 0x69]) })
  await hungUp(call, ann)
})

void t.test('who is on hold sees nothing, and sees again after it', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio', 'video'])
  await videoFlows(t, ann, bob)
  await call.hold()
  t.match(sections(ann.offers[0]!).find(({ kind }) => kind === 'video')?.text, /a=inactive/)
  const seen = ann.peers['video']!.seen.length
  bob.peers['video']!.send(bob.target('video'), { payload: 'unseen', sequence: 7000, payloadType: 120 })
  await call.resume()
  await videoFlows(t, ann, bob)
  t.notOk(ann.peers['video']!.seen.slice(seen).some(({ payload }) => payload.toString() === 'unseen'))
  await hungUp(call, ann)
})

void t.test('RFC 3362, ITU-T T.38: a fax asked for by one party goes through, and both come back to audio', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio'])
  await audioFlows(ann, bob)
  t.equal(await bob.reinvite(['image']), undefined)
  t.match(lineOf(ann.offers[0]!, 'image'), /^m=image [1-9]\d* udptl t38$/)
  t.equal(sections(ann.offers[0]!).length, 1, 'in the place of the audio')
  t.match(ann.offers[0], /a=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n/)
  t.match(lineOf(bob.remote, 'image'), /^m=image [1-9]\d* udptl t38$/)
  const [page, confirmation] = [Buffer.from([0, 0, 6, 1, 2, 3]), Buffer.from([0, 0, 1, 9])]
  await until(() => {
    bob.peers['image']!.raw(bob.target('image'), page)
    ann.peers['image']!.raw(ann.target('image'), confirmation)
    return ann.peers['image']!.datagrams.length > 0 && bob.peers['image']!.datagrams.length > 0
  }, 'the fax')
  t.same([ann.peers['image']!.datagrams[0], bob.peers['image']!.datagrams[0]], [page, confirmation])
  t.equal(await ann.reinvite(['audio']), undefined, 'Ann ends it')
  t.match(lineOf(bob.offers.at(-1)!, 'audio'), /^m=audio [1-9]/)
  await audioFlows(ann, bob)
  const { callee } = await servers(t)
  await until(async () => await ends(callee) === 0, 'no end is left')
  await hungUp(call, ann)
})

void t.test('ITU-T T.38: a fax that the other party refuses, in either way, gets 488, and the audio goes on', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio'])
  ann.refuseWith = 415
  t.equal(await bob.reinvite(['image']), 488)
  t.equal(ann.offers.length, 1)
  await audioFlows(ann, bob)
  ann.refuseWith = undefined
  ann.own = { audio: AUDIO }
  t.equal(await bob.reinvite(['image']), 488, 'a 200 that refuses the line')
  t.match(ann.offers.slice(1).map(offer => sections(offer).map(({ kind }) => kind)), [['image'], ['audio']], 'Ann gets her audio back')
  await audioFlows(ann, bob)
  await hungUp(call, ann)
})

void t.test('ITU-T T.38: nobody is bridged: 488', async t => {
  const ann = await phone(t, ANN)
  const call = await called(t, ann, ['audio'], call => call.answer())
  t.equal(await ann.reinvite(['image']), 488)
  t.equal(call.state, 'answered')
  await hungUp(call, ann)
})

void t.test('ITU-T T.38: who is left by the other party in mid-fax has its audio back', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio'])
  t.equal(await ann.reinvite(['image']), undefined)
  await bob.session!.bye()
  await until(() => ann.offers.length === 1, 're-INVITE')
  t.match(lineOf(ann.offers[0]!, 'audio'), /^m=audio [1-9]/)
  await hungUp(call, ann)
})

void t.test('RFC 3261 §14.2: both parties change their streams at once: one after the other', async t => {
  const [ann, bob] = [await phone(t, ANN), await phone(t, BOB)]
  const call = await bridged(t, ann, bob, ['audio'])
  t.same(await Promise.all([ann.reinvite(['audio', 'video']), bob.reinvite(['audio', 'video'])]), [undefined, undefined])
  await videoFlows(t, ann, bob)
  await hungUp(call, ann)
})

void t.test('RFC 4568: video with SDES keys of its own towards who offers them', async t => {
  const own = { ...ANN, video: video('97', [...h264(97, 1), KEY]) }
  const [ann, bob] = [await phone(t, own), await phone(t, BOB)]
  const pair = twoServers(t, undefined, { srtp: 'optional' })
  const call = await bridged(t, ann, bob, ['audio', 'video'], () => pair)
  const section = sections(ann.remote).find(({ kind }) => kind === 'video')!.text
  const key = (line: string): Uint8Array => Buffer.from(/inline:([\w+/=]+)/.exec(line)![1]!, 'base64')
  ann.peers['video']!.secure({ suite: 'AES_CM_128_HMAC_SHA1_80', tag: 1, key: key(KEY) }, { suite: 'AES_CM_128_HMAC_SHA1_80', tag: 1, key: key(section) })
  await videoFlows(t, ann, bob)
  await hungUp(call, ann)
})

void t.test('where SRTP is required nobody is asked for a fax', async t => {
  const [ann, bob] = [await phone(t, { ...ANN, audio: SECURE_AUDIO }), await phone(t, { ...BOB, audio: SECURE_AUDIO })]
  const pair = twoServers(t, undefined, { srtp: 'required' })
  const call = await bridged(t, ann, bob, ['audio'], () => pair)
  t.equal(await bob.reinvite(['image']), 488)
  t.same([ann.offers.length, bob.offers.length], [0, 1])
  await hungUp(call, ann)
})

void t.test('a port that another program takes when calls of two workers are bridged: a video gets another, by re-INVITE; a call without audio ends', async t => {
  const pair = twoServers(t, undefined, { workers: 2 })
  const from = (): ReturnType<typeof twoServers> => pair
  /** A call with video in force that nobody is bridged to any more. */
  const seen = async (): Promise<{ readonly peer: StreamPhone; readonly call: Call }> => {
    const [peer, other] = [await phone(t, ANN), await phone(t, BOB)]
    const parting = new AbortController()
    const call = await called(t, peer, ['audio', 'video'], async call => {
      const outcome = await call.dial(other.uri)
      if (outcome.type !== 'answered') throw new Error(outcome.type)
      await call.answer()
      void call.bridge(outcome.call, { signal: parting.signal }).finally(() => outcome.call.hangup())
    }, from)
    await videoFlows(t, peer, other)
    parting.abort()
    return { peer, call }
  }
  const [ann, cleo] = [await seen(), await seen()]
  const port = cleo.peer.target('video').local.port
  const thief = new PortThief(port)
  const bridge = ann.call.bridge(cleo.call)
  await until(() => cleo.peer.offers.length === 1, 'the re-INVITE')
  t.ok(thief.succeeded && lineOf(cleo.peer.offers[0]!, 'video') !== `m=video ${port} RTP/AVPF 97`)
  await audioFlows(ann.peer, cleo.peer)
  let sequence = 1
  await until(() => {
    ann.peer.peers['video']!.send(ann.peer.target('video'), { payload: 'x', sequence: sequence++, payloadType: 97 })
    return cleo.peer.peers['video']!.seen.some(({ payload }) => payload.toString() === 'x')
  }, 'video through the new port')
  await ann.call.hangup()
  t.match(await bridge, { type: 'ended', by: 'this' })
  const dora = await seen()
  const other = new PortThief(dora.peer.target('audio').local.port)
  const second = cleo.call.bridge(dora.call)
  if (!other.succeeded && dora.call.state === 'answered') await Promise.race([once(dora.call, 'ended'), once(cleo.call, 'ended')])
  t.ok(other.succeeded)
  t.match(await second, { type: 'ended', by: 'other', reason: { type: 'error', error: { code: 'MEDIA_WORKER_LOST' } } })
  t.equal(cleo.call.state, 'answered')
  await until(() => dora.peer.session!.state === 'terminated', 'Dora is told')
  thief.close()
  other.close()
  await cleo.call.hangup()
})
