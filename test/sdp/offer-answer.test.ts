import fc from 'fast-check'
import t, { type Test } from 'tap'
import { isCordboardError } from '../../src/core/errors.js'
import { seededRandom } from '../../src/core/random.js'
import { parseDescription } from '../../src/sdp/description.js'
import type { CodecOffer, Direction, LocalMedia } from '../../src/sdp/negotiated.js'
import { createOfferAnswer } from '../../src/sdp/offer-answer.js'
import type { OfferAnswer } from '../../src/sdp/offer-answer.js'

const PCMU: CodecOffer = { name: 'PCMU', clockRate: 8000, channels: 1, payloadType: 0 }
const PCMA: CodecOffer = { name: 'PCMA', clockRate: 8000, channels: 1, payloadType: 8 }
const G722: CodecOffer = { name: 'G722', clockRate: 8000, channels: 1, payloadType: 9 }
const OPUS: CodecOffer = { name: 'OPUS', clockRate: 48_000, channels: 2, payloadType: 96, fmtp: 'useinbandfec=1' }

const local = (changes: Partial<LocalMedia> = {}): LocalMedia => ({
  address: '192.0.2.10', port: 20_000, rtcpPort: 20_001, rtcpMux: false, codecs: [PCMU, PCMA], dtmf: true, direction: 'sendrecv', ...changes,
})
const side = (seed = 1): OfferAnswer => createOfferAnswer({ random: seededRandom(seed) })
const sdp = (media: string, address = '192.0.2.99'): string => `v=0\r\no=ann 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\n${media}`
const mediaLines = (text: string): readonly string[] => text.split('\r\n').filter(line => line.startsWith('m='))
const version = (text: string): bigint => BigInt(parseDescription(text).origin.version)
const fails = (t: Test, run: () => unknown, code: string, status?: number): void => {
  try {
    run()
    t.fail(`nothing thrown, wanted ${code}`)
  } catch (error) {
    t.ok(isCordboardError(error), String(error))
    t.match(error, { code, ...status === undefined ? {} : { status } })
  }
}

t.test('RFC 3264 §5: the first offer', async t => {
  const text = side().createOffer(local({ codecs: [G722, PCMA, OPUS] }))
  const { media, origin } = parseDescription(text)
  t.equal(media.length, 1)
  t.match(media[0], { kind: 'audio', port: 20_000, protocol: 'RTP/AVP', address: '192.0.2.10', direction: 'sendrecv', ptime: 20 })
  t.same(media[0]!.codecs.map(({ name, clockRate }) => `${name}/${clockRate}`), ['G722/8000', 'PCMA/8000', 'OPUS/48000', 'TELEPHONE-EVENT/8000', 'TELEPHONE-EVENT/48000'], 'telephone-event at each clock rate')
  t.equal(new Set(media[0]!.formats).size, 5, 'no number twice')
  t.match(origin.sessionId, /^\d+$/)
  t.notMatch(text, /a=rtcp/, 'RTCP is on the next port')
  t.match(side().createOffer(local({ rtcpPort: 30_001 })), /a=rtcp:30001\r\n/, 'RFC 3605: elsewhere it is said')
  t.match(side().createOffer(local({ address: '2001:db8::5' })), /c=IN IP6 2001:db8::5\r\n/)
})

