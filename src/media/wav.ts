import { isUint8Array } from 'node:util/types'
import { sampleOfALaw, sampleOfMuLaw } from '../codec/g711.js'
import { CordboardError } from '../core/errors.js'

/** Sound of a WAV file, mixed down to one channel. */
export interface WavAudio {
  /** Hz. */
  readonly rate: number
  readonly pcm: Int16Array
}

/** A WAV file whose sound is read piece by piece. */
export interface WavSound {
  /** Hz. */
  readonly rate: number
  /** Samples of one channel. */
  readonly length: number
  /** Writes `count` samples from number `from` on, mixed down to one channel, to the begin of `out`. */
  read(from: number, count: number, out: Int16Array): void
}

type SampleFormat = 'pcm' | 'float' | 'a-law' | 'mu-law'

interface WavFormat {
  readonly format: SampleFormat
  readonly channels: number
  readonly rate: number
  /** Bytes of one sample of one channel. */
  readonly width: number
}

const FORMATS: Readonly<Record<number, SampleFormat>> = { 1: 'pcm', 3: 'float', 6: 'a-law', 7: 'mu-law' }
/** WAVE_FORMAT_EXTENSIBLE: the format code is the first two bytes of a GUID further on. */
const EXTENSIBLE = 0xfffe
const WIDTHS: Readonly<Record<SampleFormat, readonly number[]>> = { 'pcm': [1, 2, 3, 4], 'float': [4, 8], 'a-law': [1], 'mu-law': [1] }

const bad = (reason: string): CordboardError => new CordboardError('MEDIA_BAD_FILE', `not a WAV file that can be played: ${reason}`)

/**
 * Reads a WAV file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64, A-law, mu-law, any rate from 4 to 192 kHz, up to 32 channels.
 * Chunks of other kinds are stepped over; a data chunk that claims more than there is ends with the file.
 *
 * @throws CordboardError `MEDIA_BAD_FILE`, whatever the bytes, and for what is no bytes.
 */
export const readWav = (file: Uint8Array): WavAudio => {
  const sound = openWav(file)
  const pcm = new Int16Array(sound.length)
  sound.read(0, sound.length, pcm)
  return { rate: sound.rate, pcm }
}

/**
 * The same without reading a sample of it yet.
 *
 * @throws CordboardError `MEDIA_BAD_FILE`, whatever the bytes.
 */
export const openWav = (file: Uint8Array): WavSound => {
  if (!isUint8Array(file)) throw bad('no Uint8Array')
  if (file.length < 12) throw bad('no RIFF/WAVE header')
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (tagAt(view, 0) !== 'RIFF' || tagAt(view, 8) !== 'WAVE') throw bad('no RIFF/WAVE header')
  let format: WavFormat | undefined
  for (let at = 12; at + 8 <= file.length;) {
    const tag = tagAt(view, at)
    const size = view.getUint32(at + 4, true)
    const start = at + 8
    if (tag === 'fmt ') format = readFormat(view, start, Math.min(size, file.length - start))
    if (tag === 'data') {
      if (format === undefined) throw bad('no format before its data')
      return soundOf(view, start, Math.min(size, file.length - start), format)
    }
    at = start + size
    // Chunks begin at even places; some programs do not know it.
    if ((size & 1) === 1 && !beginsChunk(view, at)) at++
  }
  throw bad('no data chunk')
}

/** One that is waited for begins right there. */
const beginsChunk = (view: DataView, at: number): boolean => at + 8 <= view.byteLength && ['fmt ', 'data'].includes(tagAt(view, at))

const tagAt = (view: DataView, at: number): string =>
  String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3))

const readFormat = (view: DataView, at: number, size: number): WavFormat => {
  if (size < 16) throw bad('format chunk too short')
  let code = view.getUint16(at, true)
  if (code === EXTENSIBLE && size >= 26) code = view.getUint16(at + 24, true)
  const format = FORMATS[code]
  const channels = view.getUint16(at + 2, true)
  const rate = view.getUint32(at + 4, true)
  const width = view.getUint16(at + 14, true) / 8
  if (format === undefined) throw bad(`format ${code}`)
  if (channels < 1 || channels > 32) throw bad(`${channels} channels`)
  if (rate < 4000 || rate > 192_000) throw bad(`${rate} Hz`)
  if (!WIDTHS[format].includes(width)) throw bad(`${width * 8} bits`)
  return { format, channels, rate, width }
}

const soundOf = (view: DataView, start: number, size: number, { format, channels, rate, width }: WavFormat): WavSound => {
  const sample = readerOf(view, format, width)
  const read = (from: number, count: number, out: Int16Array): void => {
    let at = start + from * channels * width
    for (let frame = 0; frame < count; frame++) {
      let sum = 0
      for (let channel = 0; channel < channels; channel++) {
        sum += sample(at)
        at += width
      }
      out[frame] = Math.round(sum / channels)
    }
  }
  return { rate, length: Math.floor(size / (channels * width)), read }
}

/** One sample as a 16-bit number. */
const readerOf = (view: DataView, format: SampleFormat, width: number): ((at: number) => number) => {
  switch (format) {
    case 'a-law': return at => sampleOfALaw(view.getUint8(at))
    case 'mu-law': return at => sampleOfMuLaw(view.getUint8(at))
    case 'float': return at => {
      const value = width === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true)
      return Number.isFinite(value) ? Math.max(-32768, Math.min(32767, value * 32768)) : 0
    }
    case 'pcm': switch (width) {
      case 1: return at => (view.getUint8(at) - 128) << 8
      case 2: return at => view.getInt16(at, true)
      case 3: return at => view.getInt16(at + 1, true)
      default: return at => view.getInt16(at + 2, true)
    }
  }
}

/** Bytes before the samples of a file that `wavHeader` begins. */
export const WAV_HEADER_BYTES = 44

/** Header of a 16-bit PCM file that holds `dataBytes` of samples. */
export const wavHeader = (channels: number, rate: number, dataBytes: number): Buffer => {
  const header = Buffer.alloc(WAV_HEADER_BYTES)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE((36 + dataBytes) >>> 0, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * channels * 2, 28)
  header.writeUInt16LE(channels * 2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(dataBytes >>> 0, 40)
  return header
}
