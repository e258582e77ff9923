import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import type { LocalMedia, SrtpPolicy } from '../../src/sdp/negotiated.js'
import { createOfferAnswer } from '../../src/sdp/offer-answer.js'

const local = (srtp: SrtpPolicy, port = 20_000): LocalMedia => ({
  address: '127.0.0.1', port, rtcpPort: port + 1, rtcpMux: true, dtmf: true, direction: 'sendrecv', srtp,
  codecs: [{ name: 'PCMU', clockRate: 8_000, channels: 1, payloadType: 0 }],
})

const pair = () => ({ a: createOfferAnswer({ random: seededRandom(1) }), b: createOfferAnswer({ random: seededRandom(2) }) })

const KEY = Buffer.alloc(30, 7).toString('base64')
const offerOf = (protocol: string, crypto: readonly string[]): string => [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `m=audio 4000 ${protocol} 0`, ...crypto.map(line => `a=crypto:${line}`), '',
].join('\r\n')

void t.test('RFC 4568 §5.1: each side sends with its own key and receives with the other\'s', async t => {
  for (const [from, to] of [['required', 'required'], ['optional', 'optional'], ['required', 'optional'], ['optional', 'required']] as const) {
    const { a, b } = pair()
    const { text, media } = b.answer(a.createOffer(local(from)), local(to))
    const accepted = a.accept(text)
    t.same(accepted.crypto?.send.key, media.crypto?.receive.key, `${from} to ${to}`)
    t.same(accepted.crypto?.receive.key, media.crypto?.send.key)
    t.notSame(accepted.crypto?.send.key, accepted.crypto?.receive.key)
    t.equal(accepted.crypto?.send.suite, 'AES_CM_128_HMAC_SHA1_80')
    t.match(text, from === 'required' ? /m=audio 20000 RTP\/SAVP 0/ : /m=audio 20000 RTP\/AVP 0/)
  }
})

void t.test('keys outlive a new round, so that the roll-over counter does too', async t => {
  const { a, b } = pair()
  const first = a.accept(b.answer(a.createOffer(local('required')), local('required')).text)
  const second = b.accept(a.answer(b.createOffer(local('required')), local('required')).text)
  t.same(second.crypto?.send.key, first.crypto?.receive.key)
  t.same(second.crypto?.receive.key, first.crypto?.send.key)
})

void t.test('optional SRTP with a peer that has none stays plain', async t => {
  const { a, b } = pair()
  const { text, media } = b.answer(a.createOffer(local('optional')), local('off'))
  t.equal(media.crypto, undefined)
  t.notMatch(text, /crypto/)
  t.equal(a.accept(text).crypto, undefined)
})

void t.test('required and absent: 488, both ways', async t => {
  const { a, b } = pair()
  t.throws(() => b.answer(a.createOffer(local('off')), local('required')), { code: 'MEDIA_NO_COMMON_CODEC', status: 488 })
  const other = pair()
  t.throws(() => other.b.answer(other.a.createOffer(local('required')), local('off')), { code: 'MEDIA_NO_COMMON_CODEC', status: 488 })
  const third = pair()
  third.a.createOffer(local('required'))
  t.throws(() => third.a.accept(offerOf('RTP/SAVP', [])), { code: 'MEDIA_NO_COMMON_CODEC' })
  t.throws(() => third.a.accept(offerOf('RTP/AVP', [])), { code: 'MEDIA_NO_COMMON_CODEC' })
})