t.test('RFC 3264 §6: the answer', async t => {
  t.test('takes the common codecs in the order of the offer', async t => {
    const { text, media } = side().answer(sdp('m=audio 4000 RTP/AVP 18 8 0\r\n'), local())
    t.match(media, { codec: { name: 'PCMA', receive: 8, send: 8 }, remote: { address: '192.0.2.99', port: 4000 }, remoteRtcp: { port: 4001 }, direction: 'sendrecv', ptime: 20 })
    t.same(media.receivable.map(({ name }) => name), ['PCMA', 'PCMU'])
    t.match(mediaLines(text)[0], /^m=audio 20000 RTP\/AVP 8 0$/)
  })
  t.test('has as many lines as the offer, the refused ones with port 0 and their formats', async t => {
    const { text } = side().answer(sdp('m=video 5000 RTP/AVP 31 34\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4010 RTP/AVP 0\r\nm=x-new 9 foo/bar baz qux\r\nm=image 4020 udptl t38\r\n'), local())
    t.same(mediaLines(text), ['m=video 0 RTP/AVP 31 34', 'm=audio 20000 RTP/AVP 0', 'm=audio 0 RTP/AVP 0', 'm=x-new 0 foo/bar baz qux', 'm=image 0 udptl t38'])
  })
  t.test('uses the numbers of the offer for dynamic types', async t => {
    const { media, text } = side().answer(sdp('m=audio 4000 RTP/AVP 111 110\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n'), local({ codecs: [OPUS] }))
    t.match(media, { codec: { name: 'OPUS', receive: 111, send: 111, channels: 2 }, dtmf: { receive: 110, send: 110 } })
    t.match(text, /m=audio 20000 RTP\/AVP 111 110\r\na=rtpmap:111 opus\/48000\/2\r\n/)
  })
  t.test('knows static types by rtpmap in any case, and by number alone', async t => {
    t.equal(side().answer(sdp('m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 pcma/8000/1\r\n'), local()).media.codec.send, 97)
    t.equal(side().answer(sdp('m=audio 4000 RTP/AVP 9\r\n'), local({ codecs: [G722] })).media.codec.name, 'G722')
  })
  t.test('refuses what has no common codec, no audio, or only SRTP, with 488', async t => {
    fails(t, () => side().answer(sdp('m=audio 4000 RTP/AVP 18\r\n'), local()), 'MEDIA_NO_COMMON_CODEC', 488)
    fails(t, () => side().answer(sdp('m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n'), local()), 'MEDIA_NO_COMMON_CODEC', 488)
    fails(t, () => side().answer(sdp('m=video 4000 RTP/AVP 31\r\n'), local()), 'MEDIA_NO_COMMON_CODEC', 488)
    fails(t, () => side().answer(sdp(''), local()), 'MEDIA_NO_COMMON_CODEC', 488)
    fails(t, () => side().answer(sdp('m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n'), local()), 'MEDIA_NO_COMMON_CODEC', 488)
  })
  t.test('an RTP/SAVP line beside an RTP/AVP one is refused by itself', async t => {
    const { text } = side().answer(sdp('m=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 0\r\n'), local())
    t.same(mediaLines(text), ['m=audio 0 RTP/SAVP 0', 'm=audio 20000 RTP/AVP 0'])
  })
  t.test('a line offered with port 0 is answered with port 0', async t => {
    const { text, media } = side().answer(sdp('m=audio 0 RTP/AVP 0\r\n'), local())
    t.same(mediaLines(text), ['m=audio 0 RTP/AVP 0'])
    t.match(media, { remote: undefined, direction: 'inactive' })
  })
})

t.test('RFC 3264 §6.1: directions narrow', async t => {
  const directions: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']
  const expected: Record<Direction, readonly Direction[]> = {
    sendrecv: ['sendrecv', 'recvonly', 'sendonly', 'inactive'],
    sendonly: ['sendonly', 'inactive', 'sendonly', 'inactive'],
    recvonly: ['recvonly', 'recvonly', 'inactive', 'inactive'],
    inactive: ['inactive', 'inactive', 'inactive', 'inactive'],
  }
  for (const ours of directions) {
    directions.forEach((theirs, at) => {
      const { text, media } = side().answer(sdp(`m=audio 4000 RTP/AVP 0\r\na=${theirs}\r\n`), local({ direction: ours }))
      t.equal(media.direction, expected[ours][at], `offered ${theirs}, wanted ${ours}`)
      t.match(text, `a=${expected[ours][at]}\r\n`)
      const offerer = side()
      offerer.createOffer(local({ direction: ours }))
      t.equal(offerer.accept(sdp(`m=audio 4000 RTP/AVP 0\r\na=${theirs}\r\n`)).direction, expected[ours][at], `answered ${theirs}, wanted ${ours}`)
    })
  }
  t.equal(side().answer(`v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=sendonly\r\nm=audio 4000 RTP/AVP 0\r\n`, local()).media.direction, 'recvonly', 'said once for the session')
})

