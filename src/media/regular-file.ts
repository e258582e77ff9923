import { type FileHandle, open, stat } from 'node:fs/promises'

/** Opens a file that is one: a FIFO would keep who opens it waiting, and a directory cannot be read. @throws Error, also the file system's. */
export const openRegularFile = async (path: string, flags: 'r' | 'r+'): Promise<FileHandle> => {
  if (!(await stat(path)).isFile()) throw new Error('no regular file')
  return open(path, flags)
}
