import { createCipheriv, createHmac } from 'node:crypto'
import { RtpHeader as PeerHeader, RtpPacket, SrtcpSession, SrtpSession, RtcpRrPacket } from 'werift-rtp'
import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { HmacSha1 } from '../../src/rtp/hmac-sha1.js'
import { writeRtp } from '../../src/rtp/packet.js'
import { sessionKeys } from '../../src/rtp/srtp-keys.js'
import { SRTP_OVERHEAD, SrtpReceiver, SrtpSender } from '../../src/rtp/srtp.js'
import { SRTP_STATE_BYTES, SrtpStreams } from '../../src/rtp/srtp-streams.js'
import { SRTP_SUITES, srtpSuite, type SrtpSuiteName } from '../../src/rtp/srtp-suite.js'
import { CounterCipher, createTransform } from '../../src/rtp/srtp-transform.js'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const masterOf = (suite: string, seed = 1): Uint8Array => {
  const { keyBytes, saltBytes } = srtpSuite(suite)!
  const random = seededRandom(seed)
  return Uint8Array.from({ length: keyBytes + saltBytes }, () => random.uint32())
}

const SSRC = 0xdecafbad

/** A packet of 20 ms with room for its tag. */
const packetOf = (sequence: number, payload = 160, ssrc = SSRC): Buffer => {
  const packet = Buffer.alloc(12 + payload + SRTP_OVERHEAD, sequence & 0xff)
  writeRtp(packet, 0, false, 0, sequence & 0xffff, sequence * 160, ssrc)
  return packet
}

const PAYLOAD = 160
const PLAIN = 12 + PAYLOAD

interface Pair { readonly sender: SrtpSender; readonly receiver: SrtpReceiver; send(sequence: number): Buffer; pass(packet: Buffer): number }

const pairOf = (suite: string): Pair => {
  const key = masterOf(suite)
  const sender = new SrtpSender({ suite, key })
  const receiver = new SrtpReceiver({ suite, key })
  return {
    sender, receiver,
    send(sequence) {
      const packet = packetOf(sequence)
      return packet.subarray(0, sender.protect(packet, PLAIN))
    },
    pass: packet => receiver.unprotect(Buffer.from(packet), packet.length),
  }
}

t.test('RFC 2104: HMAC-SHA1 equals the runtime\'s for every length, with and without a trailer', async t => {
  const random = seededRandom(9)
  const key = Uint8Array.from({ length: 20 }, () => random.uint32())
  const own = new HmacSha1(key)
  for (let length = 0; length < 300; length++) {
    const message = Buffer.from(Uint8Array.from({ length }, () => random.uint32()))
    const trailer = random.uint32()
    const word = Buffer.alloc(4)
    word.writeUInt32BE(trailer)
    const plain = createHmac('sha1', key).update(message).digest()
    const trailed = createHmac('sha1', key).update(message).update(word).digest()
    if (!plain.equals(own.digest(message, length, undefined)) || !trailed.equals(own.digest(message, length, trailer))) t.fail(`length ${length}`)
  }
  t.pass('300 lengths')
})