t.test('RFC 3264 §7: the offerer reads the answer', async t => {
  t.test('payload types differ by direction', async t => {
    const offerer = side()
    offerer.createOffer(local({ codecs: [OPUS, PCMU] }))
    const media = offerer.accept(sdp('m=audio 4000 RTP/AVP 120 121\r\na=rtpmap:120 opus/48000/2\r\na=rtpmap:121 telephone-event/48000\r\n'))
    t.match(media.codec, { name: 'OPUS', receive: 96, send: 120 })
    t.equal(media.dtmf?.send, 121)
    t.not(media.dtmf?.receive, 121)
  })
  t.test('the codec is the first of the answer', async t => {
    const offerer = side()
    offerer.createOffer(local())
    const media = offerer.accept(sdp('m=audio 4000 RTP/AVP 8 0\r\n'))
    t.equal(media.codec.name, 'PCMA')
    t.equal(media.dtmf, undefined, 'telephone-event was not answered')
  })
  t.test('telephone-event counts only at the clock rate of the codec', async t => {
    const offerer = side()
    offerer.createOffer(local({ codecs: [OPUS, PCMU] }))
    t.equal(offerer.accept(sdp('m=audio 4000 RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n')).dtmf, undefined)
  })
  t.test('a number of the offer needs no rtpmap', async t => {
    const offerer = side()
    offerer.createOffer(local({ codecs: [OPUS] }))
    t.equal(offerer.accept(sdp('m=audio 4000 RTP/AVP 96\r\n')).codec.send, 96)
  })
  t.test('an answer that does not fit the offer', async t => {
    const accept = (answer: string) => () => {
      const offerer = side()
      offerer.createOffer(local())
      offerer.accept(answer)
    }
    fails(t, accept(sdp('m=audio 4000 RTP/AVP 18\r\n')), 'MEDIA_NO_COMMON_CODEC', 488)
    fails(t, accept(sdp('m=audio 0 RTP/AVP 0\r\n')), 'MEDIA_NO_COMMON_CODEC', 488)
    fails(t, accept(sdp('m=audio 4000 RTP/SAVP 0\r\n')), 'MEDIA_NO_COMMON_CODEC', 488)
    fails(t, accept(sdp('m=video 4000 RTP/AVP 0\r\n')), 'SDP_BAD_DESCRIPTION', 400)
    fails(t, accept(sdp('m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n')), 'SDP_BAD_DESCRIPTION', 400)
    fails(t, accept(sdp('')), 'SDP_BAD_DESCRIPTION', 400)
  })
})

