import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WAV_HEADER_BYTES } from './wav.js'

/**
 * Makes good the headers of recordings that a crash left behind: their lengths become what is in the file. Call it before anything
 * records into the directory.
 *
 * @returns names of the files that were repaired.
 */
export const repairRecordings = async (directory: string): Promise<readonly string[]> => {
  const repaired: string[] = []
  for (const name of await readdir(directory)) {
    if (name.toLowerCase().endsWith('.wav') && await repair(join(directory, name))) repaired.push(name)
  }
  return repaired
}

/** Only files of the recorder's own shape are touched: 16-bit PCM, `data` the second chunk. */
const repair = async (path: string): Promise<boolean> => {
  const file = await open(path, 'r+')
  try {
    const header = Buffer.alloc(WAV_HEADER_BYTES)
    const { bytesRead } = await file.read(header, 0, WAV_HEADER_BYTES, 0)
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
