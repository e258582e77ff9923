import t from 'tap'
import { aLawOf, muLawOf, pcma, pcmu, sampleOfALaw, sampleOfMuLaw } from '../../src/codec/g711.js'
import { codecFor, createCodecRegistry } from '../../src/codec/registry.js'
import { caseBytes, caseWords, withoutCases } from './cases.js'

const everySample = Int16Array.from({ length: 65536 }, (_, at) => at - 32768)
const everyCode = Uint8Array.from({ length: 256 }, (_, code) => code)

const encodeAll = (codec: typeof pcmu): Uint8Array => {
  const out = new Uint8Array(65536)
  codec.createEncoder().encode(everySample, out, 0)
  return out
}

const decodeAll = (codec: typeof pcmu): Int16Array => {
  const out = new Int16Array(256)
  codec.createDecoder().decode(everyCode, 0, 256, out)
  return out
}

t.test('ITU-T G.711: all 65,536 inputs encode as the reference does', { skip: withoutCases }, async t => {
  t.ok(caseBytes('g711/ulaw-encode-65536.itu.bin').equals(encodeAll(pcmu)), 'mu-law')
  t.ok(caseBytes('g711/alaw-encode-65536.itu.bin').equals(encodeAll(pcma)), 'A-law')
})

t.test('ITU-T G.711: all 256 codes decode as the reference does', { skip: withoutCases }, async t => {
  t.same(decodeAll(pcmu), caseWords('g711/ulaw-decode-256.s16le'), 'mu-law')
  t.same(decodeAll(pcma), caseWords('g711/alaw-decode-256.s16le'), 'A-law')
})

/** Tables 1a and 2a of G.711: decision values of the positive half, in the law's own units. */
const decisions = (law: 'a' | 'mu'): number[] => {
  const values: number[] = []
  if (law === 'a') {
    // Segments in units of 1/4096: steps 2, 2, 4, 8, … 128, sixteen each.
    for (let value = 0, segment = 0; segment < 8; segment++)
      for (let n = 0; n < 16; n++, value += segment === 0 ? 2 : 2 << (segment - 1)) values.push(value)
  } else {
    // Units of 1/8159: 0, 1, 3, 5 … with steps 2, 4, … 256.
    for (let value = -1, segment = 0; segment < 8; segment++)
      for (let n = 0; n < 16; n++, value += 2 << segment) values.push(Math.max(0, value))
  }
  return values
}

t.test('ITU-T G.711 tables 1a, 2a: a sample falls into the interval of its decision values', async t => {
  for (const [law, unit, flip, encode] of [['a', 8, 0xd5, aLawOf], ['mu', 4, 0xff, muLawOf]] as const) {
    const thresholds = decisions(law)
    let wrong = 0
    for (let sample = 0; sample < 32768; sample++) {
      const units = sample / unit
      let interval = thresholds.length - 1
      while (interval > 0 && units < thresholds[interval]!) interval--
      if (encode(sample) !== (interval ^ flip)) wrong++
      if (encode(~sample) !== (interval ^ flip ^ 0x80)) wrong++
    }
    t.equal(wrong, 0, `${law}-law: no sample outside its interval`)
  }
})

t.test('ITU-T G.711: decoding then encoding gives the code back', async t => {
  for (let code = 0; code < 256; code++) {
    if (aLawOf(sampleOfALaw(code)) !== code) t.fail(`A-law ${code}`)
    // Mu-law has two zeros; the negative one comes back as the positive one.
    if (muLawOf(sampleOfMuLaw(code)) !== (code === 0x7f ? 0xff : code)) t.fail(`mu-law ${code}`)
  }
  t.equal(sampleOfMuLaw(0x80), 32124, 'largest mu-law value')
  t.equal(sampleOfALaw(0xaa), 32256, 'largest A-law value')
})

t.test('a frame is written at its offset and counted', async t => {
  const out = new Uint8Array(8).fill(1)
  t.equal(pcmu.createEncoder().encode(new Int16Array(4), out, 2), 4)
  t.same([...out], [1, 1, 0xff, 0xff, 0xff, 0xff, 1, 1])
  const pcm = new Int16Array(4).fill(7)
  t.equal(pcma.createDecoder().decode(Uint8Array.of(0, 0xd5, 0x55), 1, 2, pcm), 2)
  t.same([...pcm], [8, -8, 7, 7])
})

t.test('codecs are found by name and clock rate, and an application adds its own', async t => {
  t.equal(codecFor('pcmu', 8000)?.payloadType, 0)
  t.equal(codecFor('PCMA', 8000)?.payloadBytes(160), 160)
  t.equal(codecFor('PCMA', 16000), undefined)
  const registry = createCodecRegistry()
  const own = { ...pcmu, name: 'X-LAW' }
  registry.register(own)
  t.equal(registry.codecFor('x-law', 8000), own)
  t.equal(registry.codecFor('x-law', 8000, 2), undefined)
  t.equal(createCodecRegistry().codecFor('x-law', 8000), undefined, 'another registry knows nothing of it')
  t.equal(registry.codecs.at(-1), own)
})