t.test('RFC 3264 §8: later rounds', async t => {
  t.test('the version rises by one when something changes, and only then', async t => {
    const ours = side()
    const first = ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local()).text
    t.equal(ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local()).text, first)
    const held = ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n'), local()).text
    t.equal(version(held), version(first) + 1n)
    const moved = ours.createOffer(local({ port: 20_002, rtcpPort: 20_003 }))
    t.equal(version(moved), version(first) + 2n)
    t.equal(parseDescription(moved).origin.sessionId, parseDescription(first).origin.sessionId)
  })
  t.test('§8: lines stay in place, whoever offers', async t => {
    const ours = side()
    ours.answer(sdp('m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0 8\r\n'), local())
    const offer = ours.createOffer(local({ direction: 'sendonly' }))
    t.same(mediaLines(offer), ['m=video 0 RTP/AVP 31', 'm=audio 20000 RTP/AVP 0 8 101'])
    const media = ours.accept(sdp('m=video 0 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 8\r\na=recvonly\r\n'))
    t.match(media, { codec: { name: 'PCMA' }, direction: 'sendonly' })
    const again = ours.answer(sdp('m=video 0 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 8 0\r\nm=audio 4002 RTP/AVP 0\r\n'), local())
    t.same(mediaLines(again.text), ['m=video 0 RTP/AVP 31', 'm=audio 20000 RTP/AVP 8 0', 'm=audio 0 RTP/AVP 0'])
  })
  t.test('§8.3.2: a number never gets another meaning; the codec order may change', async t => {
    const ours = side()
    ours.createOffer(local({ codecs: [OPUS, PCMU], dtmf: false }))
    ours.accept(sdp('m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n'))
    const other: CodecOffer = { name: 'L16', clockRate: 16_000, channels: 1, payloadType: 96 }
    const offer = ours.createOffer(local({ codecs: [PCMU, other, OPUS], dtmf: false }))
    t.match(offer, /m=audio 20000 RTP\/AVP 0 97 96\r\n/)
    ours.accept(sdp('m=audio 4000 RTP/AVP 0\r\n'))
    const { media } = ours.answer(sdp('m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 L16/16000\r\n'), local({ codecs: [other] }))
    t.match(media.codec, { name: 'L16', send: 96, receive: 97 })
  })
  t.test('§8.4: hold by sendonly, by inactive, and by address 0.0.0.0', async t => {
    const ours = side()
    ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local())
    t.match(ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n'), local()).media, { direction: 'recvonly', remote: { port: 4000 } })
    t.match(ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\na=inactive\r\n'), local()).media, { direction: 'inactive' })
    const old = ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n', '0.0.0.0'), local())
    t.match(old.media, { direction: 'recvonly', remote: undefined, remoteRtcp: undefined })
    t.match(old.text, 'a=sendrecv', 'the attribute is answered as it was offered')
    t.match(ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local()).media, { direction: 'sendrecv' })
  })
  t.test('§8.2: the peer switches the audio off and on again', async t => {
    const ours = side()
    ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local())
    t.match(ours.answer(sdp('m=audio 0 RTP/AVP 0\r\n'), local()).media, { direction: 'inactive', remote: undefined })
    t.match(ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local()).media, { direction: 'sendrecv' })
  })
  t.test('a refused offer changes nothing', async t => {
    const ours = side()
    const { text, media } = ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local())
    fails(t, () => ours.answer(sdp('m=audio 4000 RTP/AVP 18\r\n'), local()), 'MEDIA_NO_COMMON_CODEC')
    t.equal(ours.localText, text)
    t.equal(ours.current, media)
    const lost = ours.createOffer(local({ direction: 'inactive' }))
    t.equal(ours.state, 'have-local-offer')
    t.equal(ours.localText, lost)
    ours.rollback()
    t.match(ours, { state: 'stable', localText: text, current: media })
    t.ok(version(ours.createOffer(local())) > version(lost), 'versions never go back')
  })
  t.test('one offer at a time', async t => {
    const ours = side()
    ours.createOffer(local())
    fails(t, () => ours.createOffer(local()), 'CALL_STATE')
    fails(t, () => ours.answer(sdp('m=audio 4000 RTP/AVP 0\r\n'), local()), 'CALL_STATE', 491)
    ours.rollback()
    fails(t, () => ours.accept(sdp('m=audio 4000 RTP/AVP 0\r\n')), 'CALL_STATE')
  })
})

t.test('RFC 3605, RFC 5761: where RTCP goes', async t => {
  const answer = (lines: string, rtcpMux: boolean) => side().answer(sdp(`m=audio 4000 RTP/AVP 0\r\n${lines}`), local({ rtcpMux }))
  t.match(answer('a=rtcp:53020\r\n', false).media.remoteRtcp, { address: '192.0.2.99', port: 53_020 })
  t.match(answer('a=rtcp:53020 IN IP4 192.0.2.77\r\n', false).media.remoteRtcp, { address: '192.0.2.77', port: 53_020 })
  t.match(answer('a=rtcp-mux\r\n', true), { media: { rtcpMux: true, remoteRtcp: { port: 4000 } }, text: /a=rtcp-mux\r\n/ })
  t.match(answer('a=rtcp-mux\r\n', false), { media: { rtcpMux: false, remoteRtcp: { port: 4001 } } })
  t.notMatch(answer('a=rtcp-mux\r\n', false).text, /a=rtcp-mux/)
  t.notMatch(answer('', true).text, /a=rtcp-mux/, 'not offered, not answered')
  const offerer = side()
  offerer.createOffer(local({ rtcpMux: true }))
  t.equal(offerer.accept(sdp('m=audio 4000 RTP/AVP 0\r\n')).rtcpMux, false)
})

