import { createHash } from 'node:crypto'
import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { createG722Decoder, g722, type G722Mode } from '../../src/codec/g722.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { caseBytes, caseWords, withoutCases } from './cases.js'

const digest = (data: NodeJS.ArrayBufferView): string => createHash('sha256').update(data).digest('hex').slice(0, 16)

/** The reference writes its code bytes as big-endian pairs. */
const referenceCodes = (): Uint8Array => Buffer.from(caseBytes('itu/g722/codsp.cod')).swap16()

t.test('ITU-T G.722: speech encodes as the reference does', { skip: withoutCases }, async t => {
  const pcm = caseWords('itu/g722/inpsp.bin')
  const codes = new Uint8Array(pcm.length / 2)
  const encoder = g722.createEncoder()
  for (let at = 0; at < pcm.length; at += 320) encoder.encode(pcm.subarray(at, at + 320), codes, at / 2)
  t.ok(Buffer.from(codes).equals(referenceCodes()))
})

t.test('ITU-T G.722: each of the three modes decodes as the reference does', { skip: withoutCases }, async t => {
  const codes = referenceCodes()
  for (const [mode, file] of [[64, 'outsp1'], [56, 'outsp2'], [48, 'outsp3']] as const) {
    const pcm = new Int16Array(2 * codes.length)
    createG722Decoder(mode).decode(codes, 0, codes.length, pcm)
    t.ok(caseBytes(`itu/g722/${file}.bin`).equals(Buffer.from(pcm.buffer)), `${mode} kbit/s`)
  }
})

/** Begin of SHA-256 of the codes and of what each mode decodes, taken when the coder agreed with the ITU's vectors. */
const CODES = '4df60080bab7c1c4'
const DECODED: Readonly<Record<G722Mode, string>> = { 64: 'fb19fcca0ac9080f', 56: 'bae4a05488fcae25', 48: 'a4030ad1cec8b52b' }

/** Two seconds that reach every corner: two tones, a burst at full scale, noise, silence. */
const signal = (): Int16Array => {
  const pcm = new Int16Array(32_000)
  const random = seededRandom(722)
  new ToneGenerator({ frequencies: [440, 5100], dbm0: -9 }, 16_000).read(pcm, 0, 12_000)
  for (let at = 12_000; at < 16_000; at++) pcm[at] = (at >> 4) & 1 ? 32767 : -32768
  for (let at = 16_000; at < 26_000; at++) pcm[at] = (random.uint32() >>> 16) - 32768
  return pcm
}

t.test('signals of our own have the checksums that the verified coder gave', async t => {
  const codes = new Uint8Array(16_000)
  g722.createEncoder().encode(signal(), codes, 0)
  t.equal(digest(codes), CODES)
  for (const mode of [64, 56, 48] as const satisfies G722Mode[]) {
    const pcm = new Int16Array(32_000)
    createG722Decoder(mode).decode(codes, 0, codes.length, pcm)
    t.equal(digest(pcm), DECODED[mode], `${mode} kbit/s`)
  }
})

t.test('any bytes decode without harm', async t => {
  const random = seededRandom(1)
  const codes = Uint8Array.from({ length: 160_000 }, () => random.uint32())
  const pcm = new Int16Array(320_000)
  g722.createDecoder().decode(codes, 0, codes.length, pcm)
  t.ok(pcm.some(sample => sample !== 0))
})

t.test('RFC 3551 §4.5.2: both bands come through; 20 ms are 160 bytes and 160 clock units', async t => {
  const encoder = g722.createEncoder()
  const decoder = g722.createDecoder()
  const tone = new ToneGenerator({ frequencies: [1000, 6000], dbm0: -15 }, 16_000)
  const frame = new Int16Array(320)
  const payload = new Uint8Array(160)
  const heard = new Int16Array(320 * 50)
  const out = new Int16Array(320)
  for (let at = 0; at < 50; at++) {
    tone.read(frame)
    t.equal(encoder.encode(frame, payload, 0), 160)
    t.equal(decoder.decode(payload, 0, 160, out), 320)
    heard.set(out, at * 320)
  }
  t.ok(Math.abs(toneLevel(heard, 1000, 16_000, 1600, 12_800) + 15) < 0.5)
  t.ok(Math.abs(toneLevel(heard, 6000, 16_000, 1600, 12_800) + 15) < 0.5)
  t.equal(g722.clockRate, 8000)
  t.equal(g722.payloadBytes(320), 160)
})
