import t from 'tap'
import { isCordboardError } from '../../src/core/errors.js'
import { seededRandom } from '../../src/core/random.js'
import { formatCrypto, keyLength, parseCrypto } from '../../src/sdp/crypto.js'
import { parseDescription } from '../../src/sdp/description.js'
import { directionOf, narrowed, reversed } from '../../src/sdp/direction.js'
import { createOfferAnswer } from '../../src/sdp/offer-answer.js'

const HEAD = 'v=0\r\no=ann 2890844526 2890842807 IN IP4 host.atlanta.example\r\ns=\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n'
const why = (text: string): string => {
  try {
    parseDescription(text)
    return 'accepted'
  } catch (error) {
    return isCordboardError(error, 'SDP_BAD_DESCRIPTION') && error.status === 400 ? error.message : `wrong error: ${String(error)}`
  }
}

t.test('RFC 8866: what is read', async t => {
  const { origin, media } = parseDescription(`${HEAD}a=inactive\r\nm=audio 49170 RTP/AVP 0 96 97 13\r\ni=main\r\nb=AS:64\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1;stereo=0\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15,66\r\na=ptime:30\r\na=maxptime:60\r\na=rtcp:50000 IN IP4 192.0.2.9\r\na=rtcp-mux\r\na=x-unknown:y\r\nm=video 51372/2 RTP/SAVPF 31\r\nc=IN IP6 2001:db8::1\r\na=sendrecv\r\nm=image 0 udptl t38\r\n`)
  t.same(origin, { username: 'ann', sessionId: '2890844526', version: '2890842807', address: 'host.atlanta.example' })
  t.same(media[0], {
    kind: 'audio', port: 49_170, ports: 1, formats: ['0', '96', '97', '13'], protocol: 'RTP/AVP', address: '192.0.2.1', direction: 'inactive', rtcpMux: true, crypto: [], ptime: 30, maxptime: 60, rtcp: { port: 50_000, address: '192.0.2.9' },
    codecs: [
      { payloadType: 0, name: 'PCMU', clockRate: 8000, channels: 1 }, { payloadType: 96, name: 'OPUS', clockRate: 48_000, channels: 2, fmtp: 'useinbandfec=1;stereo=0' },
      { payloadType: 97, name: 'TELEPHONE-EVENT', clockRate: 8000, channels: 1, fmtp: '0-15,66' }, { payloadType: 13, name: 'CN', clockRate: 8000, channels: 1 },
    ],
  })
  t.match(media[1], { kind: 'video', port: 51_372, ports: 2, protocol: 'RTP/SAVPF', address: '2001:db8::1', direction: 'sendrecv', codecs: [] })
  t.match(media[2], { kind: 'image', port: 0, formats: ['t38'] })
  t.equal(parseDescription(HEAD.replaceAll('\r\n', '\n')).media.length, 0, 'bare line feeds are borne')
  t.equal(parseDescription('v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0 \r\n').media[0]?.address, undefined, 's= and t= may be missing')
  t.equal(parseDescription('v=0\r\no=- 99999999999999999999 18446744073709551615 IN IP4 x\r\ns=-\r\n').origin.version, '18446744073709551615', 'numbers beyond 2^53')
  t.same(parseDescription(`${HEAD}m=audio 1 RTP/AVP 77 96 0\r\na=rtpmap:96 /8000\r\na=rtpmap:0 PCMU\r\n`).media[0]?.codecs, [], 'formats that nothing explains')
})

t.test('what is refused, with what is wrong', async t => {
  const audio = (line: string): string => `${HEAD}${line}\r\n`
  const table: readonly (readonly [string | RegExp, string])[] = [
    ['a description begins with v=0', ''], ['a description begins with v=0', 'v=1\r\n'], ['missing or malformed origin line', 'v=0\r\ns=-\r\n'], ['missing or malformed origin line', 'v=0\r\no=a b c IN IP4 x\r\n'],
    ['an audio line has one port', audio('m=audio 4000/2 RTP/AVP 0')], [/^malformed media line/, audio('m=audio RTP/AVP 0')], [/^malformed media line/, audio('m=audio 4000 RTP/AVP')], [/^malformed media line/, audio('m= 4000 RTP/AVP 0')],
    [/^malformed media line/, audio('m=audio -1 RTP/AVP 0')], ['port out of range: 65536', audio('m=audio 65536 RTP/AVP 0')], [/^malformed connection line/, audio('c=IN IP4')], [/^malformed connection line/, audio('c=IN IPX 1.2.3.4')],
    ['control character in a description', audio('i=a\0b')], ['control character in a description', audio('i=a\rm=audio 1 RTP/AVP 0')], [/^not a line/, audio('no line')], [/^not a line/, audio('')+ 'x\r\n'],
    ['description longer than 32 KiB', `${HEAD}${'a=x\r\n'.repeat(8000)}`], ['more than 512 lines', `${HEAD}${'a=x\r\n'.repeat(600)}`], ['a line longer than 4 KiB', audio(`a=${'x'.repeat(5000)}`)],
    ['too many media lines', `${HEAD}${'m=audio 1 RTP/AVP 0\r\n'.repeat(40)}`], ['too many formats on a media line', audio(`m=audio 1 RTP/AVP${' 0'.repeat(200)}`)],
  ]
  for (const [expected, text] of table) typeof expected === 'string' ? t.equal(why(text), expected) : t.match(why(text), expected)
})

