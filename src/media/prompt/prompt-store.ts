import { readFileSync, statSync } from 'node:fs'
import { installedCodec } from '../../codec/installed.js'
import { Resampler, ResamplerFilter } from '../../codec/resampler.js'
import { CordboardError } from '../../core/errors.js'
import type { Track } from '../protocol.js'
import { isStateless } from '../shared/stateless.js'
import { readWav } from '../wav.js'

/** Decoded prompts that are kept, in bytes. */
const CACHE_BYTES = 128 * 1024 * 1024
/** Largest file that is read. */
const FILE_BYTES = 512 * 1024 * 1024
/** Samples resampled or encoded at a time. */
const BLOCK = 4800

/** Prompts as they are sent, in shared memory: a thousand legs that play one file share one copy. */
export class PromptStore {
  /** In order of use, the longest unused first. */
  readonly #cache = new Map<string, Track>()
  #bytes = 0

  /**
   * The file as a track for legs of that codec: payload where the codec keeps no state, PCM at its rate where it does.
   * @throws CordboardError `MEDIA_BAD_FILE`.
   */
  load(path: string, codecName: string, clockRate: number): Track {
    const codec = installedCodec(codecName, clockRate)
    if (codec === undefined) throw new CordboardError('MEDIA_BAD_FILE', `no codec ${codecName}/${clockRate}`)
    const { mtimeMs, size } = this.#stat(path)
    const key = `${path}\n${mtimeMs}\n${size}\n${codecName}/${clockRate}`
    const cached = this.#cache.get(key)
    if (cached !== undefined) {
      this.#cache.delete(key)
      this.#cache.set(key, cached)
      return cached
    }
    const wav = readWav(readFileSync(path))
    const pcm = resample(wav.pcm, wav.rate, codec.sampleRate)
    const track: Track = isStateless(codec) && codec.payloadBytes(1) === 1
      ? { type: 'encoded', codec: codec.name, clockRate, data: encode(pcm, codec.createEncoder()) }
      : { type: 'pcm', rate: codec.sampleRate, data: shared(pcm) }
    this.#keep(key, track)
    return track
  }

  #stat(path: string): { readonly mtimeMs: number; readonly size: number } {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) throw new CordboardError('MEDIA_BAD_FILE', `${path}: no such file`)
    if (!found.isFile()) throw new CordboardError('MEDIA_BAD_FILE', `${path} is not a file`)
    if (found.size > FILE_BYTES) throw new CordboardError('MEDIA_BAD_FILE', `${path} is larger than ${FILE_BYTES} bytes`)
    return found
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

const bytesOf = (track: Track): number => (track.type === 'encoded' || track.type === 'pcm' ? track.data.byteLength : 0)

const shared = (pcm: Int16Array): Int16Array => {
  const copy = new Int16Array(new SharedArrayBuffer(pcm.byteLength))
  copy.set(pcm)
  return copy
}

const encode = (pcm: Int16Array, encoder: { encode(pcm: Int16Array, out: Uint8Array, offset: number): number }): Uint8Array => {
  const data = new Uint8Array(new SharedArrayBuffer(pcm.length))
  for (let at = 0; at < pcm.length; at += BLOCK) encoder.encode(pcm.subarray(at, at + BLOCK), data, at)
  return data
}

const resample = (pcm: Int16Array, from: number, to: number): Int16Array => {
  if (from === to || pcm.length === 0) return pcm
  const resampler = new Resampler(new ResamplerFilter(from, to), BLOCK)
  const out = new Int16Array(resampler.outputSamples(pcm.length))
  resampler.begin(pcm)
  let written = 0
  for (let at = 0; at < pcm.length; at += BLOCK) written += resampler.process(pcm.subarray(at, at + BLOCK), out, written)
  written += resampler.end(out, written)
  return out.subarray(0, written)
}