t.test('RFC 3611 §5: extended reports are offered when asked for, and those offered that we do are taken', async t => {
  const answer = (lines: string, head = '') =>
    side().answer(`v=0\r\no=ann 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n${head}m=audio 4000 RTP/AVP 0\r\n${lines}`, local())
  const both = answer('a=rtcp-xr:pkt-loss-rle=64 RCVR-RTT=sender:120 voip-metrics stat-summary=loss,jitt\r\n')
  t.match(both.text, /a=rtcp-xr:rcvr-rtt=sender voip-metrics\r\n/)
  t.same(both.media.extendedReports, { roundTrip: true, voip: true })
  t.same(answer('', 'a=rtcp-xr:voip-metrics\r\n').media.extendedReports, { roundTrip: false, voip: true }, 'for the whole session')
  for (const lines of ['', 'a=rtcp-xr:\r\n', 'a=rtcp-xr:stat-summary\r\n', 'a=rtcp-xr:rcvr-rtt\r\n']) {
    const { text, media } = answer(lines)
    t.notMatch(text, /rtcp-xr/, JSON.stringify(lines))
    t.equal(media.extendedReports, undefined)
  }
  t.notMatch(side().createOffer(local()), /rtcp-xr/)
  const offered = (lines: string) => {
    const offerer = side()
    t.match(offerer.createOffer(local({ rtcpXr: true })), /a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n/)
    return offerer.accept(sdp(`m=audio 4000 RTP/AVP 0\r\n${lines}`)).extendedReports
  }
  t.same(offered('a=rtcp-xr:voip-metrics\r\n'), { roundTrip: false, voip: true })
  t.equal(offered(''), undefined)
})

t.test('RFC 8866 §6.4: ptime and maxptime bound what we send', async t => {
  const ptime = (lines: string): number => side().answer(sdp(`m=audio 4000 RTP/AVP 0\r\n${lines}`), local()).media.ptime
  t.equal(ptime(''), 20)
  t.equal(ptime('a=ptime:30\r\n'), 30)
  t.equal(ptime('a=ptime:40\r\na=maxptime:30\r\n'), 30)
  t.equal(ptime('a=maxptime:10\r\n'), 10)
  t.equal(ptime('a=ptime:500\r\n'), 60)
  t.equal(ptime('a=ptime:37\r\n'), 30)
  t.equal(ptime('a=ptime:5\r\n'), 10)
  t.equal(ptime('a=ptime:0\r\n'), 20)
})

t.test('addresses: of the line before of the session, both families, names refused', async t => {
  const answer = (offer: string, address = '192.0.2.10') => side().answer(offer, local({ address }))
  t.equal(answer(sdp('m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.5\r\n')).media.remote?.address, '192.0.2.5')
  t.equal(answer('v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n', '2001:db8::2').media.remote?.address, '2001:db8::1')
  fails(t, () => answer(sdp('m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n')), 'SDP_BAD_DESCRIPTION', 488)
  fails(t, () => answer(sdp('m=audio 4000 RTP/AVP 0\r\n', 'host.example')), 'SDP_BAD_DESCRIPTION', 488)
  fails(t, () => answer(sdp('m=audio 4000 RTP/AVP 0\r\n', '224.2.1.1/127')), 'SDP_BAD_DESCRIPTION', 488)
  fails(t, () => answer('v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'), 'SDP_BAD_DESCRIPTION', 400)
})

t.test('what we write cannot be made to hold a line of another', async t => {
  fails(t, () => side().createOffer(local({ address: '192.0.2.1\r\nm=audio 9 RTP/AVP 0' })), 'SDP_BAD_DESCRIPTION')
  fails(t, () => side().createOffer(local({ codecs: [{ ...OPUS, fmtp: 'a=1\r\na=evil' }] })), 'SDP_BAD_DESCRIPTION')
  fails(t, () => createOfferAnswer({ random: seededRandom(1), username: 'x\r\ns=y' }).createOffer(local()), 'SDP_BAD_DESCRIPTION')
  fails(t, () => side().createOffer(local({ codecs: [] })), 'MEDIA_NO_COMMON_CODEC')
})

