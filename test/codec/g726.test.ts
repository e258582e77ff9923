import { createHash } from 'node:crypto'
import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import type { CompandingLaw } from '../../src/codec/g711.js'
import { G726Law } from '../../src/codec/g726-law.js'
import type { G726Bits } from '../../src/codec/g726-tables.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { codecFor } from '../../src/codec/registry.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { caseWords, withoutCases } from './cases.js'

const RATES = [2, 3, 4, 5] as const satisfies G726Bits[]
const LAWS = { m: 'mu-law', a: 'a-law' } as const satisfies Record<string, CompandingLaw>
/** Samples of the homing sequences; what follows in their files is filler. */
const HOMING = 3496

interface Vector {
  readonly bits: G726Bits
  readonly law: 'm' | 'a'
  readonly input: string
  readonly output: string
  readonly direction: 'encode' | 'decode'
}

/** The reference sequences of one rate and one input law: normal, overload, random codes; from reset and from homing. */
const vectorsOf = (bits: G726Bits, law: 'm' | 'a', start: 'r' | 'h'): Vector[] => {
  const kbits = bits * 8
  const other = law === 'm' ? 'a' : 'm'
  const pairs = [['nrm', 'n'], ['ovr', 'v']].flatMap(([source, letter]): Vector[] => [
    { bits, law, input: `${source}.${law}`, output: `${start}${letter}${kbits}f${law}.i`, direction: 'encode' },
    { bits, law, input: `${start}${letter}${kbits}f${law}.i`, output: `${start}${letter}${kbits}f${law}.o`, direction: 'decode' },
    { bits, law: other, input: `${start}${letter}${kbits}f${law}.i`, output: `${start}${letter}${kbits}f${law === 'm' ? 'c' : 'x'}.o`, direction: 'decode' },
  ])
  return [...pairs, { bits, law, input: `i${kbits}`, output: `${start}i${kbits}f${law}.o`, direction: 'decode' }]
}

/** Mismatches of a run against its reference. */
const mismatches = ({ bits, law, input, output, direction }: Vector): number => {
  const coder = new G726Law(bits, LAWS[law])
  const step = (value: number): number => (direction === 'encode' ? coder.encode(value) : coder.decode(value))
  // One reference of the homing set was made from reset, as its checksum in the set's own list confirms.
  if (output.startsWith('h') && output !== 'hn16fc.o') {
    const homing = caseWords(`itu/g726/${direction === 'encode' ? `pcm_init.${law}` : `i_ini_${bits * 8}.${law}`}`)
    for (let at = 0; at < HOMING; at++) step(homing[at]!)
  }
  const expected = caseWords(`itu/g726/${output}`)
  const values = caseWords(`itu/g726/${input}`)
  return expected.reduce((wrong, value, at) => wrong + (step(values[at]!) === value ? 0 : 1), 0)
}

for (const start of ['r', 'h'] as const)
  t.test(`ITU-T G.726 Appendix II: all ${start === 'r' ? 'reset' : 'homing'} sequences of four rates and two laws`, { skip: withoutCases }, async t => {
    for (const bits of RATES)
      for (const law of ['m', 'a'] as const)
        for (const vector of vectorsOf(bits, law, start)) {
          const wrong = mismatches(vector)
          if (wrong !== 0) t.fail(`${vector.output}: ${wrong} differ`)
        }
    t.pass('56 sequences identical')
  })

const digest = (data: NodeJS.ArrayBufferView): string => createHash('sha256').update(data).digest('hex').slice(0, 16)

/** A tone, noise at full scale, and silence. */
const signal = (): Int16Array => {
  const pcm = new Int16Array(16_000)
  const random = seededRandom(726)
  new ToneGenerator({ frequencies: [350, 1004], dbm0: -9 }, 8000).read(pcm, 0, 6000)
  for (let at = 6000; at < 12_000; at++) pcm[at] = (random.uint32() >>> 16) - 32768
  return pcm
}