void t.test('RFC 4568 §5.1.2: the first line that we can do is taken, under its own tag', async t => {
  const { b } = pair()
  const { text, media } = b.answer(offerOf('RTP/SAVP', [
    `1 F8_128_HMAC_SHA1_80 inline:${KEY}`,
    `2 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4;inline:${KEY}|2^20|2:4`,
    `3 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNENCRYPTED_SRTP`,
    `4 AES_CM_128_HMAC_SHA1_32 inline:${KEY}|2^31 WSH=64`,
    `5 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
  ]), local('optional'))
  t.equal(media.crypto?.receive.suite, 'AES_CM_128_HMAC_SHA1_32')
  t.match(text, /a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:/)
  t.equal(text.match(/a=crypto/g)?.length, 1)
  t.throws(() => pair().b.answer(offerOf('RTP/SAVP', [`1 F8_128_HMAC_SHA1_80 inline:${KEY}`]), local('optional')), { code: 'MEDIA_NO_COMMON_CODEC' })
})

void t.test('RFC 4568 §5.1.3: an answer must take one line of the offer', async t => {
  const offering = () => {
    const a = createOfferAnswer({ random: seededRandom(3) })
    a.createOffer(local('required'))
    return a
  }
  for (const crypto of [[`9 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`], [`1 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`], [`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`, `2 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`]])
    t.throws(() => offering().accept(offerOf('RTP/SAVP', crypto)), { code: 'MEDIA_NO_COMMON_CODEC' }, crypto.join(', '))
  t.equal(offering().accept(offerOf('RTP/SAVP', [`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`])).crypto?.receive.tag, 1)
})

void t.test('RFC 3711 §9.1: our key of a suite that another has followed does not come back', async t => {
  const { b } = pair()
  const round = (suite: string) => b.answer(offerOf('RTP/SAVP', [`1 ${suite} inline:${KEY}`]), local('required')).media.crypto!.send.key
  const keys = ['80', '80', '32', '32', '80'].map(tag => Buffer.from(round(`AES_CM_128_HMAC_SHA1_${tag}`)).toString('hex'))
  t.equal(keys[1], keys[0])
  t.equal(keys[3], keys[2])
  t.equal(new Set(keys).size, 3)
  t.equal(b.createOffer(local('required')).includes(Buffer.from(keys[2]!, 'hex').toString('base64')), false, 'nor in an offer')
})

void t.test('RFC 4568 §6.1: identifier and lifetime are those of the key that they stand with: the peer\'s; ours have none', async t => {
  const line = `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4`
  const { text, media } = pair().b.answer(offerOf('RTP/SAVP', [line]), local('required'))
  t.same(media.crypto?.receive.mki, Uint8Array.of(0, 0, 0, 1))
  t.equal(media.crypto?.receive.lifetime, 2 ** 20)
  t.notOk(media.crypto?.send.mki)
  t.notMatch(text, /inline:[^\r]*\|/)
  const { a } = pair()
  t.notMatch(a.createOffer(local('required')), /inline:[^\r]*\|/)
  const accepted = a.accept(offerOf('RTP/SAVP', [line]))
  t.same(accepted.crypto?.receive.mki, Uint8Array.of(0, 0, 0, 1))
  t.notOk(accepted.crypto?.send.mki)
})

const LENGTHS = {
  AES_CM_128_HMAC_SHA1_80: 30, AES_CM_128_HMAC_SHA1_32: 30, AES_256_CM_HMAC_SHA1_80: 46, AES_256_CM_HMAC_SHA1_32: 46, AEAD_AES_128_GCM: 28, AEAD_AES_256_GCM: 44,
}

void t.test('RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2: each suite is offered, and taken when it is the only one', async t => {
  const offer = createOfferAnswer({ random: seededRandom(4) }).createOffer(local('required'))
  for (const [suite, bytes] of Object.entries(LENGTHS)) {
    const inline = Buffer.alloc(bytes, 9).toString('base64')
    const { text, media } = pair().b.answer(offerOf('RTP/SAVP', [`7 ${suite} inline:${inline}|2^31`]), local('required'))
    t.match(text, `a=crypto:7 ${suite} inline:`)
    t.equal(media.crypto?.receive.suite, suite)
    t.equal(media.crypto?.send.key.length, bytes)
    t.match(offer, new RegExp(`a=crypto:\\d ${suite} inline:`))
  }
})

void t.test('RFC 4568 §7.1.4: another key of the peer\'s in a re-INVITE rekeys its direction alone', async t => {
  const { b } = pair()
  const round = (fill: number) =>
    b.answer(offerOf('RTP/SAVP', [`1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, fill).toString('base64')}`]), local('required')).media.crypto
  const [first, second] = [round(1), round(2)]
  t.same(first?.send.key, second?.send.key)
  t.same([...second!.receive.key], Array.from({ length: 30 }, () => 2))
})
