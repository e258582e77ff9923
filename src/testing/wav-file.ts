import { readFileSync, writeFileSync } from 'node:fs'
import { sampleOfALaw, sampleOfMuLaw } from '../codec/g711.js'

/** A WAV file in memory. */
export interface WavFile {
  /** In Hz. */
  readonly sampleRate: number
  /** One array of 16-bit samples a channel; 0 is left. */
  readonly channels: readonly Int16Array[]
  /** Length in milliseconds. */
  readonly ms: number
}

const FORMAT_PCM = 1
const FORMAT_A_LAW = 6
const FORMAT_MU_LAW = 7

/**
 * Reads a WAV file of 16-bit PCM, A-law or mu-law. A data chunk that claims more than the file has (a writer still at
 * work) ends where the file does.
 * @throws Error for anything else.
 */
export const readWav = (path: string | URL): WavFile => {
  const bytes = readFileSync(path)
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') throw new Error(`${path}: not a WAV file`)
  let format: Buffer | undefined
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = bytes.toString('latin1', at, at + 4)
    const size = bytes.readUInt32LE(at + 4)
    const chunk = bytes.subarray(at + 8, at + 8 + size)
    if (name === 'fmt ') format = chunk
    if (name === 'data' && format !== undefined) return decode(format, chunk)
    at += 8 + size + (size & 1)
  }
  throw new Error(`${path}: no data chunk`)
}

const decode = (format: Buffer, data: Buffer): WavFile => {
  const kind = format.readUInt16LE(0)
  const count = format.readUInt16LE(2)
  const sampleRate = format.readUInt32LE(4)
  const bits = format.readUInt16LE(14)
  const sampleAt = kind === FORMAT_MU_LAW ? (index: number) => sampleOfMuLaw(data[index]!)
    : kind === FORMAT_A_LAW ? (index: number) => sampleOfALaw(data[index]!)
    : kind === FORMAT_PCM && bits === 16 ? (index: number) => data.readInt16LE(2 * index)
    : undefined
  if (sampleAt === undefined) throw new Error(`WAV format ${kind} of ${bits} bits is not read here`)
  const length = Math.floor(data.length / (bits >> 3) / count)
  const channels = Array.from({ length: count }, (_, channel) => Int16Array.from({ length }, (_, index) => sampleAt(index * count + channel)))
  return { sampleRate, channels, ms: (length * 1000) / sampleRate }
}

/** Writes 16-bit PCM; all channels must be of one length. */
export const writeWav = (path: string | URL, channels: readonly Int16Array[], sampleRate = 8000): void => {
  const count = channels.length
  const length = channels[0]?.length ?? 0
  const bytes = Buffer.alloc(44 + 2 * count * length)
  bytes.write('RIFF', 0, 'latin1')
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.write('WAVEfmt ', 8, 'latin1')
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(FORMAT_PCM, 20)
  bytes.writeUInt16LE(count, 22)
  bytes.writeUInt32LE(sampleRate, 24)
  bytes.writeUInt32LE(sampleRate * 2 * count, 28)
  bytes.writeUInt16LE(2 * count, 32)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36, 'latin1')
  bytes.writeUInt32LE(bytes.length - 44, 40)
  channels.forEach((samples, channel) => {
    for (let index = 0; index < length; index++) bytes.writeInt16LE(samples[index]!, 44 + 2 * (index * count + channel))
  })
  writeFileSync(path, bytes)
}