/** Begin of SHA-256 of codes and of decoded PCM, taken when the coder agreed with the ITU's vectors. */
const CHECKSUMS: Readonly<Record<string, readonly [string, string]>> = {
  'G726-16': ['451ea386a93dd9c2', 'b40fe5fde54f37e4'],
  'AAL2-G726-16': ['c363ff499c802520', 'b40fe5fde54f37e4'],
  'G726-24': ['d98ac0b3bddb3030', 'c693f46692d4ab74'],
  'AAL2-G726-24': ['5a8492f47e28b442', 'c693f46692d4ab74'],
  'G726-32': ['a69e39340ee8e18f', 'f4828bad2eab007e'],
  'AAL2-G726-32': ['8d2cbb945cb259b1', 'f4828bad2eab007e'],
  'G726-40': ['5540476c609a60ed', 'b62bf43cbb9738f4'],
  'AAL2-G726-40': ['03c05d63bb284919', 'b62bf43cbb9738f4'],
}

t.test('signals of our own have the checksums that the verified coder gave', async t => {
  for (const rate of [16, 24, 32, 40])
    for (const prefix of ['', 'AAL2-']) {
      const name = `${prefix}G726-${rate}`
      const codec = codecFor(name, 8000)!
      const codes = new Uint8Array(codec.payloadBytes(16_000)!)
      t.equal(codec.createEncoder().encode(signal(), codes, 0), codes.length)
      const pcm = new Int16Array(16_000)
      t.equal(codec.createDecoder().decode(codes, 0, codes.length, pcm), 16_000)
      t.same([digest(codes), digest(pcm)], CHECKSUMS[name], name)
    }
})

t.test('RFC 3551 §4.5.4: the first code lies in the lowest bits; in AAL2 packing in the highest', async t => {
  const pcm = Int16Array.of(20_000, -20_000)
  const rtp = new Uint8Array(1)
  const aal2 = new Uint8Array(1)
  codecFor('G726-32', 8000)!.createEncoder().encode(pcm, rtp, 0)
  codecFor('AAL2-G726-32', 8000)!.createEncoder().encode(pcm, aal2, 0)
  t.equal(rtp[0]! & 15, 7, 'the largest step up')
  t.equal(aal2[0]! >> 4, 7)
  t.equal(rtp[0]! >> 4, aal2[0]! & 15)
})

t.test('frames follow each other without a seam, and an odd one is padded', async t => {
  const encoder = codecFor('G726-24', 8000)!.createEncoder()
  const whole = codecFor('G726-24', 8000)!.createEncoder()
  const pcm = signal().subarray(0, 800)
  const pieces = new Uint8Array(300)
  const all = new Uint8Array(300)
  whole.encode(pcm, all, 0)
  for (let at = 0; at < 800; at += 80) encoder.encode(pcm.subarray(at, at + 80), pieces, (at * 3) / 8)
  t.same(pieces, all)
  t.equal(encoder.encode(new Int16Array(3), pieces, 0), 2)
})

t.test('a tone comes through at its level', async t => {
  for (const name of ['G726-32', 'G726-40', 'AAL2-G726-40']) {
    const codec = codecFor(name, 8000)!
    const encoder = codec.createEncoder()
    const decoder = codec.createDecoder()
    const tone = new ToneGenerator({ frequencies: [440], dbm0: -15 }, 8000)
    const pcm = new Int16Array(8000)
    tone.read(pcm)
    const codes = new Uint8Array(5000)
    const bytes = encoder.encode(pcm, codes, 0)
    decoder.decode(codes, 0, bytes, pcm)
    t.ok(Math.abs(toneLevel(pcm, 440, 8000, 1600, 6400) + 15) < 0.5, name)
  }
})

t.test('RFC 3551 §4.5.11: L16 is in network byte order', async t => {
  const codec = codecFor('L16', 44_100)!
  t.equal(codec.payloadType, 11)
  t.equal(codecFor('L16', 16_000)!.payloadType, undefined)
  t.equal(codec.payloadBytes(441), 882)
  const out = new Uint8Array(5)
  const pcm = Int16Array.of(-2, 0x1234)
  t.equal(codec.createEncoder().encode(pcm, out, 1), 4)
  t.same([...out], [0, 0xff, 0xfe, 0x12, 0x34])
  const back = new Int16Array(2)
  t.equal(codec.createDecoder().decode(out, 1, 4, back), 2)
  t.same(back, pcm)
})
