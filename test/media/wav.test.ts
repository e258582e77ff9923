import fc from 'fast-check'
import t from 'tap'
import { aLawOf, muLawOf } from '../../src/codec/g711.js'
import { isCordboardError } from '../../src/core/errors.js'
import { readWav, wavHeader } from '../../src/media/wav.js'

const chunk = (tag: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.write(tag, 'latin1')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body, Buffer.alloc(body.length & 1)])
}

const format = (code: number, channels: number, rate: number, bits: number): Buffer => {
  const body = Buffer.alloc(16)
  body.writeUInt16LE(code, 0)
  body.writeUInt16LE(channels, 2)
  body.writeUInt32LE(rate, 4)
  body.writeUInt32LE((rate * channels * bits) / 8, 8)
  body.writeUInt16LE((channels * bits) / 8, 12)
  body.writeUInt16LE(bits, 14)
  return chunk('fmt ', body)
}

/** WAVE_FORMAT_EXTENSIBLE: the code stands in front of a GUID. */
const extensible = (code: number, bits: number): Buffer => {
  const guid = Buffer.from('00000000000010008000' + '00aa00389b71', 'hex')
  guid.writeUInt16LE(code, 0)
  const more = Buffer.alloc(8)
  more.writeUInt16LE(22, 0)
  more.writeUInt16LE(bits, 2)
  more.writeUInt32LE(4, 4)
  return chunk('fmt ', Buffer.concat([format(0xfffe, 1, 11_025, bits).subarray(8), more, guid]))
}

const riff = (...chunks: Buffer[]): Buffer => {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks])
  return Buffer.concat([Buffer.from('RIFF'), Buffer.from(Uint32Array.of(body.length).buffer), body])
}

const samples = [0, 1000, -1000, 32_000, -32_000]

void t.test('PCM of each width, float and both laws come out alike', t => {
  const cases: readonly (readonly [string, number, number, (sample: number) => Buffer, number])[] = [
    ['8 bits', 1, 8, sample => Buffer.of((sample >> 8) + 128), 256],
    ['16 bits', 1, 16, sample => Buffer.from(Int16Array.of(sample).buffer), 0],
    ['24 bits', 1, 24, sample => Buffer.from(Int32Array.of(sample << 8).buffer).subarray(0, 3), 0],
    ['32 bits', 1, 32, sample => Buffer.from(Int32Array.of(sample << 16).buffer), 0],
    ['float', 3, 32, sample => Buffer.from(Float32Array.of(sample / 32768).buffer), 1],
    ['float of 64 bits', 3, 64, sample => Buffer.from(Float64Array.of(sample / 32768).buffer), 1],
    ['A-law', 6, 8, sample => Buffer.of(aLawOf(sample)), 1024],
    ['mu-law', 7, 8, sample => Buffer.of(muLawOf(sample)), 1024],
  ]
  for (const [name, code, bits, sample, tolerance] of cases) {
    const { rate, pcm } = readWav(riff(format(code, 1, 11_025, bits), chunk('data', Buffer.concat(samples.map(sample)))))
    t.equal(rate, 11_025)
    t.ok(samples.length === pcm.length && samples.every((value, at) => Math.abs(value - pcm[at]!) <= tolerance), name)
    const again = readWav(riff(extensible(code, bits), chunk('fact', Buffer.alloc(4)), chunk('data', Buffer.concat(samples.map(sample)))))
    t.same(again, { rate: 11_025, pcm }, `${name}, WAVE_FORMAT_EXTENSIBLE`)
  }
  t.end()
})

void t.test('channels are mixed down; odd chunks are stepped over; a data chunk may claim more than there is', t => {
  const stereo = Buffer.from(Int16Array.of(1000, 3000, -500, 500).buffer)
  t.same([...readWav(riff(chunk('LIST', Buffer.from('odd')), format(1, 2, 8000, 16), chunk('data', stereo))).pcm], [2000, 0])
  const loose = Buffer.concat([Buffer.from('LIST'), Buffer.from(Uint32Array.of(3).buffer), Buffer.from('odd')])
  t.same([...readWav(riff(loose, format(1, 2, 8000, 16), loose, chunk('data', stereo))).pcm], [2000, 0], 'without its padding')
  const cut = Buffer.concat([wavHeader(1, 8000, 0xffff_ffff), Buffer.from(Int16Array.of(5, 6).buffer), Buffer.of(1)])
  t.same([...readWav(cut).pcm], [5, 6])
  t.end()
})

void t.test('no file makes it throw anything but MEDIA_BAD_FILE', t => {
  const good = riff(format(1, 1, 8000, 16), chunk('data', Buffer.alloc(40)))
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), fc.nat(good.length), (changes, length) => {
    const bytes = Buffer.from(good.subarray(0, length))
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
    try {
      readWav(bytes)
      return true
    } catch (error) {
      return isCordboardError(error, 'MEDIA_BAD_FILE')
    }
  }), { numRuns: 3000 })
  for (const bad of [format(2, 1, 8000, 16), format(1, 0, 8000, 16), format(1, 1, 10, 16), format(1, 1, 8000, 12)]) {
    t.throws(() => readWav(riff(bad, chunk('data', Buffer.alloc(4)))), { code: 'MEDIA_BAD_FILE' })
  }
  t.end()
})