t.test('RFC 3711 B.2: AES-CM key stream', async t => {
  const cipher = new CounterCipher(hex('2B7E151628AED2A6ABF7158809CF4F3C'), hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'))
  const stream = Buffer.alloc(0xff02 * 16)
  cipher.apply(stream, 0, stream.length, 0, 0, 0)
  const block = (n: number): string => stream.subarray(n * 16, n * 16 + 16).toString('hex').toUpperCase()
  t.equal(block(0), 'E03EAD0935C95E80E166B16DD92B4EB4')
  t.equal(block(1), 'D23513162B02D0F72A43A2FE4A5F97AB')
  t.equal(block(2), '41E95B3BB0A2E8DD477901E4FCA894C0')
  t.equal(block(0xfeff), 'EC8CDF7398607CB0F2D21675EA9EA1E4')
  t.equal(block(0xff00), '362B7C3C6773516318A077D7FC5073AE')
  t.equal(block(0xff01), '6A2CC3787889374FBEB4C81B17BA6C44')
})

t.test('RFC 3711 §4.1.1: key streams made ahead are those of each packet, whatever the order, length, source and wrap', async t => {
  const key = masterOf('AES_256_CM_HMAC_SHA1_80').subarray(0, 32)
  const salt = masterOf('AES_256_CM_HMAC_SHA1_80', 2).subarray(0, 14)
  const random = seededRandom(5)
  const lasting = new CounterCipher(key, salt)
  let index = 0xfff0
  for (let n = 0; n < 400; n++) {
    const chance = random.uint32() % 10
    index += chance === 0 ? 20 : chance === 1 ? -3 : 1
    const [length, ssrc] = [random.uint32() % 8 === 0 ? 1 + random.uint32() % 400 : 160, random.uint32() % 12 === 0 ? SSRC + 1 : SSRC]
    const [made, expected] = [new Uint8Array(length), new Uint8Array(length)]
    lasting.apply(made, 0, length, ssrc, Math.floor(index / 0x1_0000), index & 0xffff)
    new CounterCipher(key, salt).apply(expected, 0, length, ssrc, Math.floor(index / 0x1_0000), index & 0xffff)
    if (Buffer.compare(made, expected) !== 0) t.fail(`packet ${n}, index ${index}, ${length} bytes`)
  }
  t.ok(index > 0x1_0000, 'through the wrap')
})

t.test('RFC 3711 B.3: key derivation with AES-128', async t => {
  const keys = sessionKeys(srtpSuite('AES_CM_128_HMAC_SHA1_80')!, hex('E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6'), 'rtp')
  t.same(Buffer.from(keys.key), hex('C61E7A93744F39EE10734AFE3FF7A087'))
  t.same(Buffer.from(keys.salt), hex('30CBBC08863D8C85D49DB34A9AE1'))
  t.same(Buffer.from(keys.authentication), hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'))
})

t.test('RFC 6188 §7.2: key derivation with AES-256', async t => {
  const keys = sessionKeys(srtpSuite('AES_256_CM_HMAC_SHA1_80')!,
    hex('f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2'), 'rtp')
  t.same(Buffer.from(keys.key), hex('5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4'))
  t.same(Buffer.from(keys.salt), hex('fa31791685ca444a9e07c6c64e93'))
  t.same(Buffer.from(keys.authentication), hex('fd9c32d39ed5fbb5a9dc96b30818454d1313dc05'))
})

t.test('RFC 7714 §8, NIST SP 800-38D: AES-GCM equals the runtime\'s for every length, whatever the numbers', async t => {
  const random = seededRandom(11)
  const bytes = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, () => random.uint32()))
  for (const [suite, keyBytes] of [['AEAD_AES_128_GCM', 16], ['AEAD_AES_256_GCM', 32]] as const) {
    const keys = { key: bytes(keyBytes), salt: bytes(12), authentication: Buffer.alloc(20) }
    const transform = createTransform(srtpSuite(suite)!, keys, keys)
    for (let length = 0; length < 200; length++) {
      const [ssrc, roc, sequence, start] = [random.uint32(), random.uint32(), random.uint32() & 0xffff, 12 + 4 * (length % 7)]
      const plain = bytes(start + length)
      const iv = Buffer.alloc(12)
      iv.writeUInt32BE(ssrc, 2)
      iv.writeUInt32BE(roc, 6)
      iv.writeUInt16BE(sequence, 10)
      const cipher = createCipheriv(keyBytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm', keys.key, iv.map((byte, at) => byte ^ keys.salt[at]!))
      cipher.setAAD(plain.subarray(0, start))
      const expected = Buffer.concat([plain.subarray(0, start), cipher.update(plain.subarray(start)), cipher.final(), cipher.getAuthTag()])
      const packet = Buffer.concat([plain, Buffer.alloc(16)])
      if (transform.sealRtp(packet, start, plain.length, ssrc, roc, sequence) !== packet.length || !packet.equals(expected)) t.fail(`${suite}, ${length} bytes`)
      packet[random.uint32() % packet.length]! ^= 0x10
      const bent = Buffer.from(packet)
      if (transform.openRtp(packet, start, packet.length, ssrc, roc, sequence) !== -1 || !packet.equals(bent)) t.fail('a bent packet')
      if (transform.openRtp(expected, start, expected.length, ssrc, roc, sequence) !== plain.length || !expected.subarray(0, plain.length).equals(plain)) t.fail('opened')
    }
  }
  t.pass('400 packets')
})

const GCM_VECTORS = [
  {
    suite: 'AEAD_AES_128_GCM', key: '000102030405060708090a0b0c0d0e0f', rtp: '16.1.1', rtcp: '17.1',
    sealed: 'f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833 899d7f27beb16a9152cf765ee4390cce',
    report: '63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade 800005d4',
  },
  {
    suite: 'AEAD_AES_256_GCM', key: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', rtp: '16.2.1', rtcp: '17.2',
    sealed: '32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b 7aa3db36dfffd6b0f9bb7878d7a76c13',
    report: 'd50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be 800005d4',
  },
] as const

for (const { suite, key, rtp, rtcp, sealed, report } of GCM_VECTORS) {
  const keys = { key: hex(key), salt: hex('517569642070726f2071756f'), authentication: Buffer.alloc(20) }
  const transform = createTransform(srtpSuite(suite)!, keys, keys)

  t.test(`RFC 7714 §${rtp}: ${suite}`, async t => {
    const plain = Buffer.concat([hex('8040f17b 8041f8d3 5501a0b2'), Buffer.from('Gallia est omnis divisa in partes tres')])
    const packet = Buffer.concat([plain, Buffer.alloc(16)])
    t.equal(transform.sealRtp(packet, 12, plain.length, 0x5501a0b2, 0, 0xf17b), packet.length)
    t.same(packet.subarray(12), hex(sealed))
    t.equal(transform.openRtp(packet, 12, packet.length, 0x5501a0b2, 0, 0xf17b), plain.length)
    t.same(packet.subarray(0, plain.length), plain)
  })

  t.test(`RFC 7714 §${rtcp}: ${suite}, SRTCP`, async t => {
    const plain = hex('81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef')
    const packet = Buffer.concat([plain, Buffer.alloc(20)])
    t.equal(transform.sealRtcp(packet, plain.length, 0x4d617273, 0x5d4), packet.length)
    t.same(packet.subarray(8), hex(report))
    t.equal(transform.openRtcp(packet, packet.length, 0x4d617273, 0x800005d4), plain.length)
    t.same(packet.subarray(0, plain.length), plain)
  })
}

t.test('the packet that other stacks test AES_CM_128_HMAC_SHA1_80 with', async t => {
  const sender = new SrtpSender({ suite: 'AES_CM_128_HMAC_SHA1_80', key: hex('e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6') })
  const packet = Buffer.concat([hex('800f1234decafbadcafebabe'), Buffer.alloc(16, 0xab), Buffer.alloc(SRTP_OVERHEAD)])
  const length = sender.protect(packet, 28)
  t.same(packet.subarray(0, length), hex('800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb'))
})

for (const { name, tagBytes, rtcpTagBytes } of SRTP_SUITES)
  t.test(`${name}: what is protected comes back, and one changed bit does not`, async t => {
    const { receiver, send, pass, sender } = pairOf(name)
    for (let sequence = 65_500; sequence < 65_600; sequence++) {
      const packet = send(sequence)
      if (packet.length !== PLAIN + tagBytes) t.fail('length')
      const bent = Buffer.from(packet)
      bent[sequence % bent.length]! ^= 1 << (sequence % 8)
      if (pass(bent) !== 0) t.fail('a bent packet passed')
      const opened = Buffer.from(packet)
      if (receiver.unprotect(opened, opened.length) !== PLAIN) t.fail('refused')
      if (!opened.subarray(0, PLAIN).equals(packetOf(sequence).subarray(0, PLAIN))) t.fail('content')
    }
    t.equal(receiver.rollover(SSRC), 1, 'the counter rolled over')
    const report = Buffer.alloc(32 + SRTP_OVERHEAD)
    report.set(hex('80c90007decafbad'))
    const clear = Buffer.from(report.subarray(0, 32))
    const length = sender.protectRtcp(report, 32)
    t.equal(length, 32 + 4 + rtcpTagBytes)
    const sealed = Buffer.from(report.subarray(0, length))
    t.not(sealed.subarray(8, 32).equals(clear.subarray(8)), true)
    const bent = Buffer.from(sealed)
    bent[20]! ^= 1
    t.equal(receiver.unprotectRtcp(bent, length), 0)
    t.equal(receiver.unprotectRtcp(report, length), 32)
    t.same(report.subarray(0, 32), clear)
    t.equal(receiver.unprotectRtcp(sealed, length), 0)
    t.equal(receiver.refusal, 'replayed')
  })

for (const { name, tagBytes, rtcpTagBytes, mode } of SRTP_SUITES)
  t.test(`RFC 3711 §3.1, RFC 7714 §8.2: ${name}, packets bear the identifier of their key, and those of another are refused`, async t => {
    const key = masterOf(name)
    const mki = hex('00c0ffee')
    const [plain, sender] = [new SrtpSender({ suite: name, key }), new SrtpSender({ suite: name, key, mki })]
    const receiver = new SrtpReceiver({ suite: name, key, mki })
    t.same([sender.overhead, sender.rtcpOverhead], [tagBytes + 4, rtcpTagBytes + 8])
    const seal = (by: SrtpSender, control: boolean, sequence: number): Buffer => {
      const packet = control ? Buffer.concat([hex('80c90007decafbad'), Buffer.alloc(24 + by.rtcpOverhead, 3)]) : Buffer.concat([packetOf(sequence).subarray(0, PLAIN), Buffer.alloc(by.overhead)])
      return packet.subarray(0, control ? by.protectRtcp(packet, 32) : by.protect(packet, PLAIN))
    }
    for (let sequence = 65_530; sequence < 65_540; sequence++)
      for (const control of [false, true]) {
        const [without, sealed] = [seal(plain, control, sequence), seal(sender, control, sequence)]
        const at = without.length - (mode === 'gcm' ? 0 : control ? rtcpTagBytes : tagBytes)
        t.same(sealed, Buffer.concat([without.subarray(0, at), mki, without.subarray(at)]))
        const open = (packet: Buffer): number => control ? receiver.unprotectRtcp(packet, packet.length) : receiver.unprotect(packet, packet.length)
        const another = Buffer.from(sealed)
        another[at + 3]! ^= 1
        for (const packet of [Buffer.from(without), another]) t.same([open(packet), receiver.refusal], [0, 'other-key'])
        const forged = Buffer.from(sealed)
        forged[20]! ^= 1
        t.same([open(forged), receiver.refusal], [0, 'forged'])
        t.equal(open(sealed), control ? 32 : PLAIN)
        if (!control) t.same(sealed.subarray(0, PLAIN), packetOf(sequence).subarray(0, PLAIN))
      }
    t.equal(receiver.rollover(SSRC), 1)
    for (let length = 0; length < 12 + receiver.overhead; length++) t.equal(receiver.unprotect(packetOf(1), length), 0)
    t.equal(receiver.refusal, 'malformed')
  })

t.test('RFC 4568 §6.1: no packet is sent past the lifetime of its key, nor by a successor on the same words', async t => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const keys = { suite, key: masterOf(suite), lifetime: 8 }
  const state = new Int32Array(SRTP_STATE_BYTES / 4)
  const first = new SrtpSender(keys, state)
  for (let sequence = 1; sequence <= 3; sequence++) for (const ssrc of [1, 2]) t.ok(first.protect(packetOf(sequence, PAYLOAD, ssrc), PLAIN))
  const successor = new SrtpSender(keys, state)
  for (let sequence = 4; sequence <= 5; sequence++) t.ok(successor.protect(packetOf(sequence), PLAIN))
  t.equal(successor.protect(packetOf(6), PLAIN), 0)
  t.equal(successor.refusal, 'exhausted')
  for (let report = 0; report < 8; report++) t.ok(successor.protectRtcp(packetOf(0), 32), 'reports are counted by themselves')
  t.equal(successor.protectRtcp(packetOf(0), 32), 0)
  t.equal(successor.refused.value('exhausted'), 2)
  successor.renew({ ...keys, lifetime: 9 })
  t.ok(successor.protect(packetOf(6), PLAIN), 'until it is agreed anew')
})