t.test('offer and answer of RFC 4317, in our own words', async t => {
  const party = (name: string, media: string): string => `v=0\r\no=${name} 28908445 1 IN IP4 host.example\r\ns=-\r\nc=IN IP4 192.0.2.30\r\nt=0 0\r\n${media}`
  const two = 'm=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:97 iLBC/8000\r\nm=video 51372 RTP/AVP 31 32\r\na=rtpmap:31 H261/90000\r\na=rtpmap:32 MPV/90000\r\n'
  t.test('§2.1: audio and video with several codecs, one chosen of each', async t => {
    const { text, media } = side().answer(party('alice', two), local())
    t.same(mediaLines(text), ['m=audio 20000 RTP/AVP 0 8', 'm=video 0 RTP/AVP 31 32'])
    t.equal(media.codec.name, 'PCMU')
  })
  t.test('§2.2: the answerer takes one codec of many', async t => {
    const { text } = side().answer(party('alice', two), local({ codecs: [PCMA] }))
    t.equal(mediaLines(text)[0], 'm=audio 20000 RTP/AVP 8')
  })
  t.test('§2.3: a second offer of the same session narrows the codecs to the one in use', async t => {
    const alice = side(1)
    const bob = side(2)
    const first = alice.createOffer(local({ codecs: [PCMU, PCMA, OPUS], dtmf: false }))
    alice.accept(bob.answer(first, local({ address: '192.0.2.30', codecs: [PCMA, PCMU], dtmf: false })).text)
    const second = alice.createOffer(local({ codecs: [PCMU], dtmf: false }))
    t.equal(alice.accept(bob.answer(second, local({ address: '192.0.2.30', dtmf: false })).text).codec.name, 'PCMU')
    t.equal(bob.current?.codec.name, 'PCMU')
  })
  t.test('§3.1: hold and unhold', async t => {
    const alice = side(1)
    const bob = side(2)
    alice.accept(bob.answer(alice.createOffer(local()), local({ address: '192.0.2.30' })).text)
    alice.accept(bob.answer(alice.createOffer(local({ direction: 'sendonly' })), local({ address: '192.0.2.30' })).text)
    t.same([alice.current?.direction, bob.current?.direction], ['sendonly', 'recvonly'])
    alice.accept(bob.answer(alice.createOffer(local()), local({ address: '192.0.2.30' })).text)
    t.same([alice.current?.direction, bob.current?.direction], ['sendrecv', 'sendrecv'])
  })
  t.test('§4.1: the offer comes late', async t => {
    const callee = side(2)
    const offer = callee.createOffer(local())
    const { text } = side(1).answer(offer, local({ address: '192.0.2.30' }))
    t.match(callee.accept(text), { codec: { name: 'PCMU' }, dtmf: { receive: 101, send: 101 } })
  })
  t.test('§5: a stream is added, and refused', async t => {
    const ours = side()
    ours.answer(party('alice', 'm=audio 49170 RTP/AVP 0\r\n'), local())
    t.same(mediaLines(ours.answer(party('alice', 'm=audio 49170 RTP/AVP 0\r\nm=audio 49172 RTP/AVP 98\r\na=rtpmap:98 telephone-event/8000\r\n'), local()).text), ['m=audio 20000 RTP/AVP 0', 'm=audio 0 RTP/AVP 98'])
  })
})

t.test('property: two parties always agree on the same thing', async () => {
  const codecs = fc.shuffledSubarray([PCMU, PCMA, G722, OPUS], { minLength: 1 })
  const direction = fc.constantFrom<Direction[]>('sendrecv', 'sendonly', 'recvonly', 'inactive')
  const media = fc.record({ codecs, direction, dtmf: fc.boolean(), rtcpMux: fc.boolean(), ptime: fc.constantFrom(10, 20, 30, 60) })
  const round = fc.record({ swap: fc.boolean(), offerer: media, answerer: media })
  fc.assert(fc.property(fc.array(round, { minLength: 1, maxLength: 6 }), rounds => {
    const parties = [side(1), side(2)] as const
    for (const { swap, offerer, answerer } of rounds) {
      const [a, b] = swap ? [parties[1], parties[0]] : parties
      const offer = a.createOffer(local({ ...offerer, address: '192.0.2.1' }))
      const shared = offerer.codecs.some(one => answerer.codecs.some(({ name }) => name === one.name))
      try {
        const { text, media: theirs } = b.answer(offer, local({ ...answerer, address: '192.0.2.2' }))
        const ours = a.accept(text)
        const mirrored = ours.codec.name === theirs.codec.name && ours.codec.receive === theirs.codec.send && ours.codec.send === theirs.codec.receive
        const opposite = (ours.direction === 'sendonly' ? 'recvonly' : ours.direction === 'recvonly' ? 'sendonly' : ours.direction) === theirs.direction
        if (!shared || !mirrored || !opposite || ours.rtcpMux !== theirs.rtcpMux || ours.dtmf?.send !== theirs.dtmf?.receive) return false
      } catch (error) {
        if (shared || !isCordboardError(error, 'MEDIA_NO_COMMON_CODEC')) throw error
        a.rollback()
      }
    }
    return true
  }), { seed: 20, numRuns: 300 })
})
