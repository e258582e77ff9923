import { type FileHandle, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CordboardError } from '../core/errors.js'
import { openRegularFile } from './regular-file.js'
import { readSealedHeader } from './sealed-format.js'
import { sealedChunks } from './sealed-recording.js'
import { WAV_HEADER_BYTES } from './wav.js'

/**
 * Makes good the recordings that a crash left behind: the lengths in their headers become what is in the file, and encrypted ones lose
 * the chunk that was being written. Call it before anything records into the directory.
 *
 * What cannot be looked at or repaired (a directory or FIFO of such a name, a file that may not be opened) is passed over.
 *
 * @param passedOver told of each of these: its name, and `MEDIA_BAD_FILE` with the file system's error as `cause`.
 * @returns names of the files that were repaired.
 * @throws the file system's error when the directory itself cannot be read.
 * @example
 * await repairRecordings('recordings', (name, error) => console.error(name, error))
 */
export const repairRecordings = async (
  directory: string, passedOver: (name: string, error: CordboardError) => void = () => undefined,
): Promise<readonly string[]> => {
  const repaired: string[] = []
  for (const name of await readdir(directory)) {
    if (!name.toLowerCase().endsWith('.wav')) continue
    const path = join(directory, name)
    const outcome = await repair(path).catch((cause: unknown) => new CordboardError('MEDIA_BAD_FILE', `cannot repair ${path}`, { cause }))
    if (outcome === true) repaired.push(name)
    else if (outcome !== false) passedOver(name, outcome)
  }
  return repaired
}

/** Only files of the recorder's own shape are touched: 16-bit PCM, `data` the second chunk. */
const repair = async (path: string): Promise<boolean> => {
  const file = await openRegularFile(path, 'r+')
  try {
    const header = Buffer.alloc(WAV_HEADER_BYTES)
    const { bytesRead } = await file.read(header, 0, WAV_HEADER_BYTES, 0)
    if (readSealedHeader(header) !== undefined) return await repairSealed(file)
    const ours = bytesRead === WAV_HEADER_BYTES && header.toString('latin1', 0, 4) === 'RIFF' && header.toString('latin1', 8, 16) === 'WAVEfmt ' &&
      header.readUInt16LE(20) === 1 && header.readUInt16LE(34) === 16 && header.toString('latin1', 36, 40) === 'data'
    if (!ours) return false
    const frameBytes = header.readUInt16LE(32)
    const size = (await file.stat()).size
    const held = size - WAV_HEADER_BYTES
    const whole = frameBytes === 0 ? held : held - (held % frameBytes)
    if (header.readUInt32LE(40) === whole && header.readUInt32LE(4) === whole + 36) return false
    // A file whose data are followed by other chunks is whole, and not ours.
    if (header.readUInt32LE(4) === size - 8) return false
    header.writeUInt32LE(whole + 36, 4)
    header.writeUInt32LE(whole, 40)
    await file.write(header, 0, WAV_HEADER_BYTES, 0)
    await file.truncate(WAV_HEADER_BYTES + whole)
    return true
  } finally {
    await file.close()
  }
}

const repairSealed = async (file: FileHandle): Promise<boolean> => {
  const { size } = await file.stat()
  const { end } = await sealedChunks(file)
  if (size <= end) return false
  await file.truncate(end)
  return true
}