t.test('RFC 3711 §3.3.2: replayed packets are refused, late ones in the list pass once', async t => {
  const { receiver, send, pass } = pairOf('AES_CM_128_HMAC_SHA1_80')
  const packets = Array.from({ length: 300 }, (_, at) => send(at))
  t.ok(pass(packets[0]!))
  t.equal(pass(packets[0]!), 0)
  t.equal(receiver.refusal, 'replayed')
  for (const at of [50, 10, 177, 60, 299]) t.ok(pass(packets[at]!), `${at}`)
  t.ok(pass(packets[172]!), '127 behind')
  t.equal(pass(packets[171]!), 0, '128 behind is too old to tell')
  for (const at of [177, 299, 172]) t.equal(pass(packets[at]!), 0, `${at} again`)
  t.equal(receiver.refused.value('replayed'), 5)
  t.equal(receiver.refused.value('forged'), 0)
})

t.test('any order of arrival: each authentic packet once, across wraps of the sequence number', async t => {
  const { send, pass } = pairOf('AES_CM_128_HMAC_SHA1_32')
  const random = seededRandom(77)
  const packets = Array.from({ length: 400 }, (_, at) => send(65_336 + at))
  const order = packets.map((packet, at) => ({ packet, at: at + 60 * random.float() })).sort((a, b) => a.at - b.at)
  let passed = 0
  for (const { packet } of order) for (let copy = 0; copy < 2; copy++) if (pass(packet) > 0) passed++
  t.equal(passed, 400)
})

