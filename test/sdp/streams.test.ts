import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { parseDescription } from '../../src/sdp/description.js'
import type { LocalMedia, LocalStream, WantedStream } from '../../src/sdp/negotiated.js'
import { createOfferAnswer, type OfferAnswer } from '../../src/sdp/offer-answer.js'
import { numberedAs, relayedOf, wantedOf } from '../../src/sdp/stream-codecs.js'

const local = (changes: Partial<LocalMedia> = {}): LocalMedia => ({
  address: '192.0.2.10', port: 20_000, rtcpPort: 20_001, rtcpMux: false, direction: 'sendrecv', dtmf: false,
  codecs: [{ name: 'PCMU', clockRate: 8000, channels: 1, payloadType: 0 }], ...changes,
})
const side = (): OfferAnswer => createOfferAnswer({ random: seededRandom(1) })
const sdp = (media: string): string => `v=0\r\no=ann 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n${media}`
const mediaLines = (text: string): readonly string[] => text.split('\r\n').filter(line => line.startsWith('m='))
const wanted = (media: string): readonly WantedStream[] => parseDescription(sdp(media)).media.flatMap(line => wantedOf(line) ?? [])
const at = (streams: readonly WantedStream[], port = 30_000): readonly LocalStream[] =>
  streams.map((stream, index) => ({ ...stream, port: port + 2 * index, rtcpPort: port + 1 + 2 * index }))

const AUDIO = 'm=audio 4000 RTP/AVP 0\r\n'
const VIDEO = 'm=video 5000 RTP/AVPF 97 98\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 packetization-mode=1;profile-level-id=42e01f\r\n' +
  'a=rtcp-fb:97 nack\r\na=rtcp-fb:97 nack pli\r\na=rtcp-fb:97 goog-remb\r\na=rtpmap:98 VP8/90000\r\na=rtcp-fb:* ccm fir\r\n'
const TEXT = 'm=text 6000 RTP/AVP 100 101\r\na=rtpmap:100 red/1000\r\na=fmtp:100 101/101/101\r\na=rtpmap:101 t140/1000\r\n'
const FAX = 'm=image 7000 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxRateManagement:transferredTCF\r\n'

t.test('RFC 3264 §5.1: the far party is offered what the caller offered, the caller answered what the far party took', async t => {
  const far = side()
  const near = side()
  const offer = far.createOffer(local({ streams: at(wanted(AUDIO + VIDEO + TEXT)) }))
  t.same(mediaLines(offer), ['m=audio 20000 RTP/AVP 0', 'm=video 30000 RTP/AVPF 97 98', 'm=text 30002 RTP/AVP 100 101'])
  t.match(offer, /a=rtcp-fb:97 nack pli\r\n/)
  t.notMatch(offer, /remb/, 'feedback that is not passed on is not offered')
  far.accept(sdp(`${AUDIO}m=video 5500 RTP/AVPF 120\r\na=rtpmap:120 VP8/90000\r\na=rtcp-fb:120 ccm fir\r\nm=text 6500 RTP/AVP 100 101\r\na=rtpmap:100 red/1000\r\na=fmtp:100 101/101\r\na=rtpmap:101 t140/1000\r\n`))
  t.match(far.streams[0], { kind: 'video', remote: { port: 5500 }, codecs: [{ name: 'VP8', receive: 98, send: 120, feedback: ['ccm fir'] }] })
  const { text } = near.answer(sdp(VIDEO + AUDIO + TEXT), local({ streams: at(far.streams.map(relayedOf), 40_000) }))
  t.same(mediaLines(text), ['m=video 40000 RTP/AVPF 98', 'm=audio 20000 RTP/AVP 0', 'm=text 40002 RTP/AVP 100 101'], 'in the order of the offer')
  t.match(near.streams[0], { codecs: [{ name: 'VP8', receive: 98, send: 98, feedback: ['ccm fir'] }] })
  t.match(text, /a=fmtp:100 101\/101\r\n/, 'RFC 4103: redundancy names the text')
  t.notMatch(text, /rtcp-fb:98 nack/, 'feedback is what both have')
})

