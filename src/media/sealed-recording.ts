import type { FileHandle } from 'node:fs/promises'
import { CordboardError } from '../core/errors.js'
import { openRegularFile } from './regular-file.js'
import { CHUNK_OVERHEAD, readChunkLength, readSealedHeader, SEALED_HEADER_BYTES, SealedStream } from './sealed-format.js'
import { wavHeader } from './wav.js'

/** An encrypted recording, opened for reading. */
export interface SealedRecording {
  readonly channels: number
  /** Hz. */
  readonly rate: number
  /** Bytes of sound: 16-bit samples. */
  readonly bytes: number
  /** False for a recording that was never closed: what follows its last chunk is missing. */
  readonly whole: boolean
  /** The recording as a WAV file. @throws CordboardError `MEDIA_BAD_FILE` at a chunk that has been tampered with. */
  read(): AsyncGenerator<Buffer, void, void>
}

interface Chunk {
  /** Where its ciphertext begins. */
  readonly start: number
  readonly length: number
  readonly last: boolean
}

const bad = (path: string, reason: string, cause?: unknown): CordboardError =>
  new CordboardError('MEDIA_BAD_FILE', `${path}: ${reason}`, cause === undefined ? {} : { cause })

/** The complete chunks of a file, and where the last of them ends. */
export const sealedChunks = async (file: FileHandle): Promise<{ readonly chunks: readonly Chunk[]; readonly end: number }> => {
  const { size } = await file.stat()
  const word = Buffer.alloc(4)
  const chunks: Chunk[] = []
  let end = SEALED_HEADER_BYTES
  while (end + CHUNK_OVERHEAD <= size && chunks.at(-1)?.last !== true) {
    await file.read(word, 0, 4, end)
    const { length, last } = readChunkLength(word)
    if (end + CHUNK_OVERHEAD + length > size) break
    chunks.push({ start: end + 4, length, last })
    end += CHUNK_OVERHEAD + length
  }
  return { chunks, end }
}

const readChunk = async (file: FileHandle, { start, length }: Chunk): Promise<Buffer> => {
  const sealed = Buffer.alloc(length + CHUNK_OVERHEAD - 4)
  await file.read(sealed, 0, sealed.length, start)
  return sealed
}

/**
 * Opens a recording that was made with a `key`.
 *
 * @throws CordboardError `MEDIA_BAD_FILE` when it is no encrypted recording or the key is another.
 * @example
 * const recording = await openSealedRecording('talk.wav', key)
 * await pipeline(recording.read(), createWriteStream('talk-plain.wav'))
 */
export const openSealedRecording = async (path: string, key: Uint8Array): Promise<SealedRecording> => {
  await using file = await opened(path)
  const header = Buffer.alloc(SEALED_HEADER_BYTES)
  await file.read(header, 0, SEALED_HEADER_BYTES, 0)
  const format = readSealedHeader(header)
  if (format === undefined) throw bad(path, 'not an encrypted recording')
  const { chunks } = await sealedChunks(file)
  const sound = chunks.filter(({ last }) => !last)
  try {
    const stream = new SealedStream(header, key)
    const [first] = chunks
    if (first !== undefined) stream.open(0, await readChunk(file, first), first.last)
    const last = chunks.at(-1)
    const whole = last?.last === true
    const bytes = whole
      ? Number(stream.open(chunks.length - 1, await readChunk(file, last), true).readBigUInt64BE())
      : sound.reduce((sum, { length }) => sum + length, 0)
    return { ...format, bytes, whole, read: () => plain(path, stream, sound, bytes, wavHeader(format.channels, format.rate, bytes)) }
  } catch (error) {
    throw bad(path, 'another key, or the file has been changed', error)
  }
}

async function* plain(path: string, stream: SealedStream, chunks: readonly Chunk[], bytes: number, header: Buffer): AsyncGenerator<Buffer, void, void> {
  await using file = await opened(path)
  yield header
  let left = bytes
  for (const [number, chunk] of chunks.entries()) {
    const sealed = await readChunk(file, chunk)
    let text: Buffer
    try {
      text = stream.open(number, sealed, false)
    } catch (error) {
      throw bad(path, `chunk ${number} has been changed`, error)
    }
    yield text.subarray(0, left)
    left -= Math.min(left, text.length)
  }
}

const opened = async (path: string): Promise<FileHandle> => {
  try {
    return await openRegularFile(path, 'r')
  } catch (error) {
    throw bad(path, 'cannot be read', error)
  }
}