t.test('RFC 3711 §3.3.1: the rollover counter is found again when the wrap itself was lost', async t => {
  const { sender, receiver, send, pass } = pairOf('AES_CM_128_HMAC_SHA1_80')
  t.ok(pass(send(100)))
  // 65,000 packets are sent and lost: the receiver's guess for 564 is still the old count.
  for (let sequence = 101; sequence < 65_636 + 464; sequence += 20_000) send(sequence)
  sender.protect(packetOf(65_636 + 464), PLAIN)
  t.ok(pass(send(65_636 + 465)))
  t.equal(receiver.rollover(SSRC), 1)
  t.ok(pass(send(65_636 + 466)))
})

t.test('a sender never uses a key stream twice, and a successor on the same words goes on', async t => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const key = masterOf(suite)
  const state = new Int32Array(new SharedArrayBuffer(SRTP_STATE_BYTES))
  const first = new SrtpSender({ suite, key }, state)
  for (let sequence = 65_530; sequence < 65_540; sequence++) first.protect(packetOf(sequence), PLAIN)
  t.equal(first.protect(packetOf(65_539), PLAIN), 0)
  t.equal(first.refusal, 'replayed')
  const report = packetOf(0)
  first.protectRtcp(report, 32)
  const successor = new SrtpSender({ suite, key }, state)
  t.equal(successor.rollover(SSRC), 1)
  t.equal(successor.protect(packetOf(65_539), PLAIN), 0)
  const packet = packetOf(65_540)
  const length = successor.protect(packet, PLAIN)
  const receiver = new SrtpReceiver({ suite, key })
  t.equal(receiver.unprotect(Buffer.from(packet), length), PLAIN, 'RFC 3711 §3.3.1: a receiver that missed the beginning and the wrap tries the next counter')
  t.equal(receiver.rollover(SSRC), 1)
  const second = packetOf(0)
  const sealed = successor.protectRtcp(second, 32)
  t.equal(second.readUInt32BE(sealed - 14) & 0x7fffffff, 2, 'the SRTCP index goes on')
})

