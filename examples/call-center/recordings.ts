import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Where recordings lie, and what they are called. */
export interface Recordings {
  readonly folder: string
  /** Path for a new recording of the call with this id. An id is the caller's to choose, so nothing but letters and digits of it is used. */
  file(kind: 'talk' | 'message', call: string): string
}

/** Opens the folder of recordings under the data folder. What people say is for the owner's eyes: folders that this makes are closed to others. */
export const openRecordings = async (data: string): Promise<Recordings> => {
  const folder = resolve(data, 'recordings')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    folder,
    file: (kind, call) => {
      const day = new Date().toISOString().replaceAll(/[-:]|\..*/g, '')
      return join(folder, `${day}-${kind}-${call.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 24)}.wav`)
    },
  }
}