t.test('RFC 3264 §6: a side stream that nobody takes is refused', async t => {
  const { text } = side().answer(sdp(VIDEO + AUDIO + FAX), local())
  t.same(mediaLines(text), ['m=video 0 RTP/AVPF 97 98', 'm=audio 20000 RTP/AVP 0', 'm=image 0 udptl t38'])
})

t.test('RFC 3264 §8: places and numbers of side streams last', async t => {
  const ours = side()
  const streams = at(wanted(VIDEO))
  ours.answer(sdp(VIDEO + AUDIO), local({ streams }))
  t.same(mediaLines(ours.createOffer(local())), ['m=video 0 RTP/AVPF 97 98', 'm=audio 20000 RTP/AVP 0'], 'removed')
  ours.accept(sdp(`m=video 0 RTP/AVPF 97\r\n${AUDIO}`))
  t.same(ours.streams, [])
  t.same(mediaLines(ours.createOffer(local({ streams: [...streams, ...at(wanted(TEXT), 30_002)] }))),
    ['m=video 30000 RTP/AVPF 97 98', 'm=audio 20000 RTP/AVP 0', 'm=text 30002 RTP/AVP 100 101'], 'back in its place, a new one behind')
})

t.test('RFC 3362: audio gives its line to a fax, and takes it back', async t => {
  const ours = side()
  const peer = side()
  const fax = at(wanted(FAX))
  peer.answer(ours.createOffer(local()), local())
  ours.accept(peer.localText!)
  const offer = ours.createOffer(local({ audio: 'replaced', streams: fax }))
  t.same(mediaLines(offer), ['m=image 30000 udptl t38'])
  t.match(offer, /a=T38FaxVersion:0\r\na=T38FaxRateManagement:transferredTCF\r\n/)
  ours.rollback()
  t.same(mediaLines(ours.localText!), ['m=audio 20000 RTP/AVP 0'], 'refused: the audio is in force')
  const { text } = peer.answer(ours.createOffer(local({ audio: 'replaced', streams: fax })), local({ streams: at(wanted(FAX), 40_000) }))
  t.same(mediaLines(text), ['m=image 40000 udptl t38'])
  t.match(ours.accept(text), { direction: 'inactive', remote: undefined })
  t.match(ours.streams, [{ kind: 'image', remote: { port: 40_000 }, t38: ['T38FaxVersion:0', 'T38FaxRateManagement:transferredTCF'] }])
  peer.answer(ours.createOffer(local()), local())
  t.match(ours.accept(peer.localText!), { direction: 'sendrecv', codec: { name: 'PCMU' } })
  t.same([ours.streams, peer.streams], [[], []])
  t.same(mediaLines(peer.localText!), ['m=audio 20000 RTP/AVP 0'])
})

t.test('RFC 3264 §5.1: what another party has is offered under the numbers of who is offered it', async t => {
  const [theirs] = wanted('m=text 6000 RTP/AVP 105 106\r\na=rtpmap:105 red/1000\r\na=fmtp:105 106/106\r\na=rtpmap:106 t140/1000\r\n')
  const [own] = wanted(TEXT)
  t.match(numberedAs(theirs!, own).codecs, [{ name: 'RED', payloadType: 100, fmtp: '101/101' }, { name: 'T140', payloadType: 101 }])
  t.same(numberedAs(theirs!, undefined), theirs)
  const [clash] = wanted('m=text 6000 RTP/AVP 101 106\r\na=rtpmap:101 other/1000\r\na=rtpmap:106 t140/1000\r\n')
  t.equal(numberedAs(clash!, own), clash, 'a number would be there twice')
})

t.test('RFC 3264 §6: lines that an answer leaves out are refused', async t => {
  const ours = side()
  ours.createOffer(local({ streams: at(wanted(VIDEO + TEXT)) }))
  t.match(ours.accept(sdp(AUDIO)), { direction: 'sendrecv', remote: { port: 4000 } })
  t.same(ours.streams, [])
})