t.test('RFC 3711 §3.4: new keys do not set the SRTCP index back, and their lifetime is their own', async t => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const state = new Int32Array(SRTP_STATE_BYTES / 4)
  const indexOf = (sender: SrtpSender): number => {
    const report = packetOf(0)
    const sealed = sender.protectRtcp(report, 32)
    return sealed === 0 ? 0 : report.readUInt32BE(sealed - 14) & 0x7fffffff
  }
  const [first, second] = [{ suite, key: masterOf(suite, 1) }, { suite, key: masterOf(suite, 2), lifetime: 3 }]
  const before = new SrtpSender(first, state)
  t.same([indexOf(before), indexOf(before)], [1, 2])
  new SrtpStreams(state).rekey()
  const between = new SrtpSender(second, state)
  t.same([indexOf(between), indexOf(between), indexOf(between), indexOf(between)], [3, 4, 5, 0], 'three under the second keys')
  t.equal(between.refusal, 'exhausted')
  new SrtpStreams(state).rekey()
  t.equal(indexOf(new SrtpSender(first, state)), 6, 'the first keys come back: none of their indexes does')
})

t.test('a source may start at another rollover counter', async t => {
  const { sender, receiver, send, pass } = pairOf('AEAD_AES_128_GCM')
  sender.startAt(SSRC, 7)
  t.ok(send(5))
  t.equal(sender.rollover(SSRC), 7)
  t.equal(pass(send(6)), 0)
  t.equal(receiver.refusal, 'forged')
})

t.test('sources have counters of their own, and strangers get no record', async t => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const key = masterOf(suite)
  const sender = new SrtpSender({ suite, key })
  const receiver = new SrtpReceiver({ suite, key })
  const stranger = new SrtpSender({ suite, key: masterOf(suite, 2) })
  for (let ssrc = 100; ssrc < 200; ssrc++) {
    const packet = packetOf(1, PAYLOAD, ssrc)
    receiver.unprotect(packet, stranger.protect(packet, PLAIN) || PLAIN + 10)
  }
  t.equal(receiver.refused.value('too-many-streams'), 0)
  for (let ssrc = 1; ssrc <= 4; ssrc++) {
    const packet = packetOf(1, PAYLOAD, ssrc)
    t.equal(receiver.unprotect(packet, sender.protect(packet, PLAIN)), PLAIN)
  }
  t.equal(sender.protect(packetOf(1, PAYLOAD, 5), PLAIN), 0)
  t.equal(sender.refusal, 'too-many-streams')
})