t.test('RFC 4568 §9.1: a=crypto', async t => {
  const key = Buffer.from(Uint8Array.from({ length: 30 }, (_, at) => at))
  const line = `crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key.toString('base64')}|2^20|1:4 UNENCRYPTED_SRTCP`
  const { media } = parseDescription(`${HEAD}m=audio 49170 RTP/SAVP 0\r\na=${line}\r\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${key.toString('base64')}\r\na=crypto:3 F8_X inline:AAAA\r\na=crypto:4 AEAD_AES_128_GCM inline:AAAA\r\n`)
  const [first, second, ...rest] = media[0]!.crypto
  t.match(first, { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', lifetime: 2 ** 20, mki: Uint8Array.of(0, 0, 0, 1), parameters: ['UNENCRYPTED_SRTCP'] })
  t.same(Buffer.from(first!.key), key)
  t.equal(formatCrypto(first!), line)
  t.match(second, { tag: 2, suite: 'AES_CM_128_HMAC_SHA1_32', parameters: [] })
  t.same(rest, [], 'unknown suites and short keys are left out')
  t.equal(keyLength('AEAD_AES_256_GCM'), 44)
  for (const keys of ['inline:', 'uri:x', `inline:${key.toString('base64')};inline:${key.toString('base64')}`]) t.equal(parseCrypto(1, 'AES_CM_128_HMAC_SHA1_80', keys), undefined, keys)
  t.equal(parseCrypto(1, 'toString', 'inline:AAAA'), undefined)
  const written = `inline:${key.toString('base64')}`
  const longest = (1n << 1024n) - 1n
  for (const rest of ['|2^48', '|1000', '|1:1', '|255:1', '|2^31|65536:3', `|2^20|${longest}:128`]) {
    const read = parseCrypto(1, 'AES_CM_128_HMAC_SHA1_80', written + rest)
    t.equal(read === undefined ? read : formatCrypto(read), `crypto:1 AES_CM_128_HMAC_SHA1_80 ${written}${rest}`)
  }
  for (const rest of ['|0', '|2^', '|x', '|1:0', '|256:1', '|1:129', `|${longest + 1n}:128`, '|1:1|2^20', '|2^20|2^20', '|1:1|1:1', '|'])
    t.equal(parseCrypto(1, 'AES_CM_128_HMAC_SHA1_80', written + rest), undefined, rest)
})

t.test('RFC 3264 §5.1: directions', async t => {
  t.same((['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const).map(reversed), ['sendrecv', 'recvonly', 'sendonly', 'inactive'])
  t.equal(narrowed('sendonly', 'recvonly'), 'inactive')
  t.equal(directionOf(false, true), 'recvonly')
})

t.test('fuzz: any text, an answer or the one error', async t => {
  const random = seededRandom(3)
  const corpus = [
    `${HEAD}m=audio 49170 RTP/AVP 0 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 x=1\r\na=ptime:20\r\na=rtcp:5 IN IP4 192.0.2.1\r\na=sendonly\r\nm=video 2 RTP/AVP 31\r\n`,
    `${HEAD}a=group:BUNDLE 0\r\na=ice-ufrag:x\r\na=fingerprint:sha-256 AA:BB\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host generation 0\r\na=ssrc:1 cname:x\r\na=rtcp-fb:111 nack\r\na=extmap:1 urn:x\r\na=simulcast:send 1;2\r\na=rid:1 send\r\na=imageattr:97 send [x=800]\r\n`,
    `${HEAD}m=audio 49170 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32\r\na=source-filter: incl IN IP4 * 192.0.2.1\r\na=framerate:25.5\r\na=sctpmap:5000 x 1024\r\n`,
  ]
  const splices = ['\r\n', '\n', '\r', ' ', '=', '/', ':', '\0', '9'.repeat(30), '-1', 'm=audio 1 RTP/AVP 0\r\n', 'a=rtpmap:', 'a=fmtp:', 'IN IP4 ', '__proto__', 'constructor', ' '.repeat(500), '*'.repeat(500), 'a=candidate:' + ' 1'.repeat(300)]
  const local = { address: '192.0.2.10', port: 20_000, rtcpPort: 20_001, rtcpMux: true, codecs: [{ name: 'PCMU', clockRate: 8000, channels: 1, payloadType: 0 }], dtmf: true, direction: 'sendrecv' as const }
  let answered = 0
  let refused = 0
  let slowest = 0
  for (let run = 0; run < 6000; run++) {
    let text = corpus[random.uint32() % corpus.length]!
    for (let edits = random.uint32() % 5; edits >= 0; edits--) {
      const at = random.uint32() % (text.length + 1)
      text = text.slice(0, at) + (random.uint32() % 3 === 0 ? String.fromCharCode(random.uint32() & 255) : splices[random.uint32() % splices.length]!) + text.slice(at + random.uint32() % 6)
    }
    const session = createOfferAnswer({ random })
    const start = performance.now()
    try {
      const answer = session.answer(text, local)
      answered++
      parseDescription(answer.text)
    } catch (error) {
      if (!isCordboardError(error, 'SDP_BAD_DESCRIPTION', 'MEDIA_NO_COMMON_CODEC')) t.fail(`${String(error)} for ${JSON.stringify(text)}`)
      refused++
    }
    slowest = Math.max(slowest, performance.now() - start)
  }
  t.ok(answered > 100 && refused > 1000, `${answered} answered, ${refused} refused`)
  t.comment(`slowest description, with whatever else the machine did: ${slowest.toFixed(2)} ms`)
})
