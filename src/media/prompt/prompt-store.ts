import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Codec } from '../../codec/codec.js'
import { installedCodec } from '../../codec/installed.js'
import { CordboardError } from '../../core/errors.js'
import { Turns } from '../../core/turns.js'
import type { Track } from '../protocol.js'
import { openWav } from '../wav.js'
import { trackOf } from './track-of.js'

/** Decoded prompts that are kept, in bytes. */
const CACHE_BYTES = 128 * 1024 * 1024
/** Largest file that is read. */
const FILE_BYTES = 512 * 1024 * 1024
/** From so many bytes on a file is long: half a minute of 48 kHz in one channel. */
const LONG_BYTES = 3 * 1024 * 1024
/** Short files that are read and converted at once. */
const SHORT_AT_ONCE = 8

/** Prompts as they are sent, in shared memory: a thousand legs that play one file share one copy. */
export class PromptStore {
  /** In order of use, the longest unused first. */
  readonly #cache = new Map<string, Track>()
  #bytes = 0
  /** What is being read and converted: whoever else asks for it waits for the same. */
  readonly #loading = new Map<string, Promise<Track>>()
  // What is at work is whole in memory: so much of it at once, and no more.
  readonly #short = new Turns(Infinity, 'prompts', SHORT_AT_ONCE)
  readonly #long = new Turns(Infinity, 'long prompts')

  /**
   * The file as a track for legs of that codec: payload where the codec keeps no state, PCM at its rate where it does.
   * What is cached waits for nothing but the file's age, and short files do not wait for long ones.
   * @throws CordboardError `MEDIA_BAD_FILE`.
   */
  async load(path: string, codecName: string, clockRate: number): Promise<Track> {
    const codec = installedCodec(codecName, clockRate)
    if (codec === undefined) throw new CordboardError('MEDIA_BAD_FILE', `no codec ${codecName}/${clockRate}`)
    const { mtimeMs, size } = await statOf(path)
    const key = `${path}\n${mtimeMs}\n${size}\n${codecName}/${clockRate}`
    const cached = this.#cache.get(key)
    if (cached !== undefined) {
      this.#cache.delete(key)
      this.#cache.set(key, cached)
      return cached
    }
    let loading = this.#loading.get(key)
    if (loading === undefined) {
      loading = (size < LONG_BYTES ? this.#short : this.#long).take(() => this.#read(key, path, codec)).finally(() => this.#loading.delete(key))
      this.#loading.set(key, loading)
    }
    return await loading
  }

  async #read(key: string, path: string, codec: Codec): Promise<Track> {
    const track = await trackOf(openWav(await readFile(path)), codec)
    this.#keep(key, track)
    return track
  }

  #keep(key: string, track: Track): void {
    this.#cache.set(key, track)
    this.#bytes += bytesOf(track)
    for (const [oldest, old] of this.#cache) {
      if (this.#bytes <= CACHE_BYTES || oldest === key) return
      this.#cache.delete(oldest)
      this.#bytes -= bytesOf(old)
    }
  }
}

const statOf = async (path: string): Promise<Stats> => {
  const found = await stat(path).catch((error: unknown) => {
    throw new CordboardError('MEDIA_BAD_FILE', isAbsence(error) ? `${path}: no such file` : String(error), { cause: error })
  })
  if (!found.isFile()) throw new CordboardError('MEDIA_BAD_FILE', `${path} is not a file`)
  if (found.size > FILE_BYTES) throw new CordboardError('MEDIA_BAD_FILE', `${path} is larger than ${FILE_BYTES} bytes`)
  return found
}

const isAbsence = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

const bytesOf = (track: Track): number => (track.type === 'encoded' || track.type === 'pcm' ? track.data.byteLength : 0)