t.test('rekeying: equal keys are recognized, wrong ones refused', async t => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const sender = new SrtpSender({ suite, key: masterOf(suite) })
  t.ok(sender.has({ suite, key: masterOf(suite) }))
  t.notOk(sender.has({ suite, key: masterOf(suite, 2) }))
  t.notOk(sender.has({ suite: 'AES_CM_128_HMAC_SHA1_32', key: masterOf(suite) }))
  t.throws(() => new SrtpSender({ suite, key: new Uint8Array(29) }), { code: 'MEDIA_NO_COMMON_CODEC', status: 488 })
  t.throws(() => new SrtpSender({ suite: 'F8_128_HMAC_SHA1_80', key: new Uint8Array(30) }), { code: 'MEDIA_NO_COMMON_CODEC' })
})

t.test('another author\'s stack reads ours and we read its', async t => {
  const cases: [SrtpSuiteName, 1 | 7][] = [['AES_CM_128_HMAC_SHA1_80', 1], ['AEAD_AES_128_GCM', 7]]
  for (const [suite, profile] of cases) {
    const { keyBytes, saltBytes } = srtpSuite(suite)!
    const master = Buffer.from(masterOf(suite))
    const keys = {
      localMasterKey: master.subarray(0, keyBytes), localMasterSalt: master.subarray(keyBytes, keyBytes + saltBytes),
      remoteMasterKey: master.subarray(0, keyBytes), remoteMasterSalt: master.subarray(keyBytes, keyBytes + saltBytes),
    }
    const peer = new SrtpSession({ keys, profile })
    const peerControl = new SrtcpSession({ keys, profile })
    const sender = new SrtpSender({ suite, key: master })
    const receiver = new SrtpReceiver({ suite, key: master })
    for (let sequence = 10; sequence < 14; sequence++) {
      const packet = packetOf(sequence)
      const plain = Buffer.from(packet.subarray(0, PLAIN))
      const length = sender.protect(packet, PLAIN)
      t.same(peer.decrypt(Buffer.from(packet.subarray(0, length))), plain, `${suite} to the peer`)
      const header = new PeerHeader({ sequenceNumber: sequence, timestamp: 5, ssrc: 9, payloadType: 0 })
      const theirs = peer.encrypt(Buffer.alloc(40, 7), header)
      t.equal(receiver.unprotect(theirs, theirs.length), 52)
      t.same(RtpPacket.deSerialize(theirs.subarray(0, 52)).payload, Buffer.alloc(40, 7))
    }
    const report = new RtcpRrPacket({ ssrc: SSRC }).serialize()
    const theirs = peerControl.encrypt(report)
    t.equal(receiver.unprotectRtcp(theirs, theirs.length), report.length)
    const ours = Buffer.concat([report, Buffer.alloc(SRTP_OVERHEAD)])
    const length = sender.protectRtcp(ours, report.length)
    t.same(peerControl.decrypt(Buffer.from(ours.subarray(0, length))), report)
  }
})

t.test('random and mutated datagrams: refused, no throw, no state', async t => {
  for (const suite of ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_256_GCM']) {
    const { receiver, sender, send, pass } = pairOf(suite)
    const random = seededRandom(123)
    t.ok(pass(send(1)))
    for (let run = 0; run < 2000; run++) {
      const length = random.uint32() % 90
      const datagram = Buffer.from(Uint8Array.from({ length }, () => random.uint32()))
      if (length > 0 && run % 3 !== 0) datagram[0] = 0x80 | (datagram[0]! & 0x3f)
      if (receiver.unprotect(datagram, length) !== 0 || receiver.unprotectRtcp(datagram, length) !== 0) t.fail('believed')
      sender.protect(Buffer.concat([datagram, Buffer.alloc(SRTP_OVERHEAD)]), Math.min(11, length))
    }
    t.ok(pass(send(2)), 'and the call goes on')
    t.equal(receiver.refused.value('too-many-streams'), 0)
  }
})
